import Recommenders
import TensorMath
import Testing

@Suite struct CandidateTests {
  @Test func theyAreTheBestIDsOncePerBucket() throws {
    let tokens = try randomTokens(items: 40, sizes: [3, 3, 3])
    var generator = try NetworkFixture(tokens).generator(
      popularity: ContiguousArray((0..<40).map { UInt32($0 * 7 % 11) }))
    generator.beamWidth = 40
    let queries = [query([1, 2]), query([], user: 1)]
    let all = try generator.recommend(queries[...], count: 40, filter: .init())
    let found = generator.candidates(for: queries, count: 12, length: 1, sampling: nil, filter: .init())
    for (found, all) in zip(found, all) {
      #expect(found.count == 12)
      #expect(found.allSatisfy { $0.items.count == 1 && $0.draws == 1 })
      let ids = found.map { Array(tokens.codes(ofItem: $0.items[0])) }
      #expect(Set(ids).count == ids.count)
      // In each bucket the item that the recommender prefers.
      for candidate in found {
        let bucket = all.filter { tokens.codes(ofItem: $0.item) == tokens.codes(ofItem: candidate.items[0]) }
        #expect(bucket.first?.item == candidate.items[0])
      }
    }
  }

  @Test func drawsAreCounted() throws {
    let generator = try NetworkFixture(randomTokens(items: 40, sizes: [3, 3, 3])).generator()
    let found = generator.candidates(
      for: [query([1, 2])], count: 30, length: 1, sampling: CodeSampling(), filter: .init())[0]
    #expect(found.reduce(0) { $0 + $1.draws } == 30)
    #expect(found.count < 30)
  }

  @Test func sessionsGoOnWithTheBestThatFollow() throws {
    let tokens = try uniqueTokens(items: 30, sizes: [4, 4, 4])
    let fixture = try EncoderDecoderFixture(tokens) { $0.targetItems = 3 }
    let generator = fixture.generator(), history: [UInt32] = [4, 9]
    let found = generator.candidates(for: [query(history)], count: 30, length: 3, sampling: nil, filter: .init())[0]
    #expect(found.count == 30)
    for candidate in found {
      #expect(candidate.items.count == 3 && Set(candidate.items).count == 3)
    }
    // What follows is near the best there is; the beam of the search is narrow.
    for candidate in found.prefix(4) {
      let options = (0..<UInt32(30)).filter { $0 != candidate.items[0] }
      let scores = try generator.logProbabilities(
        of: [options.map { [candidate.items[0], $0] }], behind: [history])[0]
      let own = try #require(zip(options, scores).first { $0.0 == candidate.items[1] })
      #expect(scores.count { $0 > own.1 } < 6)
    }
    let filtered = generator.candidates(
      for: [query(history)], count: 30, length: 2, sampling: nil,
      filter: .init(excludesHistory: true, denied: Set(10..<30)))[0]
    #expect(filtered.count == 8)
    #expect(filtered.allSatisfy { $0.items.allSatisfy { $0 < 10 && !history.contains($0) } })
    #expect(generator.candidates(for: [], count: 3, length: 2, sampling: nil, filter: .init()).isEmpty)
  }
}
