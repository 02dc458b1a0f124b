internal import BehaviorAlignment
internal import ItemCatalog

/// What the pairs stage leaves: pairs, held-out pairs, and the items that both number.
///
/// Pairs number the log's items, not the rows of the item table: rows move from night to night, and a log that did not
/// change is not mined again because the catalogue has a new item.
struct PairFiles {
  let folder: String

  init(_ context: RunContext) { folder = context.workspace.stage(.pairs) }

  var pairs: String { folder + "/pairs.safetensors" }
  var heldOut: String { folder + "/held-out.safetensors" }
  var items: String { folder + "/items.txt" }
  var rejected: String { folder + "/rejected-interactions.jsonl" }

  /// The pairs and held-out pairs of tonight's item table, by its rows.
  func load(_ table: ItemTable) throws -> (pairs: PairTable, heldOut: HeldOutPairs) {
    let list = try PairItems(contentsOf: items)
    let identifiers = try table.identifiers()
    let rows = list.known.map { id in identifiers.index(of: id).map { Int32($0) } ?? -1 }
    let mined = try PairTable(contentsOf: pairs, itemCount: rows.count)
    let held = try HeldOutPairs(contentsOf: heldOut, itemCount: rows.count)
    return (mined.mapping(rows, itemCount: table.count), held.mapping(rows))
  }
}

/// The items of a behavior log: those that the catalogue has, which pairs number in this order, and the others.
struct PairItems: Equatable {
  private static let magic = "tessera pair items 1"
  private static let maximumBytes = 8 << 30

  /// In the order of the item table when the log was mined.
  let known: [String]
  /// In byte order.
  let unknown: [String]

  init(_ log: InteractionLog, catalog: IdentifierTable) {
    let rows = log.rows(in: catalog)
    known = rows.indices.filter { rows[$0] >= 0 }.sorted { rows[$0] < rows[$1] }.map { log.items[$0] }
    unknown = rows.indices.filter { rows[$0] < 0 }.map { log.items[$0] }.sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
  }

  /// Reads a list that ``write(to:)`` wrote. Ids hold no control characters, so a line is an id.
  init(contentsOf path: String) throws(PipelineError) {
    let bytes = try FileSystem.readSmallFile(path, limit: Self.maximumBytes, what: "list of the log's items")
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard lines.count >= 3, lines[0] == Self.magic, let count = Int(lines[1]), count >= 0, count <= lines.count - 3,
      lines.last?.isEmpty == true, !lines[2..<lines.count - 1].contains("")
    else {
      throw PipelineError(.invalidData, "'\(path)' is damaged; delete it and run again: 'pairs' writes it anew")
    }
    known = Array(lines[2..<2 + count])
    unknown = Array(lines[(2 + count)..<lines.count - 1])
  }

  func write(to path: String) throws(PipelineError) {
    let lines = [Self.magic, "\(known.count)"] + known + unknown
    try FileSystem.write(lines.map { $0 + "\n" }.joined(), to: path)
  }

  /// Items known to the catalogue, numbered as pairs number them.
  var identifiers: IdentifierTable {
    var table = IdentifierTable()
    for id in known { _ = table.insert(id) }
    return table
  }

  /// What decides, of a catalogue, about what the same log gives: which of the log's items it has, and their
  /// categories where pairs are filtered by them.
  func signature(_ table: ItemTable, category attribute: String?) throws -> String {
    let identifiers = try table.identifiers()
    let rows = (known + unknown).map { identifiers.index(of: $0) ?? -1 }
    var hasher = ContentHasher()
    for row in rows { hasher.update(row < 0 ? 0 : 1) }
    guard let attribute else { return hasher.finalize().hex }
    let values = try CategoryKeys.values(table, attribute: attribute)
    for row in rows { hasher.updateField(row < 0 ? "" : values[row] ?? "") }
    return hasher.finalize().hex
  }
}

/// The values of one attribute, for the filter by category.
enum CategoryKeys {
  /// By row of the item table; nil where an item has no such attribute.
  static func values(_ table: ItemTable, attribute: String) throws -> [String?] {
    var values: [String?] = []
    values.reserveCapacity(table.count)
    for start in stride(from: 0, to: table.count, by: 8192) {
      let items = try table.items(in: start..<min(table.count, start + 8192))
      values += items.map { $0.attributes[attribute]?.description }
    }
    return values
  }

  /// A number for each value, 0 for none.
  static func numbers(_ values: [String?]) -> [UInt32] {
    var numbers: [String: UInt32] = [:]
    return values.map { value in
      guard let value, !value.isEmpty else { return 0 }
      if let number = numbers[value] { return number }
      numbers[value] = UInt32(numbers.count + 1)
      return UInt32(numbers.count)
    }
  }
}
