import BehaviorAlignment
import Recommenders
import TensorMath
import Testing

/// Answers what it was told to, by user.
private struct Told: NextItemRecommender {
  let name = "Told"
  var answers: [[UInt32]]

  func recommend(
    _ queries: ArraySlice<NextItemQuery>, count: Int, filter: RecommendationFilter
  ) throws -> [[ScoredItem]] {
    queries.map { query in
      answers[query.user].prefix(count).enumerated().map { ScoredItem(item: $1, score: -Float($0)) }
    }
  }
}

@Suite struct RecommenderEvaluationTests {
  /// Item 0 four times, 1 three times, 2 twice, 3 once, 4 and 5 never in training.
  private func training() throws -> TrainingSplit {
    try split([[0, 1, 2, 3], [0, 1, 2], [0, 1], [0]], itemCount: 6)
  }

  private func parameters(_ cutoffs: [Int], block: Int = 2) -> RecommenderEvaluation.Parameters {
    var parameters = RecommenderEvaluation.Parameters()
    parameters.cutoffs = cutoffs
    parameters.blockSize = block
    return parameters
  }

  @Test func placesOfTargetsBecomeMetricsOfTheirSlices() throws {
    let evaluation = try RecommenderEvaluation(try training(), parameters: parameters([1, 3]))
    let queries = [query([0], target: 1, user: 0), query([0], target: 4, user: 1), query([0], target: 3, user: 2)]
    let result = try evaluation.measure(Told(answers: [[1, 2, 3], [0, 4, 5], [0, 1, 2]]), on: queries)
    let all = try #require(result.metrics()), cold = try #require(result.metrics(.coldItems))
    let tail = try #require(result.metrics(.longTailItems))
    #expect(all.queries == 3 && cold.queries == 1 && tail.queries == 2)
    #expect(all[1]?.recall == 1.0 / 3 && all[3]?.recall == 2.0 / 3)
    #expect(cold[1]?.recall == 0 && cold[3]?.mrr == 0.5)
    // Of the targets 1 and 3, which are both behind item 0, one is found.
    #expect(tail[1]?.recall == 0.5)
    #expect(result.metrics(.all, .semanticID) == nil)
  }

  @Test func anItemWithTheTargetsIDCountsAtTheIDLevelOnly() throws {
    let tokens = try ItemTokens(
      sizes: [4, 4], codes: [0, 0, 1, 1, 1, 1, 2, 2, 0, 0, 0, 0], isPresent: [true, true, true, true, false, false])
    let evaluation = try RecommenderEvaluation(try training(), tokens: tokens, parameters: parameters([1, 2]))
    let queries = [query([], target: 1, user: 0), query([], target: 4, user: 1), query([], target: 0, user: 2)]
    // 2 has 1's codes. 5 has 4's zeros, and 4 has 0's, but neither has codes.
    let result = try evaluation.measure(Told(answers: [[2, 1], [5, 3], [4, 0]]), on: queries)
    #expect(result.metrics(.all, .item)?[1]?.recall == 0)
    #expect(result.metrics(.all, .semanticID)?[1]?.recall == 1.0 / 3)
    #expect(result.metrics(.all, .item)?[2]?.recall == 2.0 / 3)
    #expect(result.metrics(.all, .semanticID)?[2]?.recall == 2.0 / 3)
  }

  @Test func coverageAndPopularityAreThoseOfEveryonesFirst() throws {
    let split = try training()
    let percentiles = ItemPopularity(split).percentiles
    let evaluation = try RecommenderEvaluation(split, parameters: parameters([1, 2]))
    let queries = (0..<3).map { query([], target: 1, user: $0) }
    // The last answer is shorter than the cutoff.
    let result = try evaluation.measure(Told(answers: [[0, 1], [0, 3], [2]]), on: queries)
    #expect(result.exposures.map(\.cutoff) == [1, 2])
    #expect(result.exposures[0].coverage == 2.0 / 6 && result.exposures[1].coverage == 4.0 / 6)
    let first = Double(2 * percentiles[0] + percentiles[2]) / 3
    #expect(abs(result.exposures[0].popularity - first) < 1e-6)
    let second = Double(2 * percentiles[0] + percentiles[2] + percentiles[1] + percentiles[3]) / 5
    #expect(abs(result.exposures[1].popularity - second) < 1e-6)
    #expect(abs(result.targetPopularity - Double(percentiles[1])) < 1e-6)
  }

  @Test func figuresDoNotDependOnBlocks() throws {
    let rows = randomRows(users: 70, items: 40, longest: 9, seed: 6)
    let split = try split(rows, itemCount: 40, window: .leaveLast(1))
    let queries = split.nextItemQueries(place: 1)
    let recommender = try ItemKNNRecommender(split)
    var results = try [1, 7, 1000].map { block in
      try RecommenderEvaluation(split, parameters: parameters([5, 10], block: block)).measure(recommender, on: queries)
    }
    for index in results.indices { results[index].usersPerSecond = 0 }
    #expect(results[0] == results[1] && results[1] == results[2])
    #expect(results[0].metrics()?.queries == queries.count)
  }

  @Test func targetsThatTheFilterForbidsAreCounted() throws {
    var parameters = parameters([2])
    parameters.filter = RecommendationFilter(excludesHistory: true, denied: [3])
    let evaluation = try RecommenderEvaluation(try training(), parameters: parameters)
    let queries = [query([1], target: 1, user: 0), query([1], target: 3, user: 1), query([1], target: 2, user: 2)]
    let result = try evaluation.measure(PopularityRecommender(try training()), on: queries)
    #expect(result.forbiddenTargets == 2)
    #expect(result.metrics()?[2]?.recall == 1.0 / 3)
  }

  @Test func progressIsToldAndAWishToStopHeard() throws {
    let evaluation = try RecommenderEvaluation(try training(), parameters: parameters([1]))
    let queries = (0..<5).map { query([], target: 1, user: $0) }
    let recommender = Told(answers: Array(repeating: [0], count: 5))
    var told: [Int] = []
    _ = try evaluation.measure(recommender, on: queries, observe: { told.append($0) })
    #expect(told == [2, 4, 5])
    let error = #expect(throws: RecommenderError.self) {
      try evaluation.measure(recommender, on: queries, isCancelled: { true })
    }
    #expect(error?.code == .cancelled)
  }

  @Test func noQueryIsAnErrorThatSaysWhatToDo() throws {
    let evaluation = try RecommenderEvaluation(try training())
    let error = #expect(throws: RecommenderError.self) {
      try evaluation.measure(PopularityRecommender(try training()), on: [])
    }
    #expect(error?.code == .nothingToLearn && error?.message.contains("leaveLast") == true)
  }

  @Test(arguments: [([Int](), 8), ([0], 8), ([5, 5], 8), ([5], 0)])
  func unusableParametersAreRefused(cutoffs: [Int], block: Int) throws {
    let split = try training()
    let error = #expect(throws: RecommenderError.self) {
      try RecommenderEvaluation(split, parameters: parameters(cutoffs, block: block))
    }
    #expect(error?.code == .invalidParameter)
  }

  @Test func tokensOfAnotherCatalogueAreRefused() throws {
    let tokens = try ItemTokens(sizes: [2], codes: [0, 1], isPresent: [true, true]), split = try training()
    let error = #expect(throws: RecommenderError.self) { try RecommenderEvaluation(split, tokens: tokens) }
    #expect(error?.message.contains("2 items for a log of 6") == true)
  }
}
