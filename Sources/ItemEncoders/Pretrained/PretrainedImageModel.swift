internal import Foundation
internal import ItemCatalog
internal import NeuralNetworks
internal import TensorMath

/// A vision model of a model folder, whichever architecture its `config.json` names.
enum PretrainedImageModel: Sendable {
  case efficientNet(EfficientNet)
  case transformer(VisionTransformer)

  /// Images that a thread takes at once: enough for an EfficientNet's small maps to share their weights.
  static let batch = 4

  var dimensions: Int {
    switch self {
    case .efficientNet(let model): model.dimensions
    case .transformer(let model): model.dimensions
    }
  }

  /// Columns, and rows, of the images that the model takes.
  var imageSize: Int {
    switch self {
    case .efficientNet(let model): model.configuration.imageSize
    case .transformer(let model): model.configuration.imageSize
    }
  }

  /// Loads the weights that a configuration asks for.
  init(_ config: ModelConfigurationFile, checkpoint: String, precision: WeightPrecision) throws(NeuralNetworksError) {
    switch try config.text("model_type") {
    case EfficientNetConfiguration.modelType:
      self = .efficientNet(
        try EfficientNet(EfficientNetConfiguration(config), checkpoint: checkpoint, precision: precision))
    case let type where VisionTransformerConfiguration.modelTypes.contains(type):
      self = .transformer(
        try VisionTransformer(VisionTransformerConfiguration(config), checkpoint: checkpoint, precision: precision))
    case let other:
      let known = [EfficientNetConfiguration.modelType] + VisionTransformerConfiguration.modelTypes
      throw config.failure("model_type", "\"\(other)\"", "an image model, one of \(known.joined(separator: ", "))")
    }
  }

  /// What the folder states that is done to a picture.
  func preprocessing(
    _ config: ModelConfigurationFile, folder: String
  ) throws(NeuralNetworksError) -> ImagePreprocessing {
    let preprocessing: ImagePreprocessing
    switch self {
    case .efficientNet: preprocessing = try ImagePreprocessing(efficientNet: config)
    case .transformer:
      preprocessing = try ImagePreprocessing(
        ModelConfigurationFile(contentsOf: folder + "/preprocessor_config.json"))
    }
    let extent = preprocessing.extent
    guard extent.width == imageSize, extent.height == imageSize else {
      throw config.failure(
        "image_size", "\(imageSize)",
        "the \(extent.width) × \(extent.height) pixels that the preprocessing leaves")
    }
    return preprocessing
  }
}

/// A model with one thread's scratch memory.
struct PretrainedImageRunner: ~Copyable {
  private let model: PretrainedImageModel
  private var efficientNet: EfficientNetScratch?
  private var transformer: TransformerScratch?

  init(_ model: PretrainedImageModel) {
    self.model = model
    switch model {
    case .efficientNet(let network): efficientNet = network.makeScratch()
    case .transformer(let network): transformer = network.makeScratch()
    }
  }

  /// One vector of `dimensions` for each prepared image; none depends on the others.
  mutating func features(of images: [ContiguousArray<Float>]) -> [ContiguousArray<Float>] {
    switch model {
    case .efficientNet(let network):
      var all: ContiguousArray<Float> = []
      all.reserveCapacity(images.count * network.imageCount)
      for image in images { all.append(contentsOf: image) }
      var output = ContiguousArray<Float>(repeating: 0, count: images.count * network.dimensions)
      var scratch = efficientNet.take() ?? network.makeScratch()
      unsafe all.withUnsafeBufferPointer { all in
        unsafe output.withUnsafeMutableBufferPointer { output in
          guard let all = all.baseAddress, let output = output.baseAddress else { return }
          unsafe network.features(of: all, count: images.count, into: output, &scratch)
        }
      }
      efficientNet = consume scratch
      return images.indices.map { index in
        ContiguousArray(output[index * network.dimensions..<(index + 1) * network.dimensions])
      }
    case .transformer(let network):
      var scratch = transformer.take() ?? network.makeScratch()
      let vectors = images.map { network.features(of: $0, &scratch) }
      transformer = consume scratch
      return vectors
    }
  }
}
