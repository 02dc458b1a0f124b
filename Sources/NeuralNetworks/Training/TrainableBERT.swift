package import TensorMath

/// What of a pretrained model learns.
public enum TrainableDepth: Sendable, Equatable {
  /// So many of the last layers.
  case last(Int)
  /// All layers and the embeddings.
  case all
}

/// The last layers of a BERT, or all of it, with weights that learn.
///
/// Its parameters are called as the checkpoint calls them, so that what training changed goes back to where it was taken
/// from. What lies below runs as a ``BERTModel`` does. Nothing is dropped in training: the same texts and weights give
/// the same vectors, so that they may be computed again for their gradients.
package struct TrainableBERT: Sendable {
  /// The sums that the first layer reads.
  private struct Embeddings: Sendable {
    let tokens, positions: Embedding
    let segments: Embedding?
    let normalization: LayerNorm
  }

  private let configuration: BERTConfiguration
  /// Layers below those that learn.
  package let frozenLayers: Int
  /// Nil where they stay as they are.
  private let embeddings: Embeddings?
  private let blocks: [PostNormalizedBlock]
  /// Whether layers below make the states that it reads; otherwise its own embeddings do.
  package var readsStates: Bool { embeddings == nil }
  /// As the checkpoint has them.
  package let parameters: ParameterSet
  /// Name and shape of each parameter in the checkpoint.
  private let places: [(name: String, shape: [Int])]

  /// - Throws: `unsupportedModel` for more layers than there are; what the checkpoint lacks is named.
  package init(
    _ configuration: BERTConfiguration, checkpoint: SafetensorsFile, depth: TrainableDepth
  ) throws(NeuralNetworksError) {
    self.configuration = configuration
    let prefix = CheckpointReader.prefix(of: checkpoint, among: configuration.tensorPrefixes)
    let scope = ParameterScope(loading: checkpoint, prefix: prefix)
    switch depth {
    case .last(let count):
      guard (1...configuration.layers).contains(count) else {
        throw NeuralNetworksError(
          .unsupportedModel,
          "the last \(count) layers are to learn, but the model has \(configuration.layers); ask for 1 to "
            + "\(configuration.layers) of them")
      }
      frozenLayers = configuration.layers - count
      embeddings = nil
    case .all:
      frozenLayers = 0
      embeddings = try Self.embeddings(scope["embeddings"], configuration)
    }
    var blocks: [PostNormalizedBlock] = []
    for index in frozenLayers..<configuration.layers {
      blocks.append(try PostNormalizedBlock(scope["encoder"]["layer", index], .bert, configuration))
    }
    self.blocks = blocks
    parameters = try scope.finish(isPart: true)
    var places: [(String, [Int])] = []
    for entry in parameters.entries {
      places.append((prefix + entry.name, try checkpoint.tensor(prefix + entry.name).shape))
    }
    self.places = places
  }

  private static func embeddings(
    _ scope: ParameterScope, _ configuration: BERTConfiguration
  ) throws(NeuralNetworksError) -> Embeddings {
    func table(_ name: String, _ count: Int) throws(NeuralNetworksError) -> Embedding {
      try Embedding(scope[name], count: count, width: configuration.width)
    }
    return Embeddings(
      tokens: try table("word_embeddings", configuration.vocabularySize),
      positions: try table("position_embeddings", configuration.positions),
      segments: configuration.segments > 0 ? try table("token_type_embeddings", configuration.segments) : nil,
      normalization: try LayerNorm(scope["LayerNorm"], width: configuration.width, epsilon: configuration.epsilon))
  }

  /// The last layer's states.
  /// - Parameters:
  ///   - tokens: ids within the vocabulary, no sequence longer than the model's.
  ///   - below: what ``BERTModel/encode(_:_:layers:)`` makes of them with ``frozenLayers``, `tokens × width`; nil where
  ///     the embeddings learn.
  /// - Returns: `tokens × width`.
  package func callAsFunction(_ tokens: TextTokens, below: Matrix?, in pass: ModelPass) -> Variable {
    let layout = AttentionLayout(selfAttentionOver: tokens.offsets, isCausal: false)
    var state: Variable
    if let embeddings {
      state = embedded(tokens, embeddings, pass)
    } else {
      guard let below else { preconditionFailure("layers that learn without the states that they read") }
      state = pass.tape.constant(below)
    }
    for block in blocks { state = block(state, layout: layout, in: pass) }
    return state
  }

  private func embedded(_ tokens: TextTokens, _ embeddings: Embeddings, _ pass: ModelPass) -> Variable {
    var places = ContiguousArray<Int32>()
    for sequence in 0..<tokens.count {
      places += tokens.range(sequence).indices.map {
        Int32($0 - tokens.range(sequence).lowerBound + configuration.firstPosition)
      }
    }
    var sum = embeddings.tokens(tokens.ids, in: pass) + embeddings.positions(places, in: pass)
    if let segments = embeddings.segments {
      sum = sum + segments(ContiguousArray(repeating: 0, count: tokens.ids.count), in: pass)
    }
    return embeddings.normalization(sum, in: pass)
  }

  /// The parameters that are not as the checkpoint has them, under its names and in its shapes.
  package func changes(_ tuned: ParameterSet) -> [NamedTensor] {
    precondition(tuned.entries.map(\.name) == parameters.entries.map(\.name), "parameters of another model")
    return zip(places, zip(parameters.entries, tuned.entries)).compactMap { place, entries in
      entries.0.value == entries.1.value
        ? nil : NamedTensor(name: place.name, shape: place.shape, floats: entries.1.value.elements)
    }
  }
}

/// One layer of a transformer with normalization behind each residual sum (Vaswani et al., 2017, section 3.1):
/// norm(x + part(x)) for self-attention and the feed-forward part. Queries, keys and values have weights of their own,
/// as checkpoints of the BERT family keep them.
package struct PostNormalizedBlock: Sendable {
  private let heads: Int
  private let queries, keys, values, output: Linear
  private let attentionNormalization: LayerNorm
  private let expansion, contraction: Linear
  private let outputNormalization: LayerNorm
  private let activation: Activation

  init(
    _ scope: ParameterScope, _ names: TransformerLayerNames, _ shape: BERTConfiguration
  ) throws(NeuralNetworksError) {
    func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws(NeuralNetworksError) -> Linear {
      try Linear(scope[name], inputs: inputs, outputs: outputs)
    }
    let (width, wide) = (shape.width, shape.feedForwardWidth)
    heads = shape.heads
    queries = try linear(names.queries, width, width)
    keys = try linear(names.keys, width, width)
    values = try linear(names.values, width, width)
    output = try linear(names.attentionOutput, width, width)
    attentionNormalization = try LayerNorm(
      scope[names.attentionNormalization], width: width, epsilon: shape.epsilon)
    expansion = try linear(names.expansion, width, wide)
    contraction = try linear(names.contraction, wide, width)
    outputNormalization = try LayerNorm(scope[names.outputNormalization], width: width, epsilon: shape.epsilon)
    activation = shape.activation
  }

  /// A layer of a BERT.
  package init(_ scope: ParameterScope, _ shape: BERTConfiguration) throws(NeuralNetworksError) {
    try self.init(scope, .bert, shape)
  }

  /// - Parameter x: packed sequences, `rows × width`.
  package func callAsFunction(_ x: Variable, layout: AttentionLayout, in pass: ModelPass) -> Variable {
    let seen = queries(x, in: pass).attending(
      to: keys(x, in: pass), values: values(x, in: pass), heads: heads, layout: layout)
    let state = attentionNormalization(x + output(seen, in: pass), in: pass)
    let forward = contraction(expansion(state, activation: activation, in: pass), in: pass)
    return outputNormalization(state + forward, in: pass)
  }
}

extension SequencePooling {
  /// Pools packed sequences; a row of zeros for an empty one.
  /// - Parameters:
  ///   - states: `tokens × width`.
  ///   - offsets: where sequences begin, and behind the last the number of tokens.
  /// - Returns: `sequences × width`.
  package func callAsFunction(_ states: Variable, offsets: [Int]) -> Variable {
    let ranges = zip(offsets, offsets.dropFirst()).map { $0..<$1 }
    switch self {
    case .mean: return states.segmentMeans(offsets)
    case .first: return states.selectingRows(ContiguousArray(ranges.map { $0.isEmpty ? -1 : Int32($0.lowerBound) }))
    case .last:
      return states.selectingRows(ContiguousArray(ranges.map { $0.isEmpty ? -1 : Int32($0.upperBound - 1) }))
    case .maximum:
      let (value, width) = (states.value, states.columns)
      let places = ranges.flatMap { range in
        (0..<width).map { column in
          // The first of equals.
          let best = range.max { (value[$0, column], $1) < (value[$1, column], $0) }
          return best.map { Int32($0 * width + column) } ?? -1
        }
      }
      return states.reshaped(rows: states.rows * width, columns: 1).selectingRows(ContiguousArray(places))
        .reshaped(rows: ranges.count, columns: width)
    }
  }
}
