import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// What becomes of the vectors of prefixes that training never met, where codes are chosen by them.
@Suite struct UnmetPrefixesTests {
  private static func tokens() throws -> ItemTokens { try randomTokens(items: 60, sizes: [5, 4, 6], without: [13]) }

  /// Items 40 to 59 are new.
  private static let popularity = ContiguousArray<UInt32>((0..<60).map { $0 < 40 ? $0 + 1 : 0 })

  private static func table(_ parameters: ParameterSet, length: Int) throws -> Matrix {
    let parameter = parameters.parameter(named: "prefixes.\(length).weight")
    return parameters[try #require(parameter)]
  }

  private static func given(_ fixture: NetworkFixture, _ popularity: ContiguousArray<UInt32> = popularity)
    -> ParameterSet
  {
    fixture.network.tables.givingMeans(
      toPrefixesUnmetIn: popularity, fixture.vocabulary.trie, fixture.parameters)
  }

  @Test func theyGetTheMeanOfThoseMetBehindTheSameCodes() throws {
    let fixture = try NetworkFixture(Self.tokens(), prefixOutputs: true), trie = fixture.vocabulary.trie
    let given = Self.given(fixture)
    var (filled, kept) = (0, 0)
    for length in 2...3 {
      let (before, after) = (try Self.table(fixture.parameters, length: length), try Self.table(given, length: length))
      func isMet(_ prefix: Int) -> Bool { trie.items(of: prefix, length: length).contains { $0 < 40 } }
      for prefix in 0..<trie.prefixCount(length: length) {
        let beside = trie.children(of: Int(trie.parent(of: prefix, length: length)), length: length - 1).filter(isMet)
        guard !isMet(prefix), !beside.isEmpty else {
          #expect(after.row(prefix) == before.row(prefix))
          kept += 1
          continue
        }
        for column in 0..<before.columns {
          let sum = beside.reduce(0) { $0 + before[$1, column] }
          #expect(abs(after[prefix, column] - sum / Float(beside.count)) < 1e-5)
        }
        filled += 1
      }
    }
    #expect(filled > 5 && kept > 30)
  }

  @Test func nothingElseChanges() throws {
    let fixture = try NetworkFixture(Self.tokens(), prefixOutputs: true)
    for (before, after) in zip(fixture.parameters.entries, Self.given(fixture).entries)
    where !before.name.hasPrefix("prefixes.") {
      #expect(before == after)
    }
  }

  @Test func whereAllOrNoneAreMetTheyStay() throws {
    let fixture = try NetworkFixture(Self.tokens(), prefixOutputs: true)
    for count in [UInt32(0), 1] {
      #expect(Self.given(fixture, ContiguousArray(repeating: count, count: 60)) == fixture.parameters)
    }
  }

  @Test func whereCodesAloneAreChosenByTheyStay() throws {
    let fixture = try NetworkFixture(Self.tokens())
    #expect(Self.given(fixture) == fixture.parameters)
  }

  /// Item 40 shares all but its last code with others, and nobody has it.
  @Test(arguments: [GeneratorConfiguration.Backbone.onePosition, .encoderDecoder])
  func trainingAnswersWithThem(_ backbone: GeneratorConfiguration.Backbone) throws {
    var configuration = CircleFixture.configuration
    (configuration.prefixOutputs, configuration.backbone) = (true, backbone)
    var codes = ContiguousArray<UInt16>()
    for item in UInt16(0)..<40 { codes += [item / 7, item % 7, 0] }
    codes += [2, 3, 1]
    let tokens = try ItemTokens(
      sizes: [6, 7, 4], codes: codes, isPresent: Array(repeating: true, count: 41), generation: 1)
    let rows = (0..<60).map { user in (0..<6).map { (user + $0) % 40 } }
    let result = try GeneratorTraining(configuration, parameters: CircleFixture.parameters(epochs: 3)).train(
      tokens, split: split(rows, itemCount: 41))
    let generator = result.generator, trie = generator.vocabulary.trie
    let vectors = try Self.table(generator.parameters, length: 3)
    let (new, beside) = (Int(trie.prefix(ofItem: 40, length: 3)), Int(trie.prefix(ofItem: 17, length: 3)))
    #expect(trie.children(of: Int(trie.parent(of: new, length: 3)), length: 2).count == 2)
    #expect(vectors.row(new).elementsEqual(vectors.row(beside)))
    #expect(vectors.row(beside).contains { $0 != 0 })
  }
}
