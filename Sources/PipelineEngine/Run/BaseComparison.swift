internal import ItemCatalog
internal import SemanticIDStore

/// Tonight's items against a generation's: which are unchanged, and what the generation has for them. About 24 bytes
/// per item.
struct BaseComparison {
  /// Per row of the item table: the item is in the generation with the same content.
  private(set) var isUnchanged: [Bool]
  /// Items of the generation that the catalogue no longer has.
  private(set) var removed = 0
  /// Items that the generation has with other content.
  private(set) var changed = 0
  /// Items that the generation does not have.
  private(set) var added = 0
  private(set) var levels = 0
  /// Rows × levels; zeros where a row is not unchanged. Likewise the others.
  private(set) var codes: ContiguousArray<UInt16> = []
  private(set) var suffixes: ContiguousArray<UInt16> = []
  private(set) var flags: [UInt8] = []
  private(set) var distances: ContiguousArray<Float> = []

  /// Nothing to compare with: every item is new.
  init(itemCount: Int) {
    isUnchanged = Array(repeating: false, count: itemCount)
    added = itemCount
  }

  init(table: ItemTable, reader: borrowing GenerationReader) throws {
    let count = table.count
    levels = reader.manifest.levels
    isUnchanged = Array(repeating: false, count: count)
    codes = ContiguousArray(repeating: 0, count: count * levels)
    suffixes = ContiguousArray(repeating: 0, count: count)
    flags = Array(repeating: 0, count: count)
    distances = ContiguousArray(repeating: 0, count: count)
    let block = 65_536
    var known = 0
    for start in stride(from: 0, to: count, by: block) {
      let ids = IdentifierColumn(try table.ids(in: start..<min(count, start + block)))
      try reader.forEachRow(of: ids) { position, codes, fields in
        known += 1
        let row = start + position
        guard fields.contentHash == table.contentHash(at: row) else { return changed += 1 }
        take(codes, fields, row: row)
      }
    }
    added = count - known
    removed = reader.count - known
  }

  private mutating func take(_ codes: Span<UInt16>, _ fields: ItemFields, row: Int) {
    isUnchanged[row] = true
    for level in codes.indices { self.codes[row * levels + level] = codes[level] }
    suffixes[row] = fields.suffix
    flags[row] = fields.flags.rawValue
    distances[row] = fields.distance
  }

  /// Rows that are new or changed, ascending.
  var pendingRows: [Int] { isUnchanged.indices.filter { !isUnchanged[$0] } }
}
