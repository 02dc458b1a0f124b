import BehaviorAlignment
import Testing

/// What an aligner and its training refuse, word by word, and the last values that they take.
@Suite struct AlignerLimitTests {
  private typealias ShapeChange = @Sendable (inout AlignerConfiguration) -> Void
  private typealias TrainingChange = @Sendable (inout AlignerTraining.Parameters) -> Void

  private static func message(
    _ configuration: AlignerConfiguration, _ parameters: AlignerTraining.Parameters = .init()
  ) -> String? {
    do {
      _ = try AlignerTraining(configuration, parameters: parameters)
      return nil
    } catch {
      #expect(error.code == .invalidParameter)
      return error.message
    }
  }

  private static func configuration(_ change: ShapeChange = { _ in }) -> AlignerConfiguration {
    var configuration = AlignerConfiguration(modalities: [.init(name: "text", dimensions: 16)])
    change(&configuration)
    return configuration
  }

  private static let shapes: [(change: ShapeChange, message: String)] = [
    ({ $0.modalities = [] }, "0 modalities, expected 1 to 8"),
    ({ $0.modalities = Array(repeating: $0.modalities[0], count: 9) }, "9 modalities, expected 1 to 8"),
    ({ $0.modalities[0].dimensions = 0 }, "text has 0 dimensions"),
    ({ $0.modalities[0].dimensions = 65_537 }, "text has 65537 dimensions"),
    ({ $0.modalities[0].components = 0 }, "0 components of text, expected 1 to its 16 dimensions"),
    ({ $0.dimensions = 4097 }, "dimensions is 4097, expected 1 to 4096"),
    ({ $0.width = 0 }, "width is 0, expected 1 to 4096"),
    ({ $0.heads = 0 }, "heads is 0, expected a divisor of the width 64"),
    ({ $0.heads = 5 }, "heads is 5, expected a divisor of the width 64"),
    ({ $0.tokensPerModality = 65 }, "tokensPerModality is 65, expected 1 to 64"),
    ({ $0.queries = 0 }, "queries is 0, expected 1 to 64"),
    ({ $0.layers = 25 }, "layers is 25, expected 1 to 24"),
    ({ $0.dropout = 1 }, "dropout is 1.0, expected at least 0 and below 1"),
    ({ $0.dropout = .nan }, "dropout is nan, expected at least 0 and below 1"),
  ]

  @Test(arguments: shapes.indices)
  func aShapeThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    #expect(Self.message(Self.configuration(Self.shapes[index].change)) == "align: " + Self.shapes[index].message)
  }

  private static let trainings: [(change: TrainingChange, message: String)] = [
    ({ $0.batch = 1 }, "batch is 1, expected 2 to 1,048,576"),
    ({ $0.batch = 1_048_577 }, "batch is 1048577, expected 2 to 1,048,576"),
    ({ $0.steps = 0 }, "steps is 0, expected at least 1"),
    ({ $0.warmup = -1 }, "warmup is -1, expected at least 0"),
    ({ $0.learningRate = 0 }, "learningRate is 0.0, expected a positive number"),
    ({ $0.encoderRate = .infinity }, "encoderRate is inf, expected a positive number"),
    ({ $0.weightDecay = -1 }, "weightDecay is -1.0, expected at least 0"),
    ({ $0.clip = .nan }, "clip is nan, expected a positive number"),
    ({ $0.temperature = 10.5 }, "temperature is 10.5, expected 0.001 to 10"),
    ({ $0.modalityDropout = -0.5 }, "modalityDropout is -0.5, expected 0 to below 1"),
    ({ $0.frequencyCorrection = 1.5 }, "frequencyCorrection is 1.5, expected 0 to 1"),
    ({ $0.evaluationInterval = 0 }, "evaluationInterval and patience are at least 1"),
    ({ $0.patience = 0 }, "evaluationInterval and patience are at least 1"),
  ]

  @Test(arguments: trainings.indices)
  func aTrainingThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var parameters = AlignerTraining.Parameters()
    Self.trainings[index].change(&parameters)
    #expect(Self.message(Self.configuration(), parameters) == "align: " + Self.trainings[index].message)
  }

  private static let lastShapes: [ShapeChange] = [
    { $0.modalities = Array(repeating: $0.modalities[0], count: 8) }, { $0.modalities[0].dimensions = 65_536 },
    { ($0.modalities[0].dimensions, $0.modalities[0].components) = (1, 1) }, { $0.modalities[0].components = 16 },
    { ($0.dimensions, $0.width, $0.heads) = (1, 1, 1) }, { ($0.dimensions, $0.width, $0.heads) = (4096, 4096, 4096) },
    { ($0.tokensPerModality, $0.queries, $0.layers) = (1, 1, 1) },
    { ($0.tokensPerModality, $0.queries, $0.layers) = (64, 64, 24) }, { $0.dropout = 0 },
    { $0.dropout = Float(1).nextDown },
  ]

  @Test(arguments: lastShapes.indices)
  func theLastValuesOfARangeArePartOfIt(index: Int) {
    #expect(Self.message(Self.configuration(Self.lastShapes[index])) == nil)
  }

  private static let lastTrainings: [TrainingChange] = [
    { ($0.batch, $0.steps, $0.warmup) = (2, 1, 0) }, { $0.batch = 1 << 20 }, { $0.temperature = 10 },
    { $0.temperature = 0.001 },
    { ($0.weightDecay, $0.modalityDropout, $0.frequencyCorrection) = (0, 0, 0) }, { $0.frequencyCorrection = 1 },
    { ($0.evaluationInterval, $0.patience) = (1, 1) },
    { ($0.learningRate, $0.encoderRate) = (.leastNonzeroMagnitude, .greatestFiniteMagnitude) },
  ]

  @Test(arguments: lastTrainings.indices)
  func theLastValuesOfATrainingsRangeArePartOfIt(index: Int) {
    var parameters = AlignerTraining.Parameters()
    Self.lastTrainings[index](&parameters)
    #expect(Self.message(Self.configuration(), parameters) == nil)
  }
}
