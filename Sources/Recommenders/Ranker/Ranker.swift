internal import NeuralNetworks
internal import TensorMath

/// Says how likely a user likes an item, given what the user liked before: a target-attention model over item numbers and
/// what codes or vectors add to them. QARM's consumer (2411.11739). Made by ``RankerTraining``.
///
/// It knows no user by name: two users with one history are one. New users are ranked for as others are.
public struct Ranker: Sendable {
  public let configuration: RankerConfiguration
  let network: RankerNetwork
  let parameters: ParameterSet
  let items: RankerItems

  /// Numbers in all parameters.
  public var parameterCount: Int { parameters.elementCount }

  /// Examples that go through the network at once.
  private static let blockSize = 1024

  /// The logits of examples: the larger, the likelier a like. An example's depends on no other.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for examples of another catalogue,
  ///   ``RecommenderError/Code/diverged`` for a logit that is no number, and ``RecommenderError/Code/cancelled``.
  public func logits(
    of examples: RankingExamples, isCancelled: () -> Bool = { false }
  ) throws(RecommenderError) -> ContiguousArray<Float> {
    guard examples.itemCount == items.itemCount else {
      throw RecommenderError(
        .invalidParameter, "examples of \(examples.itemCount) items for a ranker of \(items.itemCount)")
    }
    var logits = ContiguousArray<Float>()
    logits.reserveCapacity(examples.count)
    for start in stride(from: 0, to: examples.count, by: Self.blockSize) {
      guard !isCancelled() else { throw RecommenderError(.cancelled, "ranking was stopped") }
      let batch = RankerBatch(
        examples, start..<min(start + Self.blockSize, examples.count), configuration, items)
      logits += network(batch, items, in: ModelPass(inferring: parameters)).logits.value.elements
    }
    guard let bad = logits.firstIndex(where: { !$0.isFinite }) else { return logits }
    throw RecommenderError(
      .diverged, "the ranker's logit of example \(bad) is \(logits[bad]); train it anew with a lower learning rate")
  }
}
