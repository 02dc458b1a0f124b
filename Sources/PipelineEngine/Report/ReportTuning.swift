internal import Recommenders

/// What tuning codes by a recommender's gradients came to, as a report shows it.
public struct ReportTuning: Sendable, Equatable, Codable {
  /// The served codes, or the tuned ones, with recommenders that were trained on them for as many steps.
  public struct Arm: Sendable, Equatable, Codable {
    /// On the validation users, which the gate judges by: the mean over the seeds.
    public var validationNDCG: Double
    /// On the test users, which decide nothing; nil where none are held out.
    public var ndcg: Double?
    public var recall: Double?
    /// The share of items that share an ID.
    public var collisionRate: Double
    /// In nats, the mean over the levels.
    public var entropy: Double
    /// The share of codes in use, of the level where it is lowest.
    public var utilization: Double

    package init(
      validationNDCG: Double, ndcg: Double?, recall: Double?, collisionRate: Double, entropy: Double,
      utilization: Double
    ) {
      (self.validationNDCG, self.ndcg, self.recall) = (validationNDCG, ndcg, recall)
      (self.collisionRate, self.entropy, self.utilization) = (collisionRate, entropy, utilization)
    }
  }

  /// The generation that was tuned.
  public var base: Int
  /// Nil where the gate refused.
  public var published: Int?
  /// Why it did, a sentence each.
  public var reasons: [String]
  /// The share of items whose ID the tuned codes change.
  public var churn: Double
  /// Of validation NDCG@10, and its noise; nil where that is not known.
  public var gain: Double
  public var noise: Double?
  /// The recommender's loss on training batches before and after each cycle, in nats per item.
  public var lossBefore: [Double]
  public var lossAfter: [Double]
  public var served: Arm
  public var tuned: Arm

  init(_ outcome: TuningOutcome) {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
    let evidence = outcome.evidence
    (base, published, reasons) = (Int(outcome.base), outcome.published.map { Int($0) }, outcome.reasons)
    (churn, gain, noise) = (evidence.churn, evidence.gain, evidence.noise)
    (lossBefore, lossAfter) = (outcome.cycles.map(\.lossBefore), outcome.cycles.map(\.lossAfter))
    served = Arm(
      validationNDCG: mean(evidence.servedNDCG), ndcg: outcome.served?.ndcg, recall: outcome.served?.recall,
      collisionRate: evidence.servedCollisionRate, entropy: mean(outcome.servedEntropy),
      utilization: evidence.servedUtilization.min() ?? 0)
    tuned = Arm(
      validationNDCG: mean(evidence.tunedNDCG), ndcg: outcome.tuned?.ndcg, recall: outcome.tuned?.recall,
      collisionRate: evidence.tunedCollisionRate, entropy: mean(outcome.cycles.last?.entropy ?? []),
      utilization: evidence.tunedUtilization.min() ?? 0)
  }

  package init(
    base: Int, published: Int?, reasons: [String], churn: Double, gain: Double, noise: Double?, lossBefore: [Double],
    lossAfter: [Double], served: Arm, tuned: Arm
  ) {
    (self.base, self.published, self.reasons) = (base, published, reasons)
    (self.churn, self.gain, self.noise) = (churn, gain, noise)
    (self.lossBefore, self.lossAfter) = (lossBefore, lossAfter)
    (self.served, self.tuned) = (served, tuned)
  }
}

extension ReportPage {
  var tuningSection: Section? {
    guard let tuning = data.tuning else { return nil }
    let decision: HTML =
      tuning.published.map { generation in
        "The gate let them pass: generation \(figure(generation, at: "tuning.published")) has them."
      } ?? "The gate refused them, and generation \(figure(tuning.base, at: "tuning.base")) stays."
    let noise: HTML = tuning.noise.map { ", with a noise of \(figure($0, .decimal, at: "tuning.noise"))" } ?? .empty
    return Section(
      id: "tuning", title: "Codes tuned by the recommender",
      lead: """
        The codebooks of generation \(tuning.base) were moved by a recommender's gradients, and recommenders trained on \
        the served and on the tuned codes for as many steps. Tuning would change the IDs of \
        \(figure(tuning.churn, .percent, at: "tuning.churn")) of the items; validation NDCG@10 changed by \
        \(figure(tuning.gain, .decimal, at: "tuning.gain"))\(noise). \(decision)
        """,
      body: "\(tuningTable(tuning))\(tuningReasons(tuning))")
  }

  private func tuningTable(_ tuning: ReportTuning) -> HTML {
    func row(_ name: HTML, _ arm: ReportTuning.Arm, _ place: String) -> HTML {
      func cell(_ value: Double?, _ name: String, _ kind: ReportFigure.Kind = .decimal) -> HTML {
        let text: HTML = value.map { figure($0, kind, at: "tuning.\(place).\(name)") } ?? "–"
        return "<td>\(text)</td>"
      }
      return """
        <tr><th scope="row">\(name)</th>\(cell(arm.validationNDCG, "validationNDCG"))\(cell(arm.ndcg, "ndcg"))\
        \(cell(arm.recall, "recall", .percent))\(cell(arm.collisionRate, "collisionRate", .percent))\
        \(cell(arm.entropy, "entropy"))\(cell(arm.utilization, "utilization", .percent))</tr>
        """
    }
    return """
      <table><thead><tr><th scope="col">codes</th><th scope="col">NDCG@10, validation</th>\
      <th scope="col">NDCG@10, test</th><th scope="col">among 10, test</th><th scope="col">items that share an ID</th>\
      <th scope="col">entropy, nats a level</th><th scope="col">codes in use</th></tr></thead>\
      <tbody>\(row("served", tuning.served, "served"))\(row("tuned", tuning.tuned, "tuned"))</tbody></table>
      """
  }

  private func tuningReasons(_ tuning: ReportTuning) -> HTML {
    let items: [HTML] = tuning.reasons.map { "<li>\($0)</li>" }
    return items.isEmpty ? .empty : "<ul>\(items)</ul>"
  }
}
