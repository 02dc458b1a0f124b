/// The name of a known key or column, packed so that looking a name up is two comparisons of integers.
struct FieldName: Equatable, Sendable {
  private let low: UInt64
  private let high: UInt64

  /// Packs a name of 1 to 16 bytes; nil for any other, which can then be none that is known.
  init?(_ bytes: [UInt8], _ range: Range<Int>) {
    guard range.count <= 16, !range.isEmpty else { return nil }
    var low: UInt64 = 0
    var high: UInt64 = 0
    for offset in 0..<range.count {
      let byte = UInt64(bytes[range.lowerBound &+ offset])
      if offset < 8 { low |= byte << UInt64(8 &* offset) } else { high |= byte << UInt64(8 &* (offset &- 8)) }
    }
    self.low = low
    self.high = high
  }

  init(_ name: String) {
    let bytes = Array(name.utf8)
    guard let packed = FieldName(bytes, 0..<bytes.count) else {
      preconditionFailure("a known field's name has 1 to 16 bytes, and \(name) has not")
    }
    self = packed
  }
}
