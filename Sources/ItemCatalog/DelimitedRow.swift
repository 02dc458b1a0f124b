/// Records of CSV (RFC 4180) and TSV. A quote counts only where a field starts; inside quotes a doubled quote stands
/// for one, and delimiters and newlines are text. TSV is read by the same rules with a tab as delimiter.
struct DelimitedRow {
  let delimiter: UInt8
  private(set) var fields: [FieldSlice] = []
  private(set) var scratch: [UInt8]
  private let fixedBytes: Int
  private let fieldLimit: Int

  /// - Parameters:
  ///   - fixed: bytes that stay at the start of the scratch space, such as the header's names.
  ///   - fieldLimit: more fields than this make a row an error before they cost memory.
  init(delimiter: UInt8, fixed: [UInt8] = [], fieldLimit: Int) {
    self.delimiter = delimiter
    self.fieldLimit = fieldLimit
    scratch = fixed
    fixedBytes = fixed.count
  }

  /// Where the record that starts at `start` ends (after its newline), and how many newlines it holds.
  /// `isComplete` is false when the bytes end inside it: before its newline, or within quotes.
  static func end(
    of bytes: [UInt8], from start: Int, to limit: Int, delimiter: UInt8
  ) -> (index: Int, lines: Int, isComplete: Bool, isQuoteOpen: Bool) {
    var index = start
    var lines = 0
    while true {
      index = ByteScanning.first(0x22, or: 0x0A, in: bytes, from: index, to: limit)
      guard index < limit else { return (limit, lines, false, false) }
      if bytes[index] == 0x0A { return (index &+ 1, lines &+ 1, true, false) }
      let startsField = index == start || bytes[index &- 1] == delimiter
      index &+= 1
      guard startsField else { continue }
      while true {
        index = ByteScanning.first(0x22, or: 0x0A, in: bytes, from: index, to: limit)
        guard index < limit else { return (limit, lines, false, true) }
        let isNewline = bytes[index] == 0x0A
        index &+= 1
        if isNewline {
          lines &+= 1
        } else if index < limit, bytes[index] == 0x22 {
          index &+= 1
        } else {
          break
        }
      }
    }
  }

  /// Splits one record, given with or without its newline.
  mutating func split(_ bytes: [UInt8], _ range: Range<Int>) throws(RecordProblem) {
    fields.removeAll(keepingCapacity: true)
    scratch.removeLast(scratch.count &- fixedBytes)
    var end = range.upperBound
    if end > range.lowerBound, bytes[end &- 1] == 0x0A { end &-= 1 }
    if end > range.lowerBound, bytes[end &- 1] == 0x0D { end &-= 1 }
    var index = range.lowerBound
    while true {
      guard fields.count < fieldLimit else {
        throw RecordProblem(
          "", .invalidRow, found: "more than \(fieldLimit) fields", expected: "\(fieldLimit), as in the header")
      }
      if index < end, bytes[index] == 0x22 {
        fields.append(try quotedField(bytes, &index, end))
      } else {
        let start = index
        while index < end, bytes[index] != delimiter { index &+= 1 }
        fields.append(FieldSlice(start: start, end: index, isScratch: false))
      }
      guard index < end else { return }
      index &+= 1
    }
  }

  private mutating func quotedField(
    _ bytes: [UInt8], _ index: inout Int, _ end: Int
  ) throws(RecordProblem) -> FieldSlice {
    index &+= 1
    let start = index
    var run = start
    var scratchStart: Int?
    while true {
      let quote = ByteScanning.first(0x22, or: 0x22, in: bytes, from: index, to: end)
      guard quote < end else {
        throw RecordProblem(
          "", .invalidRow, found: "an open quote before \(RecordProblem.excerpt(bytes, start..<end))",
          expected: "a closing quote")
      }
      index = quote &+ 1
      if index < end, bytes[index] == 0x22 {
        scratchStart = scratchStart ?? scratch.count
        scratch.append(contentsOf: bytes[run..<index])
        index &+= 1
        run = index
        continue
      }
      guard index == end || bytes[index] == delimiter else {
        throw RecordProblem(
          "", .invalidRow,
          found: "\(RecordProblem.excerpt(bytes, index..<min(end, index &+ 20))) after a closing quote",
          expected: "a delimiter or the row's end; a quote inside quotes is doubled")
      }
      guard let scratchStart else { return FieldSlice(start: start, end: quote, isScratch: false) }
      scratch.append(contentsOf: bytes[run..<quote])
      return FieldSlice(start: scratchStart, end: scratch.count, isScratch: true)
    }
  }

  /// The bytes of one field of the row just split.
  func bytes(_ field: FieldSlice, in input: [UInt8]) -> [UInt8] {
    Array((field.isScratch ? scratch : input)[field.range])
  }
}

extension DelimitedRow {
  /// Whether a record is an empty line, which is no row.
  static func isBlankLine(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    for index in range where bytes[index] != 0x0A && bytes[index] != 0x0D { return false }
    return true
  }
}
