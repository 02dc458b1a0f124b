import NeuralNetworks
import Quantizers
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct CodeTuningTests {
  private func revision(_ world: TunableWorld, _ codebooks: ResidualCodebooks) throws -> CodeRevision {
    try CodeRevision(
      from: world.items.tokens, codebooks: world.items.codebooks, to: codebooks, formerVectors: world.items.vectors,
      vectors: world.items.vectors, resolve: CodeRevision.keeping)
  }

  @Test(arguments: [ResidualQuantizer.Method.kMeans, .balanced])
  func tuningLowersTheRecommendersLossAtBoundedChurn(_ method: ResidualQuantizer.Method) throws {
    let world = try TunableWorld(method: method)
    var parameters = TunableWorld.parameters()
    parameters.weights.anchor = 0.02
    let result = try world.tune(parameters)
    #expect(result.steps.count == 100)
    #expect(result.stopReason == nil)
    #expect(result.lossAfter < result.lossBefore - 0.05)
    let churn = try revision(world, result.codebooks).churn.rate
    #expect(churn > 0 && churn < 0.7)
    // Prices are no parameters.
    #expect(result.codebooks.levels.map(\.prices) == world.items.codebooks.levels.map(\.prices))
  }

  @Test func theAnchorBoundsChurn() throws {
    let world = try TunableWorld(), generator = try world.generator()
    let churns = try [Float(0), 0.3, 10].map { anchor in
      var parameters = TunableWorld.parameters()
      parameters.weights.anchor = anchor
      parameters.weights.reconstruction = 0
      return try revision(world, world.tune(parameters, generator: generator).codebooks).churn.rate
    }
    #expect(churns[0] > churns[2])
    #expect(churns[1] <= churns[0])
    #expect(churns[2] < 0.1)
  }

  @Test func withoutTheRecommenderCodebooksStayNearWhereTheyWere() throws {
    let world = try TunableWorld()
    var parameters = TunableWorld.parameters()
    parameters.weights.recommender = 0
    let result = try world.tune(parameters)
    #expect(result.steps.allSatisfy { $0.recommender == 0 && $0.reconstruction > 0 })
    #expect(try revision(world, result.codebooks).churn.rate < 0.3)
  }

  @Test func theSeedDecidesAndTheThreadsDoNot() throws {
    let world = try TunableWorld(), generator = try world.generator(epochs: 2)
    var parameters = TunableWorld.parameters(steps: 6)
    parameters.usesDropout = true
    let first = try withThreads(1) { try world.tune(parameters, generator: generator) }
    let second = try withThreads(3) { try world.tune(parameters, generator: generator) }
    #expect(first.codebooks == second.codebooks)
    #expect(first.steps == second.steps)
    parameters.seed = 2
    #expect(try world.tune(parameters, generator: generator).codebooks != first.codebooks)
  }

  @Test func stepsSayWhatHappened() throws {
    let world = try TunableWorld()
    var told: [CodeTuning.Step] = []
    let result = try world.tune(TunableWorld.parameters(steps: 8), observe: { told.append($0) })
    #expect(told == result.steps)
    #expect(told.map(\.step) == Array(1...8))
    let weights = CodeTuning.Weights()
    for step in told {
      let parts =
        weights.recommender * step.recommender + weights.commitment * step.commitment
        + weights.reconstruction * step.reconstruction + weights.evenness * step.unevenness
        + weights.anchor * step.anchor
      #expect(abs(parts - step.loss) < 1e-4)
      #expect(step.learningRate > 0 && step.gradientNorm > 0)
    }
    // Nothing has moved at the first step.
    #expect(told[0].changed == 0)
    #expect(result.representation == nil)
  }

  @Test func aRunThatDivergesKeepsTheLastGoodCodebooksAndSaysSo() throws {
    let world = try TunableWorld()
    var parameters = TunableWorld.parameters(steps: 60)
    parameters.learningRate = 1e5
    parameters.warmup = 0
    parameters.weights.recommender = 0
    parameters.divergence = TrainingMonitor.Parameters(factor: 2, patience: 2)
    let result = try world.tune(parameters)
    let reason = try #require(result.stopReason)
    #expect(reason.contains("tuning.learningRate is 100000.0"))
    #expect(reason.contains("that tuning began with"))
    #expect(result.codebooks == world.items.codebooks)
    #expect(result.lossAfter == result.lossBefore)
    #expect(result.steps.count < 60)
  }

  @Test func aLossThatIsNoNumberKeepsTheCodebooks() throws {
    let world = try TunableWorld()
    let result = try CodeTuning(parameters: TunableWorld.parameters(steps: 5)).tune(
      world.generator(epochs: 1), world.items.codebooks, representations: BrokenRepresentations(world.items.vectors),
      split: world.split)
    #expect(try #require(result.stopReason).contains("loss of nan"))
    #expect(result.codebooks == world.items.codebooks)
  }

  @Test func representationsThatHaveParametersAreTrainedAlong() throws {
    let world = try TunableWorld()
    let source = try TurnedRepresentations(world.items.vectors)
    var parameters = TunableWorld.parameters(steps: 60)
    parameters.representationLearningRate = 0.01
    let result = try CodeTuning(parameters: parameters).tune(
      world.generator(), world.items.codebooks, representations: source, split: world.split)
    let moved = try #require(result.representation)
    #expect(moved != source.parameters)
    #expect(result.lossAfter < result.lossBefore)
    expectClose(source.allVectors().elements, world.items.vectors.elements, tolerance: 1e-6)
    #expect(source.allVectors(moved) != world.items.vectors)
  }

  @Test func whatDoesNotBelongTogetherIsRefused() throws {
    let world = try TunableWorld(), generator = try world.generator(epochs: 1)
    let tuning = try CodeTuning(parameters: TunableWorld.parameters())
    func code(_ codebooks: ResidualCodebooks, _ vectors: Matrix, _ generator: Generator) -> RecommenderError? {
      return #expect(throws: RecommenderError.self) {
        try tuning.tune(generator, codebooks, representations: FixedRepresentations(vectors), split: world.split)
      }
    }
    let other = try CodedItems(items: 120, dimensions: 8, sizes: [4, 4]).codebooks
    #expect(code(other, world.items.vectors, generator)?.message.contains("[4, 4]") == true)
    let short = world.items.vectors.rows(0..<20)
    #expect(code(world.items.codebooks, short, generator)?.message.contains("20 representations") == true)
    let narrow = Matrix(rows: 120, columns: 5)
    #expect(code(world.items.codebooks, narrow, generator)?.code == .invalidParameter)
    var configuration = TunableWorld.configuration
    configuration.backbone = .encoderDecoder
    let encoder = try GeneratorTraining(configuration, parameters: CircleFixture.parameters(epochs: 1)).train(
      world.items.tokens, split: world.split
    ).generator
    #expect(code(world.items.codebooks, world.items.vectors, encoder)?.message.contains("onePosition") == true)
    (configuration.backbone, configuration.prefixOutputs, configuration.prefixTables) = (.onePosition, true, nil)
    let remembering = try GeneratorTraining(configuration, parameters: CircleFixture.parameters(epochs: 1)).train(
      world.items.tokens, split: world.split
    ).generator
    #expect(code(world.items.codebooks, world.items.vectors, remembering)?.message.contains("prefixOutputs") == true)
    let stopped = #expect(throws: RecommenderError.self) {
      try world.tune(TunableWorld.parameters(), generator: generator, isCancelled: { true })
    }
    #expect(stopped?.code == .cancelled)
  }

  @Test func parametersOutOfRangeAreRefused() {
    let changes: [(inout CodeTuning.Parameters) -> Void] = [
      { $0.steps = 0 }, { $0.positionsPerBatch = 0 }, { $0.learningRate = 0 }, { $0.learningRate = .nan },
      { $0.representationLearningRate = -1 }, { $0.warmup = -1 }, { $0.temperature = 0 }, { $0.clip = .infinity },
      { $0.weights.anchor = -1 }, { $0.weights.evenness = .nan }, { $0.measuredBatches = 0 },
      { $0.weights = .none }, { $0.divergence.patience = 0 }, { $0.divergence.factor = 1 },
    ]
    for change in changes {
      var parameters = CodeTuning.Parameters()
      change(&parameters)
      let error = #expect(throws: RecommenderError.self) { try CodeTuning(parameters: parameters) }
      #expect(error?.code == .invalidParameter)
      #expect(error?.message.hasPrefix("tuning: ") == true)
    }
  }
}

extension CodeTuning.Weights {
  fileprivate static var none: CodeTuning.Weights {
    var weights = CodeTuning.Weights()
    weights.recommender = 0
    weights.commitment = 0
    weights.reconstruction = 0
    weights.evenness = 0
    weights.anchor = 0
    weights.contrast = 0
    return weights
  }
}

/// Sound when all items are asked for, to encode them, and no numbers in a batch.
private struct BrokenRepresentations: RepresentationSource {
  let matrix: Matrix
  init(_ matrix: Matrix) { self.matrix = matrix }
  var itemCount: Int { matrix.rows }
  var dimensions: Int { matrix.columns }
  var parameters: ParameterSet? { nil }

  func vectors(_ items: ContiguousArray<Int32>, in pass: ModelPass) -> Variable {
    var rows = matrix.selecting(items)
    if pass.tape.isRecording { rows.elements[0] = .nan }
    return pass.tape.constant(rows)
  }
}

/// Fixed vectors through a linear layer that begins as the identity.
struct TurnedRepresentations: RepresentationSource {
  let matrix: Matrix
  let parameters: ParameterSet?
  private let turn: Parameter

  init(_ matrix: Matrix) throws {
    self.matrix = matrix
    let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
    turn = try scope.parameter("turn", rows: matrix.columns, columns: matrix.columns, initializer: .zeros)
    var parameters = try scope.finish()
    for index in 0..<matrix.columns { parameters[turn][index, index] = 1 }
    self.parameters = parameters
  }

  var itemCount: Int { matrix.rows }
  var dimensions: Int { matrix.columns }

  func vectors(_ items: ContiguousArray<Int32>, in pass: ModelPass) -> Variable {
    pass.tape.constant(matrix.selecting(items)).linear(pass[turn])
  }
}
