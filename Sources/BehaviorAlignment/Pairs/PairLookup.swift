/// Whether two items are a known pair, in either direction and from any source: to keep known pairs from counting as
/// negatives, and to see how many held-out pairs the mined ones cover.
///
/// Memory: 16 bytes per pair of items, and 8 per item.
public struct PairLookup: Sendable {
  /// `smaller << 32 | larger`, ascending.
  private let keys: ContiguousArray<UInt64>
  /// Every item's partners, one item behind the other, and where each item's begin.
  private let partners: ContiguousArray<UInt32>
  private let offsets: [Int]

  /// - Parameter source: only this one's pairs; nil: all.
  /// - Complexity: O(n log n).
  public init(_ table: PairTable, source: PairSource? = nil) {
    let rows = source.map { table.rows(of: $0) } ?? 0..<table.count
    let sorted = rows.map { Self.key(table.triggers[$0], table.targets[$0]) }.sorted()
    var unique: ContiguousArray<UInt64> = []
    for (index, key) in sorted.enumerated() where index == 0 || sorted[index - 1] != key { unique.append(key) }
    keys = unique
    (offsets, partners) = Self.adjacency(unique, itemCount: table.itemCount)
  }

  private static func adjacency(
    _ keys: ContiguousArray<UInt64>, itemCount: Int
  ) -> (offsets: [Int], partners: ContiguousArray<UInt32>) {
    var offsets = [Int](repeating: 0, count: itemCount + 1)
    for key in keys {
      offsets[Int(key >> 32) + 1] += 1
      offsets[Int(key & 0xFFFF_FFFF) + 1] += 1
    }
    for item in 0..<itemCount { offsets[item + 1] += offsets[item] }
    var next = offsets
    var partners = ContiguousArray<UInt32>(repeating: 0, count: 2 * keys.count)
    for key in keys {
      let (first, second) = (Int(key >> 32), Int(key & 0xFFFF_FFFF))
      partners[next[first]] = UInt32(second)
      partners[next[second]] = UInt32(first)
      next[first] += 1
      next[second] += 1
    }
    return (offsets, partners)
  }

  /// The items that a row of the table is paired with.
  public func partners(of item: UInt32) -> ArraySlice<UInt32> {
    ArraySlice(partners[offsets[Int(item)]..<offsets[Int(item) + 1]])
  }

  /// Pairs of items, each once.
  public var count: Int { keys.count }

  /// - Complexity: O(log n).
  public func contains(_ first: UInt32, _ second: UInt32) -> Bool {
    let key = Self.key(first, second)
    var low = 0, high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low < keys.count && keys[low] == key
  }

  /// How many of the pairs are known.
  /// - Complexity: O(m log n).
  public func covered(_ pairs: HeldOutPairs) -> Int {
    (0..<pairs.count).count { contains(pairs.triggers[$0], pairs.targets[$0]) }
  }

  private static func key(_ first: UInt32, _ second: UInt32) -> UInt64 {
    UInt64(min(first, second)) << 32 | UInt64(max(first, second))
  }
}
