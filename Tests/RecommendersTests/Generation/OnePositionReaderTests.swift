import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// The loops that recommend against the layers that were trained.
@Suite struct OnePositionReaderTests {
  static let histories: [[UInt32]] = [[1, 5, 9, 2], [], [7], [30, 12, 3], [4, 4, 4, 4, 4]]

  /// A catalogue whose first codes are followed by most others, and the codes behind them by few.
  private func fixture(tables: [Int]? = nil, prefixOutputs: Bool? = nil) throws -> NetworkFixture {
    try NetworkFixture(
      randomTokens(items: 60, sizes: [5, 4, 30], without: [11]), tables: tables, prefixOutputs: prefixOutputs)
  }

  /// The logits of the live codes behind a prefix, by the layers on a tape.
  private func reference(
    _ fixture: NetworkFixture, behind history: [UInt32], prefix: Int, level: Int
  ) -> [Float] {
    let (vocabulary, network) = (fixture.vocabulary, fixture.network), pass = ModelPass(inferring: fixture.parameters)
    let item = vocabulary.trie.firstItem(of: prefix, length: level)
    let states = network.states(SequenceBatch([history]), vocabulary, in: pass)
    var decisions = Decisions(levels: vocabulary.tokens.levels)
    decisions.append(stateRow: Int32(history.count), level: level, codes: vocabulary.tokens.codes(ofItem: item))
    let outputs = network.decoder(
      network.inputs(decisions, states: states, in: pass),
      keysAndValues: network.decoder.keysAndValues(states, in: pass),
      layout: AttentionLayout(segments: [.init(queries: 0..<1, keys: 0..<history.count + 1)]), in: pass)
    let logits = network.logits(outputs, level: level, behind: [Int32(prefix)], vocabulary, in: pass).value
    return vocabulary.trie.childCodes(of: prefix, length: level).map { logits[0, Int($0)] }
  }

  /// All live prefixes as beams.
  private func beams(_ vocabulary: GeneratorVocabulary, level: Int) -> [Beam] {
    (0..<vocabulary.trie.prefixCount(length: level)).map { Beam(prefix: Int32($0), score: 0) }
  }

  @Test(arguments: [(nil, nil), ([], nil), ([3], nil), (nil, true), ([2], true)] as [([Int]?, Bool?)])
  func logitsOfLiveCodesAreThoseOfTheNetwork(_ tables: [Int]?, _ prefixOutputs: Bool?) throws {
    let fixture = try fixture(tables: tables, prefixOutputs: prefixOutputs), vocabulary = fixture.vocabulary,
      trie = vocabulary.trie
    let reader = fixture.network.reader(vocabulary, fixture.parameters, precision: .single)
    var former: OnePositionScorer?
    // The second time in memory that others have used.
    for histories in [Self.histories, Self.histories.reversed() + [[2, 3]]] {
      var scorer = reader.scorer(histories, reusing: former)
      for level in 0..<3 {
        let held = beams(vocabulary, level: level)
        // One user holds nothing.
        let found = scorer.childLogits(of: histories.indices.map { $0 == 2 ? [] : held }, level: level)
        var expected: [Float] = []
        for (user, history) in histories.enumerated() where user != 2 {
          for beam in held where trie.branches(at: Int(beam.prefix), length: level) {
            expected += reference(fixture, behind: history, prefix: Int(beam.prefix), level: level)
          }
        }
        expectClose(found, expected, tolerance: 1e-4)
      }
      former = scorer
    }
  }

  @Test func usersStatesAreTheLastOfTheirHistories() throws {
    let fixture = try fixture()
    let pass = ModelPass(inferring: fixture.parameters), batch = SequenceBatch(Self.histories)
    let states = fixture.network.states(batch, fixture.vocabulary, in: pass).selectingRows(batch.lastRows).value
    let reader = fixture.network.reader(fixture.vocabulary, fixture.parameters, precision: .single)
    expectClose(reader.scorer(Self.histories).userStates.elements, states.elements, tolerance: 1e-5)
  }

  @Test func nothingIsScoredWhereNothingIsToChoose() throws {
    let tokens = try ItemTokens(sizes: [2, 2], codes: [0, 1, 1, 0], isPresent: [true, true])
    let fixture = try NetworkFixture(tokens)
    var scorer = fixture.network.reader(fixture.vocabulary, fixture.parameters, precision: .single)
      .scorer([[0], [1]])
    #expect(scorer.childLogits(of: [[Beam(prefix: 0, score: 0)], []], level: 0).count == 2)
    let second = (0..<2).map { Beam(prefix: $0, score: -1) }
    #expect(scorer.childLogits(of: [second, second], level: 1).isEmpty)
  }

  @Test func childrenAreCountedWherePrefixesBranch() throws {
    // 0 leads to two codes, 1 to one, 2 to four.
    let codes: ContiguousArray<UInt16> = [0, 0, 0, 1, 1, 3, 2, 0, 2, 1, 2, 2, 2, 3]
    let tokens = try ItemTokens(sizes: [3, 4], codes: codes, isPresent: Array(repeating: true, count: 7))
    let trie = PrefixTrie(tokens)
    #expect(trie.meanChildren(length: 0) == 3)
    #expect(trie.meanChildren(length: 1) == 3)
    let one = PrefixTrie(try ItemTokens(sizes: [3, 4], codes: [2, 1], isPresent: [true]))
    #expect(one.meanChildren(length: 0) == 0 && one.meanChildren(length: 1) == 0)
  }

  @Test func anAnswerIsTheSameBitForBitOnAnyThreadsAndAmongAnyUsers() throws {
    guard PackedMatrix.hasPanels else { return }
    let generator = try fixture().generator()
    var random = RandomSource(seed: 3)
    let queries = (0..<300).map { _ in
      query((0..<Int.random(in: 0...7, using: &random)).map { _ in UInt32.random(in: 0..<60, using: &random) })
    }
    let before = Parallelism.threadCount
    defer { Parallelism.threadCount = before }
    Parallelism.threadCount = 1
    let expected = try generator.recommend(queries[...], count: 6, filter: .init())
    Parallelism.threadCount = 3
    #expect(try generator.recommend(queries[...], count: 6, filter: .init()) == expected)
    for place in [0, 7, 8, 255, 299] {
      #expect(try generator.recommend(queries[place...place], count: 6, filter: .init()) == [expected[place]])
    }
  }

  @Test func roundedFactorsMoveScoresALittle() throws {
    var generator = try fixture().generator()
    generator.beamWidth = 60
    let queries = Self.histories.map { query($0) }
    let single = try generator.recommend(queries[...], count: 59, filter: .init())
    for precision in [WeightPrecision.half, .brain] {
      generator.precision = precision
      let rounded = try generator.recommend(queries[...], count: 59, filter: .init())
      for (answer, exact) in zip(rounded, single) {
        let scores = Dictionary(uniqueKeysWithValues: exact.map { ($0.item, $0.score) })
        #expect(answer.count == 59)
        for scored in answer { #expect(abs(scored.score - (scores[scored.item] ?? .nan)) < 0.3) }
      }
    }
    generator.precision = .single
    #expect(try generator.recommend(queries[...], count: 59, filter: .init()) == single)
  }

  @Test func theEncoderDecodersLogitsAreThoseOfItsLiveCodes() throws {
    let fixture = try EncoderDecoderFixture(randomTokens(items: 30, sizes: [4, 3, 5])), trie = fixture.vocabulary.trie
    let reader = fixture.network.reader(fixture.vocabulary, fixture.parameters, precision: .single)
    var (one, other) = (reader.scorer([[1, 2], []]), reader.scorer([[1, 2], []]))
    for level in 0..<3 {
      let held = [beams(fixture.vocabulary, level: level), Array(beams(fixture.vocabulary, level: level).prefix(1))]
      let all = other.logits(of: held, level: level)
      var expected: ContiguousArray<Float> = []
      let branching = held.joined().filter { trie.branches(at: Int($0.prefix), length: level) }
      for (row, beam) in branching.enumerated() {
        for code in trie.childCodes(of: Int(beam.prefix), length: level) { expected.append(all[row, Int(code)]) }
      }
      #expect(one.childLogits(of: held, level: level) == expected)
    }
  }
}
