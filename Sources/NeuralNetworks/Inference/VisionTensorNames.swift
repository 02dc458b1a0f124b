internal import TensorMath

/// What transformers calls the tensors of its vision transformers.
struct VisionTensorNames {
  let isCLIP: Bool
  let patchEmbedding: String
  let classEmbedding: String
  let positions: String
  let embeddingNormalization: String?
  let finalNormalization: String
  /// Parts of the same checkpoint that an image's vector does not depend on.
  let unused: [String]

  init(_ family: VisionTransformerConfiguration.Family) {
    isCLIP = family == .clip
    switch family {
    case .vit:
      patchEmbedding = "embeddings.patch_embeddings.projection"
      classEmbedding = "embeddings.cls_token"
      positions = "embeddings.position_embeddings"
      embeddingNormalization = nil
      finalNormalization = "layernorm"
      unused = ["pooler.", "classifier.", "embeddings.mask_token"]
    case .clip:
      patchEmbedding = "vision_model.embeddings.patch_embedding"
      classEmbedding = "vision_model.embeddings.class_embedding"
      positions = "vision_model.embeddings.position_embedding.weight"
      // Misspelled in every checkpoint.
      embeddingNormalization = "vision_model.pre_layrnorm"
      finalNormalization = "vision_model.post_layernorm"
      unused = ["text_model.", "text_projection.", "logit_scale", "position_ids"]
    }
  }

  func layer(
    _ number: Int, _ configuration: VisionTransformerConfiguration, _ precision: WeightPrecision,
    _ reader: inout CheckpointReader
  ) throws(NeuralNetworksError) -> TransformerLayer {
    let (width, wide) = (configuration.width, configuration.feedForwardWidth), epsilon = configuration.epsilon
    let name = isCLIP ? "vision_model.encoder.layers.\(number)." : "encoder.layer.\(number)."
    let projected =
      isCLIP
      ? ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]
      : ["attention.attention.query", "attention.attention.key", "attention.attention.value"]
    return TransformerLayer(
      order: .normalizedBefore,
      projections: try reader.linear(
        name + projected[0], name + projected[1], name + projected[2], inputs: width, outputs: width,
        hasBias: configuration.hasProjectionBias, precision: precision),
      attentionOutput: try reader.linear(
        name + (isCLIP ? "self_attn.out_proj" : "attention.output.dense"), inputs: width, outputs: width,
        precision: precision),
      attentionNormalization: try reader.layerNormalization(
        name + (isCLIP ? "layer_norm1" : "layernorm_before"), width: width, epsilon: epsilon),
      expansion: try reader.linear(
        name + (isCLIP ? "mlp.fc1" : "intermediate.dense"), inputs: width, outputs: wide, precision: precision),
      contraction: try reader.linear(
        name + (isCLIP ? "mlp.fc2" : "output.dense"), inputs: wide, outputs: width, precision: precision),
      outputNormalization: try reader.layerNormalization(
        name + (isCLIP ? "layer_norm2" : "layernorm_after"), width: width, epsilon: epsilon),
      activation: configuration.activation)
  }
}
