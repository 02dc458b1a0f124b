/// Writes a Parquet file: required columns, uncompressed data pages of version 1, dictionaries for the integers, and
/// bounds per column and row group, so that an engine can skip groups. A row group is held in memory until it is
/// full: about 10 MiB with ids of a dozen bytes, never more than about 100 MiB.
///
/// Codes and suffixes are unsigned 16-bit integers, flags unsigned 8-bit (both stored as INT32), the generation is a
/// plain INT64 that every engine reads without a decimal, and the distance a FLOAT.
/// Source: Apache Parquet format 2.10.
public final class ParquetWriter: TableWriter {
  /// How the file is cut; the defaults suit files of any size.
  public struct Parameters: Sendable {
    /// Rows of a group, the unit that engines spread over workers and skip by its bounds.
    public var rowGroupRows = 131_072
    /// Rows of a page, the unit of decoding.
    public var pageRows = 16_384

    public init() {}
  }

  private let description: TableDescription
  private let parameters: Parameters
  private let file: OutputFile
  private let columns: [ParquetFormat.Column]
  private var ids = ByteArrayColumn()
  private var codes: [SmallIntegerColumn]
  private var texts = ByteArrayColumn()
  private var suffixes = SmallIntegerColumn()
  private var flags = SmallIntegerColumn()
  private var distances = FloatColumn()
  private var generations = LargeIntegerColumn()
  private var pendingRows = 0
  private var rowGroups: [ParquetFormat.RowGroup] = []

  /// Ids of this many bytes end a row group early, whatever its rows.
  private static let rowGroupBytes = 64 << 20

  public init(
    path: String, description: TableDescription, parameters: Parameters = Parameters()
  ) throws(TableExportError) {
    precondition(parameters.rowGroupRows > 0 && parameters.pageRows > 0, "row groups and pages hold at least one row")
    self.description = description
    self.parameters = parameters
    codes = Array(repeating: SmallIntegerColumn(), count: description.levels)
    columns = Self.columns(levels: description.levels)
    file = try OutputFile(path: path)
    try file.write(ParquetFormat.magic)
  }

  private static func columns(levels: Int) -> [ParquetFormat.Column] {
    let codes = (0..<levels).map {
      ParquetFormat.Column(name: "code_\($0)", type: .int32, annotation: .unsigned(bits: 16))
    }
    return [ParquetFormat.Column(name: "id", type: .byteArray, annotation: .string)] + codes + [
      ParquetFormat.Column(name: "semantic_id", type: .byteArray, annotation: .string),
      ParquetFormat.Column(name: "suffix", type: .int32, annotation: .unsigned(bits: 16)),
      ParquetFormat.Column(name: "flags", type: .int32, annotation: .unsigned(bits: 8)),
      ParquetFormat.Column(name: "distance", type: .float, annotation: nil),
      ParquetFormat.Column(name: "generation", type: .int64, annotation: nil),
    ]
  }

  public func append(_ row: SemanticIDRow) throws(TableExportError) {
    try description.check(row, path: file.path)
    guard let generation = Int64(exactly: row.generation) else {
      throw TableExportError(
        .invalidRow, path: file.path, "generation \(row.generation) of item '\(row.id)' does not fit a signed integer")
    }
    ids.append(pageRows: parameters.pageRows) { $0.append(contentsOf: row.id.utf8) }
    for level in 0..<description.levels { codes[level].append(row.codes[level]) }
    texts.append(pageRows: parameters.pageRows) { $0.appendSemanticID(row.codes, suffix: row.suffix) }
    suffixes.append(row.suffix)
    flags.append(UInt16(row.flags))
    distances.append(row.distance)
    generations.append(generation)
    pendingRows += 1
    if pendingRows == parameters.rowGroupRows || ids.bytes.count >= Self.rowGroupBytes { try writeRowGroup() }
  }

  @discardableResult
  public func finish() throws(TableExportError) -> TableSummary {
    try writeRowGroup()
    let footer = ParquetFormat.footer(
      columns: columns, rowGroups: rowGroups, metadata: description.allMetadata, createdBy: description.createdBy)
    try file.write(footer)
    try file.write {
      $0.appendLittleEndian(UInt32(footer.count))
      $0 += ParquetFormat.magic
    }
    try file.commit()
    return TableSummary(path: file.path, rows: rowGroups.reduce(0) { $0 + $1.rows }, bytes: file.size)
  }

  private func writeRowGroup() throws(TableExportError) {
    guard pendingRows > 0 else { return }
    let pageRows = parameters.pageRows
    var encoded = [ids.takePages()]
    for level in codes.indices { encoded.append(codes[level].takePages(pageRows: pageRows)) }
    encoded.append(texts.takePages())
    encoded.append(suffixes.takePages(pageRows: pageRows))
    encoded.append(flags.takePages(pageRows: pageRows))
    encoded.append(distances.takePages(pageRows: pageRows))
    encoded.append(generations.takePages(pageRows: pageRows))
    var chunks: [ParquetFormat.ColumnChunk] = []
    for (column, pages) in zip(columns, encoded) { chunks.append(try write(pages, of: column)) }
    rowGroups.append(ParquetFormat.RowGroup(rows: pendingRows, chunks: chunks))
    pendingRows = 0
  }

  private func write(
    _ encoded: EncodedColumn, of column: ParquetFormat.Column
  ) throws(TableExportError) -> ParquetFormat.ColumnChunk {
    let start = file.size
    if let dictionary = encoded.dictionary {
      try writePage(.dictionary, values: dictionary.values, dictionary.bytes, encoding: .plain)
    }
    let dataOffset = file.size
    let encoding: ParquetFormat.Encoding = encoded.dictionary == nil ? .plain : .dictionary
    for page in encoded.pages { try writePage(.data, values: page.values, page.bytes, encoding: encoding) }
    return ParquetFormat.ColumnChunk(
      column: column, encoding: encoding, values: encoded.pages.reduce(0) { $0 + $1.values },
      dataPages: encoded.pages.count, bytes: file.size - start,
      dictionaryOffset: encoded.dictionary == nil ? nil : start, dataOffset: dataOffset, statistics: encoded.statistics)
  }

  private func writePage(
    _ type: ParquetFormat.PageType, values: Int, _ bytes: [UInt8], encoding: ParquetFormat.Encoding
  ) throws(TableExportError) {
    try file.write(ParquetFormat.pageHeader(type, values: values, bytes: bytes.count, encoding: encoding))
    try file.write(bytes)
  }
}
