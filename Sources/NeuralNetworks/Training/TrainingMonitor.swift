/// One line of a training log.
public struct TrainingEvent: Sendable, Equatable, Codable {
  /// Counted from 1: the steps done.
  public var step: Int
  /// The mean loss of the step, in nats unless the model says otherwise.
  public var loss: Float
  public var learningRate: Float
  /// Of the gradients before clipping.
  public var gradientNorm: Double
  public var tokensPerSecond: Double
  /// The largest share of rows that an expert had over the mean; nil without experts.
  public var expertImbalance: Double?
  /// Of matrix products, in the step and its gradients: ``Tape/productOperations`` over the step's time; nil where they
  /// were not counted.
  public var gigaflopsPerSecond: Double?
  /// That over what the machine's products reach at best in the precision of the training; nil where it was not measured.
  public var peakShare: Double?

  public init(
    step: Int, loss: Float, learningRate: Float, gradientNorm: Double, tokensPerSecond: Double,
    expertImbalance: Double? = nil, gigaflopsPerSecond: Double? = nil, peakShare: Double? = nil
  ) {
    self.step = step
    self.loss = loss
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.tokensPerSecond = tokensPerSecond
    self.expertImbalance = expertImbalance
    self.gigaflopsPerSecond = gigaflopsPerSecond
    self.peakShare = peakShare
  }
}

/// Stops a training run that diverges.
///
/// It stops at once when the loss or the gradients' norm is not finite, and when the loss has been above `factor` times
/// its running minimum for `patience` steps in a row. The minimum is that of positive losses only; a loss that may be
/// zero or negative is watched for finiteness alone.
public struct TrainingMonitor: Sendable, Equatable {
  public struct Parameters: Sendable, Equatable, Codable {
    /// Above 1.
    public var factor: Float
    /// Steps in a row.
    public var patience: Int

    public init(factor: Float = 3, patience: Int = 50) {
      self.factor = factor
      self.patience = patience
    }
  }

  public let parameters: Parameters
  /// The least positive loss so far.
  public private(set) var minimumLoss: Float?
  /// Steps in a row, up to now, with a loss above `factor` times that.
  public private(set) var stepsAbove = 0
  private var checkpoint: (step: Int, path: String)?

  /// - Parameters:
  ///   - minimumLoss: that another monitor had seen where this one goes on; nil at the start.
  ///   - stepsAbove: likewise.
  public init(_ parameters: Parameters = Parameters(), minimumLoss: Float? = nil, stepsAbove: Int = 0) {
    self.minimumLoss = minimumLoss
    self.stepsAbove = stepsAbove
    precondition(parameters.factor > 1 && parameters.patience > 0, "a factor above 1 and at least one step of patience")
    self.parameters = parameters
  }

  public static func == (left: TrainingMonitor, right: TrainingMonitor) -> Bool {
    left.parameters == right.parameters && left.minimumLoss == right.minimumLoss && left.stepsAbove == right.stepsAbove
      && left.checkpoint?.step == right.checkpoint?.step && left.checkpoint?.path == right.checkpoint?.path
  }

  /// Whether a checkpoint of now would be a good one: the loss is not high above its minimum.
  public var isHealthy: Bool { stepsAbove == 0 }

  /// Notes a checkpoint that was written, for the error's message.
  public mutating func noteCheckpoint(step: Int, path: String) { checkpoint = (step, path) }

  /// Looks at one step before its gradients are applied.
  /// - Throws: ``NeuralNetworksError`` with code `divergedTraining`, naming the step and the last good checkpoint.
  public mutating func observe(step: Int, loss: Float, gradientNorm: Double = 0) throws(NeuralNetworksError) {
    guard loss.isFinite, gradientNorm.isFinite else {
      throw stopped(
        "step \(step) has a loss of \(loss) and gradients of norm \(gradientNorm)")
    }
    if let minimumLoss, loss > parameters.factor * minimumLoss {
      stepsAbove += 1
      guard stepsAbove < parameters.patience else {
        throw stopped(
          "at step \(step) the loss of \(loss) has been above \(parameters.factor) times its minimum of \(minimumLoss) "
            + "for \(stepsAbove) steps")
      }
    } else {
      stepsAbove = 0
    }
    if loss > 0 { minimumLoss = min(minimumLoss ?? loss, loss) }
  }

  private func stopped(_ found: String) -> NeuralNetworksError {
    let kept =
      checkpoint.map { "the last good checkpoint, of step \($0.step), is \($0.path)" } ?? "no checkpoint was written"
    return NeuralNetworksError(
      .divergedTraining, "training diverged: \(found); \(kept). Lower the learning rate or lengthen the warm-up")
  }
}
