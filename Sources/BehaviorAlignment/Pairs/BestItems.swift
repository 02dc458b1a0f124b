/// The best few of many scored items: by score, then by row.
package struct BestItems {
  package struct Entry {
    package var item: UInt32
    package var score: Float
    package var support: UInt32

    package init(item: UInt32, score: Float, support: UInt32) {
      self.item = item
      self.score = score
      self.support = support
    }

    func isBetter(than other: Entry) -> Bool {
      score > other.score || score == other.score && item < other.item
    }
  }

  let limit: Int
  /// The best first.
  package private(set) var entries: ContiguousArray<Entry> = []

  package init(limit: Int) { self.limit = limit }

  /// - Complexity: O(1) for an item that is not among the best, else O(limit).
  package mutating func add(_ entry: Entry) {
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

  /// Whether an entry of that score could be added.
  package func takes(_ score: Float) -> Bool { entries.count < limit || score >= entries[entries.count - 1].score }

  package mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

  /// The entries as pairs of a trigger, by target.
  func pairs(trigger: UInt32, source: PairSource) -> [PairTable.Pair] {
    entries.sorted { $0.item < $1.item }.map {
      PairTable.Pair(trigger: trigger, target: $0.item, source: source, weight: $0.score, support: $0.support)
    }
  }
}
