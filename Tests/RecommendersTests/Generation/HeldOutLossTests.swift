import BehaviorAlignment
import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// The loss on what came next, against the probabilities of a search that leaves nothing out.
@Suite struct HeldOutLossTests {
  private static func queries() -> [NextItemQuery] {
    [
      query([3, 17, 5, 30], target: 6), query([], target: 11), query([12], target: 30),
      query([9, 9, 2, 38, 1, 25], target: 4),
    ]
  }

  /// −log p(ID) by a beam that holds every ID; an item's score has its share of the bucket beside that of the ID.
  private func searched(_ generator: Generator, _ query: NextItemQuery, _ tokens: ItemTokens) throws -> Double {
    var all = generator
    all.beamWidth = tokens.itemCount
    let answer = try all.recommend(
      [query], count: tokens.itemCount, filter: RecommendationFilter(excludesHistory: false))
    let codes = tokens.codes(ofItem: query.target)
    // The bucket's shares add up to 1.
    let total = answer[0].filter { tokens.codes(ofItem: $0.item) == codes }.reduce(0.0) { sum, item in
      sum + exp(Double(item.score))
    }
    return -log(total)
  }

  private func check(_ generator: Generator, _ tokens: ItemTokens) throws {
    let queries = Self.queries()
    let expected = try queries.map { try searched(generator, $0, tokens) }.reduce(0, +) / Double(queries.count)
    let found = try #require(try generator.loss(on: queries))
    #expect(abs(found - expected) < 1e-4 * expected, "\(found), expected \(expected)")
  }

  @Test func itIsWhatASearchOverAllItemsSays() throws {
    let tokens = try randomTokens(items: 40, sizes: [5, 4, 6])
    try check(try NetworkFixture(tokens).generator(), tokens)
    // Few codes: buckets of several items.
    let crowded = try randomTokens(items: 40, sizes: [3, 3])
    try check(try NetworkFixture(crowded).generator(), crowded)
  }

  @Test func ofAnEncoderDecoderToo() throws {
    let fixture = try CircleFixture()
    var configuration = CircleFixture.configuration
    configuration.backbone = .encoderDecoder
    configuration.decoderLayers = 1
    configuration.experts = .init(count: 3, selected: 2, hidden: 16)
    let trained = try fixture.train(CircleFixture.parameters(epochs: 1), configuration: configuration)
    try check(trained.generator, fixture.tokens)
  }

  @Test func trainingLowersIt() throws {
    let fixture = try CircleFixture()
    let (short, long) = (
      try fixture.train(CircleFixture.parameters(epochs: 1)), try fixture.train(CircleFixture.parameters(epochs: 20))
    )
    let losses = try [short, long].map { try #require(try $0.generator.loss(on: fixture.validation)) }
    #expect(losses[1] < 0.7 * losses[0])
  }

  @Test func targetsWithoutCodesAreLeftOut() throws {
    let tokens = try randomTokens(items: 40, sizes: [5, 4, 6], without: [6, 11])
    let generator = try NetworkFixture(tokens).generator()
    let known = Self.queries().filter { ![6, 11].contains($0.target) }
    #expect(try generator.loss(on: Self.queries()) == generator.loss(on: known))
    #expect(try generator.loss(on: [query([1], target: 6)]) == nil)
    #expect(try generator.loss(on: []) == nil)
  }

  @Test func blocksOfUsersChangeNothing() throws {
    let tokens = try randomTokens(items: 40, sizes: [5, 4, 6])
    let generator = try NetworkFixture(tokens).generator()
    let many = (0..<150).map { (user: Int) -> NextItemQuery in
      let history: [UInt32] = [UInt32(user % 40), UInt32(user * 7 % 40)]
      return query(history, target: UInt32(user * 3 % 40))
    }
    let parts = try many.map { try #require(try generator.loss(on: [$0])) }
    let mean = parts.reduce(0, +) / 150
    #expect(abs(try #require(try generator.loss(on: many)) - mean) < 1e-4 * mean)
  }

  @Test func aStopIsHeard() throws {
    let generator = try NetworkFixture(try randomTokens(items: 40, sizes: [5, 4, 6])).generator()
    let error = #expect(throws: RecommenderError.self) { try generator.loss(on: Self.queries(), isCancelled: { true }) }
    #expect(error?.code == .cancelled)
  }
}
