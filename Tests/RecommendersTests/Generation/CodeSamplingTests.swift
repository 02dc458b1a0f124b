import BehaviorAlignment
import Recommenders
import TensorMath
import Testing

@Suite struct CodeSamplingTests {
  static let scores: [Float] = [0.1, 0.4, 0.2, 0.3].map { Float(Double($0).logarithm) }

  private func shares(_ change: (inout CodeSampling) -> Void) -> [Double] {
    var sampling = CodeSampling()
    change(&sampling)
    var random = RandomSource(seed: 9)
    return sampling.draw(Self.scores, count: 20_000, using: &random).map { Double($0) / 20_000 }
  }

  private func expectShares(_ found: [Double], _ expected: [Double]) {
    for (found, expected) in zip(found, expected) { #expect(abs(found - expected) < 0.02) }
    // What is cut off never comes.
    for (found, expected) in zip(found, expected) where expected == 0 { #expect(found == 0) }
  }

  @Test func codesAreDrawnByTheirProbability() { expectShares(shares { _ in }, [0.1, 0.4, 0.2, 0.3]) }

  @Test func onlyTheLikeliestCodesAreDrawn() {
    expectShares(shares { $0.topK = 2 }, [0, 4.0 / 7, 0, 3.0 / 7])
    expectShares(shares { $0.topK = 1 }, [0, 1, 0, 0])
    expectShares(shares { $0.topK = 9 }, [0.1, 0.4, 0.2, 0.3])
  }

  @Test func theNucleusIsTheSmallestSetThatIsLikelyEnough() {
    expectShares(shares { $0.topP = 0.65 }, [0, 4.0 / 7, 0, 3.0 / 7])
    expectShares(shares { $0.topP = 0.01 }, [0, 1, 0, 0])
    expectShares(shares { $0.topP = 0.85 }, [0, 4.0 / 9, 2.0 / 9, 3.0 / 9])
  }

  @Test func aLowTemperatureSharpens() {
    // Squares of the probabilities, over their sum of 0.3.
    expectShares(shares { $0.temperature = 0.5 }, [0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3])
  }

  private func generator() throws -> Generator {
    var generator = try NetworkFixture(randomTokens(items: 60, sizes: [5, 4, 4], without: [7])).generator()
    generator.sampling = CodeSampling()
    generator.beamWidth = 20
    return generator
  }

  @Test func drawnItemsExistAndPassTheFilter() throws {
    let generator = try generator()
    let filter = RecommendationFilter(excludesHistory: true, denied: Set(20..<40))
    let queries = (0..<30).map { NextItemQuery(user: $0, history: [1, 2, 3], target: 0) }
    for answer in try generator.recommend(queries[...], count: 20, filter: filter) {
      #expect(!answer.isEmpty)
      #expect(Set(answer.map(\.item)).count == answer.count)
      for item in answer.map(\.item) {
        #expect(item != 7 && ![1, 2, 3].contains(item) && !filter.denied.contains(item))
      }
    }
    #expect(try generator.recommend(queries[...], count: 20, filter: .init(allowed: [])).allSatisfy(\.isEmpty))
  }

  @Test func scoresOfDrawnItemsAreThoseOfTheSearch() throws {
    var generator = try generator()
    let drawn = try generator.recommend([query([4, 9])][...], count: 20, filter: .init())[0]
    generator.sampling = nil
    generator.beamWidth = 60
    let all = try generator.recommend([query([4, 9])][...], count: 60, filter: .init())[0]
    let scores = Dictionary(uniqueKeysWithValues: all.map { ($0.item, $0.score) })
    for item in drawn { #expect(abs(item.score - scores[item.item]!) < 1e-4) }
  }

  @Test func theSeedAndTheUserDecideWhatIsDrawn() throws {
    var generator = try generator()
    let queries = (0..<3).map { NextItemQuery(user: $0 % 2, history: [5], target: 0) }
    let answers = try generator.recommend(queries[...], count: 20, filter: .init())
    #expect(answers[0].map(\.item) == answers[2].map(\.item))
    #expect(answers[0] != answers[1])
    #expect(try generator.recommend(queries[...], count: 20, filter: .init()) == answers)
    generator.sampling?.seed = 2
    #expect(try generator.recommend(queries[...], count: 20, filter: .init()) != answers)
  }

  @Test func theLikeliestCodesAloneMakeTheGreedyItem() throws {
    var generator = try generator()
    generator.sampling?.topK = 1
    let drawn = try generator.recommend([query([4, 9])][...], count: 1, filter: .init())
    generator.sampling = nil
    generator.beamWidth = 1
    #expect(
      try generator.recommend([query([4, 9])][...], count: 1, filter: .init())[0].map(\.item) == drawn[0].map(\.item))
  }

  @Test func settingsOutOfRangeAreRefused() throws {
    let changes: [(inout CodeSampling) -> Void] = [
      { $0.temperature = 0 }, { $0.temperature = .infinity }, { $0.topK = 0 }, { $0.topP = 0 }, { $0.topP = 1.5 },
    ]
    for change in changes {
      var generator = try generator()
      var sampling = CodeSampling()
      change(&sampling)
      generator.sampling = sampling
      let error = #expect(throws: RecommenderError.self) {
        try generator.recommend([query([1])][...], count: 3, filter: .init())
      }
      #expect(error?.code == .invalidParameter)
    }
  }
}
