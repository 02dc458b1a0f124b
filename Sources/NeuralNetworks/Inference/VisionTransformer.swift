package import TensorMath

/// A vision transformer for inference: patches and a class token through pre-norm layers, one vector for an image.
package struct VisionTransformer: Sendable {
  package let configuration: VisionTransformerConfiguration
  private let patchEmbedding: LinearLayer
  private let classEmbedding: ContiguousArray<Float>
  /// `tokens × width`.
  private let positions: ContiguousArray<Float>
  /// CLIP normalizes the embeddings too.
  private let embeddingNormalization: LayerNormalization?
  private let layers: [TransformerLayer]
  private let finalNormalization: LayerNormalization
  private let projection: LinearLayer?

  package init(
    _ configuration: VisionTransformerConfiguration, checkpoint: String, precision: WeightPrecision = .single
  ) throws(NeuralNetworksError) {
    let prefixes = configuration.family == .vit ? ["vit."] : []
    try self.init(
      configuration, CheckpointReader(contentsOf: checkpoint, prefixes: prefixes), precision: precision)
  }

  /// Takes the tensors by the names of transformers' checkpoints.
  package init(
    _ configuration: VisionTransformerConfiguration, _ checkpoint: consuming CheckpointReader,
    precision: WeightPrecision = .single
  ) throws(NeuralNetworksError) {
    var reader = checkpoint
    self.configuration = configuration
    let names = VisionTensorNames(configuration.family)
    let (width, epsilon) = (configuration.width, configuration.epsilon)
    patchEmbedding = try Self.patchEmbedding(names, configuration, precision, &reader)
    classEmbedding = try reader.floats(
      names.classEmbedding, shape: names.isCLIP ? [width] : [1, 1, width])
    positions = try reader.floats(
      names.positions, shape: (names.isCLIP ? [] : [1]) + [configuration.tokens, width])
    embeddingNormalization = try names.embeddingNormalization.map { name throws(NeuralNetworksError) in
      try reader.layerNormalization(name, width: width, epsilon: epsilon)
    }
    var layers: [TransformerLayer] = []
    for number in 0..<configuration.layers {
      layers.append(try names.layer(number, configuration, precision, &reader))
    }
    self.layers = layers
    finalNormalization = try reader.layerNormalization(names.finalNormalization, width: width, epsilon: epsilon)
    projection = try configuration.projectionDimensions.map { outputs throws(NeuralNetworksError) in
      try reader.linear("visual_projection", inputs: width, outputs: outputs, hasBias: false, precision: precision)
    }
    try reader.finish(ignoring: names.unused)
  }

  /// The patches' convolution as a product of patches that lie row by row, each pixel's channels together.
  private static func patchEmbedding(
    _ names: VisionTensorNames, _ configuration: VisionTransformerConfiguration, _ precision: WeightPrecision,
    _ reader: inout CheckpointReader
  ) throws(NeuralNetworksError) -> LinearLayer {
    let width = configuration.width
    let rows = try reader.convolution(names.patchEmbedding, outputs: width, kernel: configuration.patchSize)
    return LinearLayer(
      weights: PackedMatrix(transposing: rows, precision: precision),
      bias: names.isCLIP ? nil : try reader.vector(names.patchEmbedding + ".bias", count: width))
  }

  package func makeScratch() -> TransformerScratch {
    TransformerScratch(
      heads: configuration.heads, width: configuration.width, feedForwardWidth: configuration.feedForwardWidth)
  }

  package var dimensions: Int { configuration.dimensions }

  /// The vector of one image, on the calling thread.
  /// - Parameter image: `imageSize × imageSize × 3`, normalized, channels last.
  package func features(
    of image: ContiguousArray<Float>, _ scratch: inout TransformerScratch
  ) -> ContiguousArray<Float> {
    precondition(
      image.count == configuration.imageSize * configuration.imageSize * 3, "an image of \(image.count) samples")
    let (width, tokens) = (configuration.width, configuration.tokens)
    scratch.reserve(tokens: tokens)
    embed(image, &scratch)
    for layer in layers { layer.apply(&scratch, sequences: [0, tokens], isCausal: false) }
    var pooled = pool(&scratch)
    guard let projection else { return pooled }
    let state = pooled
    pooled = ContiguousArray(repeating: 0, count: projection.outputs)
    unsafe state.withUnsafeBufferPointer { state in
      unsafe pooled.withUnsafeMutableBufferPointer { output in
        guard let state = state.baseAddress, let output = output.baseAddress else { return }
        unsafe projection.apply(state, rows: 1, into: output)
      }
    }
    precondition(state.count == width, "a state of \(state.count) for a width of \(width)")
    return pooled
  }

  private func embed(_ image: ContiguousArray<Float>, _ scratch: inout TransformerScratch) {
    let width = configuration.width, tokens = configuration.tokens
    let patches = patchRows(image)
    unsafe scratch.withState { state in
      unsafe patches.withUnsafeBufferPointer { patches in
        guard let patches = patches.baseAddress else { return }
        unsafe patchEmbedding.apply(patches, rows: tokens - 1, into: state + width)
      }
      for column in 0..<width { unsafe state[column] = classEmbedding[column] }
      for index in 0..<tokens * width { unsafe state[index] += positions[index] }
      unsafe embeddingNormalization?.apply(to: state, rows: tokens)
    }
  }

  /// Whole patches, left to right and top to bottom; what is left of the image at its right and bottom is not seen.
  private func patchRows(_ image: ContiguousArray<Float>) -> ContiguousArray<Float> {
    let (size, side) = (configuration.imageSize, configuration.patchSize)
    let count = size / side, line = side * 3
    var rows: ContiguousArray<Float> = []
    rows.reserveCapacity(count * count * side * line)
    for top in 0..<count {
      for left in 0..<count {
        for row in 0..<side {
          let start = ((top * side + row) * size + left * side) * 3
          rows.append(contentsOf: image[start..<start + line])
        }
      }
    }
    return rows
  }

  /// The final normalization and the pooling; of CLIP's states, only the class token's is normalized.
  private func pool(_ scratch: inout TransformerScratch) -> ContiguousArray<Float> {
    let (width, tokens) = (configuration.width, configuration.tokens)
    var pooled = ContiguousArray<Float>(repeating: 0, count: width)
    unsafe scratch.withState { state in
      switch configuration.pooling {
      case .first:
        unsafe finalNormalization.apply(to: state, rows: 1)
        for column in 0..<width { unsafe pooled[column] = state[column] }
      case .mean:
        unsafe finalNormalization.apply(to: state, rows: tokens)
        for token in 1..<tokens {
          for column in 0..<width { unsafe pooled[column] += state[token * width + column] }
        }
        for column in 0..<width { pooled[column] /= Float(tokens - 1) }
      }
    }
    return pooled
  }
}
