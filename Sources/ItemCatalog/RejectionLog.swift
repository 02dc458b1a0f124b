/// Writes rejected records as JSON Lines and counts them by reason.
struct RejectionLog: ~Copyable {
  private var output: OutputFile?
  private var counts: [Int]
  private(set) var examples: [RejectedRecord] = []
  private(set) var errors = 0
  private(set) var warnings = 0

  private static let exampleLimit = 10

  /// - Parameter path: where the lines go; nil only counts.
  init(path: String?) throws(CatalogError) {
    if let path { output = try OutputFile.create(path) }
    counts = Array(repeating: 0, count: RejectedRecord.Reason.allCases.count * 2)
  }

  /// Lists a problem of a chunk that starts at `firstLine`. One that cost several lines counts for each of them,
  /// since each may have been a record.
  mutating func add(_ problem: PendingProblem, file: String, firstLine: Int) throws(CatalogError) {
    let cost = problem.lines > 1 ? " (\(problem.lines) lines)" : ""
    let record = RejectedRecord(
      severity: problem.severity, file: file, line: firstLine + problem.line, field: problem.problem.field,
      reason: problem.problem.reason, found: problem.problem.found + cost, expected: problem.problem.expected)
    if record.severity == .error { errors += problem.lines } else { warnings += problem.lines }
    if let reason = RejectedRecord.Reason.allCases.firstIndex(of: record.reason) {
      counts[reason * 2 + (record.severity == .error ? 0 : 1)] += problem.lines
    }
    if examples.count < Self.exampleLimit { examples.append(record) }
    try output?.append(Array((record.json + "\n").utf8))
  }

  mutating func commit() throws(CatalogError) {
    try output?.commit()
  }

  /// How often each reason came up, in the order of the reasons' declaration.
  var reasonCounts: [CatalogSummary.ReasonCount] {
    var result: [CatalogSummary.ReasonCount] = []
    for (index, reason) in RejectedRecord.Reason.allCases.enumerated() {
      for (offset, severity) in [RejectedRecord.Severity.error, .warning].enumerated() {
        let count = counts[index * 2 + offset]
        if count > 0 { result.append(.init(reason: reason, severity: severity, count: count)) }
      }
    }
    return result
  }
}

extension RejectedRecord {
  /// The record as one line of JSON, without the newline.
  var json: String {
    "{\"severity\":\"\(severity.rawValue)\",\"file\":\(Self.quoted(file)),\"line\":\(line),"
      + "\"field\":\(Self.quoted(field)),\"reason\":\"\(reason.rawValue)\",\"found\":\(Self.quoted(found)),"
      + "\"expected\":\(Self.quoted(expected))}"
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
