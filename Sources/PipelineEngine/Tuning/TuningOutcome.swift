internal import ItemCatalog
public import Recommenders

/// What fine-tuning did to quality, churn and collisions, and whether it was published.
public struct TuningOutcome: Sendable, Codable {
  /// What one cycle did to the codes.
  public struct Cycle: Sendable, Equatable, Codable {
    /// The recommender's loss on training batches before and after, in nats per item.
    public var lossBefore: Double
    public var lossAfter: Double
    /// The share of items whose ID changed, against the codes before the cycle.
    public var churn: Double
    public var collisionRate: Double
    /// In nats, by level.
    public var entropy: [Double]
    /// The share of items whose codes in training are those that serving assigns.
    public var agreement: Double
    public var steps: Int
    /// Why tuning ended early; nil where it did not.
    public var stopReason: String?
  }

  /// What one arm reached on the users held out for testing, over the seeds: the mean, and its deviation with two seeds
  /// or more.
  public struct Arm: Sendable, Equatable, Codable {
    public var recall: Double
    public var recallDeviation: Double?
    public var ndcg: Double
    public var ndcgDeviation: Double?
  }

  /// The generation that was tuned.
  public var base: UInt64
  /// The generation that was published; nil where the gate refused.
  public var published: UInt64?
  /// Why the served codes stay, a sentence each; empty where the tuned ones were published.
  public var reasons: [String]
  /// What the gate judged by; NDCG@10 is of the validation queries.
  public var evidence: TuningGate.Evidence
  public var cycles: [Cycle]
  /// At 10, on test queries, which decide nothing. Served codes with their embeddings trained on, as QARM deploys them;
  /// and tuned ones, with as many steps of the recommender. Nil where nothing is held out for testing.
  public var served: Arm?
  public var tuned: Arm?
  public var servedEntropy: [Double]
  /// Steps of the recommender in each arm, per seed.
  public var trainingSteps: Int
  public var tuningSeconds: Double
  public var trainingSeconds: Double
  public var peakMemory: Int
  /// How far an item's vector moved with the aligner, in the mean over items of the Euclidean distance; vectors are of
  /// unit length. Nil where the aligner was not tuned.
  public var vectorShift: Double?
}

extension RecommenderShelf {
  /// Keeps what tuning came to, for the report on the generation that is served behind it.
  func put(_ outcome: TuningOutcome) throws {
    let path = tuningRecord(outcome.published ?? outcome.base)
    try outcome.write(to: path)
  }

  /// What the latest tuning came to that made a generation, or left it as it was; nil where there was none.
  func tuning(_ generation: UInt64) -> TuningOutcome? {
    guard let outcome = TuningOutcome.read(tuningRecord(generation)),
      (outcome.published ?? outcome.base) == generation
    else { return nil }
    return outcome
  }

  /// Tells what a report shows of it from what another one did.
  func tuningDigest(_ generation: UInt64) -> String? {
    tuning(generation).map { outcome in
      var hasher = ContentHasher()
      hasher.updateField(outcome.plainText())
      return hasher.finalize().hex
    }
  }
}

extension TuningOutcome {
  /// As a command prints it.
  public func plainText() -> String {
    var table = TextTable([
      (name: "", alignment: .left), (name: "served codes", alignment: .right), (name: "tuned codes", alignment: .right),
    ])
    func row(_ name: String, _ served: String, _ tuned: String) { table.append([name, served, tuned]) }
    row("validation NDCG@10", Self.list(evidence.servedNDCG), Self.list(evidence.tunedNDCG))
    if let served, let tuned {
      row("test NDCG@10", Self.mean(served.ndcg, served.ndcgDeviation), Self.mean(tuned.ndcg, tuned.ndcgDeviation))
      row(
        "test recall@10", Self.mean(served.recall, served.recallDeviation),
        Self.mean(tuned.recall, tuned.recallDeviation))
    }
    row(
      "items that share an ID", Self.percent(evidence.servedCollisionRate), Self.percent(evidence.tunedCollisionRate))
    row("entropy by level, nats", Self.list(servedEntropy), Self.list(cycles.last?.entropy ?? []))
    row("codes in use by level", Self.list(evidence.servedUtilization), Self.list(evidence.tunedUtilization))
    var lines = [table.text()]
    lines.append(
      "churn \(Self.percent(evidence.churn)); gain \(Self.figure(evidence.gain)) with a noise of "
        + "\(evidence.noise.map(Self.figure) ?? "unknown size"); \(trainingSteps) steps of the recommender in each arm "
        + "and seed")
    for (index, cycle) in cycles.enumerated() {
      lines.append(
        "cycle \(index + 1): \(cycle.steps) steps, loss \(Self.figure(cycle.lossBefore)) to "
          + "\(Self.figure(cycle.lossAfter)), \(Self.percent(cycle.churn)) of the IDs changed, "
          + "\(Self.percent(cycle.agreement)) of the items as serving assigns them"
          + (cycle.stopReason.map { "; stopped: \($0)" } ?? ""))
    }
    if let vectorShift {
      lines.append("the aligner was tuned along: an item's vector moved by \(Self.figure(vectorShift)) in the mean")
    }
    lines.append(
      "tuning took \(ProgressLine.duration(tuningSeconds)), training both arms "
        + "\(ProgressLine.duration(trainingSeconds)), peak memory \(peakMemory >> 20) MiB")
    if let published {
      lines.append(
        "generation \(published) is published in place of \(base); 'tessera rollback STORE --to \(base)' goes back")
    } else {
      lines.append("generation \(base) stays:")
      lines += reasons.map { "  " + $0 }
    }
    return lines.joined(separator: "\n")
  }

  private static func figure(_ value: Double) -> String { "\((value * 100_000).rounded() / 100_000)" }
  private static func percent(_ share: Double) -> String { "\((share * 10_000).rounded() / 100) %" }
  private static func list(_ values: [Double]) -> String {
    values.map { "\(($0 * 10_000).rounded() / 10_000)" }.joined(separator: " ")
  }
  private static func mean(_ mean: Double, _ deviation: Double?) -> String {
    figure(mean) + (deviation.map { " ± " + figure($0) } ?? "")
  }
}
