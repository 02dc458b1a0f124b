internal import NeuralNetworks
internal import RealModule
internal import TensorMath

/// Says how a user will take a session of items, given what the user met before: a probability for each objective and one
/// reward made of them (OneRec, 2502.18965, section 3.3). Made by ``RewardTraining``.
///
/// It knows no user by name. How far it may be trusted is in ``quality``; ``PreferenceGuard`` looks there.
///
/// **Reward.** Without a fused head: Σₓ weightₓ · r̂ₓ / Σₓ weightₓ, the towers' probabilities. With one (the technical
/// report's P-score): its probability. That head reads the user's state, the session's items and the hidden layers of all
/// towers, and is trained on all labels at once, each with its objective's weight, so what it foretells is their weighted
/// mean.
public struct RewardModel: Sendable {
  /// What a model says of one session.
  public struct Score: Sendable, Equatable {
    /// Of each objective, in [0, 1].
    public var probabilities: [Float]
    /// In [0, 1].
    public var reward: Float
  }

  public let configuration: RewardConfiguration
  public let objectives: [RewardObjective]
  /// Rows of the item table.
  public let itemCount: Int
  /// On sessions that it did not learn from.
  public let quality: RewardQuality
  /// A checksum, in hexadecimal, over everything that a score depends on.
  public let fingerprint: String

  let network: RewardNetwork
  let parameters: ParameterSet
  let tokens: ItemTokens?

  init(
    _ configuration: RewardConfiguration, _ objectives: [RewardObjective], itemCount: Int, _ tokens: ItemTokens?,
    _ network: RewardNetwork, _ parameters: ParameterSet, quality: RewardQuality
  ) {
    self.configuration = configuration
    self.objectives = objectives
    self.itemCount = itemCount
    self.tokens = tokens
    self.network = network
    self.parameters = parameters
    self.quality = quality
    fingerprint = Self.fingerprint(configuration, objectives, itemCount, tokens, parameters, quality)
  }

  /// Numbers in all parameters.
  public var parameterCount: Int { parameters.elementCount }

  /// The same model with what was measured of it.
  func measured(_ quality: RewardQuality) -> RewardModel {
    RewardModel(configuration, objectives, itemCount: itemCount, tokens, network, parameters, quality: quality)
  }

  /// Items that go through the network at once, about.
  private static let blockItems = 4096

  /// - Parameters:
  ///   - candidates: by history: sessions of one item or more, rows of the item table.
  ///   - histories: what the user met before, the earliest first; may be empty.
  /// - Returns: by history, a score for each candidate. One's does not depend on the others.
  /// - Throws: ``RecommenderError/Code/unknown`` for an item that the catalogue does not have,
  ///   ``RecommenderError/Code/invalidParameter`` for a session without an item, and ``RecommenderError/Code/diverged``
  ///   for a score that is no number.
  /// - Complexity: O(items · (width² + width · history)); a history is read once for all its candidates.
  public func scores(
    of candidates: [[[UInt32]]], behind histories: [[UInt32]]
  ) throws(RecommenderError) -> [[Score]] {
    precondition(candidates.count == histories.count, "candidates for each history")
    try check(candidates, histories)
    var (scores, start): ([[Score]], Int) = ([], 0)
    while start < histories.count {
      var (end, items) = (start, 0)
      while end < histories.count, end == start || items < Self.blockItems {
        items += candidates[end].reduce(0) { $0 + $1.count } + min(histories[end].count, configuration.maximumHistory)
        end += 1
      }
      let block = Array(candidates[start..<end])
      scores += try self.scores(
        RewardBatch(block, behind: Array(histories[start..<end]), maximumHistory: configuration.maximumHistory),
        counts: block.map(\.count))
      start = end
    }
    return scores
  }

  /// The rewards of single items; as ``scores(of:behind:)``.
  public func rewards(of items: [[UInt32]], behind histories: [[UInt32]]) throws(RecommenderError) -> [[Float]] {
    try scores(of: items.map { $0.map { [$0] } }, behind: histories).map { $0.map(\.reward) }
  }

  private func scores(_ batch: RewardBatch, counts: [Int]) throws(RecommenderError) -> [[Score]] {
    guard batch.count > 0 else { return counts.map { _ in [] } }
    let logits = logits(batch)
    let total = objectives.reduce(0) { $0 + $1.weight }
    var (scores, next): ([[Score]], Int) = ([], 0)
    for count in counts {
      scores.append(
        (next..<next + count).map { session in
          let probabilities = logits.objectives.map { Self.sigmoid($0[session]) }
          let mean = zip(objectives, probabilities).reduce(0) { $0 + $1.0.weight * $1.1 } / total
          return Score(
            probabilities: probabilities, reward: logits.fused.map { Self.sigmoid($0[session]) } ?? mean)
        })
      next += count
    }
    guard scores.allSatisfy({ $0.allSatisfy { $0.reward.isFinite } }) else {
      throw RecommenderError(
        .diverged, "a reward is no number; train the reward model anew with a lower learning rate")
    }
    return scores
  }

  /// By objective, and of the fused head: of each session.
  func logits(_ batch: RewardBatch) -> (objectives: [ContiguousArray<Float>], fused: ContiguousArray<Float>?) {
    let output = network(batch, tokens, in: ModelPass(inferring: parameters))
    return (output.objectives.map(\.value.elements), output.fused?.value.elements)
  }

  private func check(_ candidates: [[[UInt32]]], _ histories: [[UInt32]]) throws(RecommenderError) {
    func isKnown(_ item: UInt32) -> Bool { Int(item) < itemCount }
    guard candidates.allSatisfy({ $0.allSatisfy { $0.allSatisfy(isKnown) } }),
      histories.allSatisfy({ $0.allSatisfy(isKnown) })
    else {
      throw RecommenderError(
        .unknown, "an item beyond the \(itemCount) that the reward model was trained on; train it on this catalogue")
    }
    guard candidates.allSatisfy({ $0.allSatisfy { !$0.isEmpty } }) else {
      throw RecommenderError(.invalidParameter, "a session without an item has no reward")
    }
  }

  static func sigmoid(_ logit: Float) -> Float { 1 / (1 + Float.exp(-logit)) }
}
