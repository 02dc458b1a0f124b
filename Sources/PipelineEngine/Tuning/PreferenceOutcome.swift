internal import ItemCatalog
public import Recommenders

/// What aligning the recommender with a reward came to.
public struct PreferenceOutcome: Sendable, Codable {
  /// Whose codes the recommender reads.
  public var generation: UInt64
  /// Of the model that is learned from and of the one that judges, on events that neither learned from.
  public var reward: RewardQuality
  public var judge: RewardQuality
  /// The first is the recommender as it came.
  public var measurements: [PreferenceOptimization.Measurement]
  /// The epoch that is served now; 0 where the recommender stays as it was.
  public var epoch: Int
  public var stopReason: String?
  /// Of this run and of those that were stopped before it.
  public var seconds: Double
}

/// An outcome as the report reads it.
struct PreferenceRecord: StageRecord {
  var outcome: PreferenceOutcome
  /// The fingerprint of the recommender that is served since.
  var recommender: String
}

extension RecommenderShelf {
  /// What the latest alignment of a generation's recommender came to; nil where there was none, or another recommender has
  /// taken its place since.
  func preference(_ generation: UInt64) -> PreferenceOutcome? {
    guard let record = PreferenceRecord.read(record(generation)), record.outcome.generation == generation,
      entry(generation)?.fingerprint == record.recommender
    else { return nil }
    return record.outcome
  }

  /// Tells that outcome from others; nil likewise.
  func preferenceDigest(_ generation: UInt64) -> String? {
    preference(generation).map { outcome in
      var hasher = ContentHasher()
      hasher.updateField(outcome.plainText())
      hasher.updateField(entry(generation)?.fingerprint ?? "")
      return hasher.finalize().hex
    }
  }
}

extension PreferenceOutcome {
  /// As a command prints it.
  public func plainText() -> String {
    func figure(_ value: Double?) -> String { value.map { "\(($0 * 10_000).rounded() / 10_000)" } ?? "-" }
    let hasSessions = measurements.contains { $0.sessionReward != nil }
    let hasLimit = measurements.contains { $0.exposure != nil }
    var table = TextTable(
      (["epoch", "reward", "judge"] + (hasSessions ? ["sessions", "judged"] : [])
        + ["NDCG@10", "recall@10", "legality"] + (hasLimit ? ["popular"] : []) + ["loss"]).map {
          (name: $0, alignment: .right)
        })
    for row in measurements {
      let sessions = hasSessions ? [figure(row.sessionReward), figure(row.sessionJudgeReward)] : []
      table.append(
        ["\(row.epoch)", figure(row.reward), figure(row.judgeReward)] + sessions
          + [figure(row.ndcg), figure(row.recall), figure(row.legality)] + (hasLimit ? [figure(row.exposure)] : [])
          + [figure(row.loss)])
    }
    func quality(_ name: String, _ quality: RewardQuality) -> String {
      "\(name): area under the curve on held-out events "
        + quality.objectives.map { "\($0.name) \(figure($0.auc))" }.joined(separator: ", ")
    }
    return [
      table.text() + quality("reward model", reward), quality("judge", judge),
      stopReason.map { "stopped: \($0)" } ?? "all epochs were made",
      epoch > 0
        ? "the recommender of epoch \(epoch) answers for generation \(generation) now"
        : "the recommender of generation \(generation) stays as it was",
    ].joined(separator: "\n")
  }
}
