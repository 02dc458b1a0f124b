package import TensorMath

/// An encoder of the BERT family (Devlin et al., 2018), for inference: token ids to one state per token.
package struct BERTModel: Sendable {
  package let configuration: BERTConfiguration
  /// `vocabulary × width`.
  private let tokenEmbeddings: Matrix
  /// `positions × width`; the first segment's embedding is added in.
  private let positionEmbeddings: Matrix
  private let embeddingNormalization: LayerNormalization
  private let layers: [TransformerLayer]

  /// Heads of the model's own training.
  private static let unused = ["position_ids", "pooler.", "cls.", "lm_head.", "classifier."]

  package init(
    _ configuration: BERTConfiguration, checkpoint: String, precision: WeightPrecision
  ) throws(NeuralNetworksError) {
    var reader = try CheckpointReader(contentsOf: checkpoint, prefixes: configuration.tensorPrefixes)
    let width = configuration.width
    tokenEmbeddings = try reader.matrix(
      "embeddings.word_embeddings.weight", rows: configuration.vocabularySize, columns: width)
    var positions = try reader.matrix(
      "embeddings.position_embeddings.weight", rows: configuration.positions, columns: width)
    if configuration.segments > 0 {
      let segments = try reader.matrix(
        "embeddings.token_type_embeddings.weight", rows: configuration.segments, columns: width)
      for index in positions.elements.indices { positions.elements[index] += segments.elements[index % width] }
    }
    positionEmbeddings = positions
    embeddingNormalization = try reader.layerNormalization(
      "embeddings.LayerNorm", width: width, epsilon: configuration.epsilon)
    var layers: [TransformerLayer] = []
    for number in 0..<configuration.layers {
      layers.append(try Self.layer("encoder.layer.\(number).", configuration, precision, &reader))
    }
    self.layers = layers
    try reader.finish(ignoring: Self.unused)
    self.configuration = configuration
  }

  private static func layer(
    _ name: String, _ configuration: BERTConfiguration, _ precision: WeightPrecision, _ reader: inout CheckpointReader
  ) throws(NeuralNetworksError) -> TransformerLayer {
    let (width, wide) = (configuration.width, configuration.feedForwardWidth)
    let attention = name + "attention."
    return TransformerLayer(
      order: .normalizedAfter,
      projections: try reader.linear(
        attention + "self.query", attention + "self.key", attention + "self.value", inputs: width, outputs: width,
        precision: precision),
      attentionOutput: try reader.linear(
        attention + "output.dense", inputs: width, outputs: width, precision: precision),
      attentionNormalization: try reader.layerNormalization(
        attention + "output.LayerNorm", width: width, epsilon: configuration.epsilon),
      expansion: try reader.linear(name + "intermediate.dense", inputs: width, outputs: wide, precision: precision),
      contraction: try reader.linear(name + "output.dense", inputs: wide, outputs: width, precision: precision),
      outputNormalization: try reader.layerNormalization(
        name + "output.LayerNorm", width: width, epsilon: configuration.epsilon),
      activation: configuration.activation)
  }

  package func makeScratch() -> TransformerScratch {
    TransformerScratch(
      heads: configuration.heads, width: configuration.width, feedForwardWidth: configuration.feedForwardWidth)
  }

  /// The last layer's states, in the scratch's state: one row per token, sequences as they lie in `tokens`.
  /// - Precondition: ids are within the vocabulary and no sequence is longer than `maximumLength`.
  package func encode(_ tokens: TextTokens, _ scratch: inout TransformerScratch) {
    scratch.reserve(tokens: tokens.ids.count)
    embed(tokens, &scratch)
    for layer in layers { layer.apply(&scratch, sequences: tokens.offsets, isCausal: false) }
  }

  private func embed(_ tokens: TextTokens, _ scratch: inout TransformerScratch) {
    let width = configuration.width
    unsafe scratch.withState { state in
      for sequence in 0..<tokens.count {
        let range = tokens.range(sequence)
        precondition(range.count <= configuration.maximumLength, "a sequence of \(range.count) tokens")
        for position in range {
          let token = Int(tokens.ids[position]) * width
          let place = (position - range.lowerBound + configuration.firstPosition) * width
          for column in 0..<width {
            unsafe state[position * width + column] =
              tokenEmbeddings.elements[token + column] + positionEmbeddings.elements[place + column]
          }
        }
      }
      unsafe embeddingNormalization.apply(to: state, rows: tokens.ids.count)
    }
  }
}
