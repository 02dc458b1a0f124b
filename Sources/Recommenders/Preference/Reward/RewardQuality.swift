/// How well a ``RewardModel`` foretells sessions that it did not learn from.
public struct RewardQuality: Sendable, Equatable, Codable {
  public struct Objective: Sendable, Equatable, Codable {
    public var name: String
    /// The area under the curve: the chance that a session of which the label is true scores above one of which it is
    /// not. Nil where the sessions are all of one kind.
    public var auc: Double?
    /// Sessions that have a label.
    public var sessions: Int
    /// The share of them of which it is true.
    public var positiveShare: Double

    package init(name: String, auc: Double?, sessions: Int, positiveShare: Double) {
      (self.name, self.auc, self.sessions, self.positiveShare) = (name, auc, sessions, positiveShare)
    }
  }

  /// In the model's order.
  public var objectives: [Objective]
  /// Of the reward that is made of all: the area under the curve against each objective's labels, averaged by the
  /// objectives' weights; nil where one of them has none.
  public var reward: Double?

  package init(objectives: [Objective], reward: Double?) { (self.objectives, self.reward) = (objectives, reward) }

  /// Of a model that nothing was measured of.
  public static let unknown = RewardQuality(objectives: [], reward: nil)

  /// The least area among the objectives and the reward; nil where one could not be measured: such a model is not to be
  /// trusted.
  public var least: Double? {
    guard let reward, !objectives.isEmpty else { return nil }
    var least = reward
    for objective in objectives {
      guard let auc = objective.auc else { return nil }
      least = min(least, auc)
    }
    return least
  }
}

extension RewardModel {
  /// Sessions that go through the network at once.
  private static let blockSessions = 1024

  /// Measures on sessions; a label that is a share counts as true from above a half.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for sessions of another catalogue or of other objectives, and
  ///   ``RecommenderError/Code/diverged`` for a score that is no number.
  public func quality(on sessions: RewardSessions) throws(RecommenderError) -> RewardQuality {
    guard sessions.itemCount == itemCount, sessions.objectives == objectives else {
      throw RecommenderError(
        .invalidParameter,
        "sessions of \(sessions.itemCount) items labeled \(sessions.objectives.map(\.name)) for a reward model of "
          + "\(itemCount) and \(objectives.map(\.name))")
    }
    var logits = [ContiguousArray<Float>](repeating: [], count: objectives.count)
    var rewards = ContiguousArray<Float>()
    let total = objectives.reduce(0) { $0 + $1.weight }
    for start in stride(from: 0, to: sessions.count, by: Self.blockSessions) {
      let batch = RewardBatch(
        sessions, start..<min(start + Self.blockSessions, sessions.count),
        maximumHistory: configuration.maximumHistory)
      let found = self.logits(batch)
      for place in objectives.indices { logits[place] += found.objectives[place] }
      rewards +=
        found.fused
        ?? ContiguousArray(
          (0..<batch.count).map { session in
            objectives.indices.reduce(0) {
              $0 + objectives[$1].weight / total * Self.sigmoid(found.objectives[$1][session])
            }
          })
    }
    guard rewards.allSatisfy(\.isFinite), logits.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw RecommenderError(
        .diverged, "a reward is no number; train the reward model anew with a lower learning rate")
    }
    return quality(on: sessions, logits, rewards)
  }

  private func quality(
    on sessions: RewardSessions, _ logits: [ContiguousArray<Float>], _ rewards: ContiguousArray<Float>
  ) -> RewardQuality {
    var (parts, areas): ([RewardQuality.Objective], [Double?]) = ([], [])
    for (place, objective) in objectives.enumerated() {
      let known = (0..<sessions.count).filter { sessions.label(of: $0, place) != nil }
      let labels = known.map { sessions.label(of: $0, place) ?? 0 }
      parts.append(
        RewardQuality.Objective(
          name: objective.name, auc: AreaUnderCurve.measure(known.map { logits[place][$0] }, labels: labels),
          sessions: known.count,
          positiveShare: known.isEmpty ? 0 : Double(labels.count { $0 > 0.5 }) / Double(known.count)))
      areas.append(AreaUnderCurve.measure(known.map { rewards[$0] }, labels: labels))
    }
    let counted = zip(objectives, areas).filter { $0.0.weight > 0 }
    var reward: Double?
    if counted.allSatisfy({ $0.1 != nil }) {
      let total = counted.reduce(0.0) { $0 + Double($1.0.weight) }
      reward = counted.reduce(0.0) { $0 + Double($1.0.weight) * ($1.1 ?? 0) } / total
    }
    return RewardQuality(objectives: parts, reward: reward)
  }
}
