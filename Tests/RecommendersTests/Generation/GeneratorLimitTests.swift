import NeuralNetworks
import Recommenders
import Testing

/// What a generator and its training refuse, word by word, and the last values that they take.
@Suite struct GeneratorLimitTests {
  private typealias ShapeChange = @Sendable (inout GeneratorConfiguration) -> Void
  private typealias TrainingChange = @Sendable (inout GeneratorTraining.Parameters) -> Void
  private typealias SessionChange = @Sendable (inout SessionRules) -> Void
  private typealias PathwayChange = @Sendable (inout UserPathways) -> Void

  /// The message of the error that a configuration causes; nil where there is none.
  private static func message(
    _ configuration: GeneratorConfiguration, _ parameters: GeneratorTraining.Parameters = .init()
  ) -> String? {
    do {
      _ = try GeneratorTraining(configuration, parameters: parameters)
      return nil
    } catch {
      #expect(error.code == .invalidParameter)
      return error.message
    }
  }

  private static func encoderDecoder(_ change: ShapeChange = { _ in }) -> GeneratorConfiguration {
    var configuration = GeneratorConfiguration()
    configuration.backbone = .encoderDecoder
    change(&configuration)
    return configuration
  }

  private static let others =
    "experts, pathways, and targetItems above 1, are the encoder-decoder's; choose that as the backbone or leave them out"

  private static let shapes: [(change: ShapeChange, message: String)] = [
    ({ $0.width = 0 }, "width is 0, expected 1 to 4096"),
    ({ $0.width = 4097 }, "width is 4097, expected 1 to 4096"),
    ({ $0.layers = 0 }, "layers is 0, expected 1 to 48"),
    ({ $0.layers = 49 }, "layers is 49, expected 1 to 48"),
    ({ $0.heads = 0 }, "heads is 0, expected a divisor of the width 128"),
    ({ $0.heads = -4 }, "heads is -4, expected a divisor of the width 128"),
    ({ $0.heads = 3 }, "heads is 3, expected a divisor of the width 128"),
    ({ $0.hidden = 65_537 }, "hidden is 65537, expected 1 to 65,536"),
    ({ $0.dropout = 1 }, "dropout is 1.0, expected at least 0 and below 1"),
    ({ $0.dropout = .nan }, "dropout is nan, expected at least 0 and below 1"),
    ({ $0.maximumHistory = 0 }, "maximumHistory is 0, expected 1 to 65,536"),
    ({ $0.decoderLayers = 49 }, "decoderLayers is 49, expected 1 to 48"),
    ({ $0.targetItems = 257 }, "targetItems is 257, expected 1 to 256"),
    ({ $0.targetItems = 2 }, others),
    ({ $0.experts = .init(count: 4, selected: 2, hidden: 8) }, others),
    ({ $0.pathways = UserPathways() }, others),
    ({ $0.prefixTables = [2, 3, 2] }, "prefixTables [2, 3, 2] names a length twice"),
    ({ $0.prefixTables = [0] }, "prefixTables is [0], expected lengths from 1 to the number of levels"),
    ({ $0.prefixTables = [1, 65] }, "prefixTables is [1, 65], expected lengths from 1 to the number of levels"),
  ]

  @Test(arguments: shapes.indices)
  func aShapeThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var configuration = GeneratorConfiguration()
    Self.shapes[index].change(&configuration)
    #expect(Self.message(configuration) == "generator: " + Self.shapes[index].message)
  }

  private static let mixtures: [(count: Int, selected: Int, hidden: Int)] = [
    (0, 1, 8), (4097, 1, 8), (4, 0, 8), (4, 5, 8), (4, 2, 0), (4, 2, 65_537),
  ]

  @Test(arguments: mixtures.indices)
  func aMixtureSelectsSomeOfTheExpertsItHas(index: Int) {
    let (count, selected, hidden) = Self.mixtures[index]
    let configuration = Self.encoderDecoder { $0.experts = .init(count: count, selected: selected, hidden: hidden) }
    #expect(
      Self.message(configuration)
        == "generator: experts is \(count), \(selected) of them selected, of \(hidden) inside; expected 1 to 4096, of "
        + "which 1 and up to all are selected, of 1 to 65,536")
  }

  private static let pathways: [(change: PathwayChange, message: String)] = [
    ({ _ in }, "none is chosen; choose one, or leave pathways out to read the latest items alone"),
    ({ $0.positiveItems = -1 }, "positiveItems is -1, expected 0 to 65,536"),
    ({ $0.positiveItems = 65_537 }, "positiveItems is 65537, expected 0 to 65,536"),
    ({ $0.lifelongItems = 65_537 }, "lifelongItems is 65537, expected 0 to 65,536"),
    ({ $0.lifelongQueries = 0 }, "lifelongQueries is 0, expected 1 to 4096"),
    ({ $0.lifelongQueries = 4097 }, "lifelongQueries is 4097, expected 1 to 4096"),
  ]

  @Test(arguments: pathways.indices)
  func pathwaysOutOfRangeAreNamed(index: Int) {
    var pathways = UserPathways()
    Self.pathways[index].change(&pathways)
    let chosen = pathways
    #expect(
      Self.message(Self.encoderDecoder { $0.pathways = chosen }) == "pathways: " + Self.pathways[index].message)
  }

  private static let trainings: [(change: TrainingChange, message: String)] = [
    ({ $0.epochs = 100_001 }, "epochs is 100001, expected 1 to 100,000"),
    ({ $0.positionsPerBatch = 1_048_577 }, "positionsPerBatch is 1048577, expected 1 to 1,048,576"),
    ({ $0.learningRate = 0 }, "learningRate is 0.0, expected a positive number"),
    ({ $0.learningRate = .infinity }, "learningRate is inf, expected a positive number"),
    ({ $0.warmup = -1 }, "warmup is -1, expected at least 0"),
    ({ $0.beta1 = 1 }, "beta1 is 1.0, expected at least 0 and below 1"),
    ({ $0.beta2 = .nan }, "beta2 is nan, expected at least 0 and below 1"),
    ({ $0.weightDecay = .infinity }, "weightDecay is inf, expected at least 0"),
    ({ $0.clip = .infinity }, "clip is inf, expected a positive number"),
    ({ $0.denseWeight = -0.5 }, "denseWeight is -0.5, expected at least 0"),
    ({ $0.denseNegatives = 1_048_577 }, "denseNegatives is 1048577, expected 0 to 1,048,576"),
    ({ $0.cutsPerSequence = 0 }, "cutsPerSequence is 0, expected 1 to 65,536"),
    ({ $0.cutsPerSequence = 65_537 }, "cutsPerSequence is 65537, expected 1 to 65,536"),
    ({ $0.expertBalanceRate = .nan }, "expertBalanceRate is nan, expected at least 0"),
    ({ $0.validationQueries = 0 }, "validationQueries is 0, expected at least 1"),
    ({ $0.validationBeam = -2 }, "validationBeam is -2, expected at least 1"),
  ]

  @Test(arguments: trainings.indices)
  func aTrainingThatCannotBeIsRefusedWithWhatWouldBe(index: Int) {
    var parameters = GeneratorTraining.Parameters()
    Self.trainings[index].change(&parameters)
    #expect(Self.message(.init(), parameters) == "generator: " + Self.trainings[index].message)
  }

  private static let rules: [(change: SessionChange, message: String)] = [
    ({ $0.gap = -1 }, "gap is -1.0, expected at least 0"),
    ({ $0.gap = .infinity }, "gap is inf, expected at least 0"),
    ({ $0.minimumItems = 65_537 }, "minimumItems is 65537, expected 1 to 65,536"),
    ({ $0.maximumItems = 1 }, "maximumItems is 1, expected at least minimumItems, 2"),
    ({ $0.minimumDuration = .nan }, "minimumDuration is nan, expected at least 0"),
    ({ $0.minimumPositives = -3 }, "minimumPositives is -3, expected at least 0"),
  ]

  @Test(arguments: rules.indices)
  func rulesOfSessionsOutOfRangeAreNamedWithTheirValue(index: Int) {
    var parameters = GeneratorTraining.Parameters(), rules = SessionRules()
    Self.rules[index].change(&rules)
    parameters.sessions = rules
    #expect(Self.message(Self.encoderDecoder(), parameters) == "sessions: " + Self.rules[index].message)
    // A rule that is out of range is told before the backbone that cannot use any.
    #expect(Self.message(.init(), parameters)?.hasPrefix("sessions: ") == true)
    parameters.sessions = SessionRules()
    #expect(
      Self.message(.init(), parameters)
        == "generator: sessions are the encoder-decoder's; choose that as the backbone or leave them out")
  }

  /// The last values of each range, lowest and highest.
  private static let lastShapes: [ShapeChange] = [
    { ($0.width, $0.heads) = (1, 1) }, { ($0.width, $0.heads) = (4096, 4096) }, { $0.layers = 1 }, { $0.layers = 48 },
    { $0.hidden = 1 }, { $0.hidden = 65_536 }, { $0.dropout = 0 }, { $0.dropout = Float(1).nextDown },
    { $0.maximumHistory = 1 }, { $0.maximumHistory = 65_536 }, { $0.decoderLayers = 48 }, { $0.targetItems = 256 },
    { $0.experts = .init(count: 4096, selected: 4096, hidden: 65_536) }, { $0.prefixTables = [] },
    { $0.experts = .init(count: 1, selected: 1, hidden: 1) }, { $0.prefixTables = [64, 1] },
    {
      $0.pathways = UserPathways(); $0.pathways?.hasTraits = true
    },
    {
      $0.pathways = UserPathways(); $0.pathways?.positiveItems = 65_536
    },
    {
      $0.pathways = UserPathways(); $0.pathways?.lifelongItems = 65_536; $0.pathways?.lifelongQueries = 4096
    },
  ]

  @Test(arguments: lastShapes.indices)
  func theLastValuesOfARangeArePartOfIt(index: Int) {
    #expect(Self.message(Self.encoderDecoder(Self.lastShapes[index])) == nil)
  }

  private static let lastTrainings: [TrainingChange] = [
    { $0.epochs = 1 }, { $0.epochs = 100_000 }, { $0.positionsPerBatch = 1 }, { $0.positionsPerBatch = 1 << 20 },
    { $0.learningRate = .leastNonzeroMagnitude }, { $0.warmup = 0 }, { ($0.beta1, $0.beta2) = (0, 0) },
    { ($0.weightDecay, $0.denseWeight, $0.denseNegatives) = (0, 0, 0) }, { $0.denseNegatives = 1 << 20 },
    { $0.cutsPerSequence = 65_536 }, { $0.expertBalanceRate = 0 },
    { ($0.validationQueries, $0.validationBeam) = (1, 1) },
    {
      $0.sessions = SessionRules(); $0.sessions?.gap = 0; $0.sessions?.maximumItems = 2
    },
    {
      $0.sessions = SessionRules(); $0.sessions?.minimumItems = 65_536; $0.sessions?.maximumItems = 65_536
    },
  ]

  @Test(arguments: lastTrainings.indices)
  func theLastValuesOfATrainingsRangeArePartOfIt(index: Int) {
    var parameters = GeneratorTraining.Parameters()
    Self.lastTrainings[index](&parameters)
    #expect(Self.message(Self.encoderDecoder(), parameters) == nil)
  }
}
