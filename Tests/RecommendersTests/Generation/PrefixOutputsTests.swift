import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// Codes that are chosen also by the vectors of the prefixes that they lead to: `GeneratorConfiguration.prefixOutputs`.
@Suite struct PrefixOutputsTests {
  private static let histories: [[UInt32]] = [[1, 5, 9, 2], [], [7]]
  private static let next: ContiguousArray<Int32> = [5, 9, 2, 30, 11, 12, 3, 8]

  private static func tokens() throws -> ItemTokens { try randomTokens(items: 50, sizes: [5, 4, 6], without: [13]) }

  private static func fixture(_ outputs: Bool? = true, tables: [Int]? = nil) throws -> NetworkFixture {
    try NetworkFixture(tokens(), tables: tables, prefixOutputs: outputs)
  }

  private static func encoderDecoder() throws -> EncoderDecoderFixture {
    try EncoderDecoderFixture(tokens()) { $0.prefixOutputs = true }
  }

  private static func rows(_ count: Int) -> Matrix {
    var random = RandomSource(seed: 4)
    return normalMatrix(count, 8, using: &random)
  }

  @Test func aLogitIsThatOfTheCodePlusTheProductWithThePrefix() throws {
    let fixture = try Self.fixture(), vocabulary = fixture.vocabulary, trie = vocabulary.trie
    let pass = ModelPass(inferring: fixture.parameters)
    for level in 0..<3 {
      let prefixes = ContiguousArray((0..<trie.prefixCount(length: level)).map { Int32($0) } + [-1])
      let outputs = Self.rows(prefixes.count), rows = pass.tape.constant(outputs)
      let found = fixture.network.logits(rows, level: level, behind: prefixes, vocabulary, in: pass).value
      let plain = fixture.network.tables.codeLogits(rows, level: level, in: pass).value
      let table = try level == 0 ? nil : fixture.vectors(ofPrefixes: level + 1)
      for (row, prefix) in prefixes.enumerated() {
        for code in 0..<vocabulary.tokens.sizes[level] {
          var expected = plain[row, code]
          if let table, prefix >= 0, trie.branches(at: Int(prefix), length: level),
            let child = trie.child(of: Int(prefix), length: level, code: UInt16(code))
          {
            expected += (0..<8).reduce(0) { $0 + outputs[row, $1] * table[child, $1] }
          }
          #expect(abs(found[row, code] - expected) < 1e-4, "level \(level), prefix \(prefix), code \(code)")
        }
      }
    }
  }

  @Test func tablesOfSomeLengthsTakePartAtTheirLevelsAlone() throws {
    let fixture = try Self.fixture(tables: [3]), pass = ModelPass(inferring: fixture.parameters)
    let rows = pass.tape.constant(Self.rows(2))
    func differs(_ level: Int) -> Bool {
      let prefix = (0..<fixture.vocabulary.trie.prefixCount(length: level)).first {
        fixture.vocabulary.trie.branches(at: $0, length: level)
      }
      let behind = ContiguousArray(repeating: Int32(prefix ?? 0), count: 2)
      return fixture.network.logits(rows, level: level, behind: behind, fixture.vocabulary, in: pass).value
        != fixture.network.tables.codeLogits(rows, level: level, in: pass).value
    }
    #expect(!differs(0) && !differs(1) && differs(2))
  }

  @Test func thereAreAsManyParametersAsWithout() throws {
    #expect(
      try Self.fixture().parameters.entries.map(\.name) == Self.fixture(nil).parameters.entries.map(\.name))
  }

  /// As before the first step: the tables begin at zeros.
  @Test func zeroVectorsChangeNothing() throws {
    let (with, without) = (try Self.fixture(), try Self.fixture(nil))
    var parameters = with.parameters
    for entry in parameters.entries where entry.name.hasPrefix("prefixes.") {
      let parameter = try #require(parameters.parameter(named: entry.name))
      parameters[parameter] = Matrix(rows: entry.value.rows, columns: entry.value.columns)
    }
    let losses = try [with, without].map {
      try #require(
        $0.network.loss(
          SequenceBatch(Self.histories), next: Self.next, $0.vocabulary, in: ModelPass(inferring: parameters))
      ).scalar
    }
    #expect(losses[0] == losses[1])
  }

  @Test(arguments: [CodeLegality.constrained, .unconstrained])
  func gradientsAgreeWithDifferences(_ legality: CodeLegality) throws {
    let fixture = try Self.fixture()
    try expectParameterGradients(fixture.parameters) { pass in
      fixture.network.loss(
        SequenceBatch(Self.histories), next: Self.next, fixture.vocabulary, legality: legality, in: pass)
    }
  }

  @Test func probabilitiesOfAllItemsAreOne() throws {
    let fixture = try Self.fixture()
    for history in Self.histories {
      // Items of one ID share what it gets.
      var ids: [[UInt16]: Double] = [:]
      for item in UInt32(0)..<50 where item != 13 {
        let codes = Array(fixture.vocabulary.tokens.codes(ofItem: item))
        ids[codes] = exp(fixture.logProbabilities(of: item, behind: history).reduce(0) { $0 + Double($1) })
      }
      #expect(abs(ids.values.reduce(0, +) - 1) < 1e-4)
    }
  }

  @Test(arguments: [GeneratorConfiguration.Backbone.onePosition, .encoderDecoder])
  func searchFindsWhatTheProbabilitiesSay(_ backbone: GeneratorConfiguration.Backbone) throws {
    let vocabulary: GeneratorVocabulary, network: any GeneratorNetwork, parameters: ParameterSet, generator: Generator
    switch backbone {
    case .onePosition:
      let fixture = try Self.fixture()
      (vocabulary, network, parameters) = (fixture.vocabulary, fixture.network, fixture.parameters)
      generator = fixture.generator()
    case .encoderDecoder:
      let fixture = try Self.encoderDecoder()
      (vocabulary, network, parameters) = (fixture.vocabulary, fixture.network, fixture.parameters)
      generator = fixture.generator()
    }
    var all = generator
    all.beamWidth = 60
    for history in Self.histories {
      let answer = try all.recommend([query(history)][...], count: 49, filter: .init())[0]
      #expect(answer.count == 49)
      let written = answer.map { WrittenIDs(history: 0, items: [$0.item], vocabulary) }
      let logs = network.logProbabilities(
        of: written, behind: [UserContext(items: Array(history.suffix(5)))], legality: .constrained, vocabulary,
        in: ModelPass(inferring: parameters)
      ).value.elements
      for (scored, log) in zip(answer, logs) {
        // Items of one ID share its probability, here evenly.
        let prefix = Int(vocabulary.trie.prefix(ofItem: scored.item, length: 3))
        let bucket = vocabulary.trie.items(of: prefix, length: 3).count
        #expect(abs(scored.score - log + Float(Double(bucket).logarithm)) < 2e-3, "item \(scored.item)")
      }
    }
  }

  @Test func trainingLearnsTheCircleAndKeepsItsChoice() throws {
    let circle = try CircleFixture()
    var configuration = CircleFixture.configuration
    configuration.prefixOutputs = true
    let result = try circle.train(CircleFixture.parameters(epochs: 12), configuration: configuration)
    #expect(try #require(result.measurements.last?.validationRecall) > 0.9)
    try withTemporaryDirectory { folder in
      try result.generator.write(to: folder + "/generator.safetensors")
      let read = try Generator(contentsOf: folder + "/generator.safetensors", tokens: circle.tokens)
      #expect(read.configuration.prefixOutputs == true)
      let queries = circle.validation[...]
      #expect(
        try read.recommend(queries, count: 5, filter: .init())
          == result.generator.recommend(queries, count: 5, filter: .init()))
    }
  }

  @Test func withoutTablesItIsRefused() {
    var configuration = GeneratorConfiguration()
    (configuration.prefixOutputs, configuration.prefixTables) = (true, [])
    #expect { try GeneratorTraining(configuration) } throws: { "\($0)".contains("prefixOutputs") }
    configuration.prefixOutputs = false
    #expect(throws: Never.self) { try GeneratorTraining(configuration) }
  }
}

extension NetworkFixture {
  fileprivate func vectors(ofPrefixes length: Int) throws -> Matrix {
    parameters[try #require(parameters.parameter(named: "prefixes.\(length).weight"))]
  }
}
