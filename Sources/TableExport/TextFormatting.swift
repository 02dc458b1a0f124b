/// Formatting into byte buffers: a million rows leave no time for a `String` per field.
extension [UInt8] {
  /// Appends an integer's decimal digits.
  @inline(__always)
  mutating func appendDecimal(_ value: UInt64) {
    if value < 10 {
      append(UInt8(truncatingIfNeeded: value) &+ 0x30)
      return
    }
    let start = count
    var rest = value
    while rest > 0 {
      append(UInt8(truncatingIfNeeded: rest % 10) &+ 0x30)
      rest /= 10
    }
    var low = start
    var high = count - 1
    while low < high {
      swapAt(low, high)
      low += 1
      high -= 1
    }
  }

  @inline(__always)
  mutating func appendDecimal(_ value: UInt16) { appendDecimal(UInt64(value)) }

  /// Appends the shortest text that reads back as the same `Float`; `NaN`, `inf` and `-inf` for what is not finite.
  mutating func appendShortest(_ value: Float) {
    append(contentsOf: (value.isNaN ? "NaN" : value.description).utf8)
  }

  /// Appends a semantic ID as `12-7-255`, and as `12-7-255+3` where the suffix is not zero.
  @inline(__always)
  mutating func appendSemanticID(_ codes: [UInt16], suffix: UInt16) {
    for (level, code) in codes.enumerated() {
      if level > 0 { append(0x2D) }
      appendDecimal(code)
    }
    guard suffix > 0 else { return }
    append(0x2B)
    appendDecimal(suffix)
  }

  /// Appends a CSV field, quoted by RFC 4180 where it holds a quote, a comma or a line break.
  mutating func appendCSVField(_ text: String) {
    let utf8 = text.utf8
    let needsQuotes = utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D } || utf8.isEmpty
    guard needsQuotes else {
      append(contentsOf: utf8)
      return
    }
    append(0x22)
    for byte in utf8 {
      if byte == 0x22 { append(0x22) }
      append(byte)
    }
    append(0x22)
  }

  /// Appends a JSON string with its quotes (RFC 8259, section 7).
  mutating func appendJSONString(_ text: String) {
    append(0x22)
    let utf8 = text.utf8
    if utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
      for byte in utf8 { appendJSONEscaped(byte) }
    } else {
      append(contentsOf: utf8)
    }
    append(0x22)
  }

  private mutating func appendJSONEscaped(_ byte: UInt8) {
    switch byte {
    case 0x22, 0x5C:
      append(0x5C)
      append(byte)
    case 0x0A: append(contentsOf: "\\n".utf8)
    case 0x0D: append(contentsOf: "\\r".utf8)
    case 0x09: append(contentsOf: "\\t".utf8)
    case 0..<0x20:
      append(contentsOf: "\\u00".utf8)
      append(Self.hexadecimal[Int(byte >> 4)])
      append(Self.hexadecimal[Int(byte & 15)])
    default: append(byte)
    }
  }

  private static let hexadecimal = [UInt8]("0123456789abcdef".utf8)

  /// Appends an integer's bytes, the lowest first.
  @inline(__always)
  mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
    var rest = value.littleEndian
    for _ in 0..<(type(of: value).bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}
