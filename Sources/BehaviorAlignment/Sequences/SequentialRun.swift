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
  private(set) var best: (model: SequentialModel, gain: Double)?
  private(set) var measurements: [SequentialTraining.Measurement] = []
  private var epochsWithoutGain = 0
  private(set) var epoch = 0
  /// Positions learned from so far.
  private(set) var positions = 0
  private(set) var stopReason: String?

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
    epoch += 1
    positions += count
    model = SequentialModel(model.configuration, model.vocabulary, model.network, state.parameters)
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
    measurements.append(.init(epoch: epoch, loss: loss, recall: quality.recall, gain: quality.gain))
    if ranks.isEmpty || quality.gain > best?.gain ?? -1 {
      best = (model, quality.gain)
      epochsWithoutGain = 0
    } else {
      epochsWithoutGain += 1
      if epochsWithoutGain >= parameters.patience, epoch < parameters.epochs {
        stopReason = "no gain on held-out items in \(epochsWithoutGain) epochs"
      }
    }
  }
}
