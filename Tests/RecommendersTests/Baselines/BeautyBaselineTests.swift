import BehaviorAlignment
import ItemCatalog
import Recommenders
import TestSupport
import Testing

/// The rows of a measured recipe on the 5-core Beauty, leave-one-out, ranking all 12,101 items, seen items kept.
@Suite(.enabled(if: realData("amazon-beauty") != nil, "no Beauty: set TESSERA_DATA to the folder of the sets"))
struct BeautyBaselineTests {
  private func table() throws -> EvaluationTable {
    let folder = try #require(realData("amazon-beauty"))
    let log = try InteractionReader().read([folder + "/interactions.csv"])
    let split = try TrainingSplit(try InteractionHistory(log, catalog: log.items), window: .leaveLast(2))
    let evaluation = try RecommenderEvaluation(split)
    let recommenders: [any NextItemRecommender] = [PopularityRecommender(split), try ItemKNNRecommender(split)]
    let queries = split.nextItemQueries(place: 2)
    return try EvaluationTable(try recommenders.map { try evaluation.measure($0, on: queries) })
  }

  @Test func baselinesReachTheirPublishedRows() throws {
    let table = try table()
    #expect(table.slices[0].queries == 22_363)
    let popularity = try #require(table.rows[0].accuracy(at: 10))
    #expect(abs(popularity.recall.mean - 0.0114) < 0.0003)
    #expect(abs(popularity.ndcg.mean - 0.0053) < 0.0003)
    let neighbors = try #require(table.rows[1].accuracy(at: 10))
    #expect(abs(neighbors.recall.mean - 0.0660) < 0.002)
    #expect(abs(neighbors.ndcg.mean - 0.0379) < 0.0015)
  }
}
