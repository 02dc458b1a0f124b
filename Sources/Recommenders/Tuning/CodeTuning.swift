public import BehaviorAlignment
public import NeuralNetworks
public import Quantizers

/// Moves codebooks, and representations where they may move, by the loss of a recommender that stays as it is.
///
/// This is what cached representations lack ("representation unlearning", QARM, arXiv 2411.11739): a gradient from the
/// task. Codes have one by ``ResidualAssignment``'s straight-through estimate, on the side of what was read and of what
/// comes next; terms for commitment, reconstruction, even use and the codes now served keep them in shape. Items are
/// encoded anew by ``CodeRevision``, and nothing ships but through ``TuningGate``.
public struct CodeTuning: Sendable {
  /// What each term counts for; 0 leaves one out.
  public struct Weights: Sendable, Equatable, Codable {
    /// Of the recommender's loss, in nats per item.
    public var recommender: Float = 1
    /// Of Σ_l ‖r_l − sg(c_l)‖².
    public var commitment: Float = 0.25
    /// Of ‖sg(x) − Σ_l c_l‖².
    public var reconstruction: Float = 1
    /// Of Σ_l (ln size − entropy of the batch's mean choice).
    public var evenness: Float = 0.05
    /// Of Σ_l −log p_l(served code): the larger, the fewer items change codes.
    public var anchor: Float = 0.1
    /// Of the contrast between what the recommender knows of a user and the vector of the item that comes next
    /// (``StateContrast``), where representations are trained: they then learn by it, and not by the recommender's own
    /// loss, which is lowest where all items have the same codes. At 0 they learn by that loss.
    public var contrast: Float = 1

    public init() {}
  }

  public struct Parameters: Sendable, Equatable, Codable {
    public var steps = 300
    /// Rows of a batch: one per item that is read, and one for the beginning of each sequence.
    public var positionsPerBatch = 1024
    /// A step of the optimizer moves centroids by about that share of their level's root mean square.
    public var learningRate: Float = 5e-3
    /// Of the parameters of representations, where they are trained.
    public var representationLearningRate: Float = 1e-4
    /// Steps in which the rates rise; behind them they fall along a cosine, to a fiftieth.
    public var warmup = 20
    /// Of the softmax over a level's squared distances, in units of the mean one to the nearest centroid at the start.
    public var temperature: Float = 0.1
    public var weights = Weights()
    /// Whether the recommender drops out as in its training; its loss is noisier so, and rests less on what its prefix
    /// tables remember of single items.
    public var usesDropout = true
    /// Gradients longer than this are shortened to it.
    public var clip: Float = 1
    public var seed: UInt64 = 1
    /// When a run counts as diverged; watched is the sum of all terms.
    public var divergence = TrainingMonitor.Parameters()
    /// Batches that the recommender's loss is measured on before and after, without dropout.
    public var measuredBatches = 8

    public init() {}
  }

  /// What a step came to: the terms before their weights.
  public struct Step: Sendable, Equatable, Codable {
    /// From 1.
    public var step: Int
    /// Weighted.
    public var loss: Float
    /// In nats per item; 0 where its weight is.
    public var recommender: Float
    public var commitment: Float
    public var reconstruction: Float
    public var unevenness: Float
    public var anchor: Float
    /// In nats; 0 where it takes no part.
    public var contrast: Float
    /// The share of the batch's items that would be served with other codes than now.
    public var changed: Double
    public var learningRate: Float
    /// Before clipping.
    public var gradientNorm: Double
  }

  public struct Result: Sendable {
    /// As after the last step; as before the last good one where it diverged.
    public var codebooks: ResidualCodebooks
    /// Of the source of representations, likewise; nil where those are fixed.
    public var representation: ParameterSet?
    public var steps: [Step]
    /// The recommender's loss on some batches of the training window, without dropout, before and after; nats per item.
    public var lossBefore: Double
    public var lossAfter: Double
    /// Why it ended before all steps were made; nil where it did not.
    public var stopReason: String?
  }

  let parameters: Parameters

  public init(parameters: Parameters = Parameters()) throws(RecommenderError) {
    try parameters.validate()
    self.parameters = parameters
  }

  /// - Parameters:
  ///   - generator: of the one-position backbone; none of its parameters changes.
  ///   - codebooks: that its codes came from.
  ///   - representations: a row per item of its table.
  ///   - split: only its training window is learned from.
  ///   - isCancelled: asked before every step.
  ///   - observe: told of every step.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for codebooks, representations or a generator that do not belong
  ///   together or cannot be tuned, ``RecommenderError/Code/nothingToLearn`` without a training event on an item with
  ///   codes, and ``RecommenderError/Code/cancelled``. A run that diverges throws nothing: it returns the last good
  ///   codebooks, which are those given where no step was good.
  /// - Complexity: a step of the recommender's training, and O(items of the batch · Σ sizes · dimensions) beside it.
  public func tune(
    _ generator: Generator, _ codebooks: ResidualCodebooks, representations: any RepresentationSource,
    split: TrainingSplit, isCancelled: () -> Bool = { false }, observe: (Step) -> Void = { _ in }
  ) throws -> Result {
    var run = try CodeTuningRun(parameters, generator, codebooks, representations, split)
    let before = run.measuredLoss()
    try run.makeSteps(isCancelled: isCancelled, observe)
    return Result(
      codebooks: try run.codebooks, representation: run.representation, steps: run.steps, lossBefore: before,
      lossAfter: run.measuredLoss(), stopReason: run.stopReason)
  }
}

extension CodeTuning.Parameters {
  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "tuning: \(expectation)") }
    }
    func checkPositive(_ value: Float, _ name: String) throws(RecommenderError) {
      try check(value > 0 && value.isFinite, "\(name) is \(value), expected a positive number")
    }
    try check((1...1_000_000).contains(steps), "steps is \(steps), expected 1 to 1,000,000")
    try check(
      (1...1 << 20).contains(positionsPerBatch), "positionsPerBatch is \(positionsPerBatch), expected 1 to 1,048,576")
    try checkPositive(learningRate, "learningRate")
    try checkPositive(representationLearningRate, "representationLearningRate")
    try checkPositive(temperature, "temperature")
    try checkPositive(clip, "clip")
    try check(warmup >= 0, "warmup is \(warmup), expected at least 0")
    let named = [
      ("recommender", weights.recommender), ("commitment", weights.commitment),
      ("reconstruction", weights.reconstruction), ("evenness", weights.evenness), ("anchor", weights.anchor),
      ("contrast", weights.contrast),
    ]
    for (name, weight) in named {
      try check(weight >= 0 && weight.isFinite, "weights.\(name) is \(weight), expected at least 0")
    }
    try check(named.contains { $0.1 > 0 }, "all weights are 0; at least one term must count")
    try check(
      divergence.factor > 1 && divergence.patience > 0,
      "divergence is \(divergence), expected a factor above 1 and a patience of at least 1")
    try check(
      (1...1_000_000).contains(measuredBatches), "measuredBatches is \(measuredBatches), expected 1 to 1,000,000")
  }
}
