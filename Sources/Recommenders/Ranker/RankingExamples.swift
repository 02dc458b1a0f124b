/// Impressions to rank: a user met an item, and liked it or not, after having liked others.
///
/// Memory: 28 bytes per example and 4 per liked event; histories are ranges of one list of each user's liked items.
public struct RankingExamples: Sendable, Equatable {
  /// Rows of the catalogue's item table.
  public let itemCount: Int
  public let userCount: Int
  /// As the log numbers them; ascending, and by time within a user.
  public private(set) var users: ContiguousArray<Int32> = []
  /// Rows of the item table.
  public private(set) var items: ContiguousArray<UInt32> = []
  /// 1 for an item that was liked, 0 for one that was not.
  public private(set) var labels: ContiguousArray<Float> = []
  private var histories: ContiguousArray<Range<Int>> = []
  /// What each user liked, the earliest first.
  private let liked: ContiguousArray<UInt32>

  init(itemCount: Int, userCount: Int, liked: ContiguousArray<UInt32>) {
    self.itemCount = itemCount
    self.userCount = userCount
    self.liked = liked
  }

  mutating func append(user: Int32, item: UInt32, label: Float, history: Range<Int>) {
    users.append(user)
    items.append(item)
    labels.append(label)
    histories.append(history)
  }

  public var count: Int { labels.count }

  /// Items that the user liked before this example, the earliest first; may be empty.
  public func history(of example: Int) -> ArraySlice<UInt32> { ArraySlice(liked[histories[example]]) }

  func historyCount(of example: Int) -> Int { histories[example].count }

  /// Examples by item: what is cold is measured by it.
  public func countsByItem() -> ContiguousArray<UInt32> {
    var counts = ContiguousArray<UInt32>(repeating: 0, count: itemCount)
    for item in items { counts[Int(item)] += 1 }
    return counts
  }

  /// The share of examples that were liked; nil for no example.
  public var positiveShare: Double? {
    count > 0 ? Double(labels.count { $0 > 0.5 }) / Double(count) : nil
  }

  /// Every so many examples, at most `maximum` of them in order; all where they are no more.
  func thinned(to maximum: Int) -> RankingExamples {
    guard count > maximum else { return self }
    var result = RankingExamples(itemCount: itemCount, userCount: userCount, liked: liked)
    for place in 0..<maximum {
      let example = place * count / maximum
      result.append(
        user: users[example], item: items[example], label: labels[example], history: histories[example])
    }
    return result
  }
}
