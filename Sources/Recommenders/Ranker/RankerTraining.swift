internal import NeuralNetworks
public import TensorMath

/// Trains a ``Ranker`` by binary cross-entropy on impressions, in an order drawn anew for every epoch.
public struct RankerTraining: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// Examples a step.
    public var batch = 512
    /// Times that all examples are seen. Rankers of item numbers overfit from the second on.
    public var epochs = 2
    public var learningRate: Float = 2e-3
    /// Steps in which the learning rate rises to that; it falls to a twentieth along a cosine behind them.
    public var warmup = 50
    public var weightDecay: Float = 1e-2
    /// Gradients longer than this are shortened to it.
    public var clip: Float = 1
    /// Steps between measurements on the validation examples.
    public var evaluationInterval = 200
    /// Of the validation examples, at most so many, evenly spread, are measured on.
    public var maximumValidation = 20_000
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
    /// Mean cross-entropy since the measurement before, in nats; nil before the first step.
    public var loss: Double?
    public var validation: RankerMetrics
  }

  public struct Result: Sendable {
    /// As it was at the measurement with the best area under the curve.
    public var ranker: Ranker
    public var measurements: [Measurement]
    public var steps: Int
    /// Examples trained on a second, measurements apart.
    public var examplesPerSecond: Double
    /// Why it ended before all steps were made; nil where it did not.
    public var stopReason: String?
  }

  let configuration: RankerConfiguration
  let parameters: Parameters

  /// - Throws: ``RecommenderError/Code/invalidParameter``.
  public init(
    _ configuration: RankerConfiguration, parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    try configuration.validate()
    try parameters.validate()
    self.configuration = configuration
    self.parameters = parameters
  }

  /// - Parameters:
  ///   - validation: decides which measurement is kept; without examples of both kinds the last is.
  ///   - items: what the configuration's variant needs.
  ///   - isCancelled: asked before every step.
  ///   - observe: told of every measurement.
  /// - Throws: ``RecommenderError/Code/nothingToLearn`` for no example, and where the variant needs what the items lack;
  ///   ``RecommenderError/Code/diverged`` where the loss is no number and no measurement can be gone back to;
  ///   ``RecommenderError/Code/cancelled``.
  /// - Complexity: a step is linear in its examples' histories; memory does not grow with the examples.
  public func train(
    _ training: RankingExamples, validation: RankingExamples, items: RankerItems,
    isCancelled: () -> Bool = { false }, observe: (Measurement) -> Void = { _ in }
  ) throws -> Result {
    var run = try RankerRun(self, training, validation, items)
    var elapsed = Duration.zero
    try run.measure(observe)
    while !run.isFinished {
      guard !isCancelled() else { throw RecommenderError(.cancelled, "training the ranker was stopped") }
      let start = ContinuousClock.now
      try run.makeStep()
      elapsed += ContinuousClock.now - start
      if run.isMeasurementDue { try run.measure(observe) }
    }
    return run.result(seconds: elapsed / .seconds(1))
  }
}

extension RankerTraining.Parameters {
  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "ranker: \(expectation)") }
    }
    try check((1...1 << 20).contains(batch), "batch is \(batch), expected 1 to 1,048,576")
    try check((1...1000).contains(epochs), "epochs is \(epochs), expected 1 to 1000")
    try check(learningRate > 0 && learningRate.isFinite, "learningRate is \(learningRate), expected a positive number")
    try check(warmup >= 0, "warmup is \(warmup), expected at least 0")
    try check(weightDecay >= 0 && weightDecay.isFinite, "weightDecay is \(weightDecay), expected at least 0")
    try check(clip > 0, "clip is \(clip), expected a positive number")
    try check(maximumValidation > 0, "maximumValidation is \(maximumValidation), expected at least 1")
    try check(evaluationInterval > 0 && patience > 0, "evaluationInterval and patience are at least 1")
  }
}
