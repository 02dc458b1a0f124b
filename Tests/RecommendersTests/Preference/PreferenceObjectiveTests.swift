import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// The parts of an aligning step against what a reader would compute from the generator and the reward model.
@Suite struct PreferenceObjectiveTests {
  private func objective(
    _ world: PreferenceWorld, _ method: PreferenceOptimization.Method,
    _ change: (inout PreferenceOptimization.Parameters) -> Void = { _ in }
  ) -> PreferenceObjective {
    PreferenceObjective(
      parameters: PreferenceWorld.parameters(method, change), snapshot: world.generator, reward: world.reward)
  }

  private func pass(_ parameters: ParameterSet) -> ModelPass {
    ModelPass(parameters, on: Tape(), random: RandomSource(seed: 1), isTraining: false)
  }

  private func queries(_ world: PreferenceWorld) -> [NextItemQuery] { Array(world.validation.prefix(9)) }

  /// A policy that has moved away from the snapshot.
  private func moved(_ generator: Generator, by deviation: Float = 0.05) -> ParameterSet {
    var (parameters, random) = (generator.parameters, RandomSource(seed: 7))
    for entry in parameters.entries {
      guard let parameter = parameters.parameter(named: entry.name) else { continue }
      for index in entry.value.elements.indices {
        parameters[parameter].elements[index] += deviation * random.nextNormal()
      }
    }
    return parameters
  }

  @Test func groupsCarryTheRewardsOfTheModel() throws {
    let world = try PreferenceWorld.onePosition.get(), queries = queries(world)
    let groups = try objective(world, PreferenceWorld.direct(candidates: 12)).groups(queries, seed: 3)
    let answers = try world.generator.recommend(queries[...], count: 12, filter: .init())
    for (user, query) in queries.enumerated() {
      let items = groups.candidates[user].map { $0.items[0] }
      #expect(items.count == 12)
      #expect(Set(items) == Set(answers[user].map(\.item)))
      expectClose(
        groups.rewards[user], try world.reward.rewards(of: [items], behind: [Array(query.history)])[0],
        tolerance: 1e-5)
    }
  }

  @Test func itemsOfTheHistoryAreLeftOutWhereAsked() throws {
    let world = try PreferenceWorld.onePosition.get(), queries = queries(world)
    let groups = try objective(world, PreferenceWorld.direct()) { $0.excludesHistory = true }.groups(queries, seed: 3)
    for (query, candidates) in zip(queries, groups.candidates) {
      #expect(candidates.allSatisfy { !query.history.contains($0.items[0]) })
    }
  }

  @Test func rewardsOfAnOverexposedSetAreCut() throws {
    let world = try PreferenceWorld.onePosition.get(), queries = queries(world)
    let set = Set((0..<UInt32(RewardWorld.itemCount)).filter { $0 % 2 == 0 })
    let free = try objective(world, PreferenceWorld.direct()).groups(queries, seed: 3)
    let cut = try objective(world, PreferenceWorld.direct()) {
      $0.exposure = .init(items: set, share: 0.05, factor: 0.25)
    }.groups(queries, seed: 3)
    for user in queries.indices {
      for (place, candidate) in free.candidates[user].enumerated() {
        let factor: Float = set.contains(candidate.items[0]) ? 0.25 : 1
        #expect(abs(cut.rewards[user][place] - factor * free.rewards[user][place]) < 1e-6)
      }
    }
  }

  @Test func aPolicyAtItsSnapshotHasNothingLost() throws {
    let world = try PreferenceWorld.onePosition.get(), queries = queries(world)
    func loss(_ method: PreferenceOptimization.Method, _ legality: CodeLegality = .constrained) throws -> Float {
      try #require(
        try objective(world, method) { $0.legality = legality }.loss(
          queries, seed: 3, world.generator.network, in: pass(world.generator.parameters)
        ).preference
      ).scalar
    }
    #expect(abs(Double(try loss(PreferenceWorld.direct())) - 2.0.logarithm) < 1e-5)
    // Advantages have mean zero, and all ratios are 1.
    #expect(abs(try loss(PreferenceWorld.group())) < 1e-4)
    #expect(abs(try loss(PreferenceWorld.group(CodeSampling()), .unconstrained)) < 1e-4)
  }

  @Test(arguments: [CodeLegality.constrained, .unconstrained])
  func pairsAreLostAsTheirDefinitionSays(legality: CodeLegality) throws {
    let world = try PreferenceWorld.onePosition.get(), queries = queries(world)
    let objective = objective(world, PreferenceWorld.direct(beta: 0.4)) { $0.legality = legality }
    let parameters = moved(world.generator), policy = world.generator.with(parameters)
    let found = try #require(
      try objective.loss(queries, seed: 3, world.generator.network, in: pass(parameters)).preference)
    let groups = try objective.groups(queries, seed: 3)
    var sum = 0.0
    for (user, query) in queries.enumerated() {
      let (best, worst) = try #require(PreferenceObjective.extremes(groups.rewards[user]))
      let items = [[best, worst].map { groups.candidates[user][$0].items }], history = [Array(query.history)]
      let now = try policy.logProbabilities(of: items, behind: history, legality: legality)[0]
      let old = try world.generator.logProbabilities(of: items, behind: history, legality: legality)[0]
      let margin = Double(now[0] - now[1] - old[0] + old[1])
      sum += (1 + (-0.4 * margin).exponential).logarithm
    }
    #expect(abs(Double(found.scalar) - sum / Double(queries.count)) < 1e-4)
  }

  /// OneRec aligns sessions: a pair is of two, whose log-probabilities are sums over their items.
  @Test func pairsOfSessionsAreLostAsTheirDefinitionSays() throws {
    let world = try PreferenceWorld.encoderDecoder.get(), queries = queries(world)
    let objective = objective(world, PreferenceWorld.direct(candidates: 12, beta: 0.4)) { $0.sessionItems = 2 }
    let parameters = moved(world.generator, by: 0.02), policy = world.generator.with(parameters)
    let found = try #require(
      try objective.loss(queries, seed: 3, world.generator.network, in: pass(parameters)).preference)
    let groups = try objective.groups(queries, seed: 3)
    var sum = 0.0
    for (user, query) in queries.enumerated() {
      let sessions = groups.candidates[user].map(\.items), history = [Array(query.history)]
      #expect(sessions.count == 12 && sessions.allSatisfy { $0.count == 2 && Set($0).count == 2 })
      let rewards = try world.reward.scores(of: [sessions], behind: history)[0].map(\.reward)
      let best = try #require(rewards.max()), worst = try #require(rewards.min())
      let (chosen, rejected) = try #require(PreferenceObjective.extremes(groups.rewards[user]))
      #expect(abs(rewards[chosen] - best) < 1e-5 && abs(rewards[rejected] - worst) < 1e-5)
      func logs(_ generator: Generator, _ place: Int) throws -> Double {
        Double(try generator.logProbabilities(of: [[sessions[place]]], behind: history)[0][0])
      }
      let margin =
        try logs(policy, chosen) - logs(policy, rejected) - logs(world.generator, chosen)
        + logs(world.generator, rejected)
      sum += (1 + (-0.4 * margin).exponential).logarithm
    }
    #expect(abs(Double(found.scalar) - sum / Double(queries.count)) < 1e-4)
  }

  @Test(arguments: [CodeLegality.constrained, .unconstrained])
  func groupsAreLostAsTheirDefinitionSays(legality: CodeLegality) throws {
    let world = try PreferenceWorld.onePosition.get(), queries = queries(world)
    let objective = objective(world, PreferenceWorld.group(CodeSampling())) { $0.legality = legality }
    let parameters = moved(world.generator, by: 0.1), policy = world.generator.with(parameters)
    let found = try #require(
      try objective.loss(queries, seed: 3, world.generator.network, in: pass(parameters)).preference)
    let groups = try objective.groups(queries, seed: 3)
    var (sum, total, isClipped) = (0.0, 0.0, false)
    for (user, query) in queries.enumerated() {
      let sessions = [groups.candidates[user].map(\.items)], history = [Array(query.history)]
      let now = try policy.logProbabilities(of: sessions, behind: history, legality: legality)[0]
      let old = try world.generator.logProbabilities(of: sessions, behind: history, legality: legality)[0]
      let draws = groups.candidates[user].map { Double($0.draws) }
      let all = draws.reduce(0, +)
      let mean = zip(draws, groups.rewards[user]).reduce(0) { $0 + $1.0 * Double($1.1) } / all
      let deviation =
        (zip(draws, groups.rewards[user]).reduce(0) {
          $0 + $1.0 * (Double($1.1) - mean) * (Double($1.1) - mean)
        } / all).squareRoot()
      for place in draws.indices {
        let advantage = (Double(groups.rewards[user][place]) - mean) / deviation
        // Written out as in the report: the denominator first.
        let policy = Double(now[place]).exponential
        let ratio = policy / max(policy / 1.3, Double(old[place]).exponential)
        isClipped = isClipped || ratio > 1.299
        sum += draws[place] * min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)
      }
      total += all
    }
    #expect(isClipped)
    #expect(abs(Double(found.scalar) + sum / total) < 1e-3)
  }

  @Test func aStepMakesTheChosenLikelierAndTheRejectedLess() throws {
    let world = try PreferenceWorld.onePosition.get(), queries = queries(world)
    for method in [PreferenceWorld.direct(), PreferenceWorld.group()] {
      let objective = objective(world, method)
      var state = TrainingState(
        world.generator.parameters, schedule: .constant(1e-3), random: RandomSource(seed: 1))
      let pass = pass(state.parameters)
      let loss = try #require(
        try objective.loss(queries, seed: 3, world.generator.network, in: pass).preference)
      try state.update(with: pass.backward(from: loss))
      let policy = world.generator.with(state.parameters), groups = try objective.groups(queries, seed: 3)
      var gained = 0
      for (user, query) in queries.enumerated() {
        let (best, worst) = try #require(PreferenceObjective.extremes(groups.rewards[user]))
        let items = [[best, worst].map { groups.candidates[user][$0].items }], history = [Array(query.history)]
        let now = try policy.logProbabilities(of: items, behind: history)[0]
        let old = try world.generator.logProbabilities(of: items, behind: history)[0]
        gained += now[0] - now[1] > old[0] - old[1] ? 1 : 0
      }
      #expect(gained >= 8, "\(gained) of 9 pairs parted")
    }
  }

  @Test func theFormatRewardCountsLegalPicks() throws {
    let world = try PreferenceWorld.onePosition.get(), queries = queries(world)
    let objective = objective(world, PreferenceWorld.direct(candidates: 4)) {
      $0.format = PreferenceOptimization.FormatReward()
      ($0.format!.draws, $0.format!.selected) = (400, 200)
    }
    let pass = pass(world.generator.parameters)
    let loss = try #require(try objective.loss(queries, seed: 3, world.generator.network, in: pass).format)
    // At the snapshot all ratios are 1: minus the share of legal ones.
    let legality = try world.generator.legality(on: queries[...], draws: 2000)
    #expect(abs(Double(-loss.scalar) - legality) < 0.06)
    let gradients = pass.backward(from: loss)
    #expect(gradients.norm() > 0)
  }

  @Test func usersOfEqualRewardsSayNothing() throws {
    let world = try PreferenceWorld.onePosition.get()
    // One candidate alone has no other to be compared with.
    let lonely = objective(world, PreferenceWorld.direct(candidates: 2)) { $0.sessionItems = 1 }
    let groups = try lonely.groups([query([], user: 1)], seed: 1)
    #expect(groups.rewards[0].count == 2)
    #expect(
      try lonely.loss([], seed: 1, world.generator.network, in: pass(world.generator.parameters)).preference == nil)
  }
}
