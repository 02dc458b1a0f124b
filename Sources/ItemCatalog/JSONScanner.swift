/// Bytes of one value: a piece of the input where it stands there as it is, of the scanner's scratch space where
/// escapes had to be undone.
struct FieldSlice: Equatable, Sendable {
  var start: Int
  var end: Int
  var isScratch: Bool

  var range: Range<Int> { start..<end }
  var count: Int { end &- start }
}

/// A pull parser for the JSON object (RFC 8259) of one record.
///
/// Our own, because a catalogue is a million lines a night: Foundation's decoders build an object per value and take
/// 20 times as long. This one allocates nothing per record, checks UTF-8 as it goes, and bounds nesting.
/// The caller passes the same bytes to every call; positions are checked, so wrong use traps and damaged input throws.
struct JSONScanner {
  /// What a value starts as.
  enum Kind { case string, number, boolean, null, object, array }

  var scratch: [UInt8] = []
  var position = 0
  var end = 0
  private var recordStart = 0
  private var isFirstMember = true
  private let depthLimit: Int

  /// - Parameter depthLimit: objects and arrays inside one another; at most 64.
  init(depthLimit: Int) {
    self.depthLimit = min(64, max(1, depthLimit))
  }

  /// Enters the object that a range of bytes holds.
  mutating func beginObject(_ bytes: [UInt8], _ range: Range<Int>) throws(RecordProblem) {
    position = range.lowerBound
    recordStart = range.lowerBound
    end = range.upperBound
    isFirstMember = true
    scratch.removeAll(keepingCapacity: true)
    skipSpace(bytes)
    guard position < end, bytes[position] == UInt8(ascii: "{") else { throw unexpected(bytes, "a JSON object") }
    position &+= 1
  }

  /// The key of the object's next member, with the scanner placed at its value; nil at the object's end, which must
  /// be the record's end.
  mutating func nextKey(_ bytes: [UInt8]) throws(RecordProblem) -> FieldSlice? {
    skipSpace(bytes)
    guard position < end else { throw unexpected(bytes, isFirstMember ? "a key or }" : ", or }") }
    if bytes[position] == UInt8(ascii: "}") {
      position &+= 1
      skipSpace(bytes)
      guard position == end else { throw unexpected(bytes, "nothing after the object") }
      return nil
    }
    if !isFirstMember {
      guard bytes[position] == UInt8(ascii: ",") else { throw unexpected(bytes, ", or }") }
      position &+= 1
      skipSpace(bytes)
    }
    isFirstMember = false
    return try key(bytes)
  }

  private mutating func key(_ bytes: [UInt8]) throws(RecordProblem) -> FieldSlice {
    guard position < end, bytes[position] == UInt8(ascii: "\"") else { throw unexpected(bytes, "a key in quotes") }
    let key = try string(bytes)
    skipSpace(bytes)
    guard position < end, bytes[position] == UInt8(ascii: ":") else { throw unexpected(bytes, ":") }
    position &+= 1
    skipSpace(bytes)
    return key
  }

  /// Enters an object that is a value; its members follow by ``nextNestedKey(_:isFirst:)``.
  mutating func enterObject(_ bytes: [UInt8]) throws(RecordProblem) {
    guard position < end, bytes[position] == UInt8(ascii: "{") else { throw unexpected(bytes, "{") }
    position &+= 1
  }

  /// The key of an inner object's next member; nil at its end.
  mutating func nextNestedKey(_ bytes: [UInt8], isFirst: Bool) throws(RecordProblem) -> FieldSlice? {
    skipSpace(bytes)
    guard position < end else { throw unexpected(bytes, isFirst ? "a key or }" : ", or }") }
    if bytes[position] == UInt8(ascii: "}") {
      position &+= 1
      return nil
    }
    if !isFirst {
      guard bytes[position] == UInt8(ascii: ",") else { throw unexpected(bytes, ", or }") }
      position &+= 1
      skipSpace(bytes)
    }
    return try key(bytes)
  }

  /// What the value at hand starts as.
  func kind(_ bytes: [UInt8]) throws(RecordProblem) -> Kind {
    guard position < end else { throw unexpected(bytes, "a value") }
    switch bytes[position] {
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
    default: throw unexpected(bytes, "a value")
    }
  }

  /// Reads the number at hand: where it stands, and whether it has neither fraction nor exponent.
  mutating func number(_ bytes: [UInt8]) throws(RecordProblem) -> (slice: FieldSlice, isInteger: Bool) {
    let start = position
    if bytes[position] == UInt8(ascii: "-") { position &+= 1 }
    if position < end, bytes[position] == UInt8(ascii: "0") {
      position &+= 1
    } else {
      try digits(bytes)
    }
    var isInteger = true
    if position < end, bytes[position] == UInt8(ascii: ".") {
      isInteger = false
      position &+= 1
      try digits(bytes)
    }
    if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position &+= 1
      if position < end, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") { position &+= 1 }
      try digits(bytes)
    }
    return (FieldSlice(start: start, end: position, isScratch: false), isInteger)
  }

  private mutating func digits(_ bytes: [UInt8]) throws(RecordProblem) {
    let start = position
    while position < end, bytes[position] >= 0x30, bytes[position] <= 0x39 { position &+= 1 }
    guard position > start else { throw unexpected(bytes, "a digit") }
  }

  /// Reads `true` or `false`.
  mutating func boolean(_ bytes: [UInt8]) throws(RecordProblem) -> Bool {
    let isTrue = bytes[position] == UInt8(ascii: "t")
    try word(bytes, isTrue ? Self.trueWord : Self.falseWord)
    return isTrue
  }

  /// Reads `null`.
  mutating func null(_ bytes: [UInt8]) throws(RecordProblem) {
    try word(bytes, Self.nullWord)
  }

  private static let trueWord = Array("true".utf8)
  private static let falseWord = Array("false".utf8)
  private static let nullWord = Array("null".utf8)

  private mutating func word(_ bytes: [UInt8], _ expected: [UInt8]) throws(RecordProblem) {
    for byte in expected {
      guard position < end, bytes[position] == byte else {
        throw unexpected(bytes, String(decoding: expected, as: UTF8.self))
      }
      position &+= 1
    }
  }

  /// Passes over a value of any kind, checking it all the same. Does not recurse: a bit per level says what is open.
  mutating func skipValue(_ bytes: [UInt8]) throws(RecordProblem) {
    var depth = 1  // the record's own object
    var objects: UInt64 = 0  // bit per open level below it: 1 an object, 0 an array
    repeat {
      var isOpening = false
      switch try kind(bytes) {
      case .string: _ = try string(bytes)
      case .number: _ = try number(bytes)
      case .boolean: _ = try boolean(bytes)
      case .null: try null(bytes)
      case .object, .array:
        guard depth < depthLimit else {
          throw RecordProblem("", .invalidJSON, found: "deeper nesting", expected: "at most \(depthLimit) levels")
        }
        objects = objects << 1 | (bytes[position] == UInt8(ascii: "{") ? 1 : 0)
        depth &+= 1
        position &+= 1
        isOpening = true
      }
      try closeLevels(bytes, &depth, &objects, isOpening: isOpening)
    } while depth > 1
  }

  /// After a value or an opening bracket: closes what ends here and moves to the next value that is due.
  private mutating func closeLevels(
    _ bytes: [UInt8], _ depth: inout Int, _ objects: inout UInt64, isOpening: Bool
  ) throws(RecordProblem) {
    var isFirst = isOpening
    while depth > 1 {
      skipSpace(bytes)
      let isObject = objects & 1 == 1
      let closing = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
      guard position < end else { throw unexpected(bytes, isObject ? "}" : "]") }
      if bytes[position] == closing {
        position &+= 1
        depth &-= 1
        objects >>= 1
        isFirst = false
        continue
      }
      if !isFirst {
        guard bytes[position] == UInt8(ascii: ",") else { throw unexpected(bytes, isObject ? ", or }" : ", or ]") }
        position &+= 1
        skipSpace(bytes)
      }
      if isObject { _ = try key(bytes) }
      return
    }
  }

  @inline(__always)
  private mutating func skipSpace(_ bytes: [UInt8]) {
    while position < end {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      position &+= 1
    }
  }

  /// A position as a message gives it: bytes from the record's start, counted from 1.
  func offset(_ position: Int) -> Int { position &- recordStart &+ 1 }

  func unterminated(_ bytes: [UInt8], _ start: Int) -> RecordProblem {
    RecordProblem(
      "", .invalidJSON, found: "the record's end in a string that starts \(RecordProblem.excerpt(bytes, start..<end))",
      expected: "a closing quote")
  }

  func unexpected(_ bytes: [UInt8], _ expected: String) -> RecordProblem {
    let found =
      position < end
      ? "\(RecordProblem.excerpt(bytes, position..<min(end, position &+ 20))) at byte \(offset(position))"
      : "the record's end"
    return RecordProblem("", .invalidJSON, found: found, expected: expected)
  }
}
