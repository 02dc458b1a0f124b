/// The best few of many scored items: by score, then by row.
struct BestItems {
  struct Entry {
    var item: UInt32
    var score: Float
    var support: UInt32

    func isBetter(than other: Entry) -> Bool {
      score > other.score || score == other.score && item < other.item
    }
  }

  let limit: Int
  /// The best first.
  private(set) var entries: ContiguousArray<Entry> = []

  init(limit: Int) { self.limit = limit }

  /// - Complexity: O(1) for an item that is not among the best, else O(limit).
  mutating func add(_ entry: Entry) {
    if entries.count == limit {
      guard let last = entries.last, entry.isBetter(than: last) else { return }
      entries.removeLast()
    }
    var place = entries.count
    entries.append(entry)
    while place > 0, entry.isBetter(than: entries[place - 1]) {
      entries[place] = entries[place - 1]
      place -= 1
    }
    entries[place] = entry
  }

  mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

  /// The entries as pairs of a trigger, by target.
  func pairs(trigger: UInt32, source: PairSource) -> [PairTable.Pair] {
    entries.sorted { $0.item < $1.item }.map {
      PairTable.Pair(trigger: trigger, target: $0.item, source: source, weight: $0.score, support: $0.support)
    }
  }
}
