/// What decides whether a pair is kept, in the order in which it is asked.
public enum PairFilter: String, Sendable, CaseIterable, Codable {
  /// The miner's limit on targets per trigger.
  case neighbors
  /// The miner's limit on how alike two items must be.
  case similarity
  /// At least so many users.
  case support
  /// Neither item among the most popular.
  case popularity
  /// Items of one category.
  case category
  /// At most so many pairs per item.
  case itemCap
}

/// What one filter kept and dropped of one source's pairs.
public struct FilterCount: Sendable, Equatable, Codable {
  public var filter: PairFilter
  public var source: String
  public var kept: Int
  public var dropped: Int

  init(filter: PairFilter, source: PairSource, kept: Int, dropped: Int) {
    self.filter = filter
    self.source = source.name
    self.kept = kept
    self.dropped = dropped
  }
}

/// Cheap filters between mining and training. QARM's successor found that a language model rejects one in ten Swing
/// pairs and seven in ten user-to-item pairs (QARM V2), which is what these are for.
public struct PairFilters: Sendable, Equatable {
  /// Users that a pair must rest on.
  public var minimumSupport = 1
  /// Pairs with an item whose users outnumber those of this share of the items are dropped; 1 keeps all. Items
  /// without a user in the training window do not count.
  public var popularityQuantile = 1.0
  /// Per item, what must be equal in both items of a pair; 0 is unknown and fits everything. Empty: no such filter.
  public var categories: [UInt32] = []
  /// Pairs of one source that an item may be the target of, the heaviest first. Nil: any number.
  public var pairsPerTarget: Int?

  public init() {}

  /// Filters a miner's pairs.
  /// - Parameter popularity: users of each item in the training window; see ``TrainingSplit/itemUserCounts()``.
  /// - Returns: The pairs that are left, and what each filter kept and dropped, in order. A filter that is off is not
  ///   listed.
  /// - Complexity: O(pairs · log(pairs)).
  public func apply(to table: PairTable, popularity: [UInt32]) throws(AlignmentError) -> FilteredPairs {
    try validate(table, popularity)
    var result = FilteredPairs(table: table)
    if minimumSupport > 1 {
      result.filter(.support) { Int($0.support) >= minimumSupport }
    }
    if popularityQuantile < 1 {
      let limit = popularityLimit(popularity)
      result.filter(.popularity) { popularity[Int($0.trigger)] <= limit && popularity[Int($0.target)] <= limit }
    }
    if !categories.isEmpty {
      result.filter(.category) { pair in
        let first = categories[Int(pair.trigger)], second = categories[Int(pair.target)]
        return first == 0 || second == 0 || first == second
      }
    }
    if let pairsPerTarget { result.cap(pairsPerTarget) }
    return result
  }

  /// The most users that an item may have: those of the item at the quantile.
  func popularityLimit(_ popularity: [UInt32]) -> UInt32 {
    let counts = popularity.filter { $0 > 0 }.sorted()
    guard !counts.isEmpty else { return .max }
    return counts[max(0, Int((Double(counts.count) * popularityQuantile).rounded(.up)) - 1)]
  }

  private func validate(_ table: PairTable, _ popularity: [UInt32]) throws(AlignmentError) {
    func check(_ condition: Bool, _ message: String) throws(AlignmentError) {
      if !condition { throw AlignmentError(.invalidParameter, "pair filters: \(message)") }
    }
    try check(minimumSupport >= 1, "expected a minimumSupport of at least 1, found \(minimumSupport)")
    try check(
      popularityQuantile > 0 && popularityQuantile <= 1,
      "expected a popularityQuantile above 0 and up to 1, found \(popularityQuantile)")
    try check(
      categories.isEmpty || categories.count == table.itemCount,
      "\(categories.count) categories for \(table.itemCount) items")
    try check(pairsPerTarget ?? 1 >= 1, "expected pairsPerTarget of at least 1, found \(pairsPerTarget ?? 1)")
    try check(popularity.count == table.itemCount, "\(popularity.count) user counts for \(table.itemCount) items")
  }
}

/// Pairs after filtering, with exact counts.
public struct FilteredPairs: Sendable, Equatable {
  public private(set) var table: PairTable
  public private(set) var counts: [FilterCount] = []

  init(table: PairTable) { self.table = table }

  mutating func filter(_ name: PairFilter, _ isKept: (PairTable.Pair) -> Bool) {
    keep((0..<table.count).filter { isKept(table[$0]) }, name)
  }

  /// Keeps the heaviest pairs of every target; equal ones by trigger.
  mutating func cap(_ limit: Int) {
    let order = (0..<table.count).sorted { left, right in
      let first = table[left], second = table[right]
      return (first.source.rawValue, first.target, -first.weight, first.trigger)
        < (second.source.rawValue, second.target, -second.weight, second.trigger)
    }
    var kept: [Int] = []
    var place = 0
    for (index, row) in order.enumerated() {
      let isNew =
        index == 0 || table.targets[row] != table.targets[order[index - 1]]
        || table.sources[row] != table.sources[order[index - 1]]
      place = isNew ? 0 : place + 1
      if place < limit { kept.append(row) }
    }
    keep(kept.sorted(), .itemCap)
  }

  private mutating func keep(_ rows: [Int], _ name: PairFilter) {
    let left = table.selecting(rows)
    for source in table.presentSources {
      let before = table.rows(of: source).count, after = left.rows(of: source).count
      counts.append(FilterCount(filter: name, source: source, kept: after, dropped: before - after))
    }
    table = left
  }
}

extension TrainingSplit {
  /// Users of each item in the training window, each once.
  /// - Complexity: O(events).
  public func itemUserCounts() -> [UInt32] {
    var counts = [UInt32](repeating: 0, count: history.itemCount)
    var lastUser = ContiguousArray<UInt32>(repeating: .max, count: history.itemCount)
    for user in 0..<history.userCount {
      for position in trainingRange(ofUser: user) {
        let item = Int(history.items[position])
        if lastUser[item] != UInt32(user) { counts[item] += 1 }
        lastUser[item] = UInt32(user)
      }
    }
    return counts
  }
}
