internal import BehaviorAlignment
internal import NeuralNetworks
internal import TensorMath

/// One training of a generator, epoch by epoch.
struct GeneratorRun {
  typealias Measurement = GeneratorTraining.Measurement

  let training: GeneratorTraining.Parameters
  let configuration: GeneratorConfiguration
  let vocabulary: GeneratorVocabulary
  let network: any GeneratorNetwork
  private let sequences: TrainingSequences
  private let validation: [NextItemQuery]
  private let dense: DenseObjective?
  /// Of the generator that training began with; nil for random parameters.
  let startFingerprint: String?

  var state: TrainingState
  /// Epochs done.
  var epoch = 0
  var measurements: [Measurement] = []
  var monitor: TrainingMonitor
  /// The generator to keep, and its epoch.
  var best: (generator: Generator, epoch: Int)?
  private(set) var stopReason: String?
  /// Of all epochs.
  let plannedSteps: Int
  private var seconds = 0.0
  private var operations = 0.0
  private var tokens = 0
  private var positions = 0

  init(
    _ training: GeneratorTraining, _ tokens: ItemTokens, _ split: TrainingSplit, _ validation: [NextItemQuery],
    _ start: Generator?
  ) throws {
    self.training = training.parameters
    configuration = training.configuration
    vocabulary = try GeneratorVocabulary(tokens, configuration)
    monitor = TrainingMonitor(self.training.divergence)
    let cuts =
      configuration.backbone == .encoderDecoder
      ? TrainingSequences.Cuts(self.training, configuration) : nil
    let sequences = TrainingSequences(
      split, vocabulary, maximumHistory: configuration.maximumHistory, cuts: cuts, pathways: configuration.pathways)
    try sequences.requireSomething()
    self.sequences = sequences
    dense =
      configuration.hasDenseHead && self.training.denseWeight > 0
      ? DenseObjective(
        weight: self.training.denseWeight, negatives: self.training.denseNegatives, vocabulary,
        popularity: sequences.popularity) : nil
    self.validation = validation.thinned(to: self.training.validationQueries)
    var random = RandomSource(seed: self.training.seed)
    let scope = ParameterScope(initializingWith: RandomSource(seed: random.next()))
    network = try configuration.network(scope, vocabulary)
    let initial = try scope.finish()
    try start?.check(begins: configuration, tokens)
    startFingerprint = start?.fingerprint
    let parameters = self.training
    let steps = (0..<parameters.epochs).reduce(0) { sum, epoch in
      sum + sequences.batches(epoch: epoch, seed: parameters.seed, positions: parameters.positionsPerBatch).count
    }
    plannedSteps = steps
    state = TrainingState(
      start?.parameters ?? initial,
      optimizer: AdamW(
        AdamW.Parameters(
          beta1: parameters.beta1, beta2: parameters.beta2, weightDecay: parameters.weightDecay)),
      schedule: .warmupCosine(
        peak: parameters.learningRate, warmupSteps: parameters.warmup, steps: steps,
        floor: parameters.learningRate / 50),
      maximumNorm: parameters.clip, random: random)
  }

  func generator(_ parameters: ParameterSet) -> Generator {
    let popularity = sequences.popularity
    return Generator(
      configuration, network,
      network.tables.givingMeans(toPrefixesUnmetIn: popularity, vocabulary.trie, parameters), vocabulary,
      popularity: popularity)
  }

  /// Learns from every sequence once, and measures.
  mutating func makeEpoch(
    isCancelled: () -> Bool, _ observe: (GeneratorTraining.Progress) -> Void
  ) throws {
    var (sum, items) = (0.0, 0)
    for batch in sequences.batches(epoch: epoch, seed: training.seed, positions: training.positionsPerBatch) {
      guard !isCancelled() else { throw RecommenderError(.cancelled, "training the generator was stopped") }
      do {
        guard let step = try makeStep(batch) else { continue }
        sum += Double(step.event.loss) * Double(step.items)
        items += step.items
        observe(.step(step.event))
      } catch let error as NeuralNetworksError where error.code == .divergedTraining {
        return try diverge(error)
      }
    }
    epoch += 1
    try measure(loss: sum / Double(max(1, items)), observe)
  }

  private mutating func makeStep(
    _ batch: TrainingSequences.Batch
  ) throws -> (event: TrainingEvent, items: Int)? {
    let start = ContinuousClock.now
    let gradients: ParameterGradients
    let (loss, items, loads, work): (Float, Int, [ExpertLoad], Double)
    do {
      let pass = ModelPass(training: state.parameters, precision: training.precision, using: &state.random)
      guard
        let found = network.loss(
          of: batch, sequences, vocabulary, legality: training.legality, dense: dense, in: pass)
      else { return nil }
      (loss, items, loads) = (found.value.scalar, found.items, ExpertLoad.sum(pass.expertLoads))
      work = pass.tape.productOperations
      // Before its gradients, which cost twice as much.
      try monitor.observe(step: state.step + 1, loss: loss)
      gradients = pass.backward(from: found.value)
    }
    let update = try state.update(with: gradients)
    state.parameters.balance(loads, rate: training.expertBalanceRate)
    let duration = (ContinuousClock.now - start) / .seconds(1)
    seconds += duration
    operations += work
    positions += batch.positions
    tokens += items * vocabulary.tokens.levels
    let event = TrainingEvent(
      step: state.step, loss: loss, learningRate: update.learningRate, gradientNorm: update.gradientNorm,
      tokensPerSecond: Double(items * vocabulary.tokens.levels) / max(duration, 1e-9),
      expertImbalance: loads.map(\.imbalance).max(), gigaflopsPerSecond: work / max(duration, 1e-9) / 1e9)
    return (event, items)
  }

  private mutating func diverge(_ error: NeuralNetworksError) throws {
    guard let best else {
      throw RecommenderError(
        .diverged,
        "\(error.message); generator.learningRate is \(training.learningRate) now, and no epoch was finished that could "
          + "be kept")
    }
    stopReason = "\(error.message); the generator of epoch \(best.epoch) is kept"
  }

  private mutating func measure(loss: Double, _ observe: (GeneratorTraining.Progress) -> Void) throws {
    let trained = generator(state.parameters)
    var candidate = trained
    candidate.beamWidth = training.validationBeam
    var measurement = Measurement(epoch: epoch, step: state.step, loss: loss)
    if !validation.isEmpty {
      let answers = try candidate.recommend(validation[...], count: 10, filter: RecommendationFilter())
      let places = zip(validation, answers).map { query, answer in
        answer.firstIndex { $0.item == query.target }.map { $0 + 1 }
      }
      let metrics = RankingMetrics(places: places, cutoffs: [10])[10]
      measurement.validationNDCG = metrics?.ndcg
      measurement.validationRecall = metrics?.recall
    }
    let former = measurements.compactMap(\.validationNDCG).max() ?? -1
    measurements.append(measurement)
    observe(.epoch(measurement))
    if measurement.validationNDCG.map({ $0 > former }) ?? true { best = (trained, epoch) }
  }

  var result: GeneratorTraining.Result {
    GeneratorTraining.Result(
      generator: best?.generator ?? generator(state.parameters), measurements: measurements, epoch: best?.epoch ?? 0,
      steps: state.step, tokensPerSecond: Double(tokens) / max(seconds, 1e-9),
      positionsPerSecond: Double(positions) / max(seconds, 1e-9), productOperations: operations, seconds: seconds,
      sessions: sequences.summary, stopReason: stopReason)
  }
}

extension Generator {
  /// Whether a training of a configuration and codes can begin with it.
  fileprivate func check(begins configuration: GeneratorConfiguration, _ tokens: ItemTokens) throws(RecommenderError) {
    guard configuration == self.configuration else {
      throw RecommenderError(
        .invalidParameter,
        "the generator to start from has another configuration than the training; give both the same, or train anew")
    }
    guard tokens == vocabulary.tokens else {
      throw RecommenderError(
        .invalidParameter,
        "the generator to start from is of other codes (generation \(vocabulary.tokens.generation)) than the training "
          + "(generation \(tokens.generation)); carry it over to these, or train anew")
    }
  }
}
