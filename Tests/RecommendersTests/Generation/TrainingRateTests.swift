import NeuralNetworks
import Recommenders
import Testing

/// What training tells of its speed.
@Suite struct TrainingRateTests {
  private static let shape = CircleFixture.configuration

  @Test(arguments: [GeneratorConfiguration.Backbone.onePosition, .encoderDecoder])
  func theNumberOfStepsIsToldBeforeTheFirst(backbone: GeneratorConfiguration.Backbone) throws {
    var configuration = Self.shape
    configuration.backbone = backbone
    var progress: [GeneratorTraining.Progress] = []
    let result = try CircleFixture().train(configuration: configuration, observe: { progress.append($0) })
    #expect(progress.first == .started(steps: result.steps))
    #expect(progress.count { if case .started = $0 { true } else { false } } == 1)
  }

  @Test func everyStepHasARateAndTheirWorkAddsUp() throws {
    var rates: [Double?] = []
    let result = try CircleFixture().train(
      observe: { if case .step(let event) = $0 { rates.append(event.gigaflopsPerSecond) } })
    #expect(rates.count == result.steps && rates.allSatisfy { ($0 ?? 0) > 0 })
    #expect(result.seconds > 0 && result.productOperations > 0)
  }

  /// The products of a network grow with its sizes as they must: nothing is left out.
  @Test func workIsThatOfTheShapes() throws {
    func work(_ change: (inout GeneratorConfiguration) -> Void) throws -> Double {
      var configuration = Self.shape
      configuration.dropout = 0
      change(&configuration)
      return try CircleFixture().train(CircleFixture.parameters(epochs: 1), configuration: configuration)
        .productOperations
    }
    let base = try work { _ in }
    let wider = try work { $0.hidden *= 2 }, deeper = try work { $0.layers += 1 },
      both = try work {
        $0.hidden *= 2
        $0.layers += 1
      }
    #expect(wider > base && deeper > base)
    // What twice the inner width adds is the feed-forward part, once for each layer and once for the decoder's rows: the
    // second layer adds as much of it as the first.
    let inner = both - deeper - (wider - base)
    #expect(inner > 0 && inner < wider - base)
    #expect(try work { _ in } == base)
  }
}
