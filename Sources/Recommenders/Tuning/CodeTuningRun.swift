internal import BehaviorAlignment
internal import NeuralNetworks
internal import Quantizers
internal import TensorMath

/// One tuning of codes, step by step.
struct CodeTuningRun {
  private typealias Batch = TrainingSequences.Batch

  /// All that training changes.
  private struct State {
    var codebooks: TrainingState
    var representation: TrainingState?
    /// Of ``StateContrast``, where vectors may move by it.
    var contrast: TrainingState?
  }

  private let tuning: CodeTuning.Parameters
  private let network: OnePositionNetwork
  /// Frozen.
  private let recommender: ParameterSet
  private let vocabulary: GeneratorVocabulary
  private let sequences: TrainingSequences
  private let tuned: TunedCodebooks
  private let source: any RepresentationSource
  private let served: ServedCodes
  private let temperatures: [Float]
  private let contrast: StateContrast?

  private var state: State
  /// As before the latest step whose loss was healthy.
  private var good: (codebooks: ParameterSet, representation: ParameterSet?, step: Int)
  private var monitor: TrainingMonitor
  private var random: RandomSource
  /// Its rows.
  private var largestBatch = 0
  private(set) var steps: [CodeTuning.Step] = []
  private(set) var stopReason: String?

  init(
    _ tuning: CodeTuning.Parameters, _ generator: Generator, _ codebooks: ResidualCodebooks,
    _ source: any RepresentationSource, _ split: TrainingSplit
  ) throws {
    self.tuning = tuning
    self.source = source
    network = try Self.network(of: generator)
    vocabulary = generator.vocabulary
    try Self.check(codebooks, source, vocabulary.tokens)
    var recommender = generator.parameters
    recommender.setTrainable(false, below: "")
    self.recommender = recommender
    sequences = TrainingSequences(split, vocabulary, maximumHistory: generator.configuration.maximumHistory)
    try sequences.requireSomething()
    let start = try ItemEncoding(codebooks, source.allVectors(), vocabulary.tokens)
    served = ServedCodes(vocabulary.tokens, nearest: start.codes)
    // A level without any error has no scale of its own; anything small serves.
    temperatures = start.levelErrors.map { max(tuning.temperature * Float($0), 1e-6) }
    tuned = try TunedCodebooks(codebooks)
    random = RandomSource(seed: tuning.seed)
    let projection = ParameterScope(initializingWith: RandomSource(seed: tuning.seed))
    contrast =
      tuning.weights.contrast > 0 && source.parameters != nil
      ? try StateContrast(projection, width: generator.configuration.width, dimensions: source.dimensions) : nil
    func state(_ parameters: ParameterSet, _ rate: Float) -> TrainingState {
      TrainingState(
        parameters, optimizer: AdamW(AdamW.Parameters(weightDecay: 0)),
        schedule: .warmupCosine(
          peak: rate, warmupSteps: min(tuning.warmup, tuning.steps / 2), steps: tuning.steps, floor: rate / 50),
        maximumNorm: tuning.clip, random: RandomSource(seed: tuning.seed))
    }
    self.state = State(
      codebooks: state(tuned.parameters, tuning.learningRate),
      representation: source.parameters.map { state($0, tuning.representationLearningRate) },
      contrast: try contrast.map { _ in state(try projection.finish(), StateContrast.projectionRate) })
    good = (tuned.parameters, source.parameters, 0)
    monitor = TrainingMonitor(tuning.divergence)
  }

  private static func network(of generator: Generator) throws(RecommenderError) -> OnePositionNetwork {
    guard let network = generator.network as? OnePositionNetwork else {
      throw RecommenderError(
        .invalidParameter,
        "codes are tuned by a generator with the onePosition backbone, and this one has "
          + "\(generator.configuration.backbone.rawValue); train one of those")
    }
    guard generator.configuration.prefixOutputs != true else {
      throw RecommenderError(
        .invalidParameter,
        "codes are tuned by a generator that chooses by codes alone, and this one has prefixOutputs; train one without")
    }
    return network
  }

  private static func check(
    _ codebooks: ResidualCodebooks, _ source: any RepresentationSource, _ tokens: ItemTokens
  ) throws(RecommenderError) {
    guard codebooks.sizes == tokens.sizes else {
      throw RecommenderError(
        .invalidParameter,
        "codebooks of \(codebooks.sizes) centroids for a generator of \(tokens.sizes) codes; give it those of its "
          + "generation")
    }
    guard source.itemCount == tokens.itemCount, source.dimensions == codebooks.dimensions else {
      throw RecommenderError(
        .invalidParameter,
        "\(source.itemCount) representations of \(source.dimensions) dimensions for \(tokens.itemCount) items and "
          + "codebooks of \(codebooks.dimensions); give those that the items were encoded from")
    }
  }

  // MARK: Steps

  mutating func makeSteps(isCancelled: () -> Bool, _ observe: (CodeTuning.Step) -> Void) throws {
    var epoch = 0
    while steps.count < tuning.steps {
      for batch in batches(epoch: epoch) where steps.count < tuning.steps {
        guard !isCancelled() else { throw RecommenderError(.cancelled, "tuning codes was stopped") }
        do {
          guard let step = try makeStep(batch) else { continue }
          steps.append(step)
          observe(step)
        } catch let error as NeuralNetworksError where error.code == .divergedTraining {
          return diverge(error)
        }
      }
      guard !steps.isEmpty else {
        throw RecommenderError(.nothingToLearn, "no training event is to be predicted; widen the training window")
      }
      epoch += 1
    }
  }

  private func batches(epoch: Int) -> EpochBatches {
    sequences.batches(epoch: epoch, seed: tuning.seed, positions: tuning.positionsPerBatch)
  }

  private mutating func makeStep(_ batch: Batch) throws -> CodeTuning.Step? {
    var step: CodeTuning.Step
    let gradients: (codebooks: ParameterGradients, representation: ParameterGradients?, contrast: ParameterGradients?)
    do {
      guard let found = forward(batch, Tape(), dropsOut: tuning.usesDropout, &random) else { return nil }
      step = found.step
      // Before its gradients, which would be none; the others are looked at once, with theirs.
      if !step.loss.isFinite { try monitor.observe(step: step.step, loss: step.loss) }
      let all = found.loss.tape.backward(from: found.loss)
      gradients = (
        found.codebooks.parameterGradients(in: all),
        state.representation == nil ? nil : found.representation.parameterGradients(in: all),
        state.contrast == nil ? nil : found.contrast.parameterGradients(in: all)
      )
    }
    let representationNorm = gradients.representation?.norm() ?? 0
    let codebookNorm = gradients.codebooks.norm()
    let norm = (codebookNorm * codebookNorm + representationNorm * representationNorm).squareRoot()
    // Among fewer rows contrast costs less: an epoch's last batch is no measure for the others.
    largestBatch = max(largestBatch, batch.positions)
    if contrast == nil || 2 * batch.positions >= largestBatch {
      try monitor.observe(step: step.step, loss: step.loss, gradientNorm: norm)
    }
    if monitor.isHealthy { good = (state.codebooks.parameters, state.representation?.parameters, step.step) }
    let update = try state.codebooks.update(with: gradients.codebooks, norm: norm)
    if let part = gradients.representation { try state.representation?.update(with: part, norm: norm) }
    if let part = gradients.contrast { try state.contrast?.update(with: part) }
    step.learningRate = update.learningRate
    step.gradientNorm = norm
    return step
  }

  private mutating func diverge(_ error: NeuralNetworksError) {
    state.codebooks.parameters = good.codebooks
    if let representation = good.representation { state.representation?.parameters = representation }
    let last = good.step > 1 ? "those that step \(good.step) began with" : "those that tuning began with"
    stopReason =
      "\(error.message); tuning.learningRate is \(tuning.learningRate) now, and the codebooks kept are \(last)"
  }

  private struct Forward {
    let loss: Variable
    let codebooks: ModelPass
    let representation: ModelPass
    let contrast: ModelPass
    let step: CodeTuning.Step
  }

  private func forward(
    _ batch: Batch, _ tape: Tape, dropsOut: Bool, _ random: inout RandomSource
  ) -> Forward? {
    let (packed, next) = sequences.sequences(batch)
    let items = TuningItems(packed, next: next)
    // Chance is the recommender's alone: what serves has none.
    func pass(_ parameters: ParameterSet, isTraining: Bool = false) -> ModelPass {
      ModelPass(parameters, on: tape, random: RandomSource(seed: random.next()), isTraining: isTraining)
    }
    let representation = pass(state.representation?.parameters ?? ParameterSet())
    let codebooks = pass(state.codebooks.parameters)
    let projection = pass(state.contrast?.parameters ?? ParameterSet())
    let centroids = tuned.centroids(in: codebooks)
    let assignment = ResidualAssignment(
      source.vectors(items.items, in: representation), prices: tuned.original, centroids: centroids,
      temperatures: temperatures)
    let now = served.codes(of: items.items, nearest: assignment.codes)
    let former = served.codes(of: items.items)
    var terms = TuningTerms(tape)
    let weights = tuning.weights
    if weights.recommender > 0 {
      // Where vectors learn by contrast, the recommender's own loss moves codebooks alone: vectors that may go anywhere
      // make items easy to predict by giving them all the same codes.
      let fixed = contrast.map { _ in
        ResidualAssignment(
          assignment.x.detached, prices: tuned.original, centroids: centroids, temperatures: temperatures)
      }
      let loss = network.loss(
        packed, next: next, items, fixed ?? assignment, codes: now, vocabulary,
        in: pass(recommender, isTraining: dropsOut))
      guard let loss else { return nil }
      terms.add(\.recommender, loss, weights.recommender)
    }
    if let contrast {
      // Histories are read by the codes that the recommender was trained on: by others it knows less of a user with every
      // item that moves, and what it no longer knows teaches vectors nothing.
      let states = network.states(packed, vocabulary, in: pass(recommender, isTraining: dropsOut))
      let told = contrast.loss(states, packed, next: next, items, vectors: assignment.x, in: projection)
      guard let told else { return nil }
      terms.add(\.contrast, told, weights.contrast)
    }
    if weights.commitment > 0 { terms.add(\.commitment, assignment.commitment, weights.commitment) }
    if weights.reconstruction > 0 { terms.add(\.reconstruction, assignment.reconstruction, weights.reconstruction) }
    if weights.evenness > 0 { terms.add(\.unevenness, assignment.unevenness, weights.evenness) }
    if weights.anchor > 0 { terms.add(\.anchor, assignment.anchor(to: former), weights.anchor) }
    terms.step.step = steps.count + 1
    terms.step.loss = terms.sum.scalar
    terms.step.changed = 1 - ReencodeAgreement(now, former).identical
    return Forward(
      loss: terms.sum, codebooks: codebooks, representation: representation, contrast: projection, step: terms.step)
  }

  // MARK: Results

  /// The recommender's mean loss over some batches, as things stand.
  func measuredLoss() -> Double {
    var (sum, count) = (0.0, 0)
    for batch in batches(epoch: 0).prefix(tuning.measuredBatches) {
      let (packed, next) = sequences.sequences(batch)
      let targets = next.count { $0 >= 0 }
      guard targets > 0, let loss = recommenderLoss(packed, next) else { continue }
      sum += Double(loss) * Double(targets)
      count += targets
    }
    return sum / Double(max(1, count))
  }

  private func recommenderLoss(_ packed: SequenceBatch, _ next: ContiguousArray<Int32>) -> Float? {
    let tape = Tape(isRecording: false)
    func pass(_ parameters: ParameterSet) -> ModelPass {
      ModelPass(parameters, on: tape, random: RandomSource(seed: 0), isTraining: false)
    }
    let items = TuningItems(packed, next: next)
    let assignment = ResidualAssignment(
      source.vectors(items.items, in: pass(representation ?? ParameterSet())), prices: tuned.original,
      centroids: tuned.centroids(in: pass(state.codebooks.parameters)), temperatures: temperatures)
    return network.loss(
      packed, next: next, items, assignment, codes: served.codes(of: items.items, nearest: assignment.codes),
      vocabulary, in: pass(recommender))?.scalar
  }

  var codebooks: ResidualCodebooks {
    get throws { try tuned.codebooks(state.codebooks.parameters) }
  }

  var representation: ParameterSet? { state.representation?.parameters }
}

/// A weighted sum of terms and what each of them was.
private struct TuningTerms {
  private(set) var sum: Variable
  var step = CodeTuning.Step(
    step: 0, loss: 0, recommender: 0, commitment: 0, reconstruction: 0, unevenness: 0, anchor: 0, contrast: 0,
    changed: 0, learningRate: 0, gradientNorm: 0)

  init(_ tape: Tape) { sum = tape.constant(Matrix(rows: 1, columns: 1)) }

  mutating func add(_ name: WritableKeyPath<CodeTuning.Step, Float>, _ term: Variable, _ weight: Float) {
    step[keyPath: name] = term.scalar
    sum = sum + weight * term
  }
}
