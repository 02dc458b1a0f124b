internal import TensorMath

/// What a checkpoint calls the parts of one transformer layer, behind the layer's own prefix.
struct TransformerLayerNames {
  let queries, keys, values, attentionOutput, attentionNormalization: String
  let expansion, contraction, outputNormalization: String

  static let bert = TransformerLayerNames(
    queries: "attention.self.query", keys: "attention.self.key", values: "attention.self.value",
    attentionOutput: "attention.output.dense", attentionNormalization: "attention.output.LayerNorm",
    expansion: "intermediate.dense", contraction: "output.dense", outputNormalization: "output.LayerNorm")

  static let vit = TransformerLayerNames(
    queries: "attention.attention.query", keys: "attention.attention.key", values: "attention.attention.value",
    attentionOutput: "attention.output.dense", attentionNormalization: "layernorm_before",
    expansion: "intermediate.dense", contraction: "output.dense", outputNormalization: "layernorm_after")

  static let clip = TransformerLayerNames(
    queries: "self_attn.q_proj", keys: "self_attn.k_proj", values: "self_attn.v_proj",
    attentionOutput: "self_attn.out_proj", attentionNormalization: "layer_norm1",
    expansion: "mlp.fc1", contraction: "mlp.fc2", outputNormalization: "layer_norm2")
}

/// Extents that all layers of a transformer share.
struct TransformerLayerShape {
  var order: TransformerLayer.Order
  var width: Int
  var feedForwardWidth: Int
  var epsilon: Float
  var activation: Activation
  var hasProjectionBias = true
}

extension CheckpointReader {
  /// The layer under `prefix`.
  mutating func transformerLayer(
    _ prefix: String, _ names: TransformerLayerNames, _ shape: TransformerLayerShape, _ precision: WeightPrecision
  ) throws(NeuralNetworksError) -> TransformerLayer {
    let (width, wide) = (shape.width, shape.feedForwardWidth)
    return TransformerLayer(
      order: shape.order,
      projections: try linear(
        prefix + names.queries, prefix + names.keys, prefix + names.values, inputs: width, outputs: width,
        hasBias: shape.hasProjectionBias, precision: precision),
      attentionOutput: try linear(
        prefix + names.attentionOutput, inputs: width, outputs: width, precision: precision),
      attentionNormalization: try layerNormalization(
        prefix + names.attentionNormalization, width: width, epsilon: shape.epsilon),
      expansion: try linear(prefix + names.expansion, inputs: width, outputs: wide, precision: precision),
      contraction: try linear(prefix + names.contraction, inputs: wide, outputs: width, precision: precision),
      outputNormalization: try layerNormalization(
        prefix + names.outputNormalization, width: width, epsilon: shape.epsilon),
      activation: shape.activation)
  }
}
