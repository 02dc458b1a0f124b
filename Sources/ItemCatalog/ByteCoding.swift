/// Little-endian integers at the end of a byte array.
extension [UInt8] {
  mutating func appendInteger(_ value: some FixedWidthInteger) {
    var rest = value.littleEndian
    unsafe Swift.withUnsafeBytes(of: &rest) { unsafe append(contentsOf: $0) }
  }
}

/// Reads little-endian integers and length-prefixed fields; nothing is read beyond the end.
struct ByteReader {
  private let bytes: [UInt8]
  private(set) var position: Int
  private let end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { position == end }

  /// The next integer; nil when the bytes end first.
  mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type = Value.self) -> Value? {
    let width = MemoryLayout<Value>.size
    guard end &- position >= width else { return nil }
    defer { position &+= width }
    return unsafe Value(littleEndian: bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: Value.self))
  }

  /// Where the next `count` bytes stand; nil when there are fewer.
  mutating func range(_ count: Int) -> Range<Int>? {
    guard count >= 0, end &- position >= count else { return nil }
    defer { position &+= count }
    return position..<position &+ count
  }

  /// The next `count` bytes as text.
  mutating func string(_ count: Int) -> String? {
    guard let range = range(count) else { return nil }
    return String(decoding: bytes[range], as: UTF8.self)
  }
}
