public import BehaviorAlignment
public import NeuralNetworks
public import TensorMath

/// Trains a ``Generator`` to write the next item's codes: at all positions of all users' sequences at once, or, with an
/// encoder-decoder, at some places of them in each epoch.
public struct GeneratorTraining: Sendable {
  public struct Parameters: Sendable, Equatable, Codable {
    /// Over all training sequences.
    public var epochs = 12
    /// Rows of a batch: one per item that is read, and one for the beginning of each sequence.
    public var positionsPerBatch = 1024
    public var learningRate: Float = 2e-3
    /// Steps in which the learning rate rises to that; behind them it falls along a cosine, to a fiftieth at the end.
    public var warmup = 200
    /// Of running means of gradients and of their squares.
    public var beta1: Float = 0.9
    public var beta2: Float = 0.98
    /// Of matrices and tables, not of biases and norms.
    public var weightDecay: Float = 0.05
    /// Gradients longer than this are shortened to it.
    public var clip: Float = 1
    public var seed: UInt64 = 1
    /// Of an encoder-decoder: places in each user's sequence that an epoch draws, all of them where there are no more; each
    /// is an example, the items before it read and those from it on to be written.
    public var cutsPerSequence = 3
    /// Of an encoder-decoder: what it learns to write are the sessions of users, ``cutsPerSequence`` of each user's in an
    /// epoch, from the first item on; nil for the next items behind places anywhere, as in a log without times.
    public var sessions: SessionRules?
    /// Of a mixture of experts: what a step moves an expert's bias by (``ParameterSet/balance(_:rate:)``); 0 for never.
    public var expertBalanceRate: Float = 0.001
    /// What the loss's softmaxes over codes run over. Validation, and whatever recommends, is constrained in any case.
    public var legality = CodeLegality.constrained
    /// How products round their factors.
    public var precision = WeightPrecision.single
    /// Of the dense head's loss next to the generation's; for a configuration that has the head.
    public var denseWeight: Float = 0.5
    /// Random items of a step that the head tells the targets from, besides the targets of others.
    public var denseNegatives = 2048
    /// When a run counts as diverged.
    public var divergence = TrainingMonitor.Parameters()
    /// Of the queries for validation, at most that many are asked after an epoch, evenly taken from all.
    public var validationQueries = 4096
    /// Prefixes that are held per user then.
    public var validationBeam = 20

    public init() {}
  }

  /// What an epoch came to.
  public struct Measurement: Sendable, Equatable, Codable {
    /// From 1.
    public var epoch: Int
    /// Steps so far.
    public var step: Int
    /// The mean −log p of a next item's ID, in nats, plus the dense head's weighted loss where there is one.
    public var loss: Double
    /// NDCG@10 as ``RankingMetrics`` has it, seen items kept; nil without queries for validation.
    public var validationNDCG: Double?
    /// Recall@10, likewise.
    public var validationRecall: Double?
  }

  /// What an observer is told.
  public enum Progress: Sendable, Equatable {
    /// Before the first step: how many there are in all epochs, those of a checkpoint's among them.
    case started(steps: Int)
    case step(TrainingEvent)
    case epoch(Measurement)
  }

  /// What training made.
  public struct Result: Sendable {
    /// As it was after the epoch with the best NDCG@10; after the last one where nothing was validated.
    public var generator: Generator
    public var measurements: [Measurement]
    /// Of the generator; 0 where no epoch was finished.
    public var epoch: Int
    public var steps: Int
    /// Codes predicted a second in steps that this call made, validation not counted.
    public var tokensPerSecond: Double
    /// Items read a second, likewise.
    public var positionsPerSecond: Double
    /// Floating-point operations of those steps' matrix products, gradients included: ``Tape/productOperations``.
    public var productOperations: Double
    /// That those steps took.
    public var seconds: Double
    /// What became of the sessions of the training window; nil where training was not asked to learn sessions.
    public var sessions: SessionSummary?
    /// Why it ended before all epochs were made; nil where it did not.
    public var stopReason: String?
  }

  let parameters: Parameters
  let configuration: GeneratorConfiguration

  public init(
    _ configuration: GeneratorConfiguration = GeneratorConfiguration(), parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    try configuration.validate()
    try parameters.validate()
    if parameters.sessions != nil, configuration.backbone == .onePosition {
      throw RecommenderError(
        .invalidParameter,
        "generator: sessions are the encoder-decoder's; choose that as the backbone or leave them out")
    }
    self.configuration = configuration
    self.parameters = parameters
  }

  /// - Parameters:
  ///   - tokens: the codes of all items. Events on items without codes are left out.
  ///   - split: only its training window is learned from.
  ///   - validation: queries to choose the best epoch by.
  ///   - start: a generator of this configuration and these codes whose parameters training begins with, instead of
  ///     random ones; the learning rate begins anew, with its warm-up, and so does the optimizer. ``Generator/carried(to:)``
  ///     makes one of a generator of other codes.
  ///   - checkpoint: a file that training goes on from where it exists, bit for bit as if it had not stopped, and that is
  ///     written after every epoch; the best epoch's generator is kept beside it, with `.best` behind its name.
  ///   - isCancelled: asked before every step.
  ///   - observe: told of every step and every epoch.
  /// - Throws: ``RecommenderError/Code/nothingToLearn`` without a training event on an item with codes, or where the rules
  ///   of sessions leave none,
  ///   ``RecommenderError/Code/invalidParameter`` for a start of another configuration or other codes,
  ///   ``RecommenderError/Code/otherGeneration`` and ``RecommenderError/Code/unreadableModel`` for a checkpoint of other
  ///   codes, settings or damage, ``RecommenderError/Code/diverged`` where the loss is no number, or grows out of bounds,
  ///   before the first epoch is over, and ``RecommenderError/Code/cancelled``.
  /// - Complexity: O(epochs · events · (width · hidden + width · codes)) time.
  public func train(
    _ tokens: ItemTokens, split: TrainingSplit, validation: [NextItemQuery] = [], startingFrom start: Generator? = nil,
    checkpoint: String? = nil, isCancelled: () -> Bool = { false }, observe: (Progress) -> Void = { _ in }
  ) throws -> Result {
    var run = try GeneratorRun(self, tokens, split, validation, start)
    if let checkpoint { try run.resume(from: checkpoint) }
    observe(.started(steps: run.plannedSteps))
    try FreedMemory.keeping {
      while run.epoch < parameters.epochs, run.stopReason == nil {
        try run.makeEpoch(isCancelled: isCancelled, observe)
        if let checkpoint, run.stopReason == nil { try run.write(to: checkpoint) }
      }
    }
    return run.result
  }
}

extension GeneratorTraining.Parameters {
  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "generator: \(expectation)") }
    }
    try check((1...100_000).contains(epochs), "epochs is \(epochs), expected 1 to 100,000")
    try check(
      (1...1 << 20).contains(positionsPerBatch), "positionsPerBatch is \(positionsPerBatch), expected 1 to 1,048,576")
    try check(learningRate > 0 && learningRate.isFinite, "learningRate is \(learningRate), expected a positive number")
    try check(warmup >= 0, "warmup is \(warmup), expected at least 0")
    try check((0..<1).contains(beta1), "beta1 is \(beta1), expected at least 0 and below 1")
    try check((0..<1).contains(beta2), "beta2 is \(beta2), expected at least 0 and below 1")
    try check(weightDecay >= 0 && weightDecay.isFinite, "weightDecay is \(weightDecay), expected at least 0")
    try check(clip > 0 && clip.isFinite, "clip is \(clip), expected a positive number")
    try check(denseWeight >= 0 && denseWeight.isFinite, "denseWeight is \(denseWeight), expected at least 0")
    try check(
      (0...1 << 20).contains(denseNegatives), "denseNegatives is \(denseNegatives), expected 0 to 1,048,576")
    try check((1...65_536).contains(cutsPerSequence), "cutsPerSequence is \(cutsPerSequence), expected 1 to 65,536")
    try sessions?.validate()
    try check(
      expertBalanceRate >= 0 && expertBalanceRate.isFinite,
      "expertBalanceRate is \(expertBalanceRate), expected at least 0")
    try check(
      divergence.factor > 1 && divergence.patience > 0,
      "divergence is \(divergence), expected a factor above 1 and a patience of at least 1")
    try check(validationQueries > 0, "validationQueries is \(validationQueries), expected at least 1")
    try check(validationBeam > 0, "validationBeam is \(validationBeam), expected at least 1")
  }
}
