public import BehaviorAlignment

/// An item with what a recommender thinks of it.
public struct ScoredItem: Sendable, Equatable {
  /// Row of the item table.
  public var item: UInt32
  /// The larger, the better; comparable within one answer only.
  public var score: Float

  public init(item: UInt32, score: Float) {
    self.item = item
    self.score = score
  }
}

extension [NextItemQuery] {
  /// At most `maximum` of them in order, evenly taken; all where they are no more.
  package func thinned(to maximum: Int) -> [NextItemQuery] {
    let taken = Swift.min(count, maximum)
    return (0..<taken).map { self[$0 * count / taken] }
  }
}

/// Which items an answer may hold.
public struct RecommendationFilter: Sendable, Equatable {
  /// Whether items of the query's history are left out.
  public var excludesHistory: Bool
  /// Rows of the item table that are never recommended.
  public var denied: Set<UInt32>
  /// Rows that alone may be recommended; nil for all.
  public var allowed: Set<UInt32>?

  public init(excludesHistory: Bool = false, denied: Set<UInt32> = [], allowed: Set<UInt32>? = nil) {
    self.excludesHistory = excludesHistory
    self.denied = denied
    self.allowed = allowed
  }
}

/// Ranks all items as the next of a user's. What every row of an evaluation is made of, whatever is inside.
public protocol NextItemRecommender: Sendable {
  /// For tables: `SASRec`, `ItemKNN`.
  var name: String { get }

  /// The best items for each query, best first, none twice, ties by item; fewer than `count` where the filter or the
  /// model leaves fewer. Only the queries' histories are looked at, never their targets.
  func recommend(
    _ queries: ArraySlice<NextItemQuery>, count: Int, filter: RecommendationFilter
  ) throws -> [[ScoredItem]]
}
