import Foundation
import Recommenders
import TensorMath
import Testing

@Suite struct RankingMetricsTests {
  /// The definitions, query by query.
  private func reference(_ places: [Int?], cutoff: Int) -> (recall: Double, ndcg: Double, mrr: Double) {
    let found = places.compactMap { $0 }.filter { $0 <= cutoff }.map { Double($0) }
    let count = Double(places.count)
    return (
      Double(found.count) / count, found.map { log(2) / log($0 + 1) }.reduce(0, +) / count,
      found.map { 1 / $0 }.reduce(0, +) / count
    )
  }

  @Test func metricsAreMeansOfTheirDefinitions() throws {
    var random = RandomSource(seed: 3)
    let places = (0..<500).map { _ -> Int? in
      let place = Int.random(in: 1...80, using: &random)
      return place > 60 ? nil : place
    }
    let metrics = RankingMetrics(places: places)
    #expect(metrics.queries == 500)
    #expect(metrics.atCutoffs.map(\.cutoff) == [5, 10, 20, 50])
    for cutoff in [5, 10, 20, 50] {
      let found = try #require(metrics[cutoff]), expected = reference(places, cutoff: cutoff)
      #expect(abs(found.recall - expected.recall) < 1e-12)
      #expect(abs(found.ndcg - expected.ndcg) < 1e-12)
      #expect(abs(found.mrr - expected.mrr) < 1e-12)
    }
  }

  @Test func theFirstPlaceCountsOneInEveryMetric() throws {
    let metrics = try #require(RankingMetrics(places: [1, 1], cutoffs: [1])[1])
    #expect(metrics.recall == 1 && metrics.ndcg == 1 && metrics.mrr == 1)
  }

  @Test func aPlaceBeyondTheCutoffCountsNothing() throws {
    let metrics = RankingMetrics(places: [6, nil], cutoffs: [5, 6])
    #expect(try #require(metrics[5]).recall == 0)
    #expect(try #require(metrics[6]).recall == 0.5)
  }

  @Test func noQueryGivesZerosAndAnUnknownCutoffNothing() {
    let metrics = RankingMetrics(places: [], cutoffs: [5])
    #expect(metrics.queries == 0)
    #expect(metrics[5]?.ndcg == 0)
    #expect(metrics[10] == nil)
  }
}
