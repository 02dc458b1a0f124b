internal import NeuralNetworks
internal import Recommenders

/// How a recommender learned on the generation's codes, and what it reached, as a report shows it.
public struct ReportRecommender: Sendable, Equatable, Codable {
  /// What one recommender reached on the held-out items, all items ranked.
  public struct Row: Sendable, Equatable, Codable {
    public var name: String
    public var recallAt10: Double
    public var ndcgAt10: Double
    public var recallAt50: Double
    /// The share of the catalogue that is among somebody's first 10.
    public var coverageAt10: Double
    /// Recall at 10 of targets that few have met, and of those that nobody had met; nil where there are none.
    public var longTailRecall: Double?
    public var coldRecall: Double?
  }

  /// One step of training.
  public struct Step: Sendable, Equatable, Codable {
    public var step: Int
    public var loss: Double
    public var learningRate: Double
    /// Of what the machine's matrix products reach at best; nil where it was not measured.
    public var peakShare: Double?
  }

  /// After an epoch.
  public struct Epoch: Sendable, Equatable, Codable {
    public var epoch: Int
    public var loss: Double
    public var validationNDCG: Double?
  }

  public var generation: Int
  public var parameters: Int
  public var users: Int
  public var rows: [Row]
  public var steps: [Step]
  public var epochs: [Epoch]
  public var stopReason: String?

  init(_ record: TrainingRecord) {
    generation = Int(record.generation)
    parameters = record.parameters
    stopReason = record.stopReason
    users = record.table?.slices.first { $0.slice == .all }?.queries ?? 0
    steps = record.steps.map {
      Step(
        step: $0.step, loss: Double($0.loss), learningRate: Double($0.learningRate), peakShare: $0.peakShare)
    }
    epochs = record.measurements.map {
      Epoch(epoch: $0.epoch, loss: $0.loss, validationNDCG: $0.validationNDCG)
    }
    rows = (record.table?.rows ?? []).map { row in
      Row(
        name: row.recommender, recallAt10: row.accuracy(at: 10)?.recall.mean ?? 0,
        ndcgAt10: row.accuracy(at: 10)?.ndcg.mean ?? 0, recallAt50: row.accuracy(at: 50)?.recall.mean ?? 0,
        coverageAt10: row.exposures.first { $0.cutoff == 10 }?.coverage.mean ?? 0,
        longTailRecall: row.accuracy(at: 10, .longTailItems)?.recall.mean,
        coldRecall: row.accuracy(at: 10, .coldItems)?.recall.mean)
    }
  }
}

extension ReportPage {
  var recommenderSection: Section? {
    guard let recommender = data.recommender else { return nil }
    let stop: HTML = recommender.stopReason.map { " Training stopped early: \($0)." } ?? .empty
    let measured: HTML =
      recommender.rows.isEmpty
      ? "Nothing is held out to measure on."
      : """
      For \(figure(recommender.users, at: "recommender.users")) users: how often the item that came next is among the \
      recommended, all items ranked.
      """
    return Section(
      id: "recommender", title: "Recommender",
      lead: """
        A generator of semantic IDs with \(figure(recommender.parameters, at: "recommender.parameters")) parameters, \
        trained on the codes of generation \(figure(recommender.generation, at: "recommender.generation")). \
        \(measured)\(stop)
        """,
      body: "\(recommenderTable(recommender))<div class=\"levels\">\(trainingCurves(recommender))</div>")
  }

  private func recommenderTable(_ recommender: ReportRecommender) -> HTML {
    guard !recommender.rows.isEmpty else { return .empty }
    let hasCold = recommender.rows.contains { $0.coldRecall != nil }
    let rows: [HTML] = recommender.rows.enumerated().map { index, row in
      let place = "recommender.rows.\(index)"
      let cold: HTML = hasCold ? "<td>\(optional(row.coldRecall, at: place + ".coldRecall"))</td>" : .empty
      return """
        <tr><th scope="row">\(row.name)</th>\
        <td>\(figure(row.recallAt10, .percent, at: place + ".recallAt10"))\(bar(row.recallAt10))</td>\
        <td>\(figure(row.recallAt50, .percent, at: place + ".recallAt50"))\(bar(row.recallAt50))</td>\
        <td>\(figure(row.ndcgAt10, .decimal, at: place + ".ndcgAt10"))</td>\
        <td>\(optional(row.longTailRecall, at: place + ".longTailRecall"))</td>\(cold)\
        <td>\(figure(row.coverageAt10, .percent, at: place + ".coverageAt10"))</td></tr>
        """
    }
    let cold: HTML = hasCold ? "<th scope=\"col\">among 10, new items</th>" : .empty
    return """
      <table><thead><tr><th scope="col">recommender</th><th scope="col">among 10</th><th scope="col">among 50</th>\
      <th scope="col">NDCG@10</th><th scope="col">among 10, rare items</th>\(cold)\
      <th scope="col">of the catalogue shown</th></tr></thead><tbody>\(rows)</tbody></table>
      """
  }

  private func optional(_ value: Double?, at place: String) -> HTML {
    value.map { figure($0, .percent, at: place) } ?? "–"
  }

  private func trainingCurves(_ recommender: ReportRecommender) -> HTML {
    let gains = recommender.epochs.compactMap(\.validationNDCG)
    let loss = curve(
      "Loss", "Nats per item: what training lowers, a dense head's part included.", recommender.steps.map(\.loss),
      over: "\(recommender.steps.last?.step ?? 0) steps")
    let rate = curve(
      "Learning rate", "Rises to its peak, then falls along a cosine.", recommender.steps.map(\.learningRate),
      over: "\(recommender.steps.last?.step ?? 0) steps")
    let gain = curve(
      "NDCG@10 on validation", "The epoch with the best is kept.", gains, over: "\(gains.count) epochs")
    let share = curve(
      "Share of the matrix peak", "Of what matrix products in the training's precision reach on this machine at best.",
      recommender.steps.compactMap(\.peakShare), over: "\(recommender.steps.last?.step ?? 0) steps")
    return "\(loss)\(gain)\(rate)\(share)"
  }

  func curve(_ title: String, _ explanation: String, _ values: [Double], over extent: String) -> HTML {
    let values = values.filter(\.isFinite)
    guard values.count > 1 else { return .empty }
    return lineChart(title, explanation, [values], aside: ("at the end", values.last), extent: extent)
  }
}
