public import BehaviorAlignment

/// Recommends to everybody what occurs most often in the training window. The least that a recommender has to beat.
public struct PopularityRecommender: NextItemRecommender {
  public let name = "Popularity"
  /// The most popular first; the score is the number of training events.
  private let ranking: [ScoredItem]

  /// - Complexity: O(events + items · log(items)).
  public init(_ split: TrainingSplit) { self.init(ItemPopularity(split)) }

  public init(_ popularity: ItemPopularity) {
    ranking = popularity.ranking().map { ScoredItem(item: $0, score: Float(popularity.counts[Int($0)])) }
  }

  /// Items without a training event are never recommended.
  /// - Complexity: O(count + items that the filter forbids) a query.
  public func recommend(
    _ queries: ArraySlice<NextItemQuery>, count: Int, filter: RecommendationFilter
  ) -> [[ScoredItem]] {
    queries.map { query in
      let history = filter.excludesHistory ? Set(query.history) : []
      return Array(ranking.lazy.filter { filter.permits($0.item, history: history) }.prefix(count))
    }
  }
}
