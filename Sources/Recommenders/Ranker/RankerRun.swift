internal import NeuralNetworks
internal import TensorMath

/// One training of a ranker, step by step.
struct RankerRun {
  private let training: RankerTraining
  private let examples: RankingExamples
  private let validation: RankingExamples
  private let items: RankerItems
  private let network: RankerNetwork
  private let stepsPerEpoch: Int
  private let steps: Int

  private var state: TrainingState
  private var monitor = TrainingMonitor()
  /// Numbers of the examples in the order of the epoch at hand.
  private var order: [Int] = []
  private var best: (ranker: Ranker, score: Double, step: Int)?
  private var measurements: [RankerTraining.Measurement] = []
  private var losses: [Double] = []
  private var measurementsWithoutGain = 0
  private var trained = 0
  private var stopReason: String?

  init(
    _ training: RankerTraining, _ examples: RankingExamples, _ validation: RankingExamples, _ items: RankerItems
  ) throws {
    try training.configuration.require(items)
    guard examples.count > 0 else {
      throw RecommenderError(.nothingToLearn, "no example to train a ranker on")
    }
    for count in [examples.itemCount, validation.itemCount] where count != items.itemCount {
      throw RecommenderError(
        .invalidParameter, "examples of \(count) items for features of \(items.itemCount); use one catalogue for both")
    }
    self.training = training
    self.examples = examples
    self.validation = validation.thinned(to: training.parameters.maximumValidation)
    self.items = items
    stepsPerEpoch = (examples.count + training.parameters.batch - 1) / training.parameters.batch
    steps = stepsPerEpoch * training.parameters.epochs
    var random = RandomSource(seed: training.parameters.seed)
    let scope = ParameterScope(initializingWith: RandomSource(seed: random.next()))
    network = try RankerNetwork(scope, training.configuration, items)
    let rate = training.parameters.learningRate
    state = TrainingState(
      try scope.finish(), optimizer: AdamW(AdamW.Parameters(weightDecay: training.parameters.weightDecay)),
      schedule: .warmupCosine(peak: rate, warmupSteps: training.parameters.warmup, steps: steps, floor: rate / 20),
      maximumNorm: training.parameters.clip, random: random)
  }

  var isFinished: Bool { state.step >= steps || stopReason != nil }

  var isMeasurementDue: Bool { state.step % training.parameters.evaluationInterval == 0 || state.step == steps }

  /// Moves the parameters along the gradient of the next examples.
  mutating func makeStep() throws {
    let place = state.step % stepsPerEpoch
    if place == 0 { shuffle() }
    let size = training.parameters.batch
    let batch = RankerBatch(
      examples, order[place * size..<min((place + 1) * size, order.count)], training.configuration, items)
    let pass = ModelPass(training: state.parameters, precision: training.parameters.precision, using: &state.random)
    let output = network(batch, items, in: pass)
    let entropy = output.logits.binaryCrossEntropy(labels: batch.labels)
    let loss = entropy.scalar
    let weight = training.configuration.experts?.contrastiveWeight ?? 0
    let gradients = pass.backward(from: output.contrast.map { entropy + weight * $0 } ?? entropy)
    do {
      let norm = gradients.norm()
      try monitor.observe(step: state.step + 1, loss: loss, gradientNorm: norm)
      try state.update(with: gradients, norm: norm)
    } catch {
      return try diverge(error.message)
    }
    losses.append(Double(loss))
    trained += batch.count
  }

  /// The order of an epoch is that of its number, wherever the run was before.
  private mutating func shuffle() {
    var random = RandomSource(seed: training.parameters.seed, stream: UInt64(state.step / stepsPerEpoch))
    order = Array(0..<examples.count)
    order.shuffle(using: &random)
  }

  private mutating func diverge(_ message: String) throws {
    guard let best, best.step > 0 else {
      throw RecommenderError(
        .diverged,
        "ranker: \(message); learningRate is \(training.parameters.learningRate) now")
    }
    stopReason = "\(message): the ranker of step \(best.step) is kept"
  }

  /// Measures on the validation examples, and keeps the ranker where it is the best so far.
  mutating func measure(_ observe: (RankerTraining.Measurement) -> Void) throws {
    guard stopReason == nil else { return }
    let ranker = Ranker(
      configuration: training.configuration, network: network, parameters: state.parameters, items: items)
    let logits: ContiguousArray<Float>
    do { logits = try ranker.logits(of: validation) } catch { return try diverge(error.message) }
    let metrics = RankerMetrics(logits, validation, selection: Array(0..<validation.count))
    let loss = losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
    losses = []
    let measurement = RankerTraining.Measurement(step: state.step, loss: loss, validation: metrics)
    measurements.append(measurement)
    observe(measurement)
    guard let score = metrics.auc else {
      best = (ranker, 0, state.step)
      return
    }
    if score > best?.score ?? -1 {
      best = (ranker, score, state.step)
      measurementsWithoutGain = 0
    } else {
      measurementsWithoutGain += 1
      if measurementsWithoutGain >= training.parameters.patience, state.step < steps {
        stopReason = "no gain on validation examples in \(measurementsWithoutGain) measurements"
      }
    }
  }

  func result(seconds: Double) -> RankerTraining.Result {
    let last = Ranker(
      configuration: training.configuration, network: network, parameters: state.parameters, items: items)
    return RankerTraining.Result(
      ranker: best?.ranker ?? last, measurements: measurements, steps: state.step,
      examplesPerSecond: Double(trained) / max(seconds, 1e-9), stopReason: stopReason)
  }
}
