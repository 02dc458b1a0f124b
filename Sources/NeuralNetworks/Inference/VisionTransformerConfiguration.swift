package import TensorMath

/// What `config.json` says of a ViT (Dosovitskiy et al., 2020) or of CLIP's vision tower (Radford et al., 2021).
package struct VisionTransformerConfiguration: Sendable, Equatable {
  package enum Family: String, Sendable {
    /// transformers' `ViTModel`.
    case vit
    /// transformers' `CLIPVisionModelWithProjection`, or the vision tower of a `CLIPModel`.
    case clip
  }

  /// How an image's states become one vector.
  package enum Pooling: String, Sendable {
    /// The class token's state.
    case first
    /// The mean over the patches' states.
    case mean
  }

  package var family: Family
  /// Columns, and rows, of the images.
  package var imageSize: Int
  /// Columns, and rows, of a patch.
  package var patchSize: Int
  package var width: Int
  package var layers: Int
  package var heads: Int
  package var feedForwardWidth: Int
  package var activation: Activation
  package var epsilon: Float
  /// Whether queries, keys and values have biases.
  package var hasProjectionBias: Bool
  package var pooling = Pooling.first
  /// Outputs of CLIP's projection into the space it shares with texts.
  package var projectionDimensions: Int?

  package static let modelTypes = ["vit", "clip", "clip_vision_model"]

  /// Patches and the class token.
  package var tokens: Int { 1 + (imageSize / patchSize) * (imageSize / patchSize) }

  /// Floats of an image's vector.
  package var dimensions: Int { projectionDimensions ?? width }

  package init(_ config: ModelConfigurationFile) throws(NeuralNetworksError) {
    let type = try config.text("model_type")
    guard Self.modelTypes.contains(type) else {
      throw config.failure("model_type", "\"\(type)\"", "one of \(Self.modelTypes.joined(separator: ", "))")
    }
    let isCLIP = type != "vit"
    family = isCLIP ? .clip : .vit
    // A whole CLIPModel keeps its vision tower's extents in a section of their own.
    let vision = try config.section("vision_config") ?? config
    if isCLIP { projectionDimensions = try config.integer("projection_dim", 1...65_536, default: 512) }
    guard try vision.integer("num_channels", 1...64, default: 3) == 3 else {
      throw vision.failure("num_channels", "another number", "3: red, green and blue")
    }
    patchSize = try vision.integer("patch_size", 1...256, default: isCLIP ? 32 : 16)
    imageSize = try vision.integer("image_size", 1...2048, default: 224)
    width = try vision.integer("hidden_size", 1...65_536, default: 768)
    layers = try vision.integer("num_hidden_layers", 1...1_000, default: 12)
    heads = try vision.integer("num_attention_heads", 1...65_536, default: 12)
    feedForwardWidth = try vision.integer("intermediate_size", 1...262_144, default: 3072)
    activation = isCLIP && !vision.has("hidden_act") ? .quickGELU : try vision.activation("hidden_act")
    epsilon = Float(try vision.number("layer_norm_eps", default: isCLIP ? 1e-5 : 1e-12))
    hasProjectionBias = try vision.flag("qkv_bias", default: true)
    guard width % heads == 0 else {
      throw vision.failure("num_attention_heads", "\(heads)", "a divisor of hidden_size, \(width)")
    }
    guard imageSize >= patchSize else {
      throw vision.failure("image_size", "\(imageSize)", "at least patch_size, \(patchSize)")
    }
  }
}
