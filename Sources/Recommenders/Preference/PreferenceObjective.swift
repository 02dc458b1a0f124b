package import BehaviorAlignment
package import NeuralNetworks
package import TensorMath

/// What an aligning step adds to the loss: for some users, what the epoch's first model would recommend, how good that is,
/// and which of it the policy is to prefer.
package struct PreferenceObjective {
  let parameters: PreferenceOptimization.Parameters
  /// The epoch's first model.
  let snapshot: Generator
  let reward: RewardModel

  /// The parts of a step's loss, `1 × 1` each; nil where no user has two candidates of different rewards, or nothing legal
  /// was drawn.
  package struct Loss {
    package var preference: Variable?
    package var format: Variable?
  }

  /// Candidates of some users with their rewards.
  package struct Groups {
    /// Of the latest items with codes.
    package var histories: [UserContext]
    package var candidates: [[PreferenceCandidate]]
    package var rewards: [[Float]]
  }

  package init(parameters: PreferenceOptimization.Parameters, snapshot: Generator, reward: RewardModel) {
    self.parameters = parameters
    self.snapshot = snapshot
    self.reward = reward
  }

  /// - Parameter seed: of what is drawn.
  package func groups(_ queries: [NextItemQuery], seed: UInt64) throws(RecommenderError) -> Groups {
    var (count, sampling): (Int, CodeSampling?)
    switch parameters.method {
    case .ipa(let direct): (count, sampling) = (direct.candidates, nil)
    case .ecpo(let group): (count, sampling) = (group.groupSize, group.sampling)
    }
    sampling?.seed = seed
    let candidates = snapshot.candidates(
      for: queries, count: count, length: parameters.sessionItems, sampling: sampling,
      filter: RecommendationFilter(excludesHistory: parameters.excludesHistory))
    let scores = try reward.scores(
      of: candidates.map { $0.map(\.items) }, behind: queries.map { Array($0.history) })
    let multiplier = ExposureMultiplier(parameters.exposure, candidates)
    let rewards = zip(candidates, scores).map { candidates, scores in
      zip(candidates, scores).map { $1.reward * multiplier.factor(of: $0.items) }
    }
    return Groups(histories: snapshot.readable(queries[...]), candidates: candidates, rewards: rewards)
  }

  /// - Parameter pass: on the policy's parameters, nothing dropped out.
  package func loss(
    _ queries: [NextItemQuery], seed: UInt64, _ network: any GeneratorNetwork, in pass: ModelPass
  ) throws(RecommenderError) -> Loss {
    let groups = try groups(queries, seed: seed)
    let preference: Variable? =
      switch parameters.method {
      case .ipa(let direct): directLoss(groups, direct, network, in: pass)
      case .ecpo(let group): groupLoss(groups, group, network, in: pass)
      }
    return Loss(
      preference: preference,
      format: parameters.format.flatMap { formatLoss(queries, groups.histories, $0, seed: seed, network, in: pass) })
  }

  /// IPA: the best and the worst of each user's candidates.
  private func directLoss(
    _ groups: Groups, _ direct: PreferenceOptimization.DirectPreference, _ network: any GeneratorNetwork,
    in pass: ModelPass
  ) -> Variable? {
    var written: [WrittenIDs] = []
    for (user, rewards) in groups.rewards.enumerated() {
      guard let (best, worst) = Self.extremes(rewards) else { continue }
      for place in [best, worst] {
        written.append(
          WrittenIDs(history: user, items: groups.candidates[user][place].items, snapshot.vocabulary))
      }
    }
    guard !written.isEmpty else { return nil }
    let old = snapshot.logProbabilities(of: written, behind: groups.histories, legality: parameters.legality)
    let now = network.logProbabilities(
      of: written, behind: groups.histories, legality: parameters.legality, snapshot.vocabulary, in: pass)
    let pairs = written.count / 2
    func rows(_ offset: Int) -> Variable {
      now.selectingRows(ContiguousArray((0..<pairs).map { Int32(2 * $0 + offset) }))
    }
    return PreferenceLoss.direct(
      chosen: rows(0), rejected: rows(1), margin: ContiguousArray((0..<pairs).map { old[2 * $0] - old[2 * $0 + 1] }),
      beta: direct.beta)
  }

  /// The places of the largest and the least; of equal ones the likelier candidate. Nil where all are equal.
  package static func extremes(_ rewards: [Float]) -> (best: Int, worst: Int)? {
    guard let best = rewards.indices.max(by: { (rewards[$0], $1) < (rewards[$1], $0) }),
      let worst = rewards.indices.min(by: { (rewards[$0], $0) < (rewards[$1], $1) }), rewards[best] > rewards[worst]
    else { return nil }
    return (best, worst)
  }

  /// ECPO: every candidate with its advantage over its group.
  private func groupLoss(
    _ groups: Groups, _ group: PreferenceOptimization.GroupPolicy, _ network: any GeneratorNetwork, in pass: ModelPass
  ) -> Variable? {
    var written: [WrittenIDs] = []
    var (advantages, weights): (ContiguousArray<Float>, ContiguousArray<Float>) = ([], [])
    for (user, candidates) in groups.candidates.enumerated() {
      let draws = candidates.map { Float($0.draws) }
      let found = PreferenceLoss.advantages(groups.rewards[user], weights: draws)
      guard found.contains(where: { $0 != 0 }) else { continue }
      written += candidates.map { WrittenIDs(history: user, items: $0.items, snapshot.vocabulary) }
      advantages += found
      weights += draws
    }
    guard !written.isEmpty else { return nil }
    let old = snapshot.logProbabilities(of: written, behind: groups.histories, legality: parameters.legality)
    let now = network.logProbabilities(
      of: written, behind: groups.histories, legality: parameters.legality, snapshot.vocabulary, in: pass)
    return PreferenceLoss.earlyClipped(
      now, old: old, advantages: advantages, weights: weights, clip: group.clip, earlyClip: group.earlyClip)
  }

  /// The format reward: of what is drawn from all codes, some at random; the legal ones are to become likelier.
  private func formatLoss(
    _ queries: [NextItemQuery], _ histories: [UserContext], _ format: PreferenceOptimization.FormatReward, seed: UInt64,
    _ network: any GeneratorNetwork, in pass: ModelPass
  ) -> Variable? {
    var sampling = format.sampling
    sampling.seed = seed
    let drawn = snapshot.network.drawIDs(
      format.draws, behind: histories, users: queries.map(\.user), sampling, snapshot.vocabulary,
      in: ModelPass(inferring: snapshot.parameters))
    var random = RandomSource(seed: seed, stream: 1)
    var (written, advantages, weights): ([WrittenIDs], ContiguousArray<Float>, ContiguousArray<Float>) = ([], [], [])
    for (user, ids) in drawn.enumerated() {
      for (id, picks) in zip(ids, Self.pick(format.selected, of: ids.map(\.draws), using: &random)) where picks > 0 {
        written.append(WrittenIDs(history: user, codes: id.codes))
        advantages.append(snapshot.vocabulary.trie.prefix(ofCodes: id.codes) == nil ? 0 : 1)
        weights.append(Float(picks))
      }
    }
    guard advantages.contains(1) else { return nil }
    let old = snapshot.logProbabilities(of: written, behind: histories, legality: .unconstrained)
    let now = network.logProbabilities(
      of: written, behind: histories, legality: .unconstrained, snapshot.vocabulary, in: pass)
    return PreferenceLoss.earlyClipped(
      now, old: old, advantages: advantages, weights: weights, clip: format.clip, earlyClip: format.earlyClip)
  }

  /// Draws without replacement.
  /// - Parameter counts: how often each was drawn before.
  /// - Returns: how often each is picked.
  package static func pick(_ selected: Int, of counts: [Int], using random: inout RandomSource) -> [Int] {
    var (left, picks) = (counts, [Int](repeating: 0, count: counts.count))
    var total = counts.reduce(0, +)
    for _ in 0..<min(selected, total) {
      var place = Int.random(in: 0..<total, using: &random), index = 0
      while place >= left[index] {
        place -= left[index]
        index += 1
      }
      left[index] -= 1
      picks[index] += 1
      total -= 1
    }
    return picks
  }
}

/// What cuts the rewards of over-exposed items.
package struct ExposureMultiplier {
  private let limit: PreferenceOptimization.ExposureLimit?
  /// The share of the limited items among what is recommended.
  package let share: Double

  package init(_ limit: PreferenceOptimization.ExposureLimit?, _ candidates: [[PreferenceCandidate]]) {
    self.limit = limit
    guard let limit else {
      share = 0
      return
    }
    var (limited, all) = (0, 0)
    for candidate in candidates.lazy.flatMap({ $0.prefix(limit.depth) }) {
      all += candidate.items.count * candidate.draws
      limited += candidate.items.count { limit.items.contains($0) } * candidate.draws
    }
    share = Double(limited) / Double(max(1, all))
  }

  /// Of a session the mean over its items.
  package func factor(of items: [UInt32]) -> Float {
    guard let limit, share > limit.share else { return 1 }
    let limited = Float(items.count { limit.items.contains($0) }) / Float(items.count)
    return 1 - limited * (1 - limit.factor)
  }
}
