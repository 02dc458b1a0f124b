import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// What the softmaxes over codes run over in training: `CodeLegality`.
@Suite struct SoftmaxTests {
  private static let histories: [[UInt32]] = [[1, 5, 9], [], [7]]
  private static let items: [[UInt32]] = [[2], [6], [40]]

  private var written: [WrittenIDs] {
    get throws {
      let vocabulary = try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6])).vocabulary
      return Self.items.enumerated().map { WrittenIDs(history: $0, items: $1, vocabulary) }
    }
  }

  private func mean(_ logs: some Collection<Float>) -> Float { -logs.reduce(0, +) / Float(logs.count) }

  @Test(arguments: [CodeLegality.constrained, .unconstrained])
  func positionsLoseWhatTheirItemsProbabilitiesSay(_ legality: CodeLegality) throws {
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6]))
    let pass = ModelPass(inferring: fixture.parameters)
    let next: ContiguousArray<Int32> = [-1, -1, -1, 2, 6, -1, 40]
    let found = try #require(
      fixture.network.loss(
        SequenceBatch(Self.histories), next: next, fixture.vocabulary, legality: legality, in: pass))
    let logs = fixture.network.logProbabilities(
      of: try written, behind: Self.histories, legality: legality, fixture.vocabulary, in: pass)
    #expect(abs(found.scalar - mean(logs.value.elements)) < 1e-4)
  }

  @Test(arguments: [CodeLegality.constrained, .unconstrained])
  func anEncoderDecoderLosesWhatItsItemsProbabilitiesSay(_ legality: CodeLegality) throws {
    let fixture = try EncoderDecoderFixture(randomTokens(items: 50, sizes: [5, 4, 6])) { _ in }
    let pass = ModelPass(inferring: fixture.parameters)
    let found = try #require(
      fixture.network.loss(
        Self.histories.map { UserContext(items: $0) }, targets: Self.items, fixture.vocabulary, legality: legality,
        in: pass))
    let logs = fixture.network.logProbabilities(
      of: try written, behind: Self.histories, legality: legality, fixture.vocabulary, in: pass)
    #expect(abs(found.scalar - mean(logs.value.elements)) < 1e-4)
  }

  /// A code that no item has behind a prefix takes its part of the softmax, so the loss is larger.
  @Test func codesThatLeadNowhereCostSomething() throws {
    let fixture = try NetworkFixture(randomTokens(items: 50, sizes: [5, 4, 6]))
    func loss(_ legality: CodeLegality) throws -> Float {
      try #require(
        fixture.network.loss(
          SequenceBatch([[3, 4]]), next: [-1, 8, 11], fixture.vocabulary, legality: legality,
          in: ModelPass(inferring: fixture.parameters))
      ).scalar
    }
    #expect(try loss(.unconstrained) > loss(.constrained) + 0.1)
  }

  @Test(arguments: [GeneratorConfiguration.Backbone.onePosition, .encoderDecoder])
  func whatLearnedAmongAllCodesWritesIDsThatExist(_ backbone: GeneratorConfiguration.Backbone) throws {
    let circle = try CircleFixture()
    var configuration = CircleFixture.configuration
    configuration.backbone = backbone
    func result(_ legality: CodeLegality) throws -> GeneratorTraining.Result {
      var parameters = CircleFixture.parameters(epochs: 20)
      parameters.legality = legality
      return try circle.train(parameters, configuration: configuration)
    }
    let (live, all) = (try result(.constrained), try result(.unconstrained))
    func legality(_ result: GeneratorTraining.Result) throws -> Double {
      try result.generator.legality(on: circle.validation[...], draws: 100)
    }
    let found = (live: try legality(live), all: try legality(all))
    #expect(found.all > 0.8 && found.all > found.live + 0.1, "\(found)")
    // It recommends as before: among IDs that exist.
    #expect(try #require(all.measurements.last?.validationRecall) > 0.8)
  }
}
