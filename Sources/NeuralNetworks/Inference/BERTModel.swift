package import TensorMath

/// An encoder of the BERT family (Devlin et al., 2018), for inference: token ids to one state per token.
package struct BERTModel: Sendable {
  package let configuration: BERTConfiguration
  /// The first segment's embedding is part of each position's.
  private let embeddings: TokenEmbeddings
  private let embeddingNormalization: LayerNormalization
  fileprivate let layers: [TransformerLayer]

  /// Heads of the model's own training.
  private static let unused = ["position_ids", "pooler.", "cls.", "lm_head.", "classifier."]

  package init(
    _ configuration: BERTConfiguration, checkpoint: String, precision: WeightPrecision
  ) throws(NeuralNetworksError) {
    try self.init(
      configuration, checkpoint: try SafetensorsFile.read(checkpoint), path: checkpoint, precision: precision)
  }

  /// - Parameter path: for messages.
  package init(
    _ configuration: BERTConfiguration, checkpoint: SafetensorsFile, path: String, precision: WeightPrecision
  ) throws(NeuralNetworksError) {
    var reader = CheckpointReader(checkpoint, path: path, prefixes: configuration.tensorPrefixes)
    let width = configuration.width
    let tokens = try reader.matrix(
      "embeddings.word_embeddings.weight", rows: configuration.vocabularySize, columns: width)
    var positions = try reader.matrix(
      "embeddings.position_embeddings.weight", rows: configuration.positions, columns: width)
    if configuration.segments > 0 {
      let segments = try reader.matrix(
        "embeddings.token_type_embeddings.weight", rows: configuration.segments, columns: width)
      for index in positions.elements.indices { positions.elements[index] += segments.elements[index % width] }
    }
    embeddings = TokenEmbeddings(tokens: tokens, positions: positions)
    embeddingNormalization = try reader.layerNormalization(
      "embeddings.LayerNorm", width: width, epsilon: configuration.epsilon)
    let shape = TransformerLayerShape(
      order: .normalizedAfter, width: width, feedForwardWidth: configuration.feedForwardWidth,
      epsilon: configuration.epsilon, activation: configuration.activation)
    var layers: [TransformerLayer] = []
    for number in 0..<configuration.layers {
      layers.append(try reader.transformerLayer("encoder.layer.\(number).", .bert, shape, precision))
    }
    self.layers = layers
    try reader.finish(ignoring: Self.unused)
    self.configuration = configuration
  }

  package func makeScratch() -> TransformerScratch {
    TransformerScratch(
      heads: configuration.heads, width: configuration.width, feedForwardWidth: configuration.feedForwardWidth)
  }

  /// The last layer's states, in the scratch's state: one row per token, sequences as they lie in `tokens`.
  /// - Parameter count: of layers, from the first; all where nil.
  /// - Precondition: ids are within the vocabulary and no sequence is longer than `maximumLength`.
  package func encode(_ tokens: TextTokens, _ scratch: inout TransformerScratch, layers count: Int? = nil) {
    scratch.reserve(tokens: tokens.ids.count)
    unsafe scratch.withState { state in
      unsafe embeddings.embed(tokens, firstPosition: configuration.firstPosition, into: state)
      unsafe embeddingNormalization.apply(to: state, rows: tokens.ids.count)
    }
    for layer in layers.prefix(count ?? layers.count) {
      layer.apply(&scratch, sequences: tokens.offsets, isCausal: false)
    }
  }
}

/// A BERT whose states are pooled into one vector, as sentence-transformers does.
package struct PooledBERT: TextModel {
  package let model: BERTModel
  package let pooling: SequencePooling

  package init(_ model: BERTModel, pooling: SequencePooling) {
    self.model = model
    self.pooling = pooling
  }

  package var dimensions: Int { model.configuration.width }
  package var maximumLength: Int { model.configuration.maximumLength }
  package var vocabularySize: Int { model.configuration.vocabularySize }

  package var weightCount: Int { model.layers.reduce(0) { $0 + $1.weightCount } }

  package func makeScratch() -> TransformerScratch { model.makeScratch() }

  package func vectors(of tokens: TextTokens, _ scratch: inout TransformerScratch) -> Matrix {
    model.encode(tokens, &scratch)
    var elements: ContiguousArray<Float> = []
    elements.reserveCapacity(tokens.count * dimensions)
    let states = scratch.state
    for sequence in 0..<tokens.count {
      elements += pooling(states.span, tokens.range(sequence), width: dimensions)
    }
    return Matrix(rows: tokens.count, columns: dimensions, elements: elements)
  }
}
