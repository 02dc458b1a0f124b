internal import ItemEncoders
internal import NeuralNetworks
internal import RealModule
internal import TensorMath

/// One training of an aligner, step by step.
struct AlignerRun {
  private let training: AlignerTraining.Parameters
  private let pairs: PairTable
  private let known: PairLookup
  private let sampler: PairSampler
  private let validation: HeldOutPairs
  private let modalities: [ModalityBatch]
  private let ordered: [ModalityBatch?]
  /// −log of each target's share among the pairs, times how far that is corrected for.
  private let offsets: ContiguousArray<Float>

  private var aligner: Aligner
  /// Its fingerprint before the first step.
  private let start: String
  private var state: TrainingState
  /// Nil where the encoders stay as they are.
  private var tuning: AlignerTuning?
  private var monitor = TrainingMonitor()
  /// Of the measurement that was best so far.
  private var best: ParameterSet?
  private var progress = Progress()
  /// The tuned encoder's, then.
  private var bestEncoder: ParameterSet?
  private(set) var stopReason: String?

  init(
    _ training: AlignerTraining, _ modalities: [ModalityBatch], _ pairs: PairTable, _ validation: HeldOutPairs,
    tuning encoder: TextEncoderTuning? = nil
  ) throws {
    self.training = training.parameters
    self.pairs = pairs
    self.validation = validation
    tuning = try encoder.map { try AlignerTuning($0, training) }
    let modalities = tuning?.restricting(modalities) ?? modalities
    self.modalities = modalities
    sampler = try PairSampler(pairs, shares: training.parameters.shares)
    known = PairLookup(pairs)
    var random = RandomSource(seed: training.parameters.seed)
    let scope = ParameterScope(initializingWith: RandomSource(seed: random.next()))
    let network = try AlignerNetwork(scope, training.configuration)
    let parameters = try scope.finish()
    let scalings = try training.configuration.modalities.map { modality in
      guard let batch = modalities.first(where: { $0.name == modality.name }), batch.isPresent.contains(true) else {
        throw AlignmentError(.tooFewItems, "no item has a \(modality.name) vector; leave the modality out")
      }
      return InputScaling(batch, components: modality.components, seed: training.parameters.seed)
    }
    aligner = Aligner(training.configuration, network, parameters, scalings)
    start = aligner.fingerprint
    ordered = aligner.ordering(modalities)
    let settings = training.parameters
    state = TrainingState(
      parameters, optimizer: AdamW(AdamW.Parameters(weightDecay: settings.weightDecay)),
      schedule: .warmupCosine(
        peak: settings.learningRate, warmupSteps: settings.warmup, steps: settings.steps,
        floor: settings.learningRate / 50), maximumNorm: settings.clip, random: random)
    offsets = Self.offsets(pairs, correction: training.parameters.frequencyCorrection)
  }

  private static func offsets(_ pairs: PairTable, correction: Float) -> ContiguousArray<Float> {
    var counts = [Double](repeating: 0, count: pairs.itemCount)
    for target in pairs.targets { counts[Int(target)] += 1 }
    let total = Double(max(1, pairs.count))
    return ContiguousArray(counts.map { $0 > 0 ? -correction * Float(Double.log($0 / total)) : 0 })
  }

  /// What is noted on the way, beside the state of the parameters.
  struct Progress: Codable, Equatable {
    var measurements: [AlignerTraining.Measurement] = []
    /// Of the steps since the last measurement.
    var losses: [Double] = []
    /// The measurement that was best so far, by its place.
    var best: Int?
    var measurementsWithoutGain = 0
  }

  /// Steps done.
  var step: Int { state.step }
  var isMeasured: Bool { !progress.measurements.isEmpty }

  /// Draws a batch, and moves the parameters along its gradient.
  mutating func makeStep() throws {
    let batch = AlignerBatch(pairs, sampler.draw(training.batch, using: &state.random), known: known)
    var inputs = aligner.inputs(ordered, rows: batch.items)
    drop(&inputs)
    let (gradients, encoder, loss) = gradients(of: batch, inputs)
    do {
      // Of all gradients as one vector, so that one factor clips them all.
      var norm = gradients.norm()
      if let encoder { norm = (norm * norm + encoder.norm() * encoder.norm()).squareRoot() }
      try monitor.observe(step: step + 1, loss: loss, gradientNorm: norm)
      try state.update(with: gradients, norm: norm)
      if let encoder { try tuning?.update(with: encoder, norm: norm) }
    } catch {
      return try diverge(error)
    }
    progress.losses.append(Double(loss))
  }

  private mutating func gradients(
    of batch: AlignerBatch, _ inputs: [AlignerInput]
  ) -> (aligner: ParameterGradients, encoder: ParameterGradients?, loss: Float) {
    let pass = ModelPass(training: state.parameters, precision: training.precision, using: &state.random)
    var x = inputs.map { pass.tape.constant($0.vectors) }
    var leaf: AlignerTuning.Leaf?
    if let place = tuning?.modality {
      leaf = tuning?.leaf(of: batch.items, where: inputs[place].isPresent, on: pass.tape)
      if let leaf {
        x[place] = aligner.scalings[place].apply(leaf.vectors).scatteringRows(to: leaf.places, of: batch.items.count)
      }
    }
    let vectors = aligner.network(x, isPresent: inputs.map(\.isPresent), in: pass)
    let options = ContrastiveOptions(
      temperature: training.temperature, offsets: ContiguousArray(batch.targetItems.map { offsets[$0] }),
      hidden: batch.hidden)
    let value = vectors.selectingRows(batch.triggers).contrastiveLoss(
      with: vectors.selectingRows(batch.targets), options)
    // The loss lives on the tape, which ends with the gradients.
    let loss = value.scalar
    let gradients = pass.tape.backward(from: value)
    let encoder = leaf.flatMap { tuning?.gradients($0, in: gradients) }
    return (pass.parameterGradients(in: gradients), encoder, loss)
  }

  /// Makes modalities missing at random, never an item's last.
  private mutating func drop(_ inputs: inout [AlignerInput]) {
    guard training.modalityDropout > 0, inputs.count > 1 else { return }
    for row in inputs[0].isPresent.indices {
      for index in inputs.indices where state.random.nextUniform() < training.modalityDropout {
        if inputs.count(where: { $0.isPresent[row] }) > 1 { inputs[index].isPresent[row] = false }
      }
    }
  }

  private mutating func diverge(_ error: NeuralNetworksError) throws {
    guard best != nil, step > 0 else {
      throw AlignmentError(
        .diverged,
        "align: \(error.message); align.learningRate is \(training.learningRate) now; look for vectors that are no "
          + "numbers too")
    }
    let kept = progress.best.map { progress.measurements[$0].step } ?? 0
    stopReason = "\(error.message): the aligner of step \(kept) is kept"
  }

  /// Measures on the held-out pairs, and keeps the aligner where it is the best so far.
  mutating func measure(_ observe: (AlignerTraining.Measurement) -> Void) throws {
    guard stopReason == nil else { return }
    aligner = aligner.replacingParameters(state.parameters)
    let given = modalities
    let vectors = aligner.represent(tuning?.replacing(given) ?? given)
    let recall = PairRecall.measure(vectors, validation, excluding: known)
    let losses = progress.losses
    let loss = losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
    progress.losses = []
    let former = progress.best.map { progress.measurements[$0].validation.meanReciprocalRank } ?? -1
    let measurement = AlignerTraining.Measurement(step: step, loss: loss, validation: recall)
    progress.measurements.append(measurement)
    observe(measurement)
    if validation.count == 0 || recall.meanReciprocalRank > former {
      (best, bestEncoder) = (state.parameters, tuning?.state.parameters)
      progress.best = progress.measurements.count - 1
      progress.measurementsWithoutGain = 0
    } else {
      progress.measurementsWithoutGain += 1
      if progress.measurementsWithoutGain >= training.patience, step < training.steps {
        stopReason = "no gain on held-out pairs in \(progress.measurementsWithoutGain) measurements"
      }
    }
  }

  /// - Parameter firstStep: steps that were made before the seconds began.
  mutating func result(firstStep: Int, seconds: Double) -> AlignerTraining.Result {
    let (encoder, given) = (bestEncoder, modalities)
    let tuned = tuning?.finish(encoder, given)
    var aligner = aligner.replacingParameters(best ?? state.parameters)
    if let tuned, let place = tuning?.modality {
      var configuration = aligner.configuration
      configuration.modalities[place].encoder = tuned.weights.fingerprint
      aligner = Aligner(configuration, aligner.network, aligner.parameters, aligner.scalings)
    }
    return AlignerTraining.Result(
      aligner: aligner, tuned: tuned, measurements: progress.measurements, steps: step,
      pairsPerSecond: Double((step - firstStep) * training.batch) / max(seconds, 1e-9), stopReason: stopReason)
  }
}

// MARK: Checkpoints

extension AlignerRun {
  /// What its course depends on: everything that ``init(_:_:_:_:tuning:)`` was given. The vectors are those that have such
  /// means and scales.
  var identity: String {
    var identity = TrainingIdentity("aligner training 2")
    // As it begins: of its configuration, its seed and the vectors.
    identity.add(start)
    identity.add(training.summary)
    identity.add(pairs.fingerprint)
    identity.add(validation.triggers)
    identity.add(validation.targets)
    if let tuning { identity.add(tuning.summary) }
    return identity.text
  }

  func write(to path: String, identity: String) throws(AlignmentError) {
    let companion = tuning.map { RunCheckpoint<Progress>.Companion(state: $0.state, best: bestEncoder) }
    try RunCheckpoint(
      identity: identity, state: state, best: best, monitor: monitor, progress: progress, companion: companion
    ).write(to: path)
  }

  /// Goes on where a checkpoint left off; from the start where there is none.
  mutating func resume(from path: String, identity: String) throws(AlignmentError) {
    let steps = training.steps
    let found = try RunCheckpoint<Progress>.read(
      from: path, for: state.parameters, companion: tuning?.state, identity: identity, monitor: monitor.parameters,
      isSound: { state, progress in state.step <= steps && progress.isSound(at: state.step) })
    guard let found else { return }
    (state, best, monitor, progress) = (found.state, found.best, found.monitor, found.progress)
    guard let companion = found.companion else { return }
    tuning?.resume(companion.state)
    bestEncoder = companion.best
  }
}

extension AlignerRun.Progress {
  fileprivate func isSound(at step: Int) -> Bool {
    guard let best, measurements.indices.contains(best), let last = measurements.last else { return false }
    return last.step + losses.count == step
      && zip(measurements, measurements.dropFirst()).allSatisfy { $0.step < $1.step }
      && (0...measurements.count).contains(measurementsWithoutGain)
  }
}

extension AlignerTraining.Parameters {
  /// All of it, in an order that does not change.
  fileprivate var summary: String {
    var rest = self
    rest.shares = [:]
    return "\(rest), \(shares.sorted { $0.key.rawValue < $1.key.rawValue })"
  }
}
