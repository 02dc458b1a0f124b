import Foundation
import Recommenders
import Testing

@Suite struct EvaluationTableTests {
  private func result(_ name: String, places: [Int?], queries cold: [Int?] = [2]) -> EvaluationResult {
    let cutoffs = [1, 5]
    return EvaluationResult(
      recommender: name,
      accuracies: [
        .init(slice: .all, level: .item, metrics: RankingMetrics(places: places, cutoffs: cutoffs)),
        .init(slice: .coldItems, level: .item, metrics: RankingMetrics(places: cold, cutoffs: cutoffs)),
        .init(slice: .longTailItems, level: .item, metrics: RankingMetrics(places: [], cutoffs: cutoffs)),
      ],
      exposures: cutoffs.map { .init(cutoff: $0, coverage: Double($0) / 10, popularity: 0.75) },
      targetPopularity: 0.7, forbiddenTargets: 0, usersPerSecond: 1000)
  }

  @Test func runsOfOneNameBecomeAMeanAndADeviation() throws {
    let table = try EvaluationTable([
      result("A", places: [1, nil, nil, nil]), result("B", places: [1, 1, 1, 1]), result("A", places: [1, 1, 1, nil]),
    ])
    #expect(table.rows.map(\.recommender) == ["A", "B"])
    #expect(table.rows.map(\.runs) == [2, 1])
    let recall = try #require(table.rows[0].accuracy(at: 1)).recall
    #expect(recall.mean == 0.5)
    #expect(abs(try #require(recall.deviation) - 0.125.squareRoot()) < 1e-12)
    #expect(table.rows[1].accuracy(at: 1)?.recall == EvaluationTable.Estimate([1]))
    #expect(table.rows[1].accuracy(at: 1)?.recall.deviation == nil)
    #expect(table.rows[1].accuracy(at: 7) == nil)
    #expect(table.rows[1].accuracy(at: 1, .all, .semanticID) == nil)
  }

  @Test func deviationsAreThoseOfASample() {
    let estimate = EvaluationTable.Estimate([2, 4, 4, 4, 5, 5, 7, 9])
    #expect(estimate.mean == 5)
    #expect(abs((estimate.deviation ?? 0) - (32.0 / 7).squareRoot()) < 1e-12)
  }

  @Test func resultsOfOtherQueriesAreNotComparable() {
    let error = #expect(throws: RecommenderError.self) {
      try EvaluationTable([result("A", places: [1, 2]), result("B", places: [1, 2, 3])])
    }
    #expect(error?.code == .invalidParameter && error?.message.contains("B was not measured as A") == true)
  }

  @Test func resultsUnderAnotherFilterAreNotComparable() {
    var other = result("B", places: [1, 2])
    other.forbiddenTargets = 1
    let error = #expect(throws: RecommenderError.self) { try EvaluationTable([result("A", places: [1, 2]), other]) }
    #expect(error?.code == .invalidParameter)
  }

  @Test func aTableOfNothingIsRefused() {
    let error = #expect(throws: RecommenderError.self) { try EvaluationTable([]) }
    #expect(error?.code == .invalidParameter)
  }

  @Test func aTableComesBackFromJSON() throws {
    let table = try EvaluationTable([result("A", places: [1, nil]), result("A", places: [3, nil])])
    let data = try JSONEncoder().encode(table)
    #expect(try JSONDecoder().decode(EvaluationTable.self, from: data) == table)
  }

  @Test func theTextHasABlockForEverySliceWithQueries() throws {
    let table = try EvaluationTable([
      result("Popularity", places: [1, nil, nil, nil]), result("B", places: [1, 1, 1, 1]),
      result("B", places: [1, 1, nil, nil]),
    ])
    #expect(
      table.plainText() == """
        all queries, item level, 4 queries
        recommender  runs              R@1              R@5           NDCG@1           NDCG@5            MRR@1            MRR@5
        Popularity      1           0.2500           0.2500           0.2500           0.2500           0.2500           0.2500
        B               2  0.7500 ± 0.3536  0.7500 ± 0.3536  0.7500 ± 0.3536  0.7500 ± 0.3536  0.7500 ± 0.3536  0.7500 ± 0.3536

        cold items, item level, 1 queries
        recommender  runs              R@1              R@5           NDCG@1           NDCG@5            MRR@1            MRR@5
        Popularity      1           0.0000           1.0000           0.0000           0.6309           0.0000           0.5000
        B               2  0.0000 ± 0.0000  1.0000 ± 0.0000  0.0000 ± 0.0000  0.6309 ± 0.0000  0.0000 ± 0.0000  0.5000 ± 0.0000

        what is recommended (mean popularity percentile of the targets: 0.7000)
        recommender       coverage@1       coverage@5     popularity@1     popularity@5  users/s
        Popularity            0.1000           0.5000           0.7500           0.7500     1000
        B            0.1000 ± 0.0000  0.5000 ± 0.0000  0.7500 ± 0.0000  0.7500 ± 0.0000     1000

        """)
  }

  @Test func columnsAndSlicesCanBeChosen() throws {
    var only = result("A", places: [1, nil])
    only.forbiddenTargets = 1
    let text = try EvaluationTable([only]).plainText(cutoffs: [5, 99], slices: [.all])
    #expect(!text.contains("@1 ") && text.contains("R@5") && !text.contains("99") && !text.contains("cold"))
    #expect(text.contains("the filter forbids 1 of the targets"))
  }
}
