package import TensorMath

/// What `config.json` says of CLIP's text tower (Radford et al., 2021).
package struct CLIPTextConfiguration: Sendable, Equatable {
  package var vocabularySize: Int
  package var width: Int
  package var layers: Int
  package var heads: Int
  package var feedForwardWidth: Int
  package var activation: Activation
  package var epsilon: Float
  /// The longest sequence, special tokens included.
  package var maximumLength: Int
  /// Outputs of the projection into the space shared with images.
  package var projectionDimensions: Int
  /// The token whose state stands for the text. Nil in old checkpoints, where it is the one with the largest id.
  package var endID: Int?

  package static let modelTypes = ["clip", "clip_text_model"]

  package init(_ config: ModelConfigurationFile) throws(NeuralNetworksError) {
    let type = try config.text("model_type")
    guard Self.modelTypes.contains(type) else {
      throw config.failure("model_type", "\"\(type)\"", "one of \(Self.modelTypes.joined(separator: ", "))")
    }
    projectionDimensions = try config.integer("projection_dim", 1...65_536, default: 512)
    // A whole CLIPModel keeps its text tower's extents in a section of their own.
    let text = try config.section("text_config") ?? config
    vocabularySize = try text.integer("vocab_size", 1...10_000_000, default: 49_408)
    width = try text.integer("hidden_size", 1...65_536, default: 512)
    layers = try text.integer("num_hidden_layers", 1...1_000, default: 12)
    heads = try text.integer("num_attention_heads", 1...65_536, default: 8)
    feedForwardWidth = try text.integer("intermediate_size", 1...262_144, default: 2048)
    activation = text.has("hidden_act") ? try text.activation("hidden_act") : .quickGELU
    epsilon = Float(try text.number("layer_norm_eps", default: 1e-5))
    maximumLength = try text.integer("max_position_embeddings", 1...1_000_000, default: 77)
    let end = try text.integer("eos_token_id", 0...10_000_000, default: 49_407)
    // Checkpoints from before transformers 4.24 say 2, which is not their end token.
    endID = end == 2 ? nil : end
    guard width % heads == 0 else {
      throw text.failure("num_attention_heads", "\(heads)", "a divisor of hidden_size, \(width)")
    }
  }
}

/// CLIP's text tower for inference: causal pre-norm layers, the end token's state projected.
package struct CLIPTextModel: Sendable {
  package let configuration: CLIPTextConfiguration
  private let embeddings: TokenEmbeddings
  private let layers: [TransformerLayer]
  private let finalNormalization: LayerNormalization
  private let projection: LinearLayer

  package init(
    _ configuration: CLIPTextConfiguration, checkpoint: String, precision: WeightPrecision
  ) throws(NeuralNetworksError) {
    var reader = try CheckpointReader(contentsOf: checkpoint)
    let (width, epsilon) = (configuration.width, configuration.epsilon)
    embeddings = TokenEmbeddings(
      tokens: try reader.matrix(
        "text_model.embeddings.token_embedding.weight", rows: configuration.vocabularySize, columns: width),
      positions: try reader.matrix(
        "text_model.embeddings.position_embedding.weight", rows: configuration.maximumLength, columns: width))
    let shape = TransformerLayerShape(
      order: .normalizedBefore, width: width, feedForwardWidth: configuration.feedForwardWidth, epsilon: epsilon,
      activation: configuration.activation)
    var layers: [TransformerLayer] = []
    for number in 0..<configuration.layers {
      layers.append(try reader.transformerLayer("text_model.encoder.layers.\(number).", .clip, shape, precision))
    }
    self.layers = layers
    finalNormalization = try reader.layerNormalization("text_model.final_layer_norm", width: width, epsilon: epsilon)
    projection = try reader.linear(
      "text_projection", inputs: width, outputs: configuration.projectionDimensions, hasBias: false,
      precision: precision)
    try reader.finish(ignoring: ["vision_model.", "visual_projection.", "logit_scale", "position_ids"])
    self.configuration = configuration
  }
}

extension CLIPTextModel: TextModel {
  package var dimensions: Int { configuration.projectionDimensions }
  package var maximumLength: Int { configuration.maximumLength }
  package var vocabularySize: Int { configuration.vocabularySize }
  package var weightCount: Int { layers.reduce(0) { $0 + $1.weightCount } }

  package func makeScratch() -> TransformerScratch {
    TransformerScratch(
      heads: configuration.heads, width: configuration.width, feedForwardWidth: configuration.feedForwardWidth)
  }

  package func vectors(of tokens: TextTokens, _ scratch: inout TransformerScratch) -> Matrix {
    let width = configuration.width
    scratch.reserve(tokens: tokens.ids.count)
    unsafe scratch.withState { unsafe embeddings.embed(tokens, firstPosition: 0, into: $0) }
    for layer in layers { layer.apply(&scratch, sequences: tokens.offsets, isCausal: true) }
    var ends = Matrix(rows: tokens.count, columns: width)
    for sequence in 0..<tokens.count {
      guard let end = endPosition(tokens.ids[tokens.range(sequence)]) else { continue }
      for column in 0..<width { ends[sequence, column] = scratch.state[end * width + column] }
    }
    var projected = Matrix(rows: tokens.count, columns: projection.outputs)
    unsafe ends.elements.withUnsafeMutableBufferPointer { ends in
      unsafe projected.elements.withUnsafeMutableBufferPointer { output in
        guard let ends = ends.baseAddress, let output = output.baseAddress else { return }
        unsafe finalNormalization.apply(to: ends, rows: tokens.count)
        unsafe projection.apply(ends, rows: tokens.count, into: output)
      }
    }
    return projected
  }

  private func endPosition(_ ids: ArraySlice<Int32>) -> Int? {
    guard let endID = configuration.endID else {
      // The first of equals, as argmax gives it.
      return ids.indices.max { (ids[$0], $1) < (ids[$1], $0) }
    }
    return ids.firstIndex(of: Int32(endID)) ?? ids.indices.first
  }
}
