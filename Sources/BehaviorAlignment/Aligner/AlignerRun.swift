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
  private var parameters: ParameterSet
  private var optimizer: AdamW
  private var random: RandomSource
  private var best: (aligner: Aligner, score: Double)?
  private var measurements: [AlignerTraining.Measurement] = []
  private var losses: [Double] = []
  private var measurementsWithoutGain = 0
  private(set) var step = 0
  private(set) var stopReason: String?

  init(
    _ training: AlignerTraining, _ modalities: [ModalityBatch], _ pairs: PairTable, _ validation: HeldOutPairs
  ) throws {
    self.training = training.parameters
    self.pairs = pairs
    self.validation = validation
    self.modalities = modalities
    sampler = try PairSampler(pairs, shares: training.parameters.shares)
    known = PairLookup(pairs)
    random = RandomSource(seed: training.parameters.seed)
    let scope = ParameterScope(initializingWith: RandomSource(seed: random.next()))
    let network = try AlignerNetwork(scope, training.configuration)
    parameters = try scope.finish()
    let scalings = try training.configuration.modalities.map { modality in
      guard let batch = modalities.first(where: { $0.name == modality.name }), batch.isPresent.contains(true) else {
        throw AlignmentError(.tooFewItems, "no item has a \(modality.name) vector; leave the modality out")
      }
      return InputScaling(batch)
    }
    aligner = Aligner(training.configuration, network, parameters, scalings)
    ordered = aligner.ordering(modalities)
    optimizer = AdamW(AdamW.Parameters(weightDecay: training.parameters.weightDecay))
    offsets = Self.offsets(pairs, correction: training.parameters.frequencyCorrection)
  }

  private static func offsets(_ pairs: PairTable, correction: Float) -> ContiguousArray<Float> {
    var counts = [Double](repeating: 0, count: pairs.itemCount)
    for target in pairs.targets { counts[Int(target)] += 1 }
    let total = Double(max(1, pairs.count))
    return ContiguousArray(counts.map { $0 > 0 ? -correction * Float(Double.log($0 / total)) : 0 })
  }

  /// Draws a batch, and moves the parameters along its gradient.
  mutating func makeStep() throws {
    let batch = AlignerBatch(pairs, sampler.draw(training.batch, using: &random), known: known)
    var inputs = aligner.inputs(ordered, rows: batch.items)
    drop(&inputs)
    let gradients: ParameterGradients
    let loss: Float
    do {
      let pass = ModelPass(training: parameters, precision: training.precision, using: &random)
      let vectors = aligner.network(inputs, in: pass)
      let options = ContrastiveOptions(
        temperature: training.temperature, offsets: ContiguousArray(batch.targetItems.map { offsets[$0] }),
        hidden: batch.hidden)
      let value = vectors.selectingRows(batch.triggers).contrastiveLoss(
        with: vectors.selectingRows(batch.targets), options)
      loss = value.scalar
      gradients = pass.backward(from: value)
    }
    let norm = gradients.norm()
    guard loss.isFinite, norm.isFinite else { return try diverge(loss: loss, norm: norm) }
    let schedule = LearningRateSchedule.warmupCosine(
      peak: training.learningRate, warmupSteps: training.warmup, steps: training.steps,
      floor: training.learningRate / 50)
    optimizer.update(
      &parameters, with: gradients, rate: schedule.rate(at: step),
      factor: ParameterGradients.clippingFactor(norm: norm, limit: training.clip))
    losses.append(Double(loss))
    step += 1
  }

  /// Makes modalities missing at random, never an item's last.
  private mutating func drop(_ inputs: inout [AlignerInput]) {
    guard training.modalityDropout > 0, inputs.count > 1 else { return }
    for row in inputs[0].isPresent.indices {
      for index in inputs.indices where random.nextUniform() < training.modalityDropout {
        if inputs.count(where: { $0.isPresent[row] }) > 1 { inputs[index].isPresent[row] = false }
      }
    }
  }

  private mutating func diverge(loss: Float, norm: Double) throws {
    let what = "the loss is \(loss) and the gradient's norm \(norm) in step \(step + 1)"
    guard best != nil, step > 0 else {
      throw AlignmentError(
        .diverged,
        "align: \(what); lower align.learningRate, \(training.learningRate) now, and look for vectors that are "
          + "no numbers")
    }
    stopReason = "\(what): the aligner of step \(measurements.last?.step ?? 0) is kept"
  }

  /// Measures on the held-out pairs, and keeps the aligner where it is the best so far.
  mutating func measure(_ observe: (AlignerTraining.Measurement) -> Void) throws {
    guard stopReason == nil else { return }
    aligner = Aligner(aligner.configuration, aligner.network, parameters, aligner.scalings)
    let recall = PairRecall.measure(aligner.represent(modalities), validation)
    let loss = losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
    losses = []
    let measurement = AlignerTraining.Measurement(step: step, loss: loss, validation: recall)
    measurements.append(measurement)
    observe(measurement)
    if validation.count == 0 || recall.meanReciprocalRank > best?.score ?? -1 {
      best = (aligner, recall.meanReciprocalRank)
      measurementsWithoutGain = 0
    } else {
      measurementsWithoutGain += 1
      if measurementsWithoutGain >= training.patience, step < training.steps {
        stopReason = "no gain on held-out pairs in \(measurementsWithoutGain) measurements"
      }
    }
  }

  func result(seconds: Double) -> AlignerTraining.Result {
    AlignerTraining.Result(
      aligner: best?.aligner ?? aligner, measurements: measurements, steps: step,
      pairsPerSecond: Double(step * training.batch) / max(seconds, 1e-9), stopReason: stopReason)
  }
}
