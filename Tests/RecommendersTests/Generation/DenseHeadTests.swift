import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct DenseHeadTests {
  private func fixture() throws -> NetworkFixture {
    try NetworkFixture(randomTokens(items: 40, sizes: [5, 4, 3], without: [6]), hasDenseHead: true)
  }

  /// ⟨query, item vector⟩ of every item.
  private func products(_ fixture: NetworkFixture, behind history: [UInt32]) throws -> [Float] {
    let pass = ModelPass(inferring: fixture.parameters)
    let states = fixture.network.states(SequenceBatch([history]), fixture.vocabulary, in: pass)
    let query = try #require(
      fixture.network.denseQueries(states.selectingRows([Int32(history.count)]), in: pass)
    ).value.row(0)
    return (0..<Int32(40)).map { item in
      guard fixture.vocabulary.knows(UInt32(item)) else { return 0 }
      let vector = fixture.network.itemVectors([item], fixture.vocabulary, in: pass).value
      return zip(query, vector.elements).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  @Test func candidatesAreTheTargetsAndRandomItemsEachOnce() throws {
    let vocabulary = try fixture().vocabulary
    let popularity = ContiguousArray<UInt32>(0..<40)
    let objective = DenseObjective(weight: 1, negatives: 25, vocabulary, popularity: popularity)
    var random = RandomSource(seed: 3)
    for _ in 0..<20 {
      let targets: [Int32] = [4, 9, 4, 39]
      let drawn = objective.draw(targets: targets, using: &random)
      #expect(Set(drawn.items).count == drawn.items.count)
      #expect(drawn.targets.map { drawn.items[Int($0)] } == targets)
      #expect(!drawn.items.contains(6))
      #expect(drawn.items.count > 5 && drawn.items.count <= 28)
      // The more popular item is likelier to be drawn, so its offset is the smaller.
      #expect(drawn.offsets[0] > drawn.offsets[2])
    }
  }

  /// Drawn often enough, all items are candidates; what is left is a cross-entropy over them.
  @Test func theLossIsThatOfAFullSoftmaxWhereAllItemsAreDrawn() throws {
    let fixture = try fixture()
    let objective = DenseObjective(
      weight: 0.5, negatives: 4000, fixture.vocabulary, popularity: ContiguousArray(repeating: 0, count: 40))
    let next: ContiguousArray<Int32> = [8, -1, 30, 12], batch = SequenceBatch([[8, 2], []])
    func loss(_ dense: DenseObjective?) throws -> Float {
      let pass = ModelPass(inferring: fixture.parameters)
      return try #require(fixture.network.loss(batch, next: next, fixture.vocabulary, dense: dense, in: pass)).scalar
    }
    var expected = 0.0
    for (history, target) in [([], 8), ([8, 2], 30), ([], 12)] as [([UInt32], Int)] {
      let scores = try products(fixture, behind: history).map(Double.init)
      let known = scores.indices.filter { $0 != 6 }
      expected += known.reduce(0) { $0 + scores[$1].exponential }.logarithm - scores[target]
    }
    let found = try loss(objective) - loss(nil)
    #expect(abs(Double(found) - 0.5 * expected / 3) < 1e-3)
  }

  @Test func rerankingAddsTheHeadsScore() throws {
    let fixture = try fixture()
    var generator = fixture.generator()
    generator.beamWidth = 40
    let plain = try generator.recommend([query([8, 2])][...], count: 39, filter: .init())[0]
    generator.denseWeight = 1.5
    let reranked = try generator.recommend([query([8, 2])][...], count: 39, filter: .init())[0]
    let scores = try products(fixture, behind: [8, 2])
    let expected = plain.map { ScoredItem(item: $0.item, score: $0.score + 1.5 * scores[Int($0.item)]) }
      .sorted { ($1.score, $0.item) < ($0.score, $1.item) }
    #expect(reranked.map(\.item) == expected.map(\.item))
    expectClose(reranked.map(\.score), expected.map(\.score), tolerance: 1e-4)
  }

  @Test func aGeneratorWithoutTheHeadSaysSo() throws {
    var generator = try NetworkFixture(randomTokens(items: 40, sizes: [5, 4, 3])).generator()
    generator.denseWeight = 1
    let error = #expect(throws: RecommenderError.self) {
      try generator.recommend([query([1])][...], count: 3, filter: .init())
    }
    #expect(error?.code == .invalidParameter)
  }

  @Test func theHeadLearnsBesideTheGeneration() throws {
    let fixture = try CircleFixture()
    var configuration = CircleFixture.configuration
    configuration.hasDenseHead = true
    var parameters = CircleFixture.parameters(epochs: 30)
    parameters.denseNegatives = 30
    let result = try GeneratorTraining(configuration, parameters: parameters)
      .train(fixture.tokens, split: fixture.split, validation: fixture.validation)
    // Scores that the generation hardly counts in: the head alone.
    var generator = result.generator
    generator.denseWeight = 1e4
    generator.beamWidth = CircleFixture.items
    let answers = try generator.recommend(fixture.validation[...], count: 3, filter: .init(excludesHistory: true))
    let hits = zip(fixture.validation, answers).count { query, answer in answer.contains { $0.item == query.target } }
    #expect(Double(hits) > 0.8 * Double(fixture.validation.count))
  }
}
