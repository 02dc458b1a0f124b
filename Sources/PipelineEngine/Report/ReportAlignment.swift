internal import BehaviorAlignment

/// What alignment to behavior changed, as a report shows it.
public struct ReportAlignment: Sendable, Equatable, Codable {
  /// How one way to represent items finds the targets of held-out pairs.
  public struct Row: Sendable, Equatable, Codable {
    public var name: String
    /// Shares of the pairs whose target is among the 10, and the 50, nearest items.
    public var recallAt10: Double
    public var recallAt50: Double
    public var meanReciprocalRank: Double
  }

  /// What is near an item before and after.
  public struct Example: Sendable, Equatable, Codable {
    public var item: ReportItem
    public var before: [ReportItem]
    public var after: [ReportItem]
  }

  /// Items that targets were looked for among.
  public var items: Int
  public var heldOutPairs: Int
  public var rows: [Row] = []
  public var examples: [Example] = []
  /// Steps to the aligner that was kept.
  public var steps = 0
  /// Why training ended early; nil where it did not.
  public var stopReason: String?

  /// - Parameter item: an item as a report shows it; nil where the generation does not have it.
  init(_ record: AlignmentRecord, item: (String) -> ReportItem?) {
    examples = record.examples.compactMap { example in
      item(example.item).map {
        Example(item: $0, before: example.before.compactMap(item), after: example.after.compactMap(item))
      }
    }
    items = record.items
    heldOutPairs = record.heldOutPairs
    stopReason = record.stopReason
    rows = record.comparison.map {
      Row(
        name: $0.name, recallAt10: $0.recall.recall[10] ?? 0, recallAt50: $0.recall.recall[50] ?? 0,
        meanReciprocalRank: $0.recall.meanReciprocalRank)
    }
    steps =
      record.measurements.max { $0.validation.meanReciprocalRank < $1.validation.meanReciprocalRank }?.step ?? 0
  }
}

extension ReportPage {
  var alignmentSection: Section? {
    guard let alignment = data.alignment, alignment.heldOutPairs > 0 else { return nil }
    let stop: HTML = alignment.stopReason.map { " Training stopped early: \($0)." } ?? .empty
    let lead: HTML = """
      For \(figure(alignment.heldOutPairs, at: "alignment.heldOutPairs")) pairs that training did not see: how often the \
      second item is among the nearest of the first, of \(figure(alignment.items, at: "alignment.items")) items. The \
      aligner of step \(figure(alignment.steps, at: "alignment.steps")) is in use.\(stop)
      """
    let rows: [HTML] = alignment.rows.enumerated().map { index, row in
      let place = "alignment.rows.\(index)"
      return """
        <tr><th scope="row">\(row.name)</th>\
        <td>\(figure(row.recallAt10, .percent, at: place + ".recallAt10"))\(bar(row.recallAt10))</td>\
        <td>\(figure(row.recallAt50, .percent, at: place + ".recallAt50"))\(bar(row.recallAt50))</td>\
        <td>\(figure(row.meanReciprocalRank, .decimal, at: place + ".meanReciprocalRank"))</td></tr>
        """
    }
    return Section(
      id: "alignment", title: "Alignment to behavior", lead: lead,
      body: """
        <table><thead><tr><th scope="col">representation</th><th scope="col">among 10</th>\
        <th scope="col">among 50</th><th scope="col">mean 1 / rank</th></tr></thead><tbody>\(rows)</tbody></table>\
        \(neighborExamples(alignment.examples))
        """)
  }

  private func neighborExamples(_ examples: [ReportAlignment.Example]) -> HTML {
    let cards: [HTML] = examples.map { example in
      let before: [HTML] = example.before.map { card(of: $0) }, after: [HTML] = example.after.map { card(of: $0) }
      return """
        <article class="panel bucket"><h3>nearest to</h3><ul class="items">\(card(of: example.item))</ul>\
        <h3>before</h3><ul class="items">\(before)</ul><h3>aligned</h3><ul class="items">\(after)</ul></article>
        """
    }
    guard !cards.isEmpty else { return .empty }
    return """
      <details class="plain"><summary>What is near some items, before and after (\(cards.count))</summary>\
      <div class="buckets examples">\(cards)</div></details>
      """
  }

  static func imagePaths(_ alignment: ReportAlignment?) -> [String?] {
    (alignment?.examples ?? []).flatMap { example in
      ([example.item] + example.before + example.after).map(\.imagePath)
    }
  }
}
