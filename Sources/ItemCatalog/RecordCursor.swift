/// Walks the records of one chunk.
///
/// A stray quote in CSV can swallow the lines after it up to the next quote. Where such a record turns out to be
/// wrong, ``giveUp(_:)`` returns to the line after its first one, so that a bad line costs itself and not its
/// neighbors; the number of returns is bounded, so that a hostile chunk cannot be read over and over.
struct RecordCursor {
  /// The line of the record at hand, counted from the chunk's start; at the end, the lines of the chunk.
  private(set) var line = 0
  private let format: RecordFormat
  private var range = 0..<0
  private var lines = 0
  private var recoveries = 0

  private static let recoveryLimit = 64

  init(format: RecordFormat) {
    self.format = format
  }

  /// The next record that is not a blank line; nil at the chunk's end.
  mutating func next(_ bytes: [UInt8]) -> Range<Int>? {
    while true {
      line += lines
      lines = 0
      guard range.upperBound < bytes.count else { return nil }
      let start = range.upperBound
      switch format {
      case .jsonLines:
        let newline = ByteScanning.firstNewline(in: bytes, from: start, to: bytes.count)
        range = start..<min(bytes.count, newline + 1)
        lines = 1
        if !ByteScanning.isBlank(bytes, start..<newline) { return start..<newline }
      case .delimited(let delimiter):
        let record = DelimitedRow.end(of: bytes, from: start, to: bytes.count, delimiter: delimiter)
        range = start..<record.index
        lines = record.lines + (record.isComplete ? 0 : 1)
        if !DelimitedRow.isBlankLine(bytes, range) { return range }
      }
    }
  }

  /// Leaves the record at hand as wrong, and returns how many lines that costs.
  mutating func giveUp(_ bytes: [UInt8]) -> Int {
    let newline = ByteScanning.firstNewline(in: bytes, from: range.lowerBound, to: range.upperBound)
    guard format != .jsonLines, lines > 1, newline + 1 < range.upperBound, recoveries < Self.recoveryLimit else {
      return max(1, lines)
    }
    recoveries += 1
    range = range.lowerBound..<newline + 1
    lines = 1
    return 1
  }
}
