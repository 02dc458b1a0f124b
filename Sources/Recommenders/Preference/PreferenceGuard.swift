/// What keeps a generator from learning to please its reward model rather than its users: a reward that cannot be trusted
/// is not learned from, and an epoch that lost too much elsewhere is taken back.
public struct PreferenceGuard: Sendable, Equatable, Codable {
  /// The least area under the curve that the reward model and the judge must have had on sessions that they did not learn
  /// from, for each objective and for the reward.
  public var minimumRewardAUC = 0.6
  /// The share of the NDCG@10 before alignment that may be lost. On few queries it moves by more than that by chance: on
  /// the 943 of MovieLens 100K, one item more or less is 3 %.
  public var ndcgTolerance = 0.05
  /// The least legality.
  public var minimumLegality = 0.0
  /// What legality may fall below that before alignment.
  public var legalityTolerance = 0.1

  public init() {}

  func validate() throws(RecommenderError) {
    guard (0...1).contains(minimumRewardAUC), (0...1).contains(ndcgTolerance), (0...1).contains(minimumLegality),
      (0...1).contains(legalityTolerance)
    else {
      throw RecommenderError(
        .invalidParameter,
        "preference: guards are \(minimumRewardAUC), \(ndcgTolerance), \(minimumLegality) and \(legalityTolerance), "
          + "expected 0 to 1 each")
    }
  }

  /// - Parameter role: of the model, for the message.
  /// - Throws: ``RecommenderError/Code/untrustedReward``.
  package func check(_ quality: RewardQuality, _ role: String) throws(RecommenderError) {
    guard let least = quality.least else {
      throw RecommenderError(
        .untrustedReward,
        "how well the \(role) foretells was not measured for each of its objectives; give it held-out sessions of both "
          + "kinds")
    }
    guard least >= minimumRewardAUC else {
      let parts =
        quality.objectives.map { "\($0.name) \(figure($0.auc ?? 0))" } + ["reward \(figure(quality.reward ?? 0))"]
      throw RecommenderError(
        .untrustedReward,
        "the \(role) has an area under the curve of \(figure(least)) on sessions it did not learn from, expected "
          + "\(figure(minimumRewardAUC)) or more (\(parts.joined(separator: ", "))): aligning with it would teach noise; "
          + "train it on more data, drop the objective, or lower minimumRewardAUC")
    }
  }

  /// Why a measurement ends the alignment; nil where it does not.
  /// - Parameter before: what was measured before the first step.
  package func stopReason(
    _ now: PreferenceOptimization.Measurement, before: PreferenceOptimization.Measurement
  ) -> String? {
    if let ndcg = now.ndcg, let former = before.ndcg, ndcg < former * (1 - ndcgTolerance) {
      return "NDCG@10 on validation queries fell from \(figure(former)) to \(figure(ndcg)) in epoch \(now.epoch), more "
        + "than the \(figure(100 * ndcgTolerance)) % that ndcgTolerance allows"
    }
    guard let legality = now.legality else { return nil }
    if legality < minimumLegality {
      return "legality is \(figure(legality)) behind epoch \(now.epoch), below the minimumLegality of "
        + "\(figure(minimumLegality))"
    }
    if let former = before.legality, legality < former - legalityTolerance {
      return "legality fell from \(figure(former)) to \(figure(legality)) in epoch \(now.epoch), more than the "
        + "\(figure(legalityTolerance)) that legalityTolerance allows"
    }
    return nil
  }

  private func figure(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }
}
