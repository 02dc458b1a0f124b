public import BehaviorAlignment

/// How often items occur in the training window: what the popularity baseline ranks by, and what slices and the
/// popularity of answers are measured against.
public struct ItemPopularity: Sendable, Equatable {
  /// Training events by row of the item table.
  public let counts: ContiguousArray<UInt32>
  /// Each item's place among all by its count, from 0 for the least popular to 1 for the most: the share of the other
  /// items that have fewer events, where one with as many counts half. An item drawn uniformly has 0.5 in the mean.
  public let percentiles: ContiguousArray<Float>
  /// Items with fewer events than that, though not without any, are the long tail.
  public let headThreshold: UInt32

  /// - Parameter headShare: of the items with events, the most popular that are not the long tail; items that are as
  ///   popular as the last of them belong to them.
  /// - Complexity: O(events + items · log(items)).
  public init(_ split: TrainingSplit, headShare: Double = 0.2) {
    self.init(counts: split.itemEventCounts(), headShare: headShare)
  }

  package init(counts: ContiguousArray<UInt32>, headShare: Double = 0.2) {
    precondition((0...1).contains(headShare), "a share of the items is between 0 and 1")
    self.counts = counts
    let ascending = counts.indices.sorted { (counts[$0], $0) < (counts[$1], $1) }
    var percentiles = ContiguousArray<Float>(repeating: 0.5, count: counts.count)
    var start = 0
    while start < ascending.count {
      var end = start + 1
      while end < ascending.count, counts[ascending[end]] == counts[ascending[start]] { end += 1 }
      let others = Double(max(1, counts.count - 1))
      let percentile = counts.count > 1 ? (Double(start) + Double(end - start - 1) / 2) / others : 0.5
      for place in start..<end { percentiles[ascending[place]] = Float(percentile) }
      start = end
    }
    self.percentiles = percentiles
    let trained = counts.count { $0 > 0 }
    let head = Int((Double(trained) * headShare).rounded(.up))
    headThreshold = head > 0 ? counts[ascending[ascending.count - head]] : .max
  }

  public var itemCount: Int { counts.count }

  /// Whether an item has no event to learn from.
  public func isCold(_ item: UInt32) -> Bool { counts[Int(item)] == 0 }

  /// Whether an item has few events to learn from, though some.
  public func isLongTail(_ item: UInt32) -> Bool { (1..<headThreshold).contains(counts[Int(item)]) }

  /// The most popular items, ties by row; those without an event are not among them.
  public func ranking() -> [UInt32] {
    counts.indices.filter { counts[$0] > 0 }.sorted { (counts[$1], $0) < (counts[$0], $1) }.map { UInt32($0) }
  }
}
