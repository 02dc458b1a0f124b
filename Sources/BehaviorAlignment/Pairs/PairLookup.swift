/// Whether two items are a known pair, in either direction and from any source: to keep known pairs from counting as
/// negatives, and to see how many held-out pairs the mined ones cover.
///
/// Memory: 8 bytes per pair of items.
public struct PairLookup: Sendable {
  /// `smaller << 32 | larger`, ascending.
  private let keys: ContiguousArray<UInt64>

  /// - Parameter source: only this one's pairs; nil: all.
  /// - Complexity: O(n log n).
  public init(_ table: PairTable, source: PairSource? = nil) {
    let rows = source.map { table.rows(of: $0) } ?? 0..<table.count
    let sorted = rows.map { Self.key(table.triggers[$0], table.targets[$0]) }.sorted()
    var unique: ContiguousArray<UInt64> = []
    for (index, key) in sorted.enumerated() where index == 0 || sorted[index - 1] != key { unique.append(key) }
    keys = unique
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
