import Recommenders
import TensorMath
import Testing

@Suite struct PreferenceGuardTests {
  private typealias Measurement = PreferenceOptimization.Measurement

  private func measurement(epoch: Int = 1, ndcg: Double?, legality: Double?) -> Measurement {
    var measurement = Measurement(epoch: epoch, step: 9, preferenceSteps: 3)
    (measurement.ndcg, measurement.legality) = (ndcg, legality)
    return measurement
  }

  @Test func aRewardModelAtChanceIsRefused() throws {
    let world = try PreferenceWorld.onePosition.get()
    let chance = try RewardWorld(isNoise: true, firstUser: 240, seed: 2).model()
    let error = #expect(throws: RecommenderError.self) {
      try world.optimize(PreferenceWorld.parameters(PreferenceWorld.direct()), reward: chance)
    }
    #expect(error?.code == .untrustedReward)
    #expect(error?.message.contains("reward model has an area under the curve of 0.") == true)
    let judge = #expect(throws: RecommenderError.self) {
      try world.optimize(PreferenceWorld.parameters(PreferenceWorld.direct()), judge: chance)
    }
    #expect(judge?.message.contains("judge") == true)
  }

  @Test func aModelDoesNotJudgeItself() throws {
    let world = try PreferenceWorld.onePosition.get()
    let error = #expect(throws: RecommenderError.self) {
      try world.optimize(PreferenceWorld.parameters(PreferenceWorld.direct()), judge: world.reward)
    }
    #expect(error?.code == .invalidParameter && error?.message.contains("other users") == true)
  }

  @Test func theLeastObjectiveDecides() throws {
    var quality = RewardQuality(
      objectives: [
        .init(name: "like", auc: 0.8, sessions: 9, positiveShare: 0.5),
        .init(name: "love", auc: 0.55, sessions: 9, positiveShare: 0.1),
      ], reward: 0.75)
    let error = #expect(throws: RecommenderError.self) { try PreferenceGuard().check(quality, "reward model") }
    #expect(error?.message.contains("love 0.55") == true)
    quality.objectives[1].auc = 0.6
    try PreferenceGuard().check(quality, "reward model")
    quality.objectives[1].auc = nil
    for unknown in [quality, RewardQuality.unknown] {
      let error = #expect(throws: RecommenderError.self) { try PreferenceGuard().check(unknown, "reward model") }
      #expect(error?.message.contains("not measured") == true)
    }
  }

  @Test func reasonsToStopAreTold() {
    var limits = PreferenceGuard()
    (limits.ndcgTolerance, limits.minimumLegality, limits.legalityTolerance) = (0.1, 0.3, 0.2)
    let before = measurement(epoch: 0, ndcg: 0.2, legality: 0.6)
    func reason(_ ndcg: Double?, _ legality: Double?) -> String? {
      limits.stopReason(measurement(ndcg: ndcg, legality: legality), before: before)
    }
    #expect(reason(0.19, 0.5) == nil && reason(0.3, 0.9) == nil && reason(nil, nil) == nil)
    #expect(reason(0.17, 0.5)?.contains("NDCG@10 on validation queries fell from 0.2 to 0.17") == true)
    #expect(reason(0.2, 0.35)?.contains("legality fell from 0.6 to 0.35") == true)
    #expect(reason(0.2, 0.1)?.contains("minimumLegality") == true)
  }

  @Test func aRunThatLosesAccuracyIsTakenBack() throws {
    let world = try PreferenceWorld.onePosition.get()
    let result = try world.optimize(
      PreferenceWorld.parameters(PreferenceWorld.direct(beta: 5)) {
        ($0.weight, $0.training.learningRate, $0.training.clip) = (100, 0.05, 100)
      })
    #expect(result.stopReason?.contains("NDCG@10") == true)
    #expect(result.epoch == 0 && result.generator.fingerprint == world.generator.fingerprint)
    #expect(result.measurements.count == 2)
  }

  @Test func aGeneratorBelowTheFloorOfLegalityIsNotTouched() throws {
    let world = try PreferenceWorld.onePosition.get()
    let result = try world.optimize(
      PreferenceWorld.parameters(PreferenceWorld.direct()) { $0.guards.minimumLegality = 1 })
    #expect(result.stopReason?.contains("minimumLegality") == true)
    #expect(result.steps == 0 && result.epoch == 0 && result.measurements.count == 1)
  }

  @Test func aLossThatIsNoNumberEndsTheRun() throws {
    let world = try PreferenceWorld.onePosition.get()
    let result = try world.optimize(
      PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 4)) {
        ($0.training.learningRate, $0.training.warmup) = (1e30, 0)
      })
    #expect(result.stopReason?.contains("epoch 0 is kept") == true)
    #expect(result.generator.fingerprint == world.generator.fingerprint)
  }

  @Test func theBestAndTheWorstAreChosen() {
    #expect(PreferenceObjective.extremes([0.2, 0.9, 0.1, 0.9, 0.1]).map { [$0.best, $0.worst] } == [1, 2])
    #expect(PreferenceObjective.extremes([0.5, 0.5]) == nil)
    #expect(PreferenceObjective.extremes([0.5]) == nil && PreferenceObjective.extremes([]) == nil)
  }

  @Test func picksAreRandomAndWithoutReplacement() {
    var random = RandomSource(seed: 1)
    var sums = [0, 0, 0]
    for _ in 0..<3000 {
      let picks = PreferenceObjective.pick(2, of: [1, 3, 2], using: &random)
      #expect(picks.reduce(0, +) == 2 && picks[0] <= 1)
      for index in sums.indices { sums[index] += picks[index] }
    }
    // Each of the six draws is picked in a third of the trials.
    for (sum, count) in zip(sums, [1, 3, 2]) { #expect(abs(sum - 1000 * count) < 150) }
    #expect(PreferenceObjective.pick(9, of: [1, 3, 2], using: &random) == [1, 3, 2])
  }

  @Test func rewardsAreCutAboveTheShareAlone() {
    let candidates = [[PreferenceCandidate([1]), .init([2]), .init([3])], [.init([1]), .init([4, 1]), .init([1])]]
    var limit = PreferenceOptimization.ExposureLimit(items: [1], share: 0.5, factor: 0.4)
    limit.depth = 2
    // Of five items in the first two of each, three.
    let over = ExposureMultiplier(limit, candidates)
    #expect(abs(over.share - 0.6) < 1e-9)
    #expect(abs(over.factor(of: [1]) - 0.4) < 1e-6 && over.factor(of: [2]) == 1)
    #expect(abs(over.factor(of: [4, 1]) - 0.7) < 1e-6)
    limit.share = 0.6
    #expect(ExposureMultiplier(limit, candidates).factor(of: [1]) == 1)
    #expect(ExposureMultiplier(nil, candidates).factor(of: [1]) == 1)
  }
}
