import BehaviorAlignment
import Foundation
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct ItemKNNRecommenderTests {
  /// Similarities from sets of users, pair by pair.
  private func reference(_ rows: [[Int]], items: Int, _ parameters: ItemKNNRecommender.Parameters) -> [[Double]] {
    let users = (0..<items).map { item in Set(rows.indices.filter { rows[$0].contains(item) }) }
    return (0..<items).map { first in
      (0..<items).map { second in
        guard first != second else { return 0 }
        let product = Double(users[first].count * users[second].count)
        return Double(users[first].intersection(users[second]).count)
          / (pow(product, Double(parameters.exponent)) + Double(parameters.shrinkage))
      }
    }
  }

  private func parameters(_ change: (inout ItemKNNRecommender.Parameters) -> Void) -> ItemKNNRecommender.Parameters {
    var parameters = ItemKNNRecommender.Parameters()
    change(&parameters)
    return parameters
  }

  @Test(arguments: [(Float(0.35), Float(5)), (0.5, 0), (0, 1)])
  func neighborsAreTheMostSimilarItems(exponent: Float, shrinkage: Float) throws {
    let rows = randomRows(users: 120, items: 30, longest: 8, seed: 2)
    let parameters = parameters {
      $0.exponent = exponent
      $0.shrinkage = shrinkage
      $0.neighbors = 6
    }
    let recommender = try ItemKNNRecommender(try split(rows, itemCount: 30), parameters: parameters)
    let similarities = reference(rows, items: 30, parameters)
    for item in 0..<30 {
      let found = recommender.neighbors(of: UInt32(item))
      let all = similarities[item].enumerated().filter { $0.element > 0 }.map(\.element).sorted(by: >)
      #expect(found.count == min(6, all.count))
      for (place, neighbor) in found.enumerated() {
        #expect(abs(Double(neighbor.score) - similarities[item][Int(neighbor.item)]) < 1e-5)
        #expect(abs(Double(neighbor.score) - all[place]) < 1e-5)
      }
      let isOrdered = zip(found, found.dropFirst()).allSatisfy {
        $0.score > $1.score || $0.score == $1.score && $0.item < $1.item
      }
      #expect(isOrdered)
    }
  }

  @Test func aHistoryFadesWithEveryStepBack() throws {
    let rows = randomRows(users: 150, items: 25, longest: 8, seed: 4)
    let parameters = parameters { $0.historyLength = 3 }
    let recommender = try ItemKNNRecommender(try split(rows, itemCount: 25), parameters: parameters)
    let similarities = reference(rows, items: 25, parameters)
    let queries = rows.filter { $0.count > 3 }.map { query($0.map { UInt32($0) }, target: 0) }
    let answers = recommender.recommend(queries[...], count: 10, filter: RecommendationFilter())
    for (query, answer) in zip(queries, answers) {
      let scores = (0..<25).map { item in
        query.history.reversed().prefix(3).enumerated().reduce(0.0) {
          $0 + pow(0.3, Double($1.offset)) * similarities[Int($1.element)][item]
        }
      }
      let best = scores.filter { $0 > 0 }.sorted(by: >).prefix(10)
      #expect(answer.count == best.count)
      for (scored, expected) in zip(answer, best) {
        #expect(abs(Double(scored.score) - expected) < 1e-5)
        #expect(abs(Double(scored.score) - scores[Int(scored.item)]) < 1e-5)
      }
      #expect(Set(answer.map(\.item)).count == answer.count)
    }
  }

  @Test func onlyTheLatestItemsOfAUserCount() throws {
    let recommender = try ItemKNNRecommender(
      try split([[0, 1, 2, 3, 4]], itemCount: 5), parameters: parameters { $0.itemsPerUser = 2 })
    #expect((0..<5).map { recommender.neighbors(of: $0).map(\.item) } == [[], [], [], [4], [3]])
  }

  @Test func heldOutEventsTeachNothing() throws {
    let recommender = try ItemKNNRecommender(
      try split([[0, 1, 2], [0, 1, 3]], itemCount: 4, window: .leaveLast(1)))
    #expect(recommender.neighbors(of: 0).map(\.item) == [1])
    #expect(recommender.neighbors(of: 2).isEmpty && recommender.neighbors(of: 3).isEmpty)
  }

  @Test func filtersApplyAndEmptyHistoriesGetNothing() throws {
    let recommender = try ItemKNNRecommender(try split([[0, 1, 2, 3], [0, 1, 2]], itemCount: 4))
    let queries = [query([0, 1], target: 3), query([], target: 3)]
    func items(_ filter: RecommendationFilter) -> [[UInt32]] {
      recommender.recommend(queries[...], count: 4, filter: filter).map { $0.map(\.item) }
    }
    #expect(items(RecommendationFilter()) == [[2, 0, 3, 1], []])
    #expect(items(RecommendationFilter(excludesHistory: true)) == [[2, 3], []])
    #expect(items(RecommendationFilter(denied: [2])) == [[0, 3, 1], []])
    #expect(items(RecommendationFilter(allowed: [3])) == [[3], []])
  }

  @Test func answersDoNotDependOnThreads() throws {
    let rows = randomRows(users: 300, items: 200, longest: 12, seed: 8)
    let split = try split(rows, itemCount: 200, window: .leaveLast(1))
    let queries = split.nextItemQueries(place: 1)
    let answers = try [1, 2, 5].map { threads in
      let before = Parallelism.threadCount
      Parallelism.threadCount = threads
      defer { Parallelism.threadCount = before }
      return try ItemKNNRecommender(split).recommend(queries[...], count: 20, filter: RecommendationFilter())
    }
    #expect(answers[0] == answers[1] && answers[1] == answers[2])
    #expect(answers[0].count == queries.count)
  }

  @Test func unusableParametersAreNamed() throws {
    let split = try split([[0, 1]], itemCount: 2)
    let unusable: [((inout ItemKNNRecommender.Parameters) -> Void, String)] = [
      ({ $0.exponent = .nan }, "exponent"), ({ $0.shrinkage = -1 }, "shrinkage"), ({ $0.decay = 1.5 }, "decay"),
      ({ $0.historyLength = 0 }, "historyLength"), ({ $0.neighbors = 0 }, "neighbors"),
      ({ $0.itemsPerUser = 1 }, "itemsPerUser"),
    ]
    for (change, name) in unusable {
      let error = #expect(throws: RecommenderError.self) {
        try ItemKNNRecommender(split, parameters: parameters(change))
      }
      #expect(error?.code == .invalidParameter && error?.message.contains(name) == true)
    }
  }

  @Test func aWishToStopIsHeard() throws {
    let split = try split([[0, 1]], itemCount: 2)
    let error = #expect(throws: RecommenderError.self) { try ItemKNNRecommender(split, isCancelled: { true }) }
    #expect(error?.code == .cancelled)
  }
}
