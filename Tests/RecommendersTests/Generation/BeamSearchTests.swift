import BehaviorAlignment
import Recommenders
import TensorMath
import Testing

@Suite struct BeamSearchTests {
  static let histories: [[UInt32]] = [[1, 5, 9, 2], [], [7], [30, 12, 3], [4, 4, 4, 4, 4, 4, 4, 8]]

  private func exhaustive(_ fixture: NetworkFixture, _ history: [UInt32]) -> [ScoredItem] {
    let tokens = fixture.vocabulary.tokens, read = Array(history.suffix(fixture.configuration.maximumHistory))
    return (0..<UInt32(tokens.itemCount)).filter { tokens.isPresent[Int($0)] }.map { item in
      ScoredItem(item: item, score: fixture.logProbabilities(of: item, behind: read).reduce(0, +))
    }.sorted { ($1.score, $0.item) < ($0.score, $1.item) }
  }

  @Test func aBeamAsWideAsTheCatalogueIsExhaustive() throws {
    let fixture = try NetworkFixture(uniqueTokens(items: 50, sizes: [5, 4, 6], without: [11]))
    var generator = fixture.generator()
    generator.beamWidth = 50
    let answers = try generator.recommend(Self.histories.map { query($0) }[...], count: 50, filter: .init())
    for (history, answer) in zip(Self.histories, answers) {
      let expected = exhaustive(fixture, history)
      #expect(answer.map(\.item) == expected.map(\.item))
      for (found, wanted) in zip(answer, expected) { #expect(abs(found.score - wanted.score) < 1e-3) }
    }
  }

  @Test func probabilitiesOfAllItemsAddUpToOne() throws {
    let fixture = try NetworkFixture(randomTokens(items: 60, sizes: [3, 3, 3]))
    var random = RandomSource(seed: 1)
    let generator = fixture.generator(
      popularity: ContiguousArray((0..<60).map { _ in UInt32.random(in: 0..<9, using: &random) }))
    for answer in try generator.recommend([query([1, 2]), query([])][...], count: 60, filter: .init()) {
      #expect(answer.count == 60)
      #expect(abs(answer.reduce(0) { $0 + Double($1.score).exponential } - 1) < 1e-4)
    }
  }

  @Test func itemsOfABucketShareItsProbabilityByPopularity() throws {
    let tokens = try ItemTokens(
      sizes: [2, 2], codes: [1, 1, 0, 0, 1, 1, 1, 1], isPresent: [true, true, true, true])
    let generator = try NetworkFixture(tokens).generator(popularity: [1, 5, 0, 6])
    let answer = try generator.recommend([query([1])][...], count: 4, filter: .init())[0]
    let scores = Dictionary(uniqueKeysWithValues: answer.map { ($0.item, $0.score) })
    let (first, second, third) = (try #require(scores[0]), try #require(scores[2]), try #require(scores[3]))
    // (1 + 1) : (0 + 1) : (6 + 1).
    #expect(abs(Double(first - second).exponential - 2) < 1e-4)
    #expect(abs(Double(third - second).exponential - 7) < 1e-4)
    #expect(answer.filter { $0.item != 1 }.map(\.item) == [3, 0, 2])
  }

  @Test func anAnswerHoldsOnlyItemsWithCodesAndNoneTwice() throws {
    let without: Set<Int> = [0, 13, 14, 49]
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [4, 4, 4], without: without))
    for width in [1, 3, 20] {
      var generator = fixture.generator()
      generator.beamWidth = width
      for answer in try generator.recommend(Self.histories.map { query($0) }[...], count: 20, filter: .init()) {
        #expect(answer.count == 20)
        #expect(Set(answer.map(\.item)).count == 20)
        #expect(answer.allSatisfy { !without.contains(Int($0.item)) })
        #expect(answer.map(\.score) == answer.map(\.score).sorted(by: >))
      }
    }
  }

  @Test func filteredItemsAreLeftOutAndTheAnswerStaysFull() throws {
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [4, 4, 4]))
    var generator = fixture.generator()
    generator.beamWidth = 50
    let all = try generator.recommend(Self.histories.map { query($0) }[...], count: 50, filter: .init())
    let filters = [
      RecommendationFilter(excludesHistory: true), RecommendationFilter(denied: Set(0..<30)),
      RecommendationFilter(allowed: [3, 9, 12, 40, 41]),
      RecommendationFilter(excludesHistory: true, denied: [3, 8], allowed: Set(0..<20)),
    ]
    for filter in filters {
      let answers = try generator.recommend(Self.histories.map { query($0) }[...], count: 10, filter: filter)
      for (history, (answer, unfiltered)) in zip(Self.histories, zip(answers, all)) {
        let passing = unfiltered.filter { scored in
          !filter.denied.contains(scored.item) && filter.allowed?.contains(scored.item) ?? true
            && !(filter.excludesHistory && history.contains(scored.item))
        }
        #expect(answer.map(\.item) == passing.prefix(10).map(\.item))
      }
      generator.beamWidth = 1
      let narrow = try generator.recommend(Self.histories.map { query($0) }[...], count: 3, filter: filter)
      #expect(narrow.allSatisfy { $0.count == 3 })
      generator.beamWidth = 50
    }
  }

  @Test func anEmptyHistoryIsAnsweredFromTheBeginning() throws {
    let fixture = try NetworkFixture(uniqueTokens(items: 40, sizes: [4, 4, 4], without: [39]))
    let generator = fixture.generator()
    let queries = [query([]), query([39]), query([39, 1_000_000])]
    let answers = try generator.recommend(queries[...], count: 5, filter: .init())
    #expect(answers[0].count == 5)
    // Items without codes, and beyond the catalogue, say nothing.
    #expect(answers[1] == answers[0])
    #expect(answers[2] == answers[0])
  }

  @Test func nothingIsFoundWhereNothingIsAskedOrAllowed() throws {
    let generator = try NetworkFixture(randomTokens(items: 10, sizes: [4, 4])).generator()
    #expect(try generator.recommend([query([1])][...], count: 0, filter: .init()) == [[]])
    #expect(try generator.recommend([query([1])][...], count: 3, filter: .init(allowed: [])) == [[]])
    #expect(try generator.recommend([][...], count: 3, filter: .init()) == [])
  }

  @Test func aQuerysAnswerDoesNotDependOnTheOthers() throws {
    let generator = try NetworkFixture(randomTokens(items: 50, sizes: [4, 4, 4])).generator()
    var random = RandomSource(seed: 3)
    let queries = (0..<150).map { _ in
      query((0..<Int.random(in: 0...7, using: &random)).map { _ in UInt32.random(in: 0..<50, using: &random) })
    }
    let together = try generator.recommend(queries[...], count: 6, filter: .init(excludesHistory: true))
    for place in [0, 63, 64, 149] {
      let alone = try generator.recommend(queries[place...place], count: 6, filter: .init(excludesHistory: true))
      #expect(alone[0].map(\.item) == together[place].map(\.item))
    }
  }
}

/// Random codes, no two items alike.
func uniqueTokens(items: Int, sizes: [Int], without: Set<Int> = []) throws -> ItemTokens {
  var random = RandomSource(seed: 5)
  var (codes, taken): (ContiguousArray<UInt16>, Set<[UInt16]>) = ([], [])
  while taken.count < items {
    let next = sizes.map { UInt16.random(in: 0..<UInt16($0), using: &random) }
    if taken.insert(next).inserted { codes += next }
  }
  return try ItemTokens(sizes: sizes, codes: codes, isPresent: (0..<items).map { !without.contains($0) })
}
