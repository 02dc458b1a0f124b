import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath
import Testing

@Suite struct EncoderDecoderSearchTests {
  static let histories: [[UInt32]] = [[1, 5, 9, 2], [], [7], [30, 12, 3]]

  @Test func aBeamAsWideAsTheCatalogueIsExhaustive() throws {
    let tokens = try uniqueTokens(items: 40, sizes: [5, 4, 6], without: [11])
    let fixture = try EncoderDecoderFixture(tokens), reference = fixture.reference
    var generator = fixture.generator()
    generator.beamWidth = 40
    let answers = try generator.recommend(Self.histories.map { query($0) }[...], count: 40, filter: .init())
    for (history, answer) in zip(Self.histories, answers) {
      let expected = (0..<UInt32(40)).filter { $0 != 11 }.map { item in
        (item, reference.logProbabilities(of: [item], behind: history)[0].reduce(0, +))
      }.sorted { $0.1 > $1.1 }
      #expect(answer.map(\.item) == expected.map(\.0))
      for (found, wanted) in zip(answer, expected) { #expect(abs(Double(found.score) - wanted.1) < 1e-3) }
    }
  }

  /// Prefixes that have one child and lead to ones that have more, and the other way round.
  private func unevenTokens() throws -> ItemTokens {
    try ItemTokens(
      sizes: [3, 3, 3, 3],
      codes: [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 0, 1, 1, 1, 2, 2, 1, 1, 0, 2, 1, 1, 0, 1, 2, 2, 2, 2],
      isPresent: Array(repeating: true, count: 8))
  }

  /// All live prefixes as beams.
  private func beams(_ vocabulary: GeneratorVocabulary, level: Int) -> [Beam] {
    (0..<vocabulary.trie.prefixCount(length: level)).map { Beam(prefix: Int32($0), score: 0) }
  }

  @Test(arguments: [true, false])
  func whatIsKeptIsWhatWouldBeMadeAnew(_ hasExperts: Bool) throws {
    for tokens in [try unevenTokens(), try randomTokens(items: 12, sizes: [2, 3, 2, 3])] {
      let fixture = try EncoderDecoderFixture(tokens) {
        $0.targetItems = 3
        if !hasExperts { $0.experts = nil }
      }
      let histories: [[UInt32]] = [[1, 5], [], [7, 2, 3]], vocabulary = fixture.vocabulary, trie = vocabulary.trie
      var scorer = fixture.network.scorer(histories, vocabulary, in: ModelPass(inferring: fixture.parameters))
      var sessions: [[UInt32]] = [[], [], []]
      for next in [[4, 0, 7], [6, 5, 1], [0, 0, 0]] as [[UInt32]] {
        for level in 0..<4 {
          let held = beams(vocabulary, level: level), found = scorer.logits(of: [held, [], held], level: level)
          var row = 0
          for user in [0, 2] {
            for beam in held where trie.branches(at: Int(beam.prefix), length: level) {
              let item = trie.firstItem(of: Int(beam.prefix), length: level)
              let expected = fixture.reference.logits(of: sessions[user] + [item], behind: histories[user])
              for (code, logit) in expected[sessions[user].count][level].enumerated() {
                #expect(abs(Double(found[row, code]) - logit) < 1e-4)
              }
              row += 1
            }
          }
          #expect(row == found.rows)
        }
        scorer.accept([next[0], nil, next[2]])
        for user in [0, 2] { sessions[user].append(next[user]) }
      }
    }
  }

  @Test func aSessionIsTheBestItemBehindTheBestItem() throws {
    let fixture = try EncoderDecoderFixture(uniqueTokens(items: 30, sizes: [4, 3, 4])) { $0.targetItems = 4 }
    var generator = fixture.generator()
    generator.beamWidth = 30
    let sessions = try generator.generateSessions(
      Self.histories.map { query($0.filter { $0 < 30 }) }[...], items: 4, filter: .init())
    for (history, session) in zip(Self.histories, sessions) {
      var before: [UInt32] = []
      for scored in session {
        let all = (0..<UInt32(30)).filter { !before.contains($0) }.map { item in
          fixture.reference.logProbabilities(of: before + [item], behind: history.filter { $0 < 30 }).last!.reduce(0, +)
        }
        let best = try #require(all.max())
        #expect(abs(Double(scored.score) - best) < 1e-3)
        before.append(scored.item)
      }
      #expect(before.count == 4)
    }
  }

  @Test func aSessionHoldsOnlyItemsThatExistAndPassAndNoneTwice() throws {
    let without: Set<Int> = [0, 13, 19]
    let fixture = try EncoderDecoderFixture(randomTokens(items: 20, sizes: [2, 3, 2], without: without)) {
      $0.targetItems = 20
    }
    for width in [0, 1, 4] {
      var generator = fixture.generator()
      generator.beamWidth = width
      let session = try generator.generateSession(history: [1, 2], items: 20)
      #expect(session.count == 17)
      #expect(Set(session.map(\.item)).count == 17)
      #expect(session.allSatisfy { !without.contains(Int($0.item)) })
      let filter = RecommendationFilter(excludesHistory: true, denied: [3, 4], allowed: Set(0..<10))
      let filtered = try generator.generateSession(history: [1, 2, 2], items: 20, filter: filter)
      #expect(Set(filtered.map(\.item)) == [5, 6, 7, 8, 9])
      #expect(filtered.count == 5)
    }
  }

  /// More users than go through the network at once, with items that share IDs, and filters that differ by user.
  @Test func sessionsOfManyUsersAreThoseOfEachAloneAndKeepToTheRules() throws {
    let without: Set<UInt32> = [5, 17]
    let fixture = try EncoderDecoderFixture(
      randomTokens(items: 24, sizes: [3, 2, 2], without: Set(without.map(Int.init)))
    ) {
      $0.targetItems = 6
    }
    var generator = fixture.generator(), random = RandomSource(seed: 60)
    generator.beamWidth = 3
    let queries = (0..<70).map { user in
      query(
        (0..<Int.random(in: 0...7, using: &random)).map { _ in UInt32.random(in: 0..<24, using: &random) }, user: user)
    }
    for excludesHistory in [true, false] {
      let denied = Set((0..<4).map { _ in UInt32.random(in: 0..<24, using: &random) })
      let allowed = excludesHistory ? nil : Set((0..<8).map { _ in UInt32.random(in: 0..<24, using: &random) })
      let filter = RecommendationFilter(excludesHistory: excludesHistory, denied: denied, allowed: allowed)
      let sessions = try generator.generateSessions(queries[...], items: 6, filter: filter)
      #expect(sessions.count == queries.count)
      for (query, session) in zip(queries, sessions) {
        let items = session.map(\.item)
        var open = Set<UInt32>(0..<24).subtracting(without).subtracting(denied)
        if let allowed { open.formIntersection(allowed) }
        if excludesHistory { open.subtract(query.history) }
        #expect(Set(items).count == items.count && open.isSuperset(of: items))
        #expect(items.count == min(6, open.count))
        let alone = try generator.generateSessions([query], items: 6, filter: filter)[0]
        #expect(alone.map(\.item) == items)
        for (one, other) in zip(alone, session) { #expect(abs(one.score - other.score) < 1e-4) }
      }
    }
  }

  @Test func theItemsOfOneIDFollowOneAnotherInASession() throws {
    let tokens = try ItemTokens(sizes: [2, 2], codes: [0, 1, 0, 1, 0, 1], isPresent: [true, true, true])
    let fixture = try EncoderDecoderFixture(tokens) { $0.targetItems = 5 }
    let session = try fixture.generator().generateSession(history: [0, 1], items: 5)
    #expect(session.map(\.item).sorted() == [0, 1, 2])
    let unseen = try fixture.generator().generateSession(
      history: [0, 1], items: 5, filter: RecommendationFilter(excludesHistory: true))
    #expect(unseen.map(\.item) == [2])
  }

  @Test func aSessionLongerThanWhatWasLearnedIsRefused() throws {
    let tokens = try randomTokens(items: 20, sizes: [3, 3])
    let fixture = try EncoderDecoderFixture(tokens) { $0.targetItems = 2 }
    #expect(try fixture.generator().generateSession(history: [1], items: 0).isEmpty)
    #expect(try fixture.generator().generateSessions([], items: 2, filter: .init()).isEmpty)
    for (generator, count) in [
      (fixture.generator(), 3), (fixture.generator(), -1), (try NetworkFixture(tokens).generator(), 1),
    ] {
      let error = #expect(throws: RecommenderError.self) { try generator.generateSession(history: [1], items: count) }
      #expect(error?.code == .invalidParameter)
    }
  }

  @Test func drawnAndRerankedAnswersNameItemsThatExist() throws {
    let fixture = try EncoderDecoderFixture(randomTokens(items: 30, sizes: [4, 4, 3], without: [7])) {
      $0.hasDenseHead = true
    }
    var generator = fixture.generator()
    generator.denseWeight = 2
    let queries = Self.histories.map { query($0) }[...]
    let reranked = try generator.recommend(queries, count: 10, filter: .init())
    generator.denseWeight = 0
    #expect(try generator.recommend(queries, count: 10, filter: .init()) != reranked)
    generator.sampling = CodeSampling()
    for answer in try reranked + generator.recommend(queries, count: 10, filter: .init()) {
      #expect(!answer.isEmpty && !answer.contains { $0.item == 7 } && Set(answer.map(\.item)).count == answer.count)
    }
  }
}
