/// Reads JSON (RFC 8259) strictly: valid UTF-8, paired surrogates, nesting of at most ``maximumDepth``.
package struct JSONReader {
  package static let maximumDepth = 64

  private let bytes: [UInt8]
  private var position = 0

  /// Parses all of `bytes`. O(bytes).
  package static func parse(_ bytes: [UInt8]) throws(TokenizerError) -> JSONValue {
    var reader = JSONReader(bytes: bytes)
    let value = try reader.value(depth: 0)
    reader.skipSpaces()
    guard reader.position == bytes.count else { throw reader.failure("the end of the file") }
    return value
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  private func failure(_ expected: String) -> TokenizerError {
    let found = position < bytes.count ? "byte 0x" + String(bytes[position], radix: 16) : "the end"
    return TokenizerError(
      .invalidJSON,
      "tokenizer.json is not JSON: found \(found) at byte \(position), expected \(expected). "
        + "The file may be cut short; fetch it again.")
  }

  private mutating func skipSpaces() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws(TokenizerError) -> JSONValue {
    guard depth < Self.maximumDepth else { throw failure("at most \(Self.maximumDepth) levels of nesting") }
    skipSpaces()
    guard position < bytes.count else { throw failure("a value") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(TokenizerError) -> JSONValue {
    let letters = Array("\(word)".utf8)
    guard bytes[position...].starts(with: letters) else { throw failure("a value") }
    position += letters.count
    return value
  }

  private mutating func object(depth: Int) throws(TokenizerError) -> JSONValue {
    position += 1
    var members: [(key: String, value: JSONValue)] = []
    skipSpaces()
    if take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpaces()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw failure("a key") }
      let key = try string()
      skipSpaces()
      guard take(UInt8(ascii: ":")) else { throw failure("a colon") }
      members.append((key: key, value: try value(depth: depth + 1)))
      skipSpaces()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "}")) else { throw failure("a comma or a closing brace") }
      return .object(members)
    }
  }

  private mutating func array(depth: Int) throws(TokenizerError) -> JSONValue {
    position += 1
    var values: [JSONValue] = []
    skipSpaces()
    if take(UInt8(ascii: "]")) { return .array(values) }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpaces()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "]")) else { throw failure("a comma or a closing bracket") }
      return .array(values)
    }
  }

  private mutating func number() throws(TokenizerError) -> JSONValue {
    let start = position
    while position < bytes.count, Self.isNumberByte(bytes[position]) { position += 1 }
    guard position > start, let text = String(validating: bytes[start..<position], as: UTF8.self) else {
      throw failure("a value")
    }
    guard Self.isNumber(bytes[start..<position]) else {
      position = start
      throw failure("a number")
    }
    if let integer = Int(text) { return .integer(integer) }
    let isPlain = text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
    guard let double = Double(text), double.isFinite, !isPlain || text.utf8.count < 400 else {
      position = start
      throw failure("a number")
    }
    return .double(double)
  }

  /// Whether the grammar of RFC 8259, section 6, allows `text`: Swift's parsers also read `+1`, `01`, `.5` and `1.`.
  private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    func takeDigits() -> Int {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      rest = rest.dropFirst(digits.count)
      return digits.count
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let startsWithZero = rest.first == 0x30
    let count = takeDigits()
    guard count > 0, count == 1 || !startsWithZero else { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard takeDigits() > 0 else { return false }
    }
    if let exponent = rest.first, exponent | 0x20 == UInt8(ascii: "e") {
      rest = rest.dropFirst()
      if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
      guard takeDigits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  private static func isNumberByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }

  private mutating func string() throws(TokenizerError) -> String {
    position += 1
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
      guard bytes[position] >= 0x20 else { throw failure("no control character in a string") }
      position += 1
    }
    guard position < bytes.count else { throw failure("a closing quote") }
    if bytes[position] == UInt8(ascii: "\"") {
      guard let text = String(validating: bytes[start..<position], as: UTF8.self) else { throw failure("UTF-8 text") }
      position += 1
      return text
    }
    return try escapedString(from: start)
  }

  private mutating func escapedString(from start: Int) throws(TokenizerError) -> String {
    var text = ContiguousArray(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw failure("UTF-8 text") }
        return string
      case UInt8(ascii: "\\"): text.append(scalar: try escape())
      case 0..<0x20: throw failure("no control character in a string")
      default: text.append(byte)
      }
    }
    throw failure("a closing quote")
  }

  private mutating func escape() throws(TokenizerError) -> UInt32 {
    guard position < bytes.count else { throw failure("an escape") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt32(byte)
    case UInt8(ascii: "b"): return 8
    case UInt8(ascii: "f"): return 12
    case UInt8(ascii: "n"): return 10
    case UInt8(ascii: "r"): return 13
    case UInt8(ascii: "t"): return 9
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure("an escape")
    }
  }

  private mutating func unicodeEscape() throws(TokenizerError) -> UInt32 {
    let unit = try hexUnit()
    guard (0xD800..<0xE000).contains(unit) else { return unit }
    guard unit < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw failure("a surrogate pair") }
    let low = try hexUnit()
    guard (0xDC00..<0xE000).contains(low) else { throw failure("a surrogate pair") }
    return 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
  }

  private mutating func hexUnit() throws(TokenizerError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw failure("four hexadecimal digits") }
    var unit: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw failure("four hexadecimal digits") }
      unit = unit << 4 | UInt32(digit)
    }
    position += 4
    return unit
  }
}
