/// Numbers from their decimal text.
enum NumberParsing {
  /// Longer numbers are no data.
  static let maximumBytes = 256

  /// The number that a range spells in JSON's grammar with surrounding white space allowed (so `1`, `-2.5`, `1e3`);
  /// nil when it spells none, or one that a `Double` cannot hold.
  static func double(_ bytes: [UInt8], _ range: Range<Int>) -> Double? {
    var index = range.lowerBound
    var end = range.upperBound
    while index < end, bytes[index] == 0x20 { index &+= 1 }
    while end > index, bytes[end &- 1] == 0x20 { end &-= 1 }
    guard end > index, end &- index <= maximumBytes else { return nil }
    let start = index
    let isNegative = bytes[index] == UInt8(ascii: "-")
    if isNegative { index &+= 1 }
    var mantissa: UInt64 = 0
    var digitCount = 0
    var fractionCount = 0
    func isDigit(_ index: Int) -> Bool { index < end && bytes[index] >= 0x30 && bytes[index] <= 0x39 }
    while isDigit(index) {
      mantissa = mantissa &* 10 &+ UInt64(bytes[index] &- 0x30)
      digitCount &+= 1
      index &+= 1
    }
    guard digitCount > 0 else { return nil }
    if index < end, bytes[index] == UInt8(ascii: ".") {
      index &+= 1
      guard isDigit(index) else { return nil }
      while isDigit(index) {
        mantissa = mantissa &* 10 &+ UInt64(bytes[index] &- 0x30)
        digitCount &+= 1
        fractionCount &+= 1
        index &+= 1
      }
    }
    // Exact by Clinger's fast path (1990): a mantissa below 2^53 over a power of ten that a double holds.
    if index == end, digitCount <= 15, fractionCount <= 15 {
      let magnitude = Double(mantissa) / powers[fractionCount]
      return isNegative ? -magnitude : magnitude
    }
    guard isExponent(bytes, index, end), let value = Double(String(decoding: bytes[start..<end], as: UTF8.self)),
      value.isFinite
    else { return nil }
    return value
  }

  private static let powers: [Double] = (0...15).map { exponent in (0..<exponent).reduce(1) { power, _ in power * 10 } }

  private static func isExponent(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Bool {
    guard start < end else { return true }
    var index = start
    guard bytes[index] | 0x20 == UInt8(ascii: "e") else { return false }
    index &+= 1
    if index < end, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") { index &+= 1 }
    guard index < end else { return false }
    while index < end {
      guard bytes[index] >= 0x30, bytes[index] <= 0x39 else { return false }
      index &+= 1
    }
    return true
  }
}
