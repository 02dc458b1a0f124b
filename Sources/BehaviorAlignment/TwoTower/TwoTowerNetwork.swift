package import NeuralNetworks
package import TensorMath

/// The layers of a ``TwoTowerModel``.
///
/// Parameters: `items.weight` (`items × width`), with attention `recency.weight` (`maximumHistory × width`), `query.*`
/// and `key.*` (`width × width`), and of the perceptron `norm.*`, `up.*` (`hidden × 2 width`), `down.*`.
package struct TwoTowerNetwork: Sendable {
  private struct AttentionPooling: Sendable {
    let recency: Embedding
    let query: Linear
    let key: Linear
  }

  let items: Embedding
  private let attention: AttentionPooling?
  private let norm: LayerNorm
  private let up: Linear
  private let down: Linear
  private let dropout: Dropout

  package init(
    _ scope: ParameterScope, _ configuration: TwoTowerModel.Configuration, itemCount: Int
  ) throws(NeuralNetworksError) {
    let width = configuration.width
    items = try Embedding(
      scope["items"], count: itemCount, width: width, initializer: .normal(deviation: Self.itemDeviation))
    if configuration.pooling == .attention {
      attention = AttentionPooling(
        recency: try Embedding(scope["recency"], count: configuration.maximumHistory, width: width),
        query: try Linear(scope["query"], inputs: width, outputs: width),
        key: try Linear(scope["key"], inputs: width, outputs: width))
    } else {
      attention = nil
    }
    norm = try LayerNorm(scope["norm"], width: 2 * width)
    up = try Linear(scope["up"], inputs: 2 * width, outputs: configuration.hidden)
    // Small: a user starts as the mean of what they met, which is what makes items of the same users alike.
    down = try Linear(
      scope["down"], inputs: configuration.hidden, outputs: width, initializer: .normal(deviation: 0.02))
    dropout = Dropout(rate: configuration.dropout)
  }

  /// Vectors are compared by direction alone; the shorter they start, the faster a step turns them.
  private static let itemDeviation: Float = 0.05

  /// The item tower.
  /// - Parameter numbers: of items.
  /// - Returns: `numbers × width`, unit-length rows.
  package func itemVectors(_ numbers: ContiguousArray<Int32>, in pass: ModelPass) -> Variable {
    items(numbers, in: pass).unitRows()
  }

  /// The user tower.
  /// - Parameters:
  ///   - histories: numbers of items, the earliest first, one history behind the other; none empty.
  ///   - offsets: where histories begin, and behind the last the number of items.
  /// - Returns: `histories × width`, unit-length rows.
  package func userVectors(
    _ histories: ContiguousArray<Int32>, offsets: [Int], in pass: ModelPass
  ) -> Variable {
    let met = itemVectors(histories, in: pass)
    let latest = met.selectingRows(ContiguousArray(offsets.dropFirst().map { Int32($0 - 1) }))
    let pooled = pooling(met, latest, offsets: offsets, in: pass)
    let x = dropout(norm(Variable.concatenatingColumns([pooled, latest]), in: pass), in: pass)
    let change = down(dropout(up(x, activation: .gelu, in: pass), in: pass), in: pass)
    return (pooled + change).unitRows()
  }

  private func pooling(_ met: Variable, _ latest: Variable, offsets: [Int], in pass: ModelPass) -> Variable {
    guard let attention else { return met.segmentMeans(offsets) }
    let lengths = zip(offsets, offsets.dropFirst())
    let ages = ContiguousArray(lengths.flatMap { start, end in (0..<end - start).reversed().map { Int32($0) } })
    let keys = attention.key(met + attention.recency(ages, in: pass), in: pass)
    let layout = AttentionLayout(
      segments: lengths.enumerated().map { .init(queries: $0..<$0 + 1, keys: $1.0..<$1.1) })
    return attention.query(latest, in: pass).attending(to: keys, values: met, heads: 1, layout: layout)
  }

  /// The sampled softmax of each history's target among all candidates, as InfoNCE.
  /// - Returns: `1 × 1`, the mean in nats.
  package func loss(of batch: TwoTowerBatch, temperature: Float, in pass: ModelPass) -> Variable {
    userVectors(batch.histories, offsets: batch.offsets, in: pass).contrastiveLoss(
      with: itemVectors(batch.candidates, in: pass),
      ContrastiveOptions(
        temperature: temperature, offsets: batch.corrections, hidden: batch.hidden, isSymmetric: false))
  }
}
