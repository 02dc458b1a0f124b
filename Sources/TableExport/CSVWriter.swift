/// Writes comma-separated values: a header line, then one line per row, quoted by RFC 4180 where needed, lines ended
/// by a line feed alone. A distance that is not finite is `NaN`, `inf` or `-inf`.
public final class CSVWriter: TableWriter {
  private let description: TableDescription
  private let file: OutputFile
  private var rows = 0

  public init(path: String, description: TableDescription) throws(TableExportError) {
    self.description = description
    file = try OutputFile(path: path)
    try file.write([UInt8]((description.columns.joined(separator: ",") + "\n").utf8))
  }

  public func append(_ row: SemanticIDRow) throws(TableExportError) {
    try description.check(row, path: file.path)
    try file.write { line in
      line.appendCSVField(row.id)
      for code in row.codes {
        line.append(0x2C)
        line.appendDecimal(code)
      }
      line.append(0x2C)
      line.appendSemanticID(row.codes, suffix: row.suffix)
      line.append(0x2C)
      line.appendDecimal(row.suffix)
      line.append(0x2C)
      line.appendDecimal(UInt64(row.flags))
      line.append(0x2C)
      line.appendShortest(row.distance)
      line.append(0x2C)
      line.appendDecimal(row.generation)
      line.append(0x0A)
    }
    rows += 1
  }

  @discardableResult
  public func finish() throws(TableExportError) -> TableSummary {
    try file.commit()
    return TableSummary(path: file.path, rows: rows, bytes: file.size)
  }
}
