import NeuralNetworks
import Recommenders
import TensorMath
import Testing

@Suite struct DecisionsTests {
  private func vocabulary(_ tokens: ItemTokens) throws -> GeneratorVocabulary {
    try GeneratorVocabulary(tokens, CircleFixture.configuration)
  }

  /// Items 0 and 1 differ in their last code; 2 and 3 have a first code of their own, and share all.
  private func smallTokens() throws -> ItemTokens {
    try ItemTokens(
      sizes: [3, 2, 2], codes: [0, 1, 0, 0, 1, 1, 2, 0, 0, 2, 0, 0], isPresent: [true, true, true, true])
  }

  @Test func sequencesStandBehindEachOtherWithARowForEachBeginning() {
    let batch = SequenceBatch([[5, 6], [], [7]])
    #expect(batch.items == [-1, 5, 6, -1, -1, 7])
    #expect(batch.places == [0, 1, 2, 0, 0, 1])
    #expect(batch.offsets == [0, 3, 4, 6])
    #expect(batch.lastRows == [2, 3, 5])
    #expect(batch.rows == 6)
  }

  @Test func onlyTheLatestItemsWithCodesAreRead() throws {
    let vocabulary = try vocabulary(randomTokens(items: 10, sizes: [3, 3, 3], without: [2, 9]))
    #expect(vocabulary.readable([1, 2, 3, 4, 9, 5], maximum: 3) == [3, 4, 5])
    #expect(vocabulary.readable([1, 2, 3], maximum: 9) == [1, 3])
    #expect(vocabulary.readable([2, 9, 10, .max], maximum: 9) == [])
    #expect(!vocabulary.knows(10) && !vocabulary.knows(2) && vocabulary.knows(0))
  }

  @Test func aCodeThatHasNoAlternativeIsNoDecision() throws {
    let batch = SequenceBatch([[0, 2]])
    let targets = TargetDecisions(batch, next: [1, 3, 0], try vocabulary(smallTokens()))
    // The first codes of all three; of items 0 and 1 also the last, behind the one second code that they share.
    #expect(targets.codes.itemCount == 3)
    #expect(targets.decisions.stateRows == [0, 0, 1, 2, 2])
    #expect(targets.decisions.levels == [0, 2, 0, 0, 2])
    #expect(targets.decisions.codesBefore == [[-1, 0, -1, -1, 0], [-1, 1, -1, -1, 1]])
    #expect(targets.codes.rows == [[0, 2, 3], [], [1, 4]])
    #expect(targets.codes.targets == [[0, 2, 0], [], [1, 0]])
  }

  @Test func aDecisionSeesTheStatesUpToItsPosition() throws {
    let batch = SequenceBatch([[0, 2], [], [1]])
    let targets = TargetDecisions(batch, next: [-1, 3, 0, -1, 2, 2], try vocabulary(smallTokens()))
    #expect(targets.layout.segments.map(\.queries) == [0..<3, 3..<5])
    #expect(targets.layout.segments.map(\.keys) == [0..<3, 4..<6])
    guard case .prefix(let counts) = targets.layout.visibility else {
      Issue.record("decisions see prefixes")
      return
    }
    #expect(counts == [2, 3, 3, 1, 2])
  }

  @Test func masksOpenTheLiveCodesAndTheRightOneIsAmongThem() throws {
    let tokens = try randomTokens(items: 80, sizes: [6, 5, 7], without: [3])
    let vocabulary = try vocabulary(tokens)
    let history = (0..<80).filter { $0 != 3 }.map { UInt32($0) }
    let targets = TargetDecisions(
      SequenceBatch([history]), next: ContiguousArray((history + [0]).map { Int32($0) }), vocabulary)
    for level in 0..<3 {
      let mask = targets.codes.mask(level: level, vocabulary)
      #expect(mask.rows == targets.codes.rows[level].count && mask.columns == tokens.sizes[level])
      for (row, target) in targets.codes.targets[level].enumerated() {
        let decision = Int(targets.codes.rows[level][row])
        let before = (0..<level).map { UInt16(targets.decisions.codesBefore[$0][decision]) }
        let live = Set(
          history.map { Array(tokens.codes(ofItem: $0)) }.filter { Array($0.prefix(level)) == before }.map { $0[level] }
        )
        #expect(live.contains(UInt16(target)))
        for code in 0..<mask.columns { #expect(mask[row, code] == (live.contains(UInt16(code)) ? 0 : -1e9)) }
      }
    }
  }

  @Test func theBestBeamsAreThoseThatSortingFinds() {
    var random = RandomSource(seed: 2)
    for capacity in [0, 1, 2, 7, 30, 100] {
      // Few distinct scores, so that many are equal.
      let offered = (0..<60).map { Beam(prefix: $0, score: Float(Int.random(in: 0..<9, using: &random))) }
        .shuffled(using: &random)
      var best = BestBeams(capacity: capacity)
      for beam in offered { best.offer(beam) { beam.prefix % 7 != 0 } }
      let expected = offered.filter { $0.prefix % 7 != 0 }.sorted(by: Beam.precedes).prefix(capacity)
      #expect(best.sorted == Array(expected))
    }
  }

  @Test func openPrefixesAreThoseWithAnItemThatPasses() throws {
    let tokens = try randomTokens(items: 60, sizes: [4, 3, 4], without: [5])
    let vocabulary = try vocabulary(tokens), trie = vocabulary.trie
    let history: [UInt32] = [1, 2, 2, 5, 9, 30, 31, 32, 59, 100]
    let filters = [
      RecommendationFilter(), RecommendationFilter(excludesHistory: true), RecommendationFilter(denied: Set(0..<40)),
      RecommendationFilter(allowed: [1, 2, 3, 44]), RecommendationFilter(allowed: []),
      RecommendationFilter(excludesHistory: true, denied: [3, 9], allowed: Set(0..<20)),
    ]
    for filter in filters {
      let open = OpenPrefixes(trie, filter).excluding(history, vocabulary)
      for length in 1...3 {
        for prefix in 0..<trie.prefixCount(length: length) {
          let expected = trie.items(of: prefix, length: length).contains { item in
            filter.permits(item, history: Set(history))
          }
          #expect(open.contains(prefix, length: length) == expected)
        }
      }
      for item in 0..<UInt32(60) where item != 5 {
        #expect(open.allows(item) == filter.permits(item, history: Set(history)))
      }
      #expect(open.isEmpty == (filter.allowed == []))
    }
  }
}
