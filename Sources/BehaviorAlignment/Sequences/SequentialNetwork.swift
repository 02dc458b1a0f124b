internal import NeuralNetworks
internal import TensorMath

/// The layers of a ``SequentialModel``: one table of item vectors for both ends, positions, and causal blocks.
struct SequentialNetwork: Sendable {
  private let dropout: Dropout
  let items: Embedding
  private let positions: Embedding
  private let inputNorm: Normalization
  private let blocks: [TransformerBlock]
  private let outputNorm: Normalization

  init(
    _ scope: ParameterScope, _ configuration: SequentialModel.Configuration, itemCount: Int
  ) throws(NeuralNetworksError) {
    let width = configuration.width
    dropout = Dropout(rate: configuration.dropout)
    items = try Embedding(scope["items"], count: itemCount, width: width)
    positions = try Embedding(scope["positions"], count: configuration.maximumHistory, width: width)
    inputNorm = try Normalization(.layer, scope["inputNorm"], width: width)
    var blocks: [TransformerBlock] = []
    for index in 0..<configuration.layers {
      blocks.append(
        try TransformerBlock(
          scope["layers", index],
          .init(
            width: width, heads: configuration.heads,
            feedForward: .dense(hidden: configuration.hidden, activation: .gelu), dropout: configuration.dropout)))
    }
    self.blocks = blocks
    outputNorm = try Normalization(.layer, scope["outputNorm"], width: width)
  }

  /// - Parameters:
  ///   - inputs: numbers of items, sequences one behind the other.
  ///   - offsets: where sequences begin, and behind the last the number of inputs.
  /// - Returns: `inputs × width`: what each position, having seen those before it, expects next.
  func callAsFunction(_ inputs: ContiguousArray<Int32>, offsets: [Int], in pass: ModelPass) -> Variable {
    // Counted from the end, where the next item is: a short history then looks like the end of a long one.
    let places = ContiguousArray(
      zip(offsets, offsets.dropFirst()).flatMap { start, end in (0..<end - start).reversed().map { Int32($0) } })
    var state = inputNorm(items(inputs, in: pass) + positions(places, in: pass), in: pass)
    state = dropout(state, in: pass)
    let layout = AttentionLayout(selfAttentionOver: offsets, isCausal: true)
    for block in blocks { state = block(state, layout: layout, in: pass) }
    return outputNorm(state, in: pass)
  }
}
