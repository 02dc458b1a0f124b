/// Writes one JSON object per line, with the columns as keys, in order. JSON has no number that is not finite: such a
/// distance is `null`.
public final class JSONLinesWriter: TableWriter {
  private let description: TableDescription
  private let file: OutputFile
  /// What stands before each code, for example `,"code_0":`.
  private let codeKeys: [[UInt8]]
  private var rows = 0

  private static let idKey = [UInt8]("{\"id\":".utf8)
  private static let semanticIDKey = [UInt8](",\"semantic_id\":\"".utf8)
  private static let suffixKey = [UInt8]("\",\"suffix\":".utf8)
  private static let flagsKey = [UInt8](",\"flags\":".utf8)
  private static let distanceKey = [UInt8](",\"distance\":".utf8)
  private static let generationKey = [UInt8](",\"generation\":".utf8)
  private static let end = [UInt8]("}\n".utf8)

  public init(path: String, description: TableDescription) throws(TableExportError) {
    self.description = description
    codeKeys = (0..<description.levels).map { [UInt8](",\"code_\($0)\":".utf8) }
    file = try OutputFile(path: path)
  }

  public func append(_ row: SemanticIDRow) throws(TableExportError) {
    try description.check(row, path: file.path)
    try file.write { line in
      line += Self.idKey
      line.appendJSONString(row.id)
      for (key, code) in zip(codeKeys, row.codes) {
        line += key
        line.appendDecimal(code)
      }
      line += Self.semanticIDKey
      line.appendSemanticID(row.codes, suffix: row.suffix)
      line += Self.suffixKey
      line.appendDecimal(row.suffix)
      line += Self.flagsKey
      line.appendDecimal(UInt64(row.flags))
      line += Self.distanceKey
      if row.distance.isFinite {
        line.appendShortest(row.distance)
      } else {
        line.append(contentsOf: "null".utf8)
      }
      line += Self.generationKey
      line.appendDecimal(row.generation)
      line += Self.end
    }
    rows += 1
  }

  @discardableResult
  public func finish() throws(TableExportError) -> TableSummary {
    try file.commit()
    return TableSummary(path: file.path, rows: rows, bytes: file.size)
  }
}
