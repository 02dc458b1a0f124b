import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct SequenceProbabilityTests {
  static let histories: [[UInt32]] = [[1, 5, 9, 2], [], [7], [30, 12, 3]]
  static let items: [[UInt32]] = [[3, 40, 1], [8], [], [11, 12, 13, 14]]

  private func written(_ items: [[UInt32]], _ vocabulary: GeneratorVocabulary) -> [WrittenIDs] {
    items.enumerated().flatMap { history, items in
      items.map { WrittenIDs(history: history, items: [$0], vocabulary) }
    }
  }

  @Test func theyAreThoseOfOneDecisionAtATime() throws {
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6]))
    let pass = ModelPass(inferring: fixture.parameters)
    let found = fixture.network.logProbabilities(
      of: written(Self.items, fixture.vocabulary), behind: Self.histories, legality: .constrained, fixture.vocabulary,
      in: pass
    ).value.elements
    let expected = zip(Self.histories, Self.items).flatMap { history, items in
      items.map { fixture.logProbabilities(of: $0, behind: history).reduce(0, +) }
    }
    expectClose(found, expected, tolerance: 1e-4)
  }

  @Test func theyAreTheScoresOfBeamSearch() throws {
    let fixture = try NetworkFixture(uniqueTokens(items: 50, sizes: [5, 4, 6], without: [11]))
    var generator = fixture.generator()
    generator.beamWidth = 50
    let answers = try generator.recommend(Self.histories.map { query($0) }[...], count: 50, filter: .init())
    let found = try generator.logProbabilities(
      of: answers.map { $0.map { [$0.item] } }, behind: Self.histories)
    for (answer, found) in zip(answers, found) { expectClose(found, answer.map(\.score), tolerance: 1e-4) }
  }

  @Test func sessionsHaveTheSumOfTheirItems() throws {
    let fixture = try EncoderDecoderFixture(randomTokens(items: 50, sizes: [5, 4, 6])) { $0.targetItems = 3 }
    let sessions: [[[UInt32]]] = [[[6, 1], [40], [3, 4, 5]], [[8, 9]], [], [[17, 9, 2], [1]]]
    let found = try fixture.generator().logProbabilities(of: sessions, behind: Self.histories)
    for (history, (sessions, found)) in zip(Self.histories, zip(sessions, found)) {
      let expected = sessions.map {
        Float(fixture.reference.logProbabilities(of: $0, behind: history).joined().reduce(0, +))
      }
      expectClose(found, expected, tolerance: 1e-3)
    }
  }

  @Test(arguments: GeneratorConfiguration.Backbone.allFixtures)
  func allIDsHaveAProbabilityOfOneTogether(_ backbone: GeneratorConfiguration.Backbone) throws {
    let tokens = try randomTokens(items: 20, sizes: [3, 4])
    let generator = try backbone.generator(tokens), vocabulary = generator.vocabulary
    let all = (0..<12).map { WrittenIDs(history: 0, codes: [UInt16($0 / 4), UInt16($0 % 4)]) }
    let legal = all.filter { vocabulary.trie.prefix(ofCodes: $0.codes) != nil }
    #expect(legal.count < all.count)
    func sum(_ written: [WrittenIDs], _ legality: CodeLegality) -> Double {
      generator.probabilities(written, behind: [[1, 2]], legality).reduce(0) { $0 + Double($1).exponential }
    }
    #expect(abs(sum(all, .unconstrained) - 1) < 1e-5)
    #expect(abs(sum(legal, .constrained) - 1) < 1e-5)
    let share = sum(legal, .unconstrained)
    #expect(share < 1)
    // Which is what drawing finds.
    let drawn = try generator.legality(on: [query([1, 2])][...], draws: 20_000)
    #expect(abs(drawn - share) < 0.02)
  }

  @Test(arguments: GeneratorConfiguration.Backbone.allFixtures, [CodeLegality.constrained, .unconstrained])
  func gradientsAgreeWithDifferences(_ backbone: GeneratorConfiguration.Backbone, _ legality: CodeLegality) throws {
    let generator = try backbone.generator(randomTokens(items: 20, sizes: [3, 4, 3]))
    let written = written([[3, 14], [8], [], [11, 19]], generator.vocabulary)
    let weights = Matrix(rows: 5, columns: 1, elements: [0.3, -0.5, 0.2, 1, -0.7])
    try expectParameterGradients(generator.parameters, bound: 0.03) { pass in
      let logs = generator.network.logProbabilities(
        of: written, behind: Self.histories.map { $0.map { $0 % 20 } }, legality: legality, generator.vocabulary,
        in: pass)
      return (logs * pass.tape.constant(weights)).sum()
    }
  }

  @Test func anIDIsFoundByItsCodesAlone() throws {
    let tokens = try randomTokens(items: 40, sizes: [4, 4, 4], without: [3])
    let trie = PrefixTrie(tokens)
    for item in 0..<UInt32(40) where item != 3 {
      for length in 0...3 {
        let prefix = try #require(trie.prefix(ofCodes: tokens.codes(ofItem: item).prefix(length)))
        #expect(prefix == Int(trie.prefix(ofItem: item, length: length)))
      }
    }
    let live = Set((0..<40).filter { $0 != 3 }.map { Array(tokens.codes(ofItem: UInt32($0))) })
    for code in 0..<64 {
      let codes = [UInt16(code / 16), UInt16(code / 4 % 4), UInt16(code % 4)]
      #expect((trie.prefix(ofCodes: codes) != nil) == live.contains(codes))
    }
    #expect(trie.prefix(ofCodes: [9]) == nil)
  }

  @Test func theSameSeedDrawsTheSameIDs() throws {
    let generator = try GeneratorConfiguration.Backbone.onePosition.generator(
      randomTokens(items: 20, sizes: [3, 4, 3]))
    func draw(_ seed: UInt64, histories: [[UInt32]] = [[1], [2, 3]], users: [Int] = [4, 9]) -> [[DrawnID]] {
      var sampling = CodeSampling()
      sampling.seed = seed
      return generator.network.drawIDs(
        50, behind: histories, users: users, sampling, generator.vocabulary,
        in: ModelPass(inferring: generator.parameters))
    }
    #expect(draw(1) == draw(1))
    #expect(draw(1) != draw(2))
    // A user's draws depend on no other.
    #expect(draw(1)[1] == draw(1, histories: [[2, 3]], users: [9])[0])
    for ids in draw(1) {
      #expect(ids.reduce(0) { $0 + $1.draws } == 50)
      #expect(Set(ids.map(\.codes)).count == ids.count)
    }
  }

  @Test func whatHasNoProbabilityIsRefused() throws {
    let generator = try GeneratorConfiguration.Backbone.onePosition.generator(
      randomTokens(items: 20, sizes: [3, 4], without: [5]))
    func code(_ session: [UInt32]) -> RecommenderError.Code? {
      #expect(throws: RecommenderError.self) {
        try generator.logProbabilities(of: [[session]], behind: [[1]])
      }?.code
    }
    #expect(code([5]) == .unknown && code([20]) == .unknown)
    #expect(code([]) == .invalidParameter && code([1, 2]) == .invalidParameter)
    var sampling = CodeSampling()
    sampling.temperature = 0
    #expect(throws: RecommenderError.self) { try generator.legality(on: [], draws: 1, sampling: sampling) }
    #expect(try generator.legality(on: [], draws: 1) == 1)
  }
}

extension GeneratorConfiguration.Backbone {
  static let allFixtures: [GeneratorConfiguration.Backbone] = [.onePosition, .encoderDecoder]

  /// Random parameters.
  func generator(_ tokens: ItemTokens) throws -> Generator {
    switch self {
    case .onePosition: try NetworkFixture(tokens).generator()
    case .encoderDecoder:
      // Experts make a step of the chosen ones: no differences there.
      try EncoderDecoderFixture(tokens) { $0.experts = nil }.generator()
    }
  }
}

extension Generator {
  func probabilities(_ written: [WrittenIDs], behind histories: [[UInt32]], _ legality: CodeLegality) -> [Float] {
    Array(
      network.logProbabilities(
        of: written, behind: histories, legality: legality, vocabulary, in: ModelPass(inferring: parameters)
      ).value.elements)
  }
}
