package import NeuralNetworks
package import TensorMath

/// The cheaper layers of a ``Generator``: one position per item, a causal backbone over items, and a decoder that writes
/// the next item's codes.
///
/// - An item is read as the sum of its codes' vectors, one table a level, and of its prefixes' vectors; normalized, plus a
///   vector for its place. Places count from the beginning of the sequence: every position of a sequence learns at once,
///   as the end of a history of its own, so only the beginning is the same in training and in use.
/// - A learned row stands before the first item: an empty history is that row alone.
/// - The decoder has one layer without self-attention. For code l of the item behind position t its input is
///   h_t + Σ_{j<l} code vectors + a vector for the level; it attends to the states up to t. Logits are inner products with
///   the vectors of the level's input table, or of one for the output, plus a bias.
///
/// Parameters: those of ``CodeTables``, and `begin`, `places.*`, `inputNorm.*`, `blocks.<i>.*`, `stateNorm.*`, `levels.*`,
/// `decoder.*`.
package struct OnePositionNetwork: GeneratorNetwork {
  package let tables: CodeTables
  let begin: Parameter
  let places: Embedding
  let inputNorm: LayerNorm
  private let dropout: Dropout
  let blocks: [TransformerBlock]
  let stateNorm: LayerNorm
  let levels: Embedding
  package let decoder: CodeDecoder

  package init(
    _ scope: ParameterScope, _ configuration: GeneratorConfiguration, _ vocabulary: GeneratorVocabulary
  ) throws(NeuralNetworksError) {
    let (width, tokens) = (configuration.width, vocabulary.tokens)
    tables = try CodeTables(scope, configuration, vocabulary)
    begin = try scope.parameter(
      "begin", rows: 1, columns: width, initializer: .normal(deviation: 0.02), decays: false)
    places = try Embedding(
      scope["places"], count: configuration.maximumHistory + 1, width: width, decays: false)
    inputNorm = try LayerNorm(scope["inputNorm"], width: width)
    var blocks: [TransformerBlock] = []
    for layer in 0..<configuration.layers {
      blocks.append(
        try TransformerBlock(
          scope["blocks", layer],
          TransformerBlock.Configuration(
            width: width, heads: configuration.heads,
            feedForward: .dense(hidden: configuration.hidden, activation: .gelu), dropout: configuration.dropout)))
    }
    self.blocks = blocks
    stateNorm = try LayerNorm(scope["stateNorm"], width: width)
    levels = try Embedding(scope["levels"], count: tokens.levels, width: width, decays: false)
    decoder = try CodeDecoder(scope["decoder"], configuration)
    dropout = Dropout(rate: configuration.dropout)
  }

  /// The states of all rows of a batch; each depends on the rows up to it in its own sequence.
  /// - Returns: `rows × width`.
  package func states(
    _ batch: SequenceBatch, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable {
    let vectors = tables.itemVectors(
      batch.items, prefixesOf: tables.remembered(batch.items, in: pass), vocabulary, in: pass)
    return states(batch, itemVectors: vectors, in: pass)
  }

  /// The same, for vectors that the caller made.
  /// - Parameter itemVectors: `rows × width`, zeros for the beginnings.
  package func states(_ batch: SequenceBatch, itemVectors: Variable, in pass: ModelPass) -> Variable {
    let beginnings = ContiguousArray<Int32>(batch.items.lazy.map { $0 < 0 ? 0 : -1 })
    var state = pass[begin].selectingRows(beginnings) + itemVectors
    state = dropout(inputNorm(state, in: pass) + places(batch.places, in: pass), in: pass)
    let layout = batch.layout
    for block in blocks { state = block(state, layout: layout, in: pass) }
    return stateNorm(state, in: pass)
  }

  /// What the decoder starts from for decisions.
  /// - Parameter states: of a batch.
  /// - Returns: `decisions × width`.
  package func inputs(_ decisions: Decisions, states: Variable, in pass: ModelPass) -> Variable {
    inputs(decisions, states: states, in: pass) { level, codes in tables.codes[level](codes, in: pass) }
  }

  /// The same, for vectors that the caller made.
  /// - Parameter vectors: of the codes of a level, one a decision; zeros for a code of -1.
  package func inputs(
    _ decisions: Decisions, states: Variable, in pass: ModelPass,
    vectors: (_ level: Int, _ codes: ContiguousArray<Int32>) -> Variable
  ) -> Variable {
    var input = states.selectingRows(decisions.stateRows) + levels(decisions.levels, in: pass)
    for (level, indices) in decisions.codesBefore.enumerated() where indices.contains(where: { $0 >= 0 }) {
      input = input + vectors(level, indices)
    }
    return input
  }
}

/// One layer of attention to item states, and no other: x + attention(norm(x)), then the feed-forward part likewise.
///
/// Parameters: `crossNorm.*`, `crossAttention.*`, `feedForwardNorm.*`, `feedForward.*`, `outputNorm.*`.
package struct CodeDecoder: Sendable {
  let crossNorm: LayerNorm
  let crossAttention: MultiHeadCrossAttention
  let forwardNorm: LayerNorm
  let forward: FeedForward
  let outputNorm: LayerNorm
  private let dropout: Dropout

  init(_ scope: ParameterScope, _ configuration: GeneratorConfiguration) throws(NeuralNetworksError) {
    let width = configuration.width
    crossNorm = try LayerNorm(scope["crossNorm"], width: width)
    crossAttention = try MultiHeadCrossAttention(scope["crossAttention"], width: width, heads: configuration.heads)
    forwardNorm = try LayerNorm(scope["feedForwardNorm"], width: width)
    forward = try FeedForward(scope["feedForward"], width: width, hidden: configuration.hidden)
    outputNorm = try LayerNorm(scope["outputNorm"], width: width)
    dropout = Dropout(rate: configuration.dropout)
  }

  /// What all decisions of the same sequences attend to: made once, whatever the number of decisions.
  /// - Parameter states: `rows × width`.
  /// - Returns: `rows × 2 · width`.
  package func keysAndValues(_ states: Variable, in pass: ModelPass) -> Variable {
    crossAttention.keyValue(states, in: pass)
  }

  /// - Parameters:
  ///   - x: `decisions × width`.
  ///   - keysAndValues: of ``keysAndValues(_:in:)``.
  ///   - layout: which decisions see which states.
  package func callAsFunction(
    _ x: Variable, keysAndValues: Variable, layout: AttentionLayout, in pass: ModelPass
  ) -> Variable {
    let queries = crossAttention.query(crossNorm(x, in: pass), in: pass)
    let seen = queries.attending(
      toKeysAndValues: keysAndValues, heads: crossAttention.heads, layout: layout)
    let state = x + dropout(crossAttention.output(seen, in: pass), in: pass)
    return outputNorm(state + dropout(forward(forwardNorm(state, in: pass), in: pass), in: pass), in: pass)
  }
}
