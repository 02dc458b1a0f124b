internal import NeuralNetworks
public import TensorMath

/// Trains a ``RewardModel``: Σ of the objectives' binary cross-entropies (OneRec, 2502.18965, equation 9).
public struct RewardTraining: Sendable {
  public struct Parameters: Sendable, Equatable, Codable {
    /// Sessions a step.
    public var batch = 256
    /// Times that all sessions are seen at most.
    public var epochs = 6
    public var learningRate: Float = 2e-3
    /// Steps in which the learning rate rises to that; it falls to a twentieth along a cosine behind them.
    public var warmup = 50
    public var weightDecay: Float = 0.05
    /// Gradients longer than this are shortened to it.
    public var clip: Float = 1
    /// Of the sessions for validation, at most so many, evenly spread, are measured on behind every epoch.
    public var maximumValidation = 20_000
    /// Epochs without a better one before training stops.
    public var patience = 2
    public var seed: UInt64 = 1
    /// How products round their factors.
    public var precision = WeightPrecision.single

    public init() {}
  }

  /// What an epoch came to.
  public struct Measurement: Sendable, Equatable, Codable {
    /// From 1.
    public var epoch: Int
    public var step: Int
    /// Mean over the epoch's steps, in nats.
    public var loss: Double
    /// On the sessions for validation.
    public var validation: RewardQuality
  }

  public struct Result: Sendable {
    /// As it was behind the epoch with the best reward on validation, its quality that on the test sessions.
    public var model: RewardModel
    public var measurements: [Measurement]
    /// Of the model.
    public var epoch: Int
    /// Why it ended before all epochs were made; nil where it did not.
    public var stopReason: String?
  }

  let configuration: RewardConfiguration
  let parameters: Parameters

  /// - Throws: ``RecommenderError/Code/invalidParameter``.
  public init(
    _ configuration: RewardConfiguration = RewardConfiguration(), parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    try configuration.validate()
    try parameters.validate()
    self.configuration = configuration
    self.parameters = parameters
  }

  /// - Parameters:
  ///   - tokens: codes to read items by; needed where the configuration reads them.
  ///   - isCancelled: asked before every step.
  ///   - observe: told of every epoch.
  /// - Throws: ``RecommenderError/Code/nothingToLearn`` for no session, ``RecommenderError/Code/invalidParameter`` where
  ///   codes lack or are of another catalogue, ``RecommenderError/Code/diverged`` where the loss is no number and no epoch
  ///   can be gone back to, and ``RecommenderError/Code/cancelled``.
  public func train(
    _ split: RewardSplit, tokens: ItemTokens? = nil, isCancelled: () -> Bool = { false },
    observe: (Measurement) -> Void = { _ in }
  ) throws -> Result {
    var run = try RewardRun(self, split, configuration.readsCodes ? tokens : nil)
    while !run.isFinished { try run.makeEpoch(isCancelled, observe) }
    return try run.result(split.test)
  }
}

/// One training, epoch by epoch.
private struct RewardRun {
  private let training: RewardTraining.Parameters
  private let configuration: RewardConfiguration
  private let sessions: RewardSessions
  private let validation: RewardSessions
  private let tokens: ItemTokens?
  private let network: RewardNetwork
  private var state: TrainingState
  private var monitor = TrainingMonitor()
  private var epoch = 0
  private var best: (model: RewardModel, score: Double, epoch: Int)?
  private var measurements: [RewardTraining.Measurement] = []
  private var stopReason: String?

  init(_ training: RewardTraining, _ split: RewardSplit, _ tokens: ItemTokens?) throws {
    sessions = split.training
    configuration = training.configuration
    self.training = training.parameters
    self.tokens = tokens
    validation = split.validation.thinned(to: training.parameters.maximumValidation)
    guard sessions.count > 0 else {
      throw RecommenderError(.nothingToLearn, "no session to train a reward model on")
    }
    guard !configuration.readsCodes || tokens?.itemCount == sessions.itemCount else {
      throw RecommenderError(
        .invalidParameter,
        "reward: codes of \(tokens?.itemCount ?? 0) items for sessions of \(sessions.itemCount); give the codes of the "
          + "same catalogue, or set readsCodes to false")
    }
    var random = RandomSource(seed: self.training.seed)
    let scope = ParameterScope(initializingWith: RandomSource(seed: random.next()))
    network = try RewardNetwork(
      scope, configuration, itemCount: sessions.itemCount, objectiveCount: sessions.objectives.count, tokens)
    let rate = self.training.learningRate
    let steps = (sessions.count + self.training.batch - 1) / self.training.batch * self.training.epochs
    state = TrainingState(
      try scope.finish(), optimizer: AdamW(AdamW.Parameters(weightDecay: self.training.weightDecay)),
      schedule: .warmupCosine(peak: rate, warmupSteps: self.training.warmup, steps: steps, floor: rate / 20),
      maximumNorm: self.training.clip, random: random)
  }

  var isFinished: Bool { epoch >= training.epochs || stopReason != nil }

  private func model(_ quality: RewardQuality = .unknown) -> RewardModel {
    RewardModel(
      configuration, sessions.objectives, itemCount: sessions.itemCount, tokens, network, state.parameters,
      quality: quality)
  }

  mutating func makeEpoch(_ isCancelled: () -> Bool, _ observe: (RewardTraining.Measurement) -> Void) throws {
    var random = RandomSource(seed: training.seed, stream: UInt64(epoch))
    let order = Array(0..<sessions.count).shuffled(using: &random)
    var (sum, steps) = (0.0, 0)
    for start in stride(from: 0, to: order.count, by: training.batch) {
      guard !isCancelled() else { throw RecommenderError(.cancelled, "training the reward model was stopped") }
      do {
        guard let loss = try makeStep(order[start..<min(start + training.batch, order.count)]) else { continue }
        sum += Double(loss)
        steps += 1
      } catch let error as NeuralNetworksError where error.code == .divergedTraining {
        return try diverge(error.message)
      }
    }
    epoch += 1
    let trained = model()
    let quality: RewardQuality
    do { quality = try trained.quality(on: validation) } catch { return try diverge(error.message) }
    let measurement = RewardTraining.Measurement(
      epoch: epoch, step: state.step, loss: sum / Double(max(1, steps)), validation: quality)
    measurements.append(measurement)
    observe(measurement)
    // Where nothing can be measured the last epoch is kept.
    if quality.reward.map({ $0 > best?.score ?? -1 }) ?? true {
      best = (trained, quality.reward ?? -1, epoch)
    } else if let best, epoch - best.epoch >= training.patience, epoch < training.epochs {
      stopReason = "no gain on validation sessions in \(epoch - best.epoch) epochs"
    }
  }

  private mutating func makeStep(_ selection: ArraySlice<Int>) throws -> Float? {
    let batch = RewardBatch(sessions, selection, maximumHistory: configuration.maximumHistory)
    let pass = ModelPass(training: state.parameters, precision: training.precision, using: &state.random)
    guard let loss = network(batch, tokens, in: pass).loss(batch.labels, sessions.objectives) else { return nil }
    let value = loss.scalar
    let gradients = pass.backward(from: loss)
    let norm = gradients.norm()
    try monitor.observe(step: state.step + 1, loss: value, gradientNorm: norm)
    try state.update(with: gradients, norm: norm)
    return value
  }

  private mutating func diverge(_ message: String) throws {
    guard let best else {
      throw RecommenderError(
        .diverged, "reward: \(message); learningRate is \(training.learningRate) now")
    }
    stopReason = "\(message): the reward model of epoch \(best.epoch) is kept"
  }

  func result(_ test: RewardSessions) throws -> RewardTraining.Result {
    let kept = best?.model ?? model()
    return RewardTraining.Result(
      model: kept.measured(try kept.quality(on: test)), measurements: measurements, epoch: best?.epoch ?? epoch,
      stopReason: stopReason)
  }
}

extension RewardTraining.Parameters {
  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "reward: \(expectation)") }
    }
    try check((1...1 << 20).contains(batch), "batch is \(batch), expected 1 to 1,048,576")
    try check((1...1000).contains(epochs), "epochs is \(epochs), expected 1 to 1000")
    try check(learningRate > 0 && learningRate.isFinite, "learningRate is \(learningRate), expected a positive number")
    try check(warmup >= 0, "warmup is \(warmup), expected at least 0")
    try check(weightDecay >= 0 && weightDecay.isFinite, "weightDecay is \(weightDecay), expected at least 0")
    try check(clip > 0, "clip is \(clip), expected a positive number")
    try check(maximumValidation > 0, "maximumValidation is \(maximumValidation), expected at least 1")
    try check(patience > 0, "patience is \(patience), expected at least 1")
  }
}
