/// UTF-8 text while it is worked on.
package typealias Bytes = ContiguousArray<UInt8>

/// One scalar and the bytes that it takes.
package struct DecodedScalar {
  package let value: UInt32
  package let length: Int
}

extension ContiguousArray where Element == UInt8 {
  /// The scalar at `index`, which must be below `end`. Bytes that are no UTF-8 read as U+FFFD, one byte long.
  @inline(__always)
  package func scalar(at index: Int, end: Int) -> DecodedScalar {
    let first = self[index]
    if first < 0x80 { return DecodedScalar(value: UInt32(first), length: 1) }
    return longScalar(first, at: index, end: end)
  }

  private func longScalar(_ first: UInt8, at index: Int, end: Int) -> DecodedScalar {
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    guard first >= 0xC2, first < 0xF5, index + length <= end else { return DecodedScalar(value: 0xFFFD, length: 1) }
    var value = UInt32(first) & (0xFF >> UInt32(length + 1))
    for offset in 1..<length {
      let byte = self[index + offset]
      guard byte & 0xC0 == 0x80 else { return DecodedScalar(value: 0xFFFD, length: 1) }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    return DecodedScalar(value: value, length: length)
  }

  /// The scalar that ends before `index`, which must be above `start`.
  package func scalar(before index: Int, start: Int) -> DecodedScalar {
    var first = index - 1
    while first > start, self[first] & 0xC0 == 0x80, index - first < 4 { first -= 1 }
    let decoded = scalar(at: first, end: index)
    return decoded.length == index - first ? decoded : DecodedScalar(value: 0xFFFD, length: 1)
  }

  /// Appends a scalar's UTF-8.
  @inline(__always)
  package mutating func append(scalar: UInt32) {
    switch scalar {
    case 0..<0x80: append(UInt8(scalar))
    case 0x80..<0x800:
      append(0xC0 | UInt8(scalar >> 6))
      append(0x80 | UInt8(scalar & 0x3F))
    default: appendLong(scalar)
    }
  }

  private mutating func appendLong(_ scalar: UInt32) {
    if scalar < 0x10000 {
      append(0xE0 | UInt8(scalar >> 12))
    } else {
      append(0xF0 | UInt8(truncatingIfNeeded: scalar >> 18) & 7)
      append(0x80 | UInt8(scalar >> 12 & 0x3F))
    }
    append(0x80 | UInt8(scalar >> 6 & 0x3F))
    append(0x80 | UInt8(scalar & 0x3F))
  }

  var isASCII: Bool { allSatisfy { $0 < 0x80 } }

  /// Whether `other` stands at `index`, before `end`.
  func contains(_ other: Bytes, at index: Int, end: Int) -> Bool {
    guard index + other.count <= end else { return false }
    for offset in 0..<other.count where self[index + offset] != other[offset] { return false }
    return true
  }
}
