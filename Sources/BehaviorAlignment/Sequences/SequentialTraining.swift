internal import NeuralNetworks
internal import RealModule
public import TensorMath

/// Trains a ``SequentialModel`` at all positions of the users' sequences at once.
public struct SequentialTraining: Sendable {
  public struct Parameters: Sendable, Equatable {
    public var learningRate: Float = 1e-3
    /// Steps in which the learning rate rises to that; it falls to a fiftieth along a cosine behind them.
    public var warmup = 100
    public var weightDecay: Float = 0.01
    /// Gradients longer than this are shortened to it.
    public var clip: Float = 1
    public var epochs = 12
    /// Events that a step learns from.
    public var positionsPerBatch = 1024
    /// Epochs without a better measurement before training stops.
    public var patience = 3
    /// Validation queries that are looked at, evenly spread.
    public var validationLimit = 5000
    /// Items that are known, the most frequent: the softmax is over all of them, and takes 4 kB of memory for each.
    public var itemLimit = 100_000
    public var seed: UInt64 = 1
    /// How products round their factors.
    public var precision = WeightPrecision.single

    public init() {}
  }

  /// A measurement on the way.
  public struct Measurement: Sendable, Equatable, Codable {
    public var epoch: Int
    /// Mean over the epoch, in nats.
    public var loss: Double
    /// Of the held-out next items among all known ones; an unknown one counts as not found.
    public var recall: Double
    public var gain: Double
  }

  /// What training made.
  public struct Result: Sendable {
    /// As it was at the best measurement, or the last where there are no queries to measure on.
    public var model: SequentialModel
    public var measurements: [Measurement]
    public var positionsPerSecond: Double
    /// Why it ended before all epochs were made; nil where it did not.
    public var stopReason: String?
  }

  let configuration: SequentialModel.Configuration
  let parameters: Parameters

  public init(
    _ configuration: SequentialModel.Configuration, parameters: Parameters = Parameters()
  ) throws(AlignmentError) {
    try configuration.validate()
    try parameters.validate()
    self.configuration = configuration
    self.parameters = parameters
  }

  /// - Parameters:
  ///   - split: only its training window is learned from.
  ///   - validation: queries to keep the best epoch by.
  ///   - checkpoint: a file that training goes on from where it exists, bit for bit as if it had not stopped, and that is
  ///     written after every epoch.
  ///   - isCancelled: asked before every step.
  ///   - observe: told of every measurement.
  /// - Throws: ``AlignmentError/Code/noInteractions`` where no user has two events in the training window,
  ///   ``AlignmentError/Code/diverged`` where the loss is no number in the first epoch,
  ///   ``AlignmentError/Code/unreadableCheckpoint`` for a checkpoint of other data or settings, or damaged, and
  ///   ``AlignmentError/Code/cancelled``.
  /// - Complexity: O(epochs · events · (parameters + items · width)) time.
  public func train(
    _ split: TrainingSplit, validation: [NextItemQuery], checkpoint path: String? = nil,
    isCancelled: () -> Bool = { false }, observe: (Measurement) -> Void = { _ in }
  ) throws -> Result {
    var run = try SequentialRun(configuration, parameters, split, validation)
    let checkpoint = path.map { (path: $0, identity: run.identity) }
    if let checkpoint { try run.resume(from: checkpoint.path, identity: checkpoint.identity) }
    let (start, formerPositions) = (ContinuousClock.now, run.progress.positions)
    try FreedMemory.keeping {
      while run.epoch < parameters.epochs, run.stopReason == nil {
        try run.makeEpoch(isCancelled)
        if let measurement = run.progress.measurements.last { observe(measurement) }
        if let checkpoint, run.stopReason == nil {
          try run.write(to: checkpoint.path, identity: checkpoint.identity)
        }
      }
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return Result(
      model: run.bestModel, measurements: run.progress.measurements,
      positionsPerSecond: Double(run.progress.positions - formerPositions) / max(seconds, 1e-9),
      stopReason: run.stopReason)
  }
}

extension SequentialModel.Configuration {
  func validate() throws(AlignmentError) {
    func check(_ condition: Bool, _ expectation: String) throws(AlignmentError) {
      guard condition else { throw AlignmentError(.invalidParameter, "behavior: \(expectation)") }
    }
    try check((1...4096).contains(width), "width is \(width), expected 1 to 4,096")
    try check((0...64).contains(layers), "layers is \(layers), expected 0 to 64")
    try check(heads > 0 && width % heads == 0, "heads is \(heads), expected a divisor of width, \(width)")
    try check((1...65_536).contains(hidden), "hidden is \(hidden), expected 1 to 65,536")
    try check((0..<1).contains(dropout), "dropout is \(dropout), expected 0 to below 1")
    try check((1...4096).contains(maximumHistory), "maximumHistory is \(maximumHistory), expected 1 to 4,096")
  }
}

extension SequentialTraining.Parameters {
  func validate() throws(AlignmentError) {
    func check(_ condition: Bool, _ expectation: String) throws(AlignmentError) {
      guard condition else { throw AlignmentError(.invalidParameter, "behavior: \(expectation)") }
    }
    try check(learningRate > 0 && learningRate.isFinite, "learningRate is \(learningRate), expected a positive number")
    try check(warmup >= 0, "warmup is \(warmup), expected at least 0")
    try check(weightDecay >= 0 && weightDecay.isFinite, "weightDecay is \(weightDecay), expected at least 0")
    try check(clip > 0, "clip is \(clip), expected a positive number")
    try check((1...10_000).contains(epochs), "epochs is \(epochs), expected 1 to 10,000")
    try check(
      (1...1 << 20).contains(positionsPerBatch), "positionsPerBatch is \(positionsPerBatch), expected 1 to 1,048,576")
    try check(patience > 0, "patience is \(patience), expected at least 1")
    try check(validationLimit >= 0, "validationLimit is \(validationLimit), expected at least 0")
    try check(itemLimit > 0, "itemLimit is \(itemLimit), expected at least 1")
  }
}
