/// One tensor as the header describes it; nothing is checked yet but its types.
struct SafetensorsHeaderEntry {
  let name: String
  let elementType: TensorElementType
  let shape: [Int]
  let start: Int
  let end: Int
}

struct SafetensorsHeader {
  var entries: [SafetensorsHeaderEntry] = []
  var metadata: [String: String] = [:]
}

/// A strict parser of the one JSON document that a safetensors header may be.
///
/// A general JSON parser would accept repeated names (and keep one of them), fractions and deep nesting; this grammar
/// has none of them, so that no input is read in two ways.
struct SafetensorsHeaderParser {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  mutating func parse() throws(NeuralNetworksError) -> SafetensorsHeader {
    guard bytes.first == UInt8(ascii: "{") else { throw failure("a header that begins with {") }
    var header = SafetensorsHeader()
    var names = Set<String>()
    try object { parser, key throws(NeuralNetworksError) in
      guard names.insert(key).inserted else { throw parser.failure("each name once, and \"\(key)\" is repeated") }
      if key == "__metadata__" {
        header.metadata = try parser.stringMap()
      } else {
        header.entries.append(try parser.entry(named: key))
      }
    }
    skipSpace()
    guard position == bytes.endIndex else { throw failure("nothing after the header's last }") }
    return header
  }

  private mutating func entry(named name: String) throws(NeuralNetworksError) -> SafetensorsHeaderEntry {
    var type: TensorElementType?
    var shape: [Int]?
    var offsets: [Int]?
    try object { parser, key throws(NeuralNetworksError) in
      switch key {
      case "dtype" where type == nil:
        let text = try parser.string()
        type = TensorElementType(rawValue: text)
        guard type != nil else { throw parser.failure("a known element type, not \"\(text)\"") }
      case "shape" where shape == nil: shape = try parser.integers()
      case "data_offsets" where offsets == nil: offsets = try parser.integers()
      default: throw parser.failure("dtype, shape and data_offsets once each, not \"\(key)\"")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw failure("dtype, shape and two data_offsets for \"\(name)\"")
    }
    return SafetensorsHeaderEntry(name: name, elementType: type, shape: shape, start: offsets[0], end: offsets[1])
  }

  private mutating func stringMap() throws(NeuralNetworksError) -> [String: String] {
    var map: [String: String] = [:]
    try object { parser, key throws(NeuralNetworksError) in
      let value = try parser.string()
      guard map.updateValue(value, forKey: key) == nil else {
        throw parser.failure("each metadata name once, and \"\(key)\" is repeated")
      }
    }
    return map
  }

  /// Parses `{"key": value, …}`, leaving each value to `member`.
  private mutating func object(
    _ member: (inout SafetensorsHeaderParser, String) throws(NeuralNetworksError) -> Void
  ) throws(NeuralNetworksError) {
    try expect("{")
    if accept("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try member(&self, key)
    } while accept(",")
    try expect("}")
  }

  private mutating func integers() throws(NeuralNetworksError) -> [Int] {
    try expect("[")
    var values: [Int] = []
    if accept("]") { return values }
    repeat { values.append(try integer()) } while accept(",")
    try expect("]")
    return values
  }

  private mutating func integer() throws(NeuralNetworksError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while position < bytes.endIndex, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(Int(digit))
      guard !overflow, !carry else { throw failure("an integer below 2⁶³") }
      value = sum
      position += 1
    }
    guard position > start, position == start + 1 || bytes[start] != UInt8(ascii: "0") else {
      throw failure("a non-negative integer")
    }
    return value
  }

  private mutating func string() throws(NeuralNetworksError) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while position < bytes.endIndex {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let valid = String(validating: text, as: UTF8.self) else { throw failure("valid UTF-8") }
        return valid
      case UInt8(ascii: "\\"): text.append(contentsOf: try escaped())
      case 0..<0x20: throw failure("no control characters in a string")
      default: text.append(byte)
      }
    }
    throw failure("the end of a string")
  }

  /// What stands for the escape whose backslash was just read.
  private mutating func escaped() throws(NeuralNetworksError) -> [UInt8] {
    guard position < bytes.endIndex else { throw failure("the end of a string") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return Array(String(try escapedScalar()).utf8)
    default: throw failure("a JSON escape")
    }
  }

  private mutating func escapedScalar() throws(NeuralNetworksError) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
      throw failure("a surrogate pair")
    }
    position += 2
    let second = try hexadecimal()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure("a surrogate pair") }
    return scalar
  }

  private mutating func hexadecimal() throws(NeuralNetworksError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.endIndex, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw failure("four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private mutating func skipSpace() {
    while position < bytes.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(NeuralNetworksError) {
    guard accept(character) else { throw failure("\"\(character)\"") }
  }

  private func failure(_ expected: String) -> NeuralNetworksError {
    NeuralNetworksError(
      .malformedFile, "safetensors header, byte \(position - bytes.startIndex): expected \(expected)")
  }
}
