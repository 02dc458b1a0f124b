package import NeuralNetworks
package import TensorMath

/// How well the recommender's states tell the vectors of the items that come next, by contrast with those that come next
/// elsewhere in the batch: InfoNCE between a learned projection of the state and the item's vector, which ETEGRec
/// (arXiv 2409.05546, section 3.3.2) calls preference-semantic alignment.
///
/// Codes pass on little of what the recommender knows: an item's gradient arrives through the few centroids near it, and
/// most of it is about which of them is popular. States are compared with the vectors themselves here, so whatever makes
/// vectors hears where in use an item belongs. Negatives are as frequent as items are, so that popularity, which codes are
/// not to spell out, cancels.
package struct StateContrast {
  /// Of the projection, which begins at nothing and must be there before its gradients mean something to vectors.
  package static let projectionRate: Float = 3e-3

  package let projection: Linear

  package init(_ scope: ParameterScope, width: Int, dimensions: Int) throws(NeuralNetworksError) {
    projection = try Linear(
      scope["projection"], inputs: width, outputs: dimensions, hasBias: false, initializer: .zeros)
  }

  /// - Parameters:
  ///   - states: one row for each of the batch.
  ///   - next: for each row the item behind it; -1 for none.
  ///   - vectors: of `items`, in their order.
  ///   - pass: of the projection's parameters.
  /// - Returns: `1 × 1`, in nats; nil with less than two items to tell apart.
  /// - Complexity: O(n²) memory for n rows with an item behind them.
  package func loss(
    _ states: Variable, _ batch: SequenceBatch, next: ContiguousArray<Int32>, _ items: TuningItems,
    vectors: Variable, in pass: ModelPass
  ) -> Variable? {
    var (rows, sequences): (ContiguousArray<Int32>, [Int]) = ([], [])
    for (sequence, ends) in zip(batch.offsets, batch.offsets.dropFirst()).enumerated() {
      for row in ends.0..<ends.1 where next[Int(row)] >= 0 {
        rows.append(Int32(row))
        sequences.append(sequence)
      }
    }
    let targets = ContiguousArray(rows.lazy.map { next[Int($0)] })
    guard Set(targets).count > 1 else { return nil }
    let options = ContrastiveOptions(temperature: 1, hidden: Self.hidden(targets, sequences), isSymmetric: false)
    return projection(states.selectingRows(rows), in: pass).contrastiveLoss(
      with: vectors.selectingRows(items.places(of: targets)), options)
  }

  /// For each row those that are no negatives of it: of the same item, or of what the same user takes up elsewhere.
  private static func hidden(_ targets: ContiguousArray<Int32>, _ sequences: [Int]) -> [[Int32]] {
    var (byItem, bySequence): ([Int32: [Int32]], [Int: Set<Int32>]) = ([:], [:])
    for (row, item) in targets.enumerated() {
      byItem[item, default: []].append(Int32(row))
      bySequence[sequences[row], default: []].insert(item)
    }
    return sequences.map { sequence in (bySequence[sequence] ?? []).sorted().flatMap { byItem[$0] ?? [] } }
  }
}
