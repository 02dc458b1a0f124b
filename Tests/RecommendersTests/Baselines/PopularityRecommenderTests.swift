import BehaviorAlignment
import Recommenders
import Testing

@Suite struct PopularityRecommenderTests {
  private func recommender() throws -> PopularityRecommender {
    PopularityRecommender(try split([[3, 1], [3, 1], [3, 2], [4]], itemCount: 6))
  }

  private func items(_ filter: RecommendationFilter, count: Int = 10, history: [UInt32] = []) throws -> [UInt32] {
    try recommender().recommend([query(history, target: 0)], count: count, filter: filter)[0].map(\.item)
  }

  @Test func itemsComeByTrainingEventsAndTiesByRow() throws {
    let answer = try recommender().recommend([query([], target: 0)], count: 10, filter: RecommendationFilter())
    #expect(
      answer == [
        [.init(item: 3, score: 3), .init(item: 1, score: 2), .init(item: 2, score: 1), .init(item: 4, score: 1)]
      ])
  }

  @Test func answersAreNoLongerThanAskedFor() throws {
    #expect(try items(RecommendationFilter(), count: 2) == [3, 1])
  }

  @Test func filtersLeaveThePlaceToTheNext() throws {
    #expect(try items(RecommendationFilter(excludesHistory: true), count: 2, history: [3, 5]) == [1, 2])
    #expect(try items(RecommendationFilter(denied: [1, 3])) == [2, 4])
    #expect(try items(RecommendationFilter(allowed: [0, 4, 3])) == [3, 4])
    #expect(try items(RecommendationFilter(excludesHistory: true, denied: [4], allowed: [3, 4]), history: [3]) == [])
    #expect(try items(RecommendationFilter(), count: 1, history: [3]) == [3])
  }
}
