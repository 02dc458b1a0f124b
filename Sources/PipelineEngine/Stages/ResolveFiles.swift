internal import ItemCatalog
internal import Quantizers
internal import SemanticIDStore

/// What the resolve stage leaves: the columns of the generation to come, all but the ids and content hashes, which the
/// item table has.
struct ResolveFiles {
  let rows: String
  let codes: String
  let suffixes: String
  let flags: String
  let distances: String

  init(_ context: RunContext) {
    let folder = context.workspace.stage(.resolve)
    rows = folder + "/rows.u32"
    codes = folder + "/codes.u16"
    suffixes = folder + "/suffixes.u16"
    flags = folder + "/flags.u8"
    distances = folder + "/distances.f32"
  }

  var all: [String] { [rows, codes, suffixes, flags, distances] }

  func write(_ assembled: AssembledCodes, _ resolved: ResolvedCodes) throws(PipelineError) {
    var flags = ContiguousArray(assembled.flags)
    for row in flags.indices where resolved.moved[row] { flags[row] |= ItemFlags.moved.rawValue }
    try QuantizeFiles.write(ContiguousArray(assembled.tableRows), columns: 1, to: rows)
    try QuantizeFiles.write(resolved.codes.elements, columns: resolved.codes.levels, to: codes)
    try QuantizeFiles.write(resolved.suffixes, columns: 1, to: suffixes)
    try QuantizeFiles.write(flags, columns: 1, to: self.flags)
    try QuantizeFiles.write(resolved.distances, columns: 1, to: distances)
  }

  /// The generation's columns, and a hash of all that is in them.
  func columns(_ table: ItemTable) throws -> (columns: ItemColumns, digest: String) {
    let tableRows = try ColumnFileReader<UInt32>(path: rows, columns: 1).readAll()
    let count = tableRows.count
    let codes = try ColumnFileReader<UInt16>(path: self.codes, rows: count)
    let elements = try codes.readAll()
    let suffixes = try ColumnFileReader<UInt16>(path: self.suffixes, columns: 1, rows: count).readAll()
    let flags = try ColumnFileReader<UInt8>(path: self.flags, columns: 1, rows: count).readAll()
    let distances = try ColumnFileReader<Float>(path: self.distances, columns: 1, rows: count).readAll()
    let (ids, hashes) = try Self.identifiers(table, rows: tableRows)
    let columns = ItemColumns(
      levels: codes.columns, ids: ids, codes: elements, suffixes: Array(suffixes),
      flags: flags.map { ItemFlags(rawValue: $0) }, distances: Array(distances), contentHashes: hashes)
    return (columns, Self.digest(columns, tableRows: tableRows, of: table))
  }

  /// A hash of all that is in a generation's columns.
  /// - Parameter tableRows: of its items, in the order of the columns.
  static func digest(_ columns: ItemColumns, tableRows: ContiguousArray<UInt32>, of table: ItemTable) -> String {
    var hasher = ContentHasher()
    hasher.updateField(table.digest)
    hasher.update(bytes(of: tableRows))
    hasher.update(bytes(of: columns.codes))
    hasher.update(bytes(of: ContiguousArray(columns.suffixes)))
    hasher.update(bytes(of: ContiguousArray(columns.flags.map(\.rawValue))))
    hasher.update(bytes(of: ContiguousArray(columns.distances)))
    return hasher.finalize().hex
  }

  private static func identifiers(
    _ table: ItemTable, rows: ContiguousArray<UInt32>
  ) throws -> (IdentifierColumn, [UInt64]) {
    var ids = IdentifierColumn()
    var hashes = [UInt64]()
    ids.reserveCapacity(rows: rows.count, totalBytes: rows.count * 16)
    hashes.reserveCapacity(rows.count)
    var next = 0
    let block = 8192
    for start in stride(from: 0, to: table.count, by: block) {
      let range = start..<min(table.count, start + block)
      for (row, id) in zip(range, try table.ids(in: range)) where next < rows.count && Int(rows[next]) == row {
        ids.append(id)
        hashes.append(table.contentHash(at: row))
        next += 1
      }
    }
    guard next == rows.count else {
      throw PipelineError(.invalidData, "the resolved rows do not fit the item table; run again with --force resolve")
    }
    return (ids, hashes)
  }
}

/// A copy of the memory of some elements.
private func bytes(of elements: ContiguousArray<some BitwiseCopyable>) -> [UInt8] {
  unsafe elements.withUnsafeBytes { unsafe Array($0) }
}
