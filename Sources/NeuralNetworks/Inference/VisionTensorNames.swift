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
    let shape = TransformerLayerShape(
      order: .normalizedBefore, width: configuration.width, feedForwardWidth: configuration.feedForwardWidth,
      epsilon: configuration.epsilon, activation: configuration.activation,
      hasProjectionBias: configuration.hasProjectionBias)
    return isCLIP
      ? try reader.transformerLayer("vision_model.encoder.layers.\(number).", .clip, shape, precision)
      : try reader.transformerLayer("encoder.layer.\(number).", .vit, shape, precision)
  }
}
