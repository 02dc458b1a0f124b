public import BehaviorAlignment
internal import NeuralNetworks
internal import TensorMath

extension Generator {
  /// How surprising what came next is: the mean over queries of −log p(ID of the target), given the history. As in
  /// training, but with nothing dropped and without a dense head's part. Targets without codes are left out.
  /// - Returns: in nats; nil without a target that has codes.
  /// - Throws: ``RecommenderError/Code/cancelled``.
  /// - Complexity: per query one run of the backbone, and of the decoder over as many rows as an ID has codes.
  public func loss(
    on queries: [NextItemQuery], isCancelled: () -> Bool = { false }
  ) throws(RecommenderError) -> Double? {
    let known = queries.filter { vocabulary.knows($0.target) }
    var (sum, count) = (0.0, 0)
    for start in stride(from: 0, to: known.count, by: Self.blockUsers) {
      guard !isCancelled() else { throw RecommenderError(.cancelled, "measuring the generator was stopped") }
      let block = known[start..<min(start + Self.blockUsers, known.count)]
      guard
        let loss = network.loss(
          of: block.map(\.target), behind: readable(block), vocabulary, in: ModelPass(inferring: parameters))
      else { continue }
      sum += Double(loss.value.scalar) * Double(loss.items)
      count += loss.items
    }
    return count > 0 ? sum / Double(count) : nil
  }
}
