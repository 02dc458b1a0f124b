/// Searches over bytes, eight at a time where they are plain. The eight-byte steps use the classic zero-byte test
/// (`(w - 0x01…) & ~w & 0x80…`; Mycroft, 1987), whose lowest flag is always exact.
enum ByteScanning {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highs: UInt64 = 0x8080_8080_8080_8080

  /// High bits set where a byte of `word` equals the byte that `pattern` repeats.
  @inline(__always)
  private static func matches(_ word: UInt64, _ pattern: UInt64) -> UInt64 {
    let difference = word ^ pattern
    return (difference &- ones) & ~difference & highs
  }

  /// The first byte of a range that a JSON string does not pass through unchanged: a quote, a backslash, a control
  /// character, or one outside ASCII. `end` when there is none.
  @inline(__always)
  static func firstSpecial(in bytes: [UInt8], from start: Int, to end: Int) -> Int {
    let raw = unsafe bytes.span.bytes
    var index = start
    while index &+ 8 <= end {
      let word = unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
      let controls = (word &- ones &* 0x20) & ~word
      let flags = (word | controls) & highs | matches(word, ones &* 0x22) | matches(word, ones &* 0x5C)
      if flags != 0 { return index &+ flags.trailingZeroBitCount >> 3 }
      index &+= 8
    }
    while index < end {
      let byte = bytes[index]
      if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { return index }
      index &+= 1
    }
    return end
  }

  /// The first place of either byte; `end` when there is none.
  @inline(__always)
  static func first(_ one: UInt8, or other: UInt8, in bytes: [UInt8], from start: Int, to end: Int) -> Int {
    let raw = unsafe bytes.span.bytes
    let onePattern = ones &* UInt64(one)
    let otherPattern = ones &* UInt64(other)
    var index = start
    while index &+ 8 <= end {
      let word = unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
      let flags = matches(word, onePattern) | matches(word, otherPattern)
      if flags != 0 { return index &+ flags.trailingZeroBitCount >> 3 }
      index &+= 8
    }
    while index < end {
      if bytes[index] == one || bytes[index] == other { return index }
      index &+= 1
    }
    return end
  }

  /// The first newline; `end` when there is none.
  static func firstNewline(in bytes: [UInt8], from start: Int, to end: Int) -> Int {
    first(0x0A, or: 0x0A, in: bytes, from: start, to: end)
  }

  static func newlineCount(in bytes: [UInt8], _ range: Range<Int>) -> Int {
    var count = 0
    for index in range where bytes[index] == 0x0A { count &+= 1 }
    return count
  }

  /// Whether a range holds nothing but ASCII white space.
  static func isBlank(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    for index in range where bytes[index] > 0x20 { return false }
    return true
  }

  /// Whether valid UTF-8 holds a control character (Unicode category Cc: C0, delete, C1).
  static func hasControlCharacter(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    for index in range {
      let byte = bytes[index]
      if byte < 0x20 || byte == 0x7F { return true }
      if byte == 0xC2, index &+ 1 < range.upperBound, bytes[index &+ 1] < 0xA0 { return true }
    }
    return false
  }

  static func equals(_ bytes: [UInt8], _ range: Range<Int>, _ other: [UInt8], _ otherRange: Range<Int>) -> Bool {
    guard range.count == otherRange.count else { return false }
    for offset in 0..<range.count where bytes[range.lowerBound &+ offset] != other[otherRange.lowerBound &+ offset] {
      return false
    }
    return true
  }
}

/// UTF-8 as the Unicode standard, table 3-7, has it: no overlong forms, no surrogates, nothing above U+10FFFF.
enum UTF8Validation {
  /// The length of the well-formed sequence that starts at `index`; 0 when there is none.
  @inline(__always)
  static func sequenceLength(_ bytes: [UInt8], at index: Int, end: Int) -> Int {
    let lead = bytes[index]
    if lead < 0x80 { return 1 }
    let length = lead >= 0xC2 && lead < 0xE0 ? 2 : lead & 0xF0 == 0xE0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0
    guard length > 0, index &+ length <= end else { return 0 }
    let second = bytes[index &+ 1]
    let lowest: UInt8 = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80
    let highest: UInt8 = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF
    guard second >= lowest, second <= highest else { return 0 }
    if length > 2 && bytes[index &+ 2] & 0xC0 != 0x80 { return 0 }
    if length > 3 && bytes[index &+ 3] & 0xC0 != 0x80 { return 0 }
    return length
  }

  /// The first byte of a range that is not UTF-8; nil when all is well.
  static func firstInvalid(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
    let raw = unsafe bytes.span.bytes
    var index = range.lowerBound
    while index < range.upperBound {
      while index &+ 8 <= range.upperBound {
        guard unsafe raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
        else { break }
        index &+= 8
      }
      guard index < range.upperBound else { break }
      let length = sequenceLength(bytes, at: index, end: range.upperBound)
      guard length > 0 else { return index }
      index &+= length
    }
    return nil
  }
}

/// What is wrong with a record, before file and line are known.
struct RecordProblem: Error, Equatable, Sendable {
  var field: String
  var reason: RejectedRecord.Reason
  var found: String
  var expected: String

  init(_ field: String, _ reason: RejectedRecord.Reason, found: String, expected: String) {
    self.field = field
    self.reason = reason
    self.found = found
    self.expected = expected
  }

  /// Throws for a record above the limit.
  static func requireSize(_ count: Int, _ limits: CatalogLimits) throws(RecordProblem) {
    guard count > limits.recordBytes else { return }
    throw RecordProblem(
      "", .tooLong, found: "a record of \(count) bytes", expected: "at most \(limits.recordBytes) bytes")
  }

  /// Bytes as a message shows them: at most 80, damaged UTF-8 repaired, control characters shown as escapes.
  static func excerpt(_ bytes: [UInt8], _ range: Range<Int>) -> String {
    let shown = range.lowerBound..<min(range.upperBound, range.lowerBound + 80)
    var text = ""
    for scalar in String(decoding: bytes[shown], as: UTF8.self).unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
      text += isControl ? "\\u{" + String(scalar.value, radix: 16) + "}" : String(scalar)
    }
    return shown == range ? text : text + "…"
  }
}
