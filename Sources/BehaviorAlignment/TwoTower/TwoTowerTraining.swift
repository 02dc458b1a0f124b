public import NeuralNetworks
public import TensorMath

/// Trains a ``TwoTowerModel``: of a batch of histories, each is to find the item that came behind it among all those that
/// came behind any, and among items that are drawn uniformly.
///
/// Items that the batch is likely to hold are not pushed away for it (log-q correction; Yi et al., 2019, equation 4), the
/// uniform ones reach items that are rarely anyone's target (mixed negative sampling; Yang et al., 2020), and no item
/// that a user met in the training window is a negative of the user.
public struct TwoTowerTraining: Sendable {
  public struct Parameters: Sendable, Equatable, Codable {
    public var learningRate: Float = 1e-3
    /// Steps in which the learning rate rises to that; it falls to a fiftieth along a cosine behind them.
    public var warmup = 100
    public var weightDecay: Float = 0.01
    /// Gradients longer than this are shortened to it.
    public var clip: Float = 1
    public var epochs = 12
    /// Events that a step learns from; the others' items are the negatives of each.
    public var positionsPerBatch = 1024
    /// Items drawn uniformly as further negatives of a step.
    public var negatives = 1024
    /// What cosines are divided by.
    public var temperature: Float = 0.07
    /// How far an item's frequency among the negatives is taken out of its score, from 0 to 1.
    public var frequencyCorrection: Float = 1
    /// Epochs without a better measurement before training stops.
    public var patience = 3
    /// Users at most whose last training event is left out to measure on; no more than one in ten.
    public var validationLimit = 2000
    /// Items that are known, the most frequent.
    public var itemLimit = 100_000
    public var seed: UInt64 = 1
    /// How products round their factors.
    public var precision = WeightPrecision.single
    /// When a loss counts as diverging.
    public var divergence = TrainingMonitor.Parameters()

    public init() {}
  }

  /// On the events of the training window that were left out.
  public typealias Measurement = SequentialTraining.Measurement

  /// What training made.
  public struct Result: Sendable {
    /// As it was at the best measurement, or the last where there is nothing to measure on.
    public var model: TwoTowerModel
    public var measurements: [Measurement]
    /// Since training began or went on.
    public var positionsPerSecond: Double
    /// Why it ended before all epochs were made; nil where it did not.
    public var stopReason: String?
  }

  let configuration: TwoTowerModel.Configuration
  let parameters: Parameters

  public init(
    _ configuration: TwoTowerModel.Configuration, parameters: Parameters = Parameters()
  ) throws(AlignmentError) {
    try configuration.validate()
    try parameters.validate()
    self.configuration = configuration
    self.parameters = parameters
  }

  /// - Parameters:
  ///   - split: only its training window is looked at, to choose the best epoch too.
  ///   - checkpoint: a file that training goes on from where it exists, bit for bit as if it had not stopped, and that is
  ///     written after every epoch; the best epoch's model is kept beside it, with `.best` behind its name.
  ///   - isCancelled: asked before every step.
  ///   - observe: told of every measurement.
  /// - Throws: ``AlignmentError/Code/noInteractions`` where no user has two known items in the training window,
  ///   ``AlignmentError/Code/diverged`` where the loss is no number or grows out of bounds in the first epoch,
  ///   ``AlignmentError/Code/unreadableCheckpoint`` for a checkpoint of other events, settings or damage, and
  ///   ``AlignmentError/Code/cancelled``.
  /// - Complexity: O(epochs · events · width · (history · width + batch + negatives)) time.
  public func train(
    _ split: TrainingSplit, checkpoint: String? = nil, isCancelled: () -> Bool = { false },
    observe: (Measurement) -> Void = { _ in }
  ) throws -> Result {
    var run = try TwoTowerRun(configuration, parameters, split)
    if let checkpoint { try run.resume(from: checkpoint) }
    let start = ContinuousClock.now
    try FreedMemory.keeping {
      while run.epoch < parameters.epochs, run.stopReason == nil {
        try run.makeEpoch(isCancelled)
        if let checkpoint, !run.isDiverged { try run.write(to: checkpoint) }
        if let measurement = run.measurements.last { observe(measurement) }
      }
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return Result(
      model: run.best?.model ?? run.model, measurements: run.measurements,
      positionsPerSecond: Double(run.positions) / max(seconds, 1e-9), stopReason: run.stopReason)
  }
}

extension TwoTowerTraining.Parameters {
  func validate() throws(AlignmentError) {
    func check(_ condition: Bool, _ expectation: String) throws(AlignmentError) {
      guard condition else { throw AlignmentError(.invalidParameter, "two-tower: \(expectation)") }
    }
    try check(learningRate > 0 && learningRate.isFinite, "learningRate is \(learningRate), expected a positive number")
    try check(warmup >= 0, "warmup is \(warmup), expected at least 0")
    try check(weightDecay >= 0 && weightDecay.isFinite, "weightDecay is \(weightDecay), expected at least 0")
    try check(clip > 0 && clip.isFinite, "clip is \(clip), expected a positive number")
    try check((1...10_000).contains(epochs), "epochs is \(epochs), expected 1 to 10,000")
    try check(
      (1...1 << 20).contains(positionsPerBatch), "positionsPerBatch is \(positionsPerBatch), expected 1 to 1,048,576")
    try check((0...65_536).contains(negatives), "negatives is \(negatives), expected 0 to 65,536")
    try check(
      positionsPerBatch + negatives > 1, "a batch of one event without drawn negatives has nothing to be told from")
    try check(temperature >= 0.001 && temperature <= 10, "temperature is \(temperature), expected 0.001 to 10")
    try check((0...1).contains(frequencyCorrection), "frequencyCorrection is \(frequencyCorrection), expected 0 to 1")
    try check(patience > 0, "patience is \(patience), expected at least 1")
    try check(validationLimit >= 0, "validationLimit is \(validationLimit), expected at least 0")
    try check(itemLimit > 0, "itemLimit is \(itemLimit), expected at least 1")
    try check(
      divergence.factor > 1 && divergence.patience > 0,
      "divergence is \(divergence), expected a factor above 1 and a patience of at least 1")
  }
}
