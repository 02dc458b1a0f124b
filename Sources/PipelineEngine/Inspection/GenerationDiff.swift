internal import ItemCatalog
public import Quantizers
internal import SemanticIDStore

/// What changed from one generation to another (`tessera inspect diff`).
public struct GenerationDiff: Sendable, Equatable, Codable {
  /// One item whose semantic ID is not what it was.
  public struct Example: Sendable, Equatable, Codable {
    public let id: String
    public let title: String?

    /// Nil for an item that the earlier, or the later, generation lacks.
    public let before: String?
    public let after: String?

    /// Whether the item's content hash changed; false where only one generation has it.
    public let contentChanged: Bool
  }

  /// Items that changed in one way.
  public struct Group: Sendable, Equatable, Codable {
    /// `added`, `removed`, `suffix`, or `level 1` for a first different code at level 1.
    public let change: String
    public let items: Int

    /// The first by id, at most the limit.
    public let examples: [Example]
  }

  public let from: UInt64
  public let to: UInt64
  public let churn: Churn

  /// Collisions of both generations, suffixes left out.
  public let bucketsBefore: BucketMetrics
  public let bucketsAfter: BucketMetrics

  /// Deepest churn first: by level of the first change, then suffixes, added and removed items. Groups without items
  /// are left out.
  public let groups: [Group]

  /// Compares two generations.
  ///
  /// - Parameters:
  ///   - catalog: titles for the rows of `current`; removed items have none.
  ///   - limit: examples of each kind of change.
  /// - Complexity: O(items × levels).
  public init(
    from previous: GenerationSnapshot, to current: GenerationSnapshot, catalog: InspectionCatalog? = nil,
    limit: Int = 10
  ) {
    let matches = current.rows(in: previous)
    from = previous.manifest.generation
    to = current.manifest.generation
    churn = Churn(from: previous.churnColumns, to: current.churnColumns, previousRow: matches)
    bucketsBefore = BucketMetrics(previous.codes)
    bucketsAfter = BucketMetrics(current.codes)
    var collector = ExampleCollector(previous: previous, current: current, catalog: catalog, limit: limit)
    for (row, match) in matches.enumerated() { collector.add(row: row, previousRow: match) }
    collector.addRemoved(matches)
    groups = collector.groups
  }
}

/// Sorts items by how they changed and keeps the first few of each kind.
private struct ExampleCollector {
  let previous: GenerationSnapshot
  let current: GenerationSnapshot
  let catalog: InspectionCatalog?
  let limit: Int
  private let before: Churn.Columns
  private let after: Churn.Columns
  private let names: [String]
  private var counts: [Int]
  private var examples: [[GenerationDiff.Example]]

  init(previous: GenerationSnapshot, current: GenerationSnapshot, catalog: InspectionCatalog?, limit: Int) {
    self.previous = previous
    self.current = current
    self.catalog = catalog
    self.limit = limit
    before = previous.churnColumns
    after = current.churnColumns
    let levels = max(previous.codes.levels, current.codes.levels)
    names = (0..<levels).map { "level \($0 + 1)" } + ["suffix", "added", "removed"]
    counts = Array(repeating: 0, count: names.count)
    examples = Array(repeating: [], count: names.count)
  }

  var groups: [GenerationDiff.Group] {
    names.indices.filter { counts[$0] > 0 }.map {
      GenerationDiff.Group(change: names[$0], items: counts[$0], examples: examples[$0])
    }
  }

  mutating func add(row: Int, previousRow: Int) {
    guard previousRow >= 0 else { return note(names.count - 2, row: row, previousRow: nil) }
    switch Churn.change(from: before, row: previousRow, to: after, currentRow: row) {
    case .none: return
    case .suffix: note(names.count - 3, row: row, previousRow: previousRow)
    case .code(let level): note(level, row: row, previousRow: previousRow)
    }
  }

  /// Adds the items of `previous` that no row of `current` matched.
  mutating func addRemoved(_ matches: ContiguousArray<Int>) {
    var isMatched = [Bool](repeating: false, count: previous.count)
    for match in matches where match >= 0 { isMatched[match] = true }
    for row in 0..<previous.count where !isMatched[row] { note(names.count - 1, row: nil, previousRow: row) }
  }

  private mutating func note(_ group: Int, row: Int?, previousRow: Int?) {
    counts[group] += 1
    guard examples[group].count < limit else { return }
    let item = row.flatMap { catalog?.item($0) }
    var contentChanged = false
    if let row, let previousRow {
      contentChanged = current.columns.contentHashes[row] != previous.columns.contentHashes[previousRow]
    }
    let id = row.map { current.columns.ids[$0] } ?? previousRow.map { previous.columns.ids[$0] } ?? ""
    examples[group].append(
      GenerationDiff.Example(
        id: id, title: item?.title,
        before: previousRow.map { previous.columns.semanticID(at: $0).description },
        after: row.map { current.columns.semanticID(at: $0).description }, contentChanged: contentChanged))
  }
}
