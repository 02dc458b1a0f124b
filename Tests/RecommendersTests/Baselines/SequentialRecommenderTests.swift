import BehaviorAlignment
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct SequentialRecommenderTests {
  private func recommender(_ split: TrainingSplit) throws -> SequentialRecommender {
    var configuration = SequentialModel.Configuration()
    configuration.width = 16
    configuration.dropout = 0
    configuration.maximumHistory = 8
    var parameters = SequentialTraining.Parameters()
    parameters.epochs = 8
    parameters.learningRate = 1e-2
    parameters.warmup = 10
    parameters.positionsPerBatch = 64
    return SequentialRecommender(
      try SequentialTraining(configuration, parameters: parameters).train(split, validation: []).model)
  }

  private func ring() throws -> TrainingSplit {
    try split((0..<100).map { user in (0..<8).map { (user * 7 + $0) % 30 } }, itemCount: 33)
  }

  @Test func answersAreTheItemsWithTheBestScores() throws {
    let recommender = try recommender(try ring())
    let queries = [query([3, 4, 5]), query([29]), query([])]
    let answers = recommender.recommend(queries[...], count: 5, filter: RecommendationFilter())
    let scores = SequentialModel.Scorer(recommender.model).scores(queries.map(\.history))
    for (row, answer) in answers.enumerated() {
      let expected = scores.row(row).enumerated().sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }.prefix(5)
      #expect(answer.map(\.item) == expected.map { recommender.model.vocabulary.rows[$0.offset] })
      expectClose(answer.map(\.score), expected.map(\.element), tolerance: 1e-4)
    }
    #expect(answers[0].first?.item == 6)
    #expect(answers[1].first?.item == 0)
  }

  @Test func theFilterHoldsInEveryAnswer() throws {
    let recommender = try recommender(try ring())
    let filter = RecommendationFilter(excludesHistory: true, denied: [6], allowed: Set(0..<12))
    let answer = try #require(
      recommender.recommend([query([3, 4, 5])], count: 50, filter: filter).first
    ).map(\.item)
    #expect(Set(answer) == Set((0..<12).map { UInt32($0) }).subtracting([3, 4, 5, 6]))
    #expect(Set(answer).count == answer.count)
  }

  @Test func itemsThatNobodyMetAreNeverRecommended() throws {
    let recommender = try recommender(try ring())
    let answer = try #require(
      recommender.recommend([query([3])], count: 50, filter: RecommendationFilter()).first
    ).map(\.item)
    #expect(answer.count == 30)
    #expect(!answer.contains { $0 >= 30 })
  }

  @Test func aBlockAnswersAsEachQueryAlone() throws {
    let recommender = try recommender(try ring())
    let queries = (0..<300).map { query([UInt32($0 % 30), UInt32(($0 + 1) % 30)]) }
    let together = recommender.recommend(queries[...], count: 3, filter: RecommendationFilter())
    for index in [0, 17, 255, 256, 299] {
      let alone = recommender.recommend(queries[index...index], count: 3, filter: RecommendationFilter())
      #expect(together[index].map(\.item) == alone[0].map(\.item))
    }
  }
}
