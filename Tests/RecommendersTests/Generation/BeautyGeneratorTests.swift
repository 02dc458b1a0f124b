import BehaviorAlignment
import Foundation
import ItemCatalog
import Recommenders
import TestSupport
import Testing

/// A published row of codes on the 5-core Beauty, leave-one-out, ranking all 12,101 items.
@Suite(
  .enabled(
    if: realData("amazon-beauty") != nil && ProcessInfo.processInfo.environment["TESSERA_LONG_TESTS"] != nil,
    "trains for minutes: set TESSERA_LONG_TESTS, and TESSERA_DATA to the folder of the sets"))
struct BeautyGeneratorTests {
  /// The codes of the published index `rkmeans_zcr_cf`, by row of the item table; ids there count from 0.
  private func tokens(_ folder: String, _ items: IdentifierTable) throws -> ItemTokens {
    let file = URL(fileURLWithPath: folder + "/published_sids/rkmeans_zcr_cf.index.json")
    let index = try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: file))
    var codes: ContiguousArray<UInt16> = []
    for row in 0..<items.count {
      let number = try #require(Int(items[row])) - 1
      for code in try #require(index["\(number)"]) {
        codes.append(try #require(UInt16(code.drop { $0 != "_" }.dropFirst().dropLast())))
      }
    }
    return try ItemTokens(
      sizes: [256, 256, 256, 256], codes: codes, isPresent: Array(repeating: true, count: items.count))
  }

  /// Recall@10 and NDCG@10 in a prototype were .0669 and .0366, with seen items removed .0737 and .0424.
  @Test func nineEpochsReachThePrototypesRow() throws {
    let folder = try #require(realData("amazon-beauty"))
    let log = try InteractionReader().read([folder + "/interactions.csv"])
    let split = try TrainingSplit(try InteractionHistory(log, catalog: log.items), window: .leaveLast(2))
    var parameters = GeneratorTraining.Parameters()
    parameters.epochs = 9
    let tokens = try tokens(folder, log.items)
    let result = try GeneratorTraining(parameters: parameters).train(
      tokens, split: split, validation: split.nextItemQueries(place: 1))
    let evaluation = try RecommenderEvaluation(split, tokens: tokens)
    let found = try evaluation.measure(result.generator, on: split.nextItemQueries(place: 2))
    let metrics = try #require(found.metrics()?[10])
    #expect(metrics.recall > 0.063)
    #expect(metrics.ndcg > 0.034)
    // Every answer is of items that exist, so as long as it was asked to be.
    #expect(found.exposures.allSatisfy { $0.coverage > 0 })
  }
}
