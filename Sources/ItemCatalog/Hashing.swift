internal import Crypto

/// A SHA-256 digest.
public struct Digest: Sendable, Hashable, CustomStringConvertible {
  /// The 32 bytes as four big-endian words, so that a digest needs no heap.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  fileprivate init(_ digest: SHA256.Digest) {
    var filled: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    for (index, byte) in digest.enumerated() {
      let shifted = UInt64(byte) << UInt64(56 - 8 * (index & 7))
      switch index >> 3 {
      case 0: filled.0 |= shifted
      case 1: filled.1 |= shifted
      case 2: filled.2 |= shifted
      default: filled.3 |= shifted
      }
    }
    words = filled
  }

  /// The digest of some bytes.
  public init(hashing bytes: [UInt8]) {
    var hasher = ContentHasher()
    hasher.update(bytes)
    self = hasher.finalize()
  }

  /// The digest of a string's UTF-8.
  public init(hashing string: String) {
    self.init(hashing: Array(string.utf8))
  }

  /// The first eight bytes, read big-endian: the 64-bit hash that tables keep per item.
  public var prefix64: UInt64 { words.0 }

  /// All 32 bytes.
  public var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
    }
  }

  /// 64 lower-case hexadecimal digits.
  public var hex: String {
    String(decoding: bytes.flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  public var description: String { hex }

  private static let digits = Array("0123456789abcdef".utf8)

  public static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
  }
}

/// SHA-256 over bytes fed piece by piece.
///
/// Fields of varying length must be fed with ``updateField(_:)-([UInt8])``, which puts the length before the bytes;
/// otherwise ("ab", "c") and ("a", "bc") have one hash.
public struct ContentHasher {
  private var state = SHA256()

  public init() {}

  /// Feeds bytes as they are.
  public mutating func update(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
  }

  /// Feeds bytes as they are.
  public mutating func update(_ bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
  }

  /// Feeds an integer as eight little-endian bytes.
  public mutating func update(_ value: UInt64) {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe state.update(bufferPointer: $0) }
  }

  /// Feeds the length, then the bytes.
  public mutating func updateField(_ bytes: [UInt8]) {
    update(UInt64(bytes.count))
    update(bytes)
  }

  /// Feeds the length in bytes, then the elements as they lie in memory.
  public mutating func updateField(_ floats: ContiguousArray<Float>) {
    update(UInt64(floats.count * MemoryLayout<Float>.stride))
    unsafe floats.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
  }

  /// Feeds the length in bytes, then the string's UTF-8.
  public mutating func updateField(_ string: String) {
    updateField(Array(string.utf8))
  }

  /// The digest of all that was fed.
  public func finalize() -> Digest { Digest(state.finalize()) }
}
