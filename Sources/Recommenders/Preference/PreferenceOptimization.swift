public import BehaviorAlignment
public import NeuralNetworks
internal import TensorMath

/// Aligns a ``Generator`` with a reward: it goes on learning next items, and in some steps it also learns to prefer what a
/// ``RewardModel`` scores high among what it would recommend itself.
///
/// Every epoch begins with a snapshot of the generator, which finds the candidates and gives the old probabilities. L =
/// L_NTP + λ L_preference, and the format reward's loss where it is asked for. The preference losses are those of the
/// model in use: nothing is dropped out in them.
///
/// The rewards that are learned from say nothing about whether it helped: the model that made them is what was optimized.
/// A second one, the judge, trained on other users, scores the recommendations behind every epoch; NDCG@10 and legality
/// are measured beside it, and ``PreferenceGuard`` ends the run where they fall.
public struct PreferenceOptimization: Sendable {
  /// What an epoch came to.
  public struct Measurement: Sendable, Equatable, Codable {
    /// 0 for the generator as it came.
    public var epoch: Int
    /// Steps so far, and those of them that aligned.
    public var step: Int
    public var preferenceSteps: Int
    /// The mean −log p of a next item's ID, in nats, over the epoch; nil before the first.
    public var loss: Double?
    /// Over the epoch's steps that aligned; nil without one.
    public var preferenceLoss: Double?
    /// Of the format reward, likewise.
    public var formatLoss: Double?
    /// The mean reward of the ten items that are recommended to the validation queries, by the model that is learned from
    /// and by the judge; nil without queries or a judge.
    public var reward: Double?
    public var judgeReward: Double?
    /// The mean reward of the sessions that are written for them (``Generator/generateSessions(_:items:filter:)``),
    /// likewise; nil where sessions have one item.
    public var sessionReward: Double?
    public var sessionJudgeReward: Double?
    /// On the validation queries, as in ``GeneratorTraining/Measurement``.
    public var ndcg: Double?
    public var recall: Double?
    /// As ``Generator/legality(on:draws:sampling:)`` has it.
    public var legality: Double?
    /// The share of the limited items in what is recommended; nil without a limit.
    public var exposure: Double?

    package init(epoch: Int, step: Int, preferenceSteps: Int) {
      (self.epoch, self.step, self.preferenceSteps) = (epoch, step, preferenceSteps)
    }
  }

  /// What an observer is told.
  public enum Progress: Sendable, Equatable {
    case step(TrainingEvent)
    case epoch(Measurement)
  }

  public struct Result: Sendable {
    /// As it was behind the last epoch that the guards let pass; as it came where none did.
    public var generator: Generator
    /// The first before any step.
    public var measurements: [Measurement]
    /// Of the generator; 0 for as it came.
    public var epoch: Int
    public var steps: Int
    /// Why it ended before all epochs were made; nil where it did not.
    public var stopReason: String?
  }

  let parameters: Parameters

  /// - Throws: ``RecommenderError/Code/invalidParameter``.
  public init(_ parameters: Parameters = Parameters()) throws(RecommenderError) {
    try parameters.validate()
    self.parameters = parameters
  }

  /// - Parameters:
  ///   - generator: trained on the split.
  ///   - reward: what is learned from.
  ///   - judge: another model, best of other users; only measured by.
  ///   - split: only its training window is learned from.
  ///   - validation: queries to measure by; without any, nothing but the loss guards the run.
  ///   - checkpoint: a file that the alignment goes on from where it exists, bit for bit as if it had not stopped, and that
  ///     is written after every epoch that the guards let pass.
  ///   - isCancelled: asked before every step.
  ///   - observe: told of every step and every epoch.
  /// - Throws: ``RecommenderError/Code/otherGeneration`` and ``RecommenderError/Code/unreadableModel`` for a checkpoint of
  ///   other codes, models or settings, or damaged, ``RecommenderError/Code/untrustedReward`` for a reward model or a
  ///   judge below the guards' floor,
  ///   ``RecommenderError/Code/invalidParameter`` where the two are one, or of another catalogue, or sessions are longer
  ///   than the generator writes, ``RecommenderError/Code/nothingToLearn`` without a training event on an item with codes,
  ///   and ``RecommenderError/Code/cancelled``. A loss that is no number ends the run; the last good epoch is kept.
  /// - Complexity: an aligning step costs about `users` recommendations of as many items as there are candidates.
  public func optimize(
    _ generator: Generator, reward: RewardModel, judge: RewardModel? = nil, split: TrainingSplit,
    validation: [NextItemQuery], checkpoint: String? = nil, isCancelled: () -> Bool = { false },
    observe: (Progress) -> Void = { _ in }
  ) throws -> Result {
    try check(generator, reward, judge, split)
    var run = try PreferenceRun(parameters, generator, reward, judge, split, validation)
    if let checkpoint { try run.resume(from: checkpoint) }
    try FreedMemory.keeping {
      try run.begin(observe)
      while !run.isFinished {
        try run.makeEpoch(isCancelled, observe)
        if let checkpoint, run.stopReason == nil { try run.write(to: checkpoint) }
      }
    }
    return run.result
  }

  private func check(
    _ generator: Generator, _ reward: RewardModel, _ judge: RewardModel?, _ split: TrainingSplit
  ) throws(RecommenderError) {
    try parameters.guards.check(reward.quality, "reward model")
    if let judge {
      guard judge.fingerprint != reward.fingerprint else {
        throw RecommenderError(
          .invalidParameter,
          "preference: the judge is the reward model itself, which would find its own work good; train another on other "
            + "users")
      }
      try parameters.guards.check(judge.quality, "judge")
    }
    let count = generator.vocabulary.tokens.itemCount
    for (name, items) in [
      ("the reward model", reward.itemCount), ("the judge", judge?.itemCount ?? count),
      ("the log", split.history.itemCount),
    ] where items != count {
      throw RecommenderError(
        .invalidParameter,
        "preference: \(name) is of \(items) items and the generator of \(count); both must be of one catalogue")
    }
    guard (1...generator.configuration.targetItems).contains(parameters.sessionItems) else {
      throw RecommenderError(
        .invalidParameter,
        "preference: sessions of \(parameters.sessionItems) items, and the generator learned to write "
          + "\(generator.configuration.targetItems) one behind another")
    }
  }
}
