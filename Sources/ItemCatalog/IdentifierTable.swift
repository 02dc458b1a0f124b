/// Distinct byte strings, numbered from 0 in the order in which they came: item ids, user ids, paths.
///
/// All bytes lie in one array, so a million ids cost their bytes and about 30 each, and no object.
public struct IdentifierTable: Sendable {
  private var arena: [UInt8] = []
  private var ends: [Int] = []
  /// Open addressing: 0 is free, else the upper half of the hash and the number + 1. Hashes are seeded per process,
  /// so no input can be made to collide; only membership depends on them, never an order.
  private var slots: [UInt64] = Array(repeating: 0, count: 1024)

  public init() {}

  /// Distinct strings.
  public var count: Int { ends.count }

  /// The string with a number.
  public subscript(index: Int) -> String { String(decoding: arena[range(index)], as: UTF8.self) }

  /// The number of a string; nil when it is not there.
  public func index(of string: String) -> Int? {
    let bytes = Array(string.utf8)
    return index(of: bytes, 0..<bytes.count)
  }

  /// The number of a string, which is added when it is not there.
  public mutating func insert(_ string: String) -> Int {
    let bytes = Array(string.utf8)
    return insert(bytes, 0..<bytes.count).index
  }

  /// The number of another table's string, which is added when it is not there.
  mutating func insert(_ other: IdentifierTable, _ index: Int) -> Int {
    insert(other.arena, other.range(index)).index
  }

  func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index &- 1])..<ends[index] }

  func index(of bytes: [UInt8], _ range: Range<Int>) -> Int? {
    let slot = find(bytes, range, hash: Self.hash(bytes, range))
    return slots[slot] == 0 ? nil : Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) &- 1
  }

  mutating func insert(_ bytes: [UInt8], _ range: Range<Int>) -> (index: Int, isNew: Bool) {
    precondition(ends.count < Int(Int32.max), "identifiers are numbered by 31 bits")
    if ends.count &* 2 >= slots.count { grow() }
    let hash = Self.hash(bytes, range)
    let slot = find(bytes, range, hash: hash)
    if slots[slot] != 0 { return (Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) &- 1, false) }
    arena.append(contentsOf: bytes[range])
    ends.append(arena.count)
    slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(ends.count)
    return (ends.count &- 1, true)
  }

  /// The slot that holds a string, or the free one where it belongs.
  private func find(_ bytes: [UInt8], _ range: Range<Int>, hash: UInt64) -> Int {
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash >> 8) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == hash >> 32 {
        let index = Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) &- 1
        if ByteScanning.equals(bytes, range, arena, self.range(index)) { break }
      }
      slot = (slot &+ 1) & mask
    }
    return slot
  }

  private mutating func grow() {
    let old = ends.count
    slots = Array(repeating: 0, count: slots.count * 2)
    for index in 0..<old {
      let hash = Self.hash(arena, range(index))
      let mask = slots.count &- 1
      var slot = Int(truncatingIfNeeded: hash >> 8) & mask
      while slots[slot] != 0 { slot = (slot &+ 1) & mask }
      slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(index + 1)
    }
  }

  private static func hash(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
    var hasher = Hasher()
    let raw = unsafe bytes.span.bytes.extracting(range)
    unsafe raw.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }
}
