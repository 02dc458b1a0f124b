import NeuralNetworks
import Quantizers
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct TuningScheduleTests {
  private static func parameters(cycles: Int = 1) -> TuningSchedule.Parameters {
    var parameters = TuningSchedule.Parameters()
    parameters.cycles = cycles
    parameters.configuration = TunableWorld.configuration
    parameters.firstEpochs = 6
    parameters.epochs = 4
    parameters.training = CircleFixture.parameters()
    parameters.tuning = TunableWorld.parameters()
    parameters.tuning.weights.anchor = 0.02
    return parameters
  }

  private func run(
    _ world: TunableWorld, _ parameters: TuningSchedule.Parameters, tunesCodes: Bool = true,
    state: TuningSchedule.State? = nil, representations: (any RepresentationSource)? = nil,
    isCancelled: () -> Bool = { false }, observe: (TuningSchedule.Progress) -> Void = { _ in }
  ) throws -> TuningSchedule.Result {
    try TuningSchedule(parameters).run(
      state ?? TuningSchedule.State(tokens: world.items.tokens, codebooks: world.items.codebooks),
      representations: representations ?? FixedRepresentations(world.items.vectors), split: world.split,
      validation: world.validation, codes: tunesCodes ? .tuned : .served, isCancelled: isCancelled, observe: observe)
  }

  @Test func tunedCodesAreEasierToWriteThanFrozenOnesAfterAsManySteps() throws {
    let world = try TunableWorld()
    let tuned = try run(world, Self.parameters(cycles: 2))
    let frozen = try run(world, Self.parameters(cycles: 2), tunesCodes: false)
    #expect(tuned.steps == frozen.steps)
    #expect(tuned.trainings.count == 3 && frozen.trainings.count == 3)
    #expect(frozen.cycles.isEmpty && tuned.cycles.count == 2)
    #expect(frozen.state.tokens == (try world.items.tokens))
    #expect(frozen.state.codebooks == world.items.codebooks)
    let losses = [tuned, frozen].map { $0.trainings.last?.measurements.last?.loss ?? .nan }
    #expect(losses[0] < losses[1])
    for cycle in tuned.cycles {
      #expect(cycle.revision.trainingAgreement.identical == 1)
      #expect(cycle.revision.churn.rate < 0.7)
    }
  }

  @Test func theStateBelongsTogether() throws {
    let world = try TunableWorld()
    let result = try run(world, Self.parameters())
    let nearest = try ResidualQuantizer(codebooks: result.state.codebooks).encode(world.items.vectors).codes
    #expect(result.state.tokens.codes == nearest.elements)
    #expect(result.state.generator?.vocabulary.tokens == result.state.tokens)
    #expect(result.state.generator?.fingerprint == result.trainings.last?.generator.fingerprint)
    #expect(result.steps == result.trainings.reduce(0) { $0 + $1.steps })
  }

  @Test func aGeneratorThatIsGivenNeedNotBeTrainedFirst() throws {
    let world = try TunableWorld()
    var parameters = Self.parameters()
    parameters.firstEpochs = 0
    let generator = try world.generator()
    let state = try TuningSchedule.State(
      generator: generator, tokens: world.items.tokens, codebooks: world.items.codebooks)
    let result = try run(world, parameters, state: state)
    #expect(result.trainings.count == 1)
    #expect(result.cycles.count == 1)
    // The order of events: codes, what became of them, the recommender.
    var order: [String] = []
    _ = try run(
      world, parameters, state: state,
      observe: { progress in
        let name =
          switch progress {
          case .training(let cycle, _): "train \(cycle)"
          case .tuning(let cycle, _): "tune \(cycle)"
          case .revision(let cycle, _): "encode \(cycle)"
          case .discarded(let reason): reason
          }
        if order.last != name { order.append(name) }
      })
    #expect(order == ["tune 1", "encode 1", "train 1"])
  }

  @Test func theSameRunIsTheSame() throws {
    let world = try TunableWorld()
    var parameters = Self.parameters()
    (parameters.firstEpochs, parameters.epochs, parameters.tuning.steps) = (2, 1, 6)
    let (first, second) = (try run(world, parameters), try run(world, parameters))
    #expect(first.state.codebooks == second.state.codebooks)
    #expect(first.state.generator?.fingerprint == second.state.generator?.fingerprint)
  }

  @Test func movedRepresentationsGoOnFromCycleToCycle() throws {
    let world = try TunableWorld()
    let source = try TurnedRepresentations(world.items.vectors)
    var parameters = Self.parameters(cycles: 2)
    (parameters.firstEpochs, parameters.epochs, parameters.tuning.steps) = (2, 1, 6)
    parameters.tuning.representationLearningRate = 0.01
    let result = try run(world, parameters, representations: source)
    let last = try #require(result.state.representation)
    #expect(result.cycles[0].tuning.representation != last)
    #expect(result.cycles[1].tuning.representation == last)
    let nearest = try ResidualQuantizer(codebooks: result.state.codebooks).encode(source.allVectors(last)).codes
    #expect(result.state.tokens.codes == nearest.elements)
  }

  /// Vectors that turn away take their centroids along; where vectors stay, so do tuned centroids.
  @Test func codebooksFollowVectorsThatMoved() throws {
    let world = try TunableWorld()
    let source = try TurnedRepresentations(world.items.vectors)
    var parameters = Self.parameters()
    (parameters.firstEpochs, parameters.epochs, parameters.tuning.steps) = (2, 1, 12)
    (parameters.tuning.representationLearningRate, parameters.tuning.learningRate) = (0.05, 1e-4)
    let followed = try run(world, parameters, representations: source), fixed = try run(world, parameters)
    parameters.refitIterations = 0
    let left = try run(world, parameters, representations: source)
    #expect(followed.state.representation == left.state.representation)
    #expect(try Self.error(followed, source) < 0.98 * Self.error(left, source))
    #expect(try run(world, parameters).state.codebooks == fixed.state.codebooks)
  }

  private static func error(_ result: TuningSchedule.Result, _ source: TurnedRepresentations) throws -> Double {
    let vectors = source.allVectors(result.state.representation)
    return try #require(ResidualQuantizer(codebooks: result.state.codebooks).encode(vectors).levelErrors.last)
  }

  @Test func aTuningThatDivergesEndsTheRunBehindATrainingOnWhatWasKept() throws {
    let world = try TunableWorld()
    var parameters = Self.parameters(cycles: 3)
    (parameters.firstEpochs, parameters.epochs) = (1, 1)
    parameters.tuning.learningRate = 1e5
    parameters.tuning.warmup = 0
    parameters.tuning.weights.recommender = 0
    parameters.tuning.divergence.factor = 2
    parameters.tuning.divergence.patience = 2
    let result = try run(world, parameters)
    #expect(result.stopReason?.contains("training diverged") == true)
    #expect(result.cycles.count == 1)
    #expect(result.trainings.count == 2)
    #expect(result.state.codebooks == world.items.codebooks)
  }

  @Test func aRunMadeWorseOnPurposeIsKeptOut() throws {
    let world = try TunableWorld()
    var parameters = Self.parameters()
    // Nothing holds items where they are, and all codes but a few are left.
    parameters.tuning.learningRate = 0.5
    parameters.tuning.weights = CodeTuning.Weights()
    parameters.tuning.weights.anchor = 0
    parameters.tuning.weights.reconstruction = 0
    parameters.tuning.weights.evenness = 0
    parameters.tuning.divergence.factor = 1e6
    let served = try run(world, parameters, tunesCodes: false), tuned = try run(world, parameters)
    let revision = try #require(tuned.cycles.last?.revision)
    func ndcg(_ result: TuningSchedule.Result) -> [Double] {
      [result.trainings.last?.measurements.compactMap(\.validationNDCG).max() ?? .nan]
    }
    let decision = try TuningGate().decide(
      TuningGate.Evidence(
        servedNDCG: ndcg(served), tunedNDCG: ndcg(tuned), standardError: 0.02, churn: revision.churn.rate,
        servedCollisionRate: revision.before.buckets.collisionRate,
        tunedCollisionRate: revision.after.buckets.collisionRate,
        servedUtilization: revision.before.levels.map(\.utilization),
        tunedUtilization: revision.after.levels.map(\.utilization)))
    guard case .keep(let reasons) = decision else {
      Issue.record("published")
      return
    }
    #expect(!reasons.isEmpty)
  }

  @Test func aRunCanBeStopped() throws {
    let world = try TunableWorld()
    let error = #expect(throws: RecommenderError.self) {
      try run(world, Self.parameters(), isCancelled: { true })
    }
    #expect(error?.code == .cancelled)
  }

  @Test func parametersOutOfRangeAreRefusedAtOnce() {
    let changes: [(inout TuningSchedule.Parameters) -> Void] = [
      { $0.cycles = -1 }, { $0.firstEpochs = -1 }, { $0.epochs = 0 }, { $0.training.learningRate = -1 },
      { $0.tuning.temperature = -1 }, { $0.configuration.heads = 3 },
    ]
    for change in changes {
      var parameters = Self.parameters()
      change(&parameters)
      let error = #expect(throws: RecommenderError.self) { try TuningSchedule(parameters) }
      #expect(error?.code == .invalidParameter)
    }
  }
}
