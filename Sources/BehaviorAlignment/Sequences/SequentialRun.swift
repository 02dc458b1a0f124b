internal import NeuralNetworks
internal import TensorMath

/// One training of a sequential model, epoch by epoch.
struct SequentialRun {
  private let parameters: SequentialTraining.Parameters
  private let sampler: SequenceSampler
  private let validation: [NextItemQuery]
  private(set) var model: SequentialModel
  private var state: TrainingState
  private var monitor = TrainingMonitor()
  /// Of the epoch that was best so far.
  private var best: ParameterSet?
  private(set) var progress = Progress()
  private(set) var stopReason: String?

  /// What is noted on the way, beside the state of the parameters.
  struct Progress: Codable, Equatable {
    /// One an epoch.
    var measurements: [SequentialTraining.Measurement] = []
    /// The measurement that was best so far, by its place.
    var best: Int?
    var epochsWithoutGain = 0
    /// Learned from so far.
    var positions = 0
  }

  /// Epochs done.
  var epoch: Int { progress.measurements.count }

  /// As it was at the best measurement.
  var bestModel: SequentialModel { model.replacingParameters(best ?? state.parameters) }

  init(
    _ configuration: SequentialModel.Configuration, _ parameters: SequentialTraining.Parameters,
    _ split: TrainingSplit, _ validation: [NextItemQuery]
  ) throws {
    self.parameters = parameters
    let vocabulary = ItemVocabulary(split, maximum: parameters.itemLimit)
    sampler = SequenceSampler(
      (0..<split.history.userCount).map { vocabulary.numbers(of: split.trainingItems(ofUser: $0)) },
      maximumHistory: configuration.maximumHistory, positionsPerBatch: parameters.positionsPerBatch)
    guard sampler.positions > 0 else {
      throw AlignmentError(
        .noInteractions,
        "no user has two events in the training window, so nothing tells what comes next; widen the window")
    }
    let step = max(1, (validation.count + parameters.validationLimit - 1) / max(1, parameters.validationLimit))
    self.validation =
      parameters.validationLimit == 0
      ? [] : stride(from: 0, to: validation.count, by: step).map { validation[$0] }
    var random = RandomSource(seed: parameters.seed)
    let scope = ParameterScope(initializingWith: RandomSource(seed: random.next()))
    let network = try SequentialNetwork(scope, configuration, itemCount: vocabulary.count)
    model = SequentialModel(configuration, vocabulary, network, try scope.finish())
    state = TrainingState(
      model.parameters, optimizer: AdamW(AdamW.Parameters(weightDecay: parameters.weightDecay)),
      schedule: .warmupCosine(
        peak: parameters.learningRate, warmupSteps: parameters.warmup,
        steps: parameters.epochs * sampler.batchesPerEpoch, floor: parameters.learningRate / 50),
      maximumNorm: parameters.clip, random: random)
  }

  mutating func makeEpoch(_ isCancelled: () -> Bool) throws {
    var (loss, count) = (0.0, 0)
    for batch in sampler.epoch(using: &state.random) {
      guard !isCancelled() else { throw AlignmentError(.cancelled, "training on users' sequences was stopped") }
      do {
        loss += Double(try learn(from: batch)) * Double(batch.positions)
      } catch let error as NeuralNetworksError where error.code == .divergedTraining {
        return try diverge(error)
      }
      count += batch.positions
    }
    progress.positions += count
    model = model.replacingParameters(state.parameters)
    measure(loss: loss / Double(max(1, count)))
  }

  /// - Returns: the mean loss, before the step.
  private mutating func learn(from batch: SequenceSampler.Batch) throws -> Float {
    let (gradients, loss) = {
      let pass = ModelPass(training: state.parameters, precision: parameters.precision, using: &state.random)
      let states = model.network(batch.inputs, offsets: batch.offsets, in: pass)
      let loss = states.linearCrossEntropy(pass[model.network.items.weight], targets: batch.targets)
      // The loss lives on the tape, which ends with the gradients.
      let value = loss.scalar
      return (pass.backward(from: loss), value)
    }()
    let norm = gradients.norm()
    try monitor.observe(step: state.step + 1, loss: loss, gradientNorm: norm)
    try state.update(with: gradients, norm: norm)
    return loss
  }

  private mutating func diverge(_ error: NeuralNetworksError) throws {
    guard epoch > 0 else {
      throw AlignmentError(
        .diverged, "behavior: \(error.message); behavior.learningRate is \(parameters.learningRate) now")
    }
    stopReason = "\(error.message): the model of an earlier epoch is kept"
  }

  private mutating func measure(loss: Double) {
    let ranks = model.ranks(of: validation)
    let quality = NextItemQuality(ranks: ranks)
    let former = progress.best.map { progress.measurements[$0].gain } ?? -1
    progress.measurements.append(.init(epoch: epoch + 1, loss: loss, recall: quality.recall, gain: quality.gain))
    if ranks.isEmpty || quality.gain > former {
      best = state.parameters
      progress.best = epoch - 1
      progress.epochsWithoutGain = 0
    } else {
      progress.epochsWithoutGain += 1
      if progress.epochsWithoutGain >= parameters.patience, epoch < parameters.epochs {
        stopReason = "no gain on held-out items in \(progress.epochsWithoutGain) epochs"
      }
    }
  }
}

// MARK: Checkpoints

extension SequentialRun {
  /// What its course depends on: everything that ``init(_:_:_:_:)`` was given.
  var identity: String {
    var identity = TrainingIdentity("sequential training 1")
    identity.add("\(model.configuration), \(parameters)")
    identity.add(model.vocabulary.rows)
    identity.add(model.vocabulary.counts)
    identity.add(sampler.fingerprint)
    for query in validation {
      identity.add(query.history)
      identity.add([query.target])
    }
    return identity.text
  }

  func write(to path: String, identity: String) throws(AlignmentError) {
    try RunCheckpoint(identity: identity, state: state, best: best, monitor: monitor, progress: progress).write(
      to: path)
  }

  /// Goes on where a checkpoint left off; from the start where there is none.
  mutating func resume(from path: String, identity: String) throws(AlignmentError) {
    let epochs = parameters.epochs
    let found = try RunCheckpoint<Progress>.read(
      from: path, for: state.parameters, identity: identity, monitor: monitor.parameters,
      isSound: { _, progress in progress.isSound && progress.measurements.count <= epochs })
    guard let found else { return }
    (state, best, monitor, progress) = (found.state, found.best, found.monitor, found.progress)
    model = model.replacingParameters(state.parameters)
  }
}

extension SequentialRun.Progress {
  fileprivate var isSound: Bool {
    guard let best, measurements.indices.contains(best), positions >= 0 else { return false }
    return measurements.map(\.epoch) == Array(1...measurements.count)
      && (0...measurements.count).contains(epochsWithoutGain)
  }
}
