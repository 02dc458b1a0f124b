/// The shape of an EfficientNet-Lite (Tan and Le, 2019; Lite: without squeeze-and-excitation, ReLU6 for Swish, stem and
/// head of one width for all sizes).
package struct EfficientNetConfiguration: Sendable, Equatable {
  /// A run of blocks with one kernel and width; the first block has the stride.
  package struct Stage: Sendable, Equatable {
    /// Side of the depthwise window: 3 or 5.
    package var kernel: Int
    /// 1 or 2.
    package var stride: Int
    /// Hidden channels per input channel.
    package var expansion: Int
    /// Output channels.
    package var channels: Int
    /// Blocks.
    package var repeats: Int

    package init(kernel: Int, stride: Int, expansion: Int, channels: Int, repeats: Int) {
      self.kernel = kernel
      self.stride = stride
      self.expansion = expansion
      self.channels = channels
      self.repeats = repeats
    }
  }

  /// Columns, and rows, of the images.
  package var imageSize: Int
  package var stemChannels: Int
  package var stages: [Stage]
  /// Channels of the last feature map.
  package var featureDimensions: Int
  /// What batch normalization adds to the variance.
  package var epsilon: Float

  package init(
    imageSize: Int, stemChannels: Int = 32, stages: [Stage], featureDimensions: Int = 1280, epsilon: Float = 1e-3
  ) {
    self.imageSize = imageSize
    self.stemChannels = stemChannels
    self.stages = stages
    self.featureDimensions = featureDimensions
    self.epsilon = epsilon
  }

  /// In `config.json`.
  package static let modelType = "efficientnet-lite"

  /// Image size, width and depth by variant, from `efficientnet_lite_builder.py` of tensorflow/tpu.
  private static let variants: [String: (imageSize: Int, width: Double, depth: Double)] = [
    "lite0": (224, 1, 1), "lite1": (240, 1, 1.1), "lite2": (260, 1.1, 1.2), "lite3": (280, 1.2, 1.4),
    "lite4": (300, 1.4, 1.8),
  ]

  /// Lite0's stages.
  private static let baseStages = [
    Stage(kernel: 3, stride: 1, expansion: 1, channels: 16, repeats: 1),
    Stage(kernel: 3, stride: 2, expansion: 6, channels: 24, repeats: 2),
    Stage(kernel: 5, stride: 2, expansion: 6, channels: 40, repeats: 2),
    Stage(kernel: 3, stride: 2, expansion: 6, channels: 80, repeats: 3),
    Stage(kernel: 5, stride: 1, expansion: 6, channels: 112, repeats: 3),
    Stage(kernel: 5, stride: 2, expansion: 6, channels: 192, repeats: 4),
    Stage(kernel: 3, stride: 1, expansion: 6, channels: 320, repeats: 1),
  ]

  /// "lite0" to "lite4"; nil for another name.
  package init?(variant: String) {
    guard let scale = Self.variants[variant] else { return nil }
    var stages = Self.baseStages
    for index in stages.indices {
      stages[index].channels = Self.scaledChannels(stages[index].channels, by: scale.width)
      if index > 0, index < stages.count - 1 {
        stages[index].repeats = Int((Double(stages[index].repeats) * scale.depth).rounded(.up))
      }
    }
    self.init(imageSize: scale.imageSize, stages: stages)
  }

  /// The nearest multiple of eight, but at most a tenth less.
  private static func scaledChannels(_ channels: Int, by width: Double) -> Int {
    let exact = Double(channels) * width
    let rounded = max(8, Int(exact + 4) / 8 * 8)
    return Double(rounded) < 0.9 * exact ? rounded + 8 : rounded
  }

  /// Reads what `tools/convert_efficientnet.py` writes.
  package init(_ config: ModelConfigurationFile) throws(NeuralNetworksError) {
    let variant = try config.text("variant")
    guard let known = Self(variant: variant) else {
      throw config.failure("variant", "\"\(variant)\"", "one of \(Self.variants.keys.sorted().joined(separator: ", "))")
    }
    self = known
    imageSize = try config.integer("image_size", 32...1024, default: known.imageSize)
    featureDimensions = try config.integer("feature_dimensions", 1...65_536, default: known.featureDimensions)
    epsilon = Float(try config.number("batch_norm_eps", default: Double(known.epsilon)))
    guard epsilon > 0 else { throw config.failure("batch_norm_eps", "\(epsilon)", "a number above 0") }
  }
}
