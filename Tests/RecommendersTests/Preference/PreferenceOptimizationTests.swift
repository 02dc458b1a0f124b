import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath
import Testing

@Suite struct PreferenceOptimizationTests {
  /// Expects the judge, who had no part in it, to find the recommendations better, at no large loss of NDCG.
  private func expectAligned(
    _ result: PreferenceOptimization.Result, gain: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let first = result.measurements[0], last = result.measurements[result.epoch]
    let before = try #require(first.judgeReward), after = try #require(last.judgeReward)
    #expect(result.epoch > 0, "\(result.stopReason ?? "")", sourceLocation: sourceLocation)
    #expect(after > before + gain, "judged \(before) before and \(after) after", sourceLocation: sourceLocation)
    #expect(try #require(last.reward) > (try #require(first.reward)), sourceLocation: sourceLocation)
    #expect(try #require(last.ndcg) > 0.75 * (try #require(first.ndcg)), sourceLocation: sourceLocation)
    #expect(last.preferenceSteps > 0 && last.preferenceSteps <= last.step, sourceLocation: sourceLocation)
  }

  @Test func pairsOfBestAndWorstRaiseTheRewardOfAnotherJudge() throws {
    let world = try PreferenceWorld.onePosition.get()
    try expectAligned(world.optimize(PreferenceWorld.parameters(PreferenceWorld.direct())), gain: 0.05)
  }

  @Test func groupsRaiseTheRewardOfAnotherJudge() throws {
    let world = try PreferenceWorld.onePosition.get()
    try expectAligned(world.optimize(PreferenceWorld.parameters(PreferenceWorld.group())), gain: 0.05)
    let drawn = PreferenceWorld.parameters(PreferenceWorld.group(CodeSampling())) { $0.legality = .unconstrained }
    try expectAligned(world.optimize(drawn), gain: 0.03)
  }

  @Test func sessionsRaiseTheRewardToo() throws {
    let world = try PreferenceWorld.encoderDecoder.get()
    let result = try world.optimize(
      PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 16)) {
        $0.sessionItems = 2
        $0.users = 8
      })
    try expectAligned(result, gain: 0.02)
    // What is aligned is sessions, and sessions are judged better.
    let first = result.measurements[0], last = result.measurements[result.epoch]
    #expect(try #require(last.sessionJudgeReward) > (try #require(first.sessionJudgeReward)))
    #expect(try #require(last.sessionReward) > (try #require(first.sessionReward)))
    let group = try world.optimize(PreferenceWorld.parameters(PreferenceWorld.group(size: 16)) { $0.users = 8 })
    try expectAligned(group, gain: 0.02)
  }

  @Test(arguments: GeneratorConfiguration.Backbone.allFixtures)
  func theFormatRewardRaisesLegality(_ backbone: GeneratorConfiguration.Backbone) throws {
    let world = try (backbone == .onePosition ? PreferenceWorld.onePosition : PreferenceWorld.encoderDecoder).get()
    let result = try world.optimize(
      PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 8)) {
        $0.format = PreferenceOptimization.FormatReward()
        $0.format?.draws = 64
        $0.format?.weight = 1
        $0.weight = 0.1
      })
    let before = try #require(result.measurements[0].legality)
    let after = try #require(result.measurements[result.epoch].legality)
    #expect(result.epoch > 0 && before < 1)
    #expect(after > before + 0.3 * (1 - before), "legality was \(before) and is \(after)")
    #expect(result.measurements[1].formatLoss != nil)
  }

  @Test func exposureIsCutAboveItsShare() throws {
    let world = try PreferenceWorld.onePosition.get()
    // Half of what is liked.
    let viral = Set((0..<UInt32(RewardWorld.itemCount)).filter { $0 / 10 % 2 == 0 })
    func exposure(_ share: Double, factor: Float) throws -> Double {
      let result = try world.optimize(
        PreferenceWorld.parameters(PreferenceWorld.direct()) {
          $0.exposure = PreferenceOptimization.ExposureLimit(items: viral, share: share, factor: factor)
        })
      return try #require(result.measurements[result.epoch].exposure)
    }
    let free = try exposure(1, factor: 0.2), limited = try exposure(0.3, factor: 0.2)
    #expect(limited < free - 0.05, "\(free) without a limit and \(limited) with one")
  }

  @Test func theSameSeedMakesTheSameGenerator() throws {
    let world = try PreferenceWorld.onePosition.get()
    for method in [PreferenceWorld.direct(candidates: 8), PreferenceWorld.group(CodeSampling(), size: 8)] {
      func run(seed: UInt64) throws -> PreferenceOptimization.Result {
        try world.optimize(
          PreferenceWorld.parameters(method) {
            ($0.training.epochs, $0.training.seed, $0.share) = (1, seed, 0.5)
            $0.format = PreferenceOptimization.FormatReward()
          })
      }
      let first = try run(seed: 1), again = try run(seed: 1)
      #expect(first.generator.fingerprint == again.generator.fingerprint)
      #expect(first.measurements == again.measurements)
      #expect(try run(seed: 2).generator.fingerprint != first.generator.fingerprint)
      #expect(first.measurements[1].preferenceSteps < first.steps)
    }
  }

  @Test func aShareOfStepsAligns() throws {
    let world = try PreferenceWorld.onePosition.get()
    var events: [Int] = []
    let result = try world.optimize(
      PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 4)) { $0.share = 1e-9 },
      observe: { if case .step(let event) = $0 { events.append(event.step) } })
    #expect(result.measurements.last?.preferenceSteps == 0 && result.measurements.last?.preferenceLoss == nil)
    #expect(events == Array(1...result.steps))
  }

  @Test func itIsStoppedWhenAsked() throws {
    let world = try PreferenceWorld.onePosition.get()
    let error = #expect(throws: RecommenderError.self) {
      try world.optimize(PreferenceWorld.parameters(PreferenceWorld.direct()), isCancelled: { true })
    }
    #expect(error?.code == .cancelled)
  }

  @Test func withoutQueriesTheLastEpochIsKept() throws {
    let world = try PreferenceWorld.onePosition.get()
    let result = try PreferenceOptimization(
      PreferenceWorld.parameters(PreferenceWorld.direct(candidates: 4)) { $0.training.epochs = 1 }
    ).optimize(world.generator, reward: world.reward, split: world.split, validation: [])
    #expect(result.epoch == 1 && result.stopReason == nil)
    #expect(result.measurements.allSatisfy { $0.ndcg == nil && $0.reward == nil && $0.legality == nil })
  }

  @Test func whatIsOutOfRangeIsRefused() throws {
    typealias Change = (inout PreferenceOptimization.Parameters) -> Void
    func group(_ change: (inout PreferenceOptimization.GroupPolicy) -> Void) -> Change {
      var group = PreferenceOptimization.GroupPolicy()
      change(&group)
      return { [group] in $0.method = .ecpo(group) }
    }
    func format(_ change: (inout PreferenceOptimization.FormatReward) -> Void) -> Change {
      var format = PreferenceOptimization.FormatReward()
      change(&format)
      return { [format] in $0.format = format }
    }
    var cold = CodeSampling()
    cold.temperature = 0
    let changes: [Change] = [
      { $0.share = 0 }, { $0.share = 1.1 }, { $0.users = 0 }, { $0.weight = -1 }, { $0.legalityDraws = 0 },
      { $0.legalityQueries = -1 }, { $0.training.epochs = 0 }, { $0.guards.ndcgTolerance = 2 },
      { $0.method = PreferenceWorld.direct(candidates: 1) }, { $0.method = PreferenceWorld.direct(beta: 0) },
      group { $0.groupSize = 1 }, group { $0.clip = 1 }, group { $0.earlyClip = -1 }, group { $0.sampling = cold },
      {
        $0.method = PreferenceWorld.group(CodeSampling())
        $0.sessionItems = 2
      },
      format { $0.selected = 0 }, format { $0.draws = 4 }, format { $0.weight = .nan }, format { $0.clip = 0 },
      { $0.exposure = .init(items: [], share: 2, factor: 0.5) },
      { $0.exposure = .init(items: [], share: 0.5, factor: 1) },
    ]
    for change in changes {
      var parameters = PreferenceOptimization.Parameters()
      change(&parameters)
      let error = #expect(throws: RecommenderError.self) { try PreferenceOptimization(parameters) }
      #expect(error?.code == .invalidParameter)
    }
    let world = try PreferenceWorld.onePosition.get()
    let longer = #expect(throws: RecommenderError.self) {
      try world.optimize(PreferenceWorld.parameters(PreferenceWorld.direct()) { $0.sessionItems = 2 })
    }
    #expect(longer?.code == .invalidParameter && longer?.message.contains("one behind another") == true)
  }
}
