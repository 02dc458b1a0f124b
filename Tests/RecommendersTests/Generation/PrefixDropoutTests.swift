import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// Items that training reads by their codes alone: `GeneratorConfiguration.prefixDropout`.
@Suite struct PrefixDropoutTests {
  private static let histories: [[UInt32]] = [[1, 5, 9, 2, 30], [], [7, 8]]
  private static let next: ContiguousArray<Int32> = [5, 9, 2, 30, 11, 12, 3, 8, 40, 41]

  private static func fixture(_ rate: Float?, tables: [Int]? = nil) throws -> NetworkFixture {
    try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6]), tables: tables, prefixDropout: rate)
  }

  private static func loss(_ fixture: NetworkFixture, in pass: ModelPass) throws -> Variable {
    try #require(fixture.network.loss(SequenceBatch(histories), next: next, fixture.vocabulary, in: pass))
  }

  private static func training(_ parameters: ParameterSet, seed: UInt64 = 5) -> ModelPass {
    var random = RandomSource(seed: seed)
    return ModelPass(training: parameters, using: &random)
  }

  @Test func aPartOfTheItemsIsReadByCodesAloneOthersInEachStep() throws {
    let fixture = try Self.fixture(0.3)
    let items = ContiguousArray((0..<20_000).map { Int32($0 % 50) })
    let (first, second) = (Self.training(fixture.parameters), Self.training(fixture.parameters, seed: 6))
    let kept = [first, second].map { fixture.network.tables.remembered(items, in: $0) }
    for kept in kept {
      #expect(zip(kept, items).allSatisfy { $0 == $1 || $0 == -1 })
      #expect(abs(Double(kept.count { $0 < 0 }) / 20_000 - 0.3) < 0.02)
    }
    #expect(kept[0] != kept[1])
    #expect(
      fixture.network.tables.remembered(items, in: Self.training(fixture.parameters)) == kept[0], "a seed repeats it")
  }

  @Test func beginningsStayBeginnings() throws {
    let fixture = try Self.fixture(0.5)
    let found = fixture.network.tables.remembered([-1, -1, -1, -1, -1, -1], in: Self.training(fixture.parameters))
    #expect(found == [-1, -1, -1, -1, -1, -1])
  }

  @Test func whoeverRecommendsReadsAllOfAnItem() throws {
    let (with, without) = (try Self.fixture(0.9), try Self.fixture(nil))
    let losses = try [with, without].map {
      try Self.loss($0, in: ModelPass(inferring: with.parameters)).scalar
    }
    #expect(losses[0] == losses[1])
    let read = with.network.tables.remembered([3, -1, 8], in: ModelPass(inferring: with.parameters))
    #expect(read == [3, -1, 8])
  }

  /// All items without their prefixes are what a network without prefix tables reads.
  @Test func itemsWithoutPrefixesAreReadAsANetworkWithoutTablesReadsThem() throws {
    let (with, without) = (try Self.fixture(0.999999), try Self.fixture(nil, tables: []))
    var parameters = without.parameters
    for entry in parameters.entries {
      let own = try #require(parameters.parameter(named: entry.name))
      parameters[own] = with.parameters[try #require(with.parameters.parameter(named: entry.name))]
    }
    let found = try Self.loss(with, in: Self.training(with.parameters)).scalar
    #expect(abs(try Self.loss(without, in: Self.training(parameters)).scalar - found) < 1e-5)
  }

  @Test func withoutARateNothingIsDrawn() throws {
    let fixture = try Self.fixture(nil)
    let pass = Self.training(fixture.parameters)
    let before = pass.random
    #expect(fixture.network.tables.remembered([1, 2, 3], in: pass) == [1, 2, 3])
    #expect(pass.random == before)
  }

  @Test func anEncoderDecoderReadsItemsByCodesAloneToo() throws {
    func loss(_ rate: Float?, seed: UInt64) throws -> Float {
      let fixture = try EncoderDecoderFixture(randomTokens(items: 50, sizes: [5, 4, 6])) { $0.prefixDropout = rate }
      return try #require(
        fixture.network.loss(
          Self.histories.map { UserContext(items: $0) }, targets: [[2], [6], [40]], fixture.vocabulary,
          in: Self.training(fixture.parameters, seed: seed))
      ).scalar
    }
    #expect(try loss(nil, seed: 1) == loss(nil, seed: 2))
    #expect(try loss(0.5, seed: 1) != loss(0.5, seed: 2))
  }

  @Test(arguments: [-0.1, 0, 1, 1.5, .nan] as [Float])
  func aRateIsAboveZeroAndBelowOne(_ rate: Float) {
    var configuration = GeneratorConfiguration()
    configuration.prefixDropout = rate
    #expect { try GeneratorTraining(configuration) } throws: { "\($0)".contains("prefixDropout") }
  }

  @Test func aRateWithoutTablesIsRefused() {
    var configuration = GeneratorConfiguration()
    (configuration.prefixDropout, configuration.prefixTables) = (0.2, [])
    #expect { try GeneratorTraining(configuration) } throws: { "\($0)".contains("prefixTables") }
  }
}
