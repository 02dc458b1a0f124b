public import TensorMath

/// All that a training run carries from step to step; what a checkpoint keeps.
///
///     var state = TrainingState(parameters, schedule: .warmupCosine(peak: 1e-3, warmupSteps: 100, steps: 10_000),
///       random: RandomSource(seed: 1))
///     while state.step < 10_000 {
///       let pass = ModelPass(training: state.parameters, using: &state.random)
///       let loss = model(batch, in: pass)
///       try state.update(with: pass.backward(from: loss))
///     }
public struct TrainingState: Sendable, Equatable {
  public var parameters: ParameterSet
  public var optimizer: AdamW
  public var schedule: LearningRateSchedule
  /// Gradients longer than that are shortened to it; nil for no limit.
  public var maximumNorm: Float?
  /// For everything that training draws: batches, dropout, negatives.
  public var random: RandomSource
  /// Steps done.
  public internal(set) var step: Int

  public init(
    _ parameters: ParameterSet, optimizer: AdamW = AdamW(), schedule: LearningRateSchedule, maximumNorm: Float? = 1,
    random: RandomSource
  ) {
    self.parameters = parameters
    self.optimizer = optimizer
    self.schedule = schedule
    self.maximumNorm = maximumNorm
    self.random = random
    step = 0
  }

  /// What one update did.
  public struct Update: Sendable, Equatable {
    /// Of the gradients before clipping.
    public let gradientNorm: Double
    public let learningRate: Float
  }

  /// One step of the optimizer, clipping and schedule included.
  /// - Parameter norm: of the gradients, where the caller has it already; it reads all of them.
  /// - Throws: ``NeuralNetworksError`` with code `divergedTraining` for gradients that are not finite; the state is then
  ///   unchanged.
  @discardableResult
  public mutating func update(
    with gradients: ParameterGradients, norm known: Double? = nil
  ) throws(NeuralNetworksError) -> Update {
    let norm = known ?? gradients.norm()
    guard norm.isFinite else {
      throw NeuralNetworksError(
        .divergedTraining,
        "the gradients of step \(step) have no finite norm; lower the learning rate or the clipping norm, "
          + "or look at that step's batch")
    }
    let rate = schedule.rate(at: step)
    let factor = maximumNorm.map { ParameterGradients.clippingFactor(norm: norm, limit: $0) } ?? 1
    optimizer.update(&parameters, with: gradients, rate: rate, factor: factor)
    step += 1
    return Update(gradientNorm: norm, learningRate: rate)
  }
}
