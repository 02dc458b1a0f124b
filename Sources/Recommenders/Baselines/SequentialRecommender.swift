public import BehaviorAlignment
internal import TensorMath

/// Recommends by a sequential model of item IDs, SASRec: the baseline that knows no content and no codes.
///
/// Items without an event in training are never recommended; a history without a known item gets what is popular.
public struct SequentialRecommender: NextItemRecommender {
  public let name = "SASRec"
  public let model: SequentialModel
  private let scorer: SequentialModel.Scorer

  /// Queries whose scores are held at once: 4 bytes for each and every known item.
  private static let blockRows = 256

  public init(_ model: SequentialModel) {
    self.model = model
    scorer = SequentialModel.Scorer(model)
  }

  /// - Complexity: O(known items · width) per query.
  public func recommend(
    _ queries: ArraySlice<NextItemQuery>, count: Int, filter: RecommendationFilter
  ) -> [[ScoredItem]] {
    stride(from: queries.startIndex, to: queries.endIndex, by: Self.blockRows).flatMap { start in
      let block = queries[start..<min(start + Self.blockRows, queries.endIndex)]
      let scores = scorer.scores(block.map(\.history))
      return Parallelism.mapChunks(of: block.count, size: 16) { range in
        range.map { row in best(scores.row(row), block[block.startIndex + row], count, filter) }
      }.flatMap { $0 }
    }
  }

  private func best(
    _ scores: ArraySlice<Float>, _ query: NextItemQuery, _ count: Int, _ filter: RecommendationFilter
  ) -> [ScoredItem] {
    let history = filter.excludesHistory ? Set(query.history) : []
    var best = BestItems(limit: count)
    for (number, score) in scores.enumerated() {
      // Most items are worse than the worst that is kept: that is asked first, because it costs least.
      guard best.takes(score) else { continue }
      let item = model.vocabulary.rows[number]
      if filter.permits(item, history: history) {
        best.add(BestItems.Entry(item: item, score: score, support: 0))
      }
    }
    return best.entries.map { ScoredItem(item: $0.item, score: $0.score) }
  }
}
