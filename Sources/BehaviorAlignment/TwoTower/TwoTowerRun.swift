internal import NeuralNetworks
internal import TensorMath

/// One training of a two-tower model, epoch by epoch.
struct TwoTowerRun {
  let parameters: TwoTowerTraining.Parameters
  let examples: TwoTowerExamples
  var model: TwoTowerModel
  var state: TrainingState
  var monitor: TrainingMonitor
  var best: (model: TwoTowerModel, epoch: Int)?
  var measurements: [TwoTowerTraining.Measurement] = []
  var epoch = 0
  /// Positions learned from so far.
  private(set) var positions = 0
  private(set) var stopReason: String?
  private(set) var isDiverged = false

  init(
    _ configuration: TwoTowerModel.Configuration, _ parameters: TwoTowerTraining.Parameters, _ split: TrainingSplit
  ) throws {
    self.parameters = parameters
    let vocabulary = ItemVocabulary(split, maximum: parameters.itemLimit)
    examples = TwoTowerExamples(
      split, vocabulary, maximumHistory: configuration.maximumHistory, queryLimit: parameters.validationLimit)
    guard examples.count > 0 else {
      throw AlignmentError(
        .noInteractions,
        "no user has two events in the training window, so nothing tells which items a user wants; widen the window")
    }
    var random = RandomSource(seed: parameters.seed)
    let scope = ParameterScope(initializingWith: RandomSource(seed: random.next()))
    let network = try TwoTowerNetwork(scope, configuration, itemCount: vocabulary.count)
    model = TwoTowerModel(configuration, vocabulary, network, try scope.finish())
    let batches = (examples.count + parameters.positionsPerBatch - 1) / parameters.positionsPerBatch
    state = TrainingState(
      model.parameters, optimizer: AdamW(AdamW.Parameters(weightDecay: parameters.weightDecay)),
      schedule: .warmupCosine(
        peak: parameters.learningRate, warmupSteps: parameters.warmup, steps: parameters.epochs * batches,
        floor: parameters.learningRate / 50),
      maximumNorm: parameters.clip, random: random)
    monitor = TrainingMonitor(parameters.divergence)
  }

  mutating func makeEpoch(_ isCancelled: () -> Bool) throws {
    var (loss, count) = (0.0, 0)
    let batches = examples.epoch(
      size: parameters.positionsPerBatch, negatives: parameters.negatives, correction: parameters.frequencyCorrection,
      using: &state.random)
    for batch in batches {
      guard !isCancelled() else { throw AlignmentError(.cancelled, "training the two-tower model was stopped") }
      do {
        loss += Double(try learn(from: batch)) * Double(batch.count)
      } catch let error as NeuralNetworksError where error.code == .divergedTraining {
        return try diverge(error)
      }
      count += batch.count
    }
    epoch += 1
    positions += count
    model = TwoTowerModel(model.configuration, model.vocabulary, model.network, state.parameters)
    measure(loss: loss / Double(max(1, count)))
  }

  /// - Returns: the mean loss, before the step.
  private mutating func learn(from batch: TwoTowerBatch) throws -> Float {
    let (gradients, loss) = {
      let pass = ModelPass(training: state.parameters, precision: parameters.precision, using: &state.random)
      let loss = model.network.loss(of: batch, temperature: parameters.temperature, in: pass)
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
    guard let best else {
      throw AlignmentError(
        .diverged, "two-tower: \(error.message); learningRate is \(parameters.learningRate) now")
    }
    isDiverged = true
    stopReason = "\(error.message): the model of epoch \(best.epoch) is kept"
  }

  private mutating func measure(loss: Double) {
    let quality = NextItemQuality(ranks: model.ranks(of: examples.queries))
    let reached = best.map { measurements[$0.epoch - 1].gain } ?? -1
    measurements.append(.init(epoch: epoch, loss: loss, recall: quality.recall, gain: quality.gain))
    if examples.queries.isEmpty || quality.gain > reached { best = (model, epoch) }
    stopWithoutGain()
  }

  /// Ends the training where the last epochs brought nothing.
  mutating func stopWithoutGain() {
    let idle = epoch - (best?.epoch ?? epoch)
    if idle >= parameters.patience, epoch < parameters.epochs {
      stopReason = "no gain on held-out items in \(idle) epochs"
    }
  }
}
