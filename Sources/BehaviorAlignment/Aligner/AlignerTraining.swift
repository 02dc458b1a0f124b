public import ItemEncoders
internal import NeuralNetworks
public import TensorMath

/// Trains an ``Aligner`` by contrast: of a batch of pairs, each trigger is to find its target among all targets, and
/// each target its trigger.
public struct AlignerTraining: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// Pairs a step; the others' targets are the negatives.
    public var batch = 1024
    public var steps = 2000
    public var learningRate: Float = 1e-3
    /// Of the layers of an encoder that learns too; it rises and falls as the other.
    public var encoderRate: Float = 2e-5
    /// Steps in which the learning rate rises to that; it falls to a fiftieth along a cosine behind them.
    public var warmup = 100
    public var weightDecay: Float = 0.01
    /// Gradients longer than this are shortened to it.
    public var clip: Float = 1
    /// What cosines are divided by.
    public var temperature: Float = 0.07
    /// The probability with which an item's modality counts as missing in a step, though it never loses its last: for
    /// items that come with one.
    public var modalityDropout: Float = 0.15
    /// How far a target's frequency among the pairs is taken out of its score, from 0 to 1.
    public var frequencyCorrection: Float = 0.5
    /// What each source brings.
    public var shares: [PairSource: PairSampler.Share] = [
      .swing: .init(1), .userToItem: .init(1), .nearby: .init(1),
    ]
    /// Steps between measurements on the pairs that are held out from training.
    public var evaluationInterval = 200
    /// Measurements without a better one before training stops.
    public var patience = 4
    public var seed: UInt64 = 1
    /// How products round their factors.
    public var precision = WeightPrecision.single

    public init() {}
  }

  /// A measurement on the way.
  public struct Measurement: Sendable, Equatable, Codable {
    public var step: Int
    /// Mean since the measurement before; nil before the first step.
    public var loss: Double?
    public var validation: PairRecall
  }

  /// What training made.
  public struct Result: Sendable {
    /// As it was at the best measurement.
    public var aligner: Aligner
    /// The encoder that learned with it; nil where none did.
    public var tuned: TunedEncoder?
    public var measurements: [Measurement]
    public var steps: Int
    /// Pairs trained on a second.
    public var pairsPerSecond: Double
    /// Why it ended before all steps were made; nil where it did not.
    public var stopReason: String?
  }

  /// An encoder after training, and what it makes of the items.
  public struct TunedEncoder: Sendable {
    public var weights: TunedTextWeights
    /// In place of the batch of the same name that training was given.
    public var vectors: ModalityBatch
  }

  let parameters: Parameters
  let configuration: AlignerConfiguration

  public init(_ configuration: AlignerConfiguration, parameters: Parameters = Parameters()) throws(AlignmentError) {
    try configuration.validate()
    try parameters.validate()
    self.configuration = configuration
    self.parameters = parameters
  }

  /// - Parameters:
  ///   - modalities: batches of all items. Only those of items in a pair are learned from.
  ///   - pairs: rows of the batches, from the training window only.
  ///   - validation: pairs to decide by when to stop, which are not among `pairs`.
  ///   - encoder: makes the vectors of the modality `text`, from as many texts as the batches have items, and learns with
  ///     the aligner; nil where all encoders stay as they are.
  ///   - checkpoint: a file that training goes on from where it exists, bit for bit as if it had not stopped. It is
  ///     written behind every measurement and when training is cancelled, with what an encoder has learned.
  ///   - isCancelled: asked before every step.
  ///   - didStep: told how many steps are done, behind each.
  ///   - observe: told of every measurement.
  /// - Throws: ``AlignmentError/Code/noPairs`` without pairs, ``AlignmentError/Code/tooFewItems`` where nothing has a
  ///   vector, ``AlignmentError/Code/diverged`` where the loss is no number before the first measurement that could
  ///   be gone back to, ``AlignmentError/Code/unreadableCheckpoint`` for a checkpoint of other data or settings, or
  ///   damaged, and ``AlignmentError/Code/cancelled``.
  /// - Complexity: O(steps · batch · (parameters + batch · dimensions)) time; memory does not grow with the pairs.
  public func train(
    _ modalities: [ModalityBatch], pairs: PairTable, validation: HeldOutPairs, tuning encoder: TextEncoderTuning? = nil,
    checkpoint path: String? = nil, isCancelled: () -> Bool = { false }, didStep: (Int) -> Void = { _ in },
    observe: (Measurement) -> Void = { _ in }
  ) throws -> Result {
    var run = try AlignerRun(self, modalities, pairs, validation, tuning: encoder)
    let checkpoint = path.map { (path: $0, identity: run.identity) }
    if let checkpoint { try run.resume(from: checkpoint.path, identity: checkpoint.identity) }
    let (start, firstStep) = (ContinuousClock.now, run.step)
    try FreedMemory.keeping {
      if !run.isMeasured { try run.measure(observe) }
      while run.step < parameters.steps, run.stopReason == nil {
        guard !isCancelled() else {
          if let checkpoint { try run.write(to: checkpoint.path, identity: checkpoint.identity) }
          throw AlignmentError(.cancelled, "training the aligner was stopped")
        }
        try run.makeStep()
        didStep(run.step)
        guard run.step % parameters.evaluationInterval == 0 || run.step == parameters.steps else { continue }
        try run.measure(observe)
        if let checkpoint, run.stopReason == nil {
          try run.write(to: checkpoint.path, identity: checkpoint.identity)
        }
      }
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return run.result(firstStep: firstStep, seconds: seconds)
  }
}

extension AlignerTraining.Parameters {
  func validate() throws(AlignmentError) {
    func check(_ condition: Bool, _ expectation: String) throws(AlignmentError) {
      guard condition else { throw AlignmentError(.invalidParameter, "align: \(expectation)") }
    }
    try check((2...1 << 20).contains(batch), "batch is \(batch), expected 2 to 1,048,576")
    try check(steps > 0, "steps is \(steps), expected at least 1")
    try check(warmup >= 0, "warmup is \(warmup), expected at least 0")
    try check(learningRate > 0 && learningRate.isFinite, "learningRate is \(learningRate), expected a positive number")
    try check(encoderRate > 0 && encoderRate.isFinite, "encoderRate is \(encoderRate), expected a positive number")
    try check(weightDecay >= 0 && weightDecay.isFinite, "weightDecay is \(weightDecay), expected at least 0")
    try check(clip > 0, "clip is \(clip), expected a positive number")
    try check(temperature >= 0.001 && temperature <= 10, "temperature is \(temperature), expected 0.001 to 10")
    try check((0..<1).contains(modalityDropout), "modalityDropout is \(modalityDropout), expected 0 to below 1")
    try check((0...1).contains(frequencyCorrection), "frequencyCorrection is \(frequencyCorrection), expected 0 to 1")
    try check(evaluationInterval > 0 && patience > 0, "evaluationInterval and patience are at least 1")
  }
}
