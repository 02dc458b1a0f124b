public import ItemCatalog
internal import NeuralNetworks
public import TensorMath

/// An image encoder with pretrained weights, from a model folder: EfficientNet-Lite as `tools/convert_efficientnet.py`
/// writes it, or a ViT or CLIP in the layout of the Hugging Face hub (`config.json`, `model.safetensors`,
/// `preprocessor_config.json`).
///
/// Every thread reads, decodes and prepares its own pictures and runs the model on them, so that no core waits for
/// another's part of the work and memory does not grow with the batch.
public struct PretrainedImageEncoder: ItemEncoder {
  public var modality: Modality { .image }
  public var dimensions: Int { model.dimensions }
  public let fingerprint: String
  public let description: EncoderDescription

  /// Limits on what is decoded; an image beyond them counts as broken.
  public let limits: ImageLimits

  private let model: PretrainedImageModel
  package let preprocessing: ImagePreprocessing

  /// Items per parallel task: a scratch memory is made for each, and decoding times differ.
  private static let chunkSize = 2 * PretrainedImageModel.batch

  /// Loads a model folder.
  /// - Parameter precision: of the model's products; f32 where the processor lacks it.
  /// - Throws: `unreadableEncoder`, which names the file, for an architecture that is unknown, a tensor that is missing,
  ///   superfluous, of another shape or not finite, and preprocessing that cannot be done as stated.
  public init(
    folder: String, limits: ImageLimits = ImageLimits(), precision: WeightPrecision = .single
  ) throws(EncoderError) {
    try self.init(folder: folder, limits: limits, precision: precision, allowsReducedDecoding: false)
  }

  /// - Parameter allowsReducedDecoding: See ``ImagePreprocessing/allowsReducedDecoding``.
  package init(
    folder: String, limits: ImageLimits = ImageLimits(), precision: WeightPrecision, allowsReducedDecoding: Bool
  ) throws(EncoderError) {
    do throws(NeuralNetworksError) {
      let files = ModelFolder(path: folder)
      let config = try files.config
      description = try files.description(precision)
      model = try PretrainedImageModel(config, checkpoint: files.checkpoint, precision: precision)
      var preprocessing = try model.preprocessing(config, folder: folder)
      preprocessing.allowsReducedDecoding = allowsReducedDecoding
      self.preprocessing = preprocessing
    } catch {
      throw EncoderError(.unreadableEncoder, error.message)
    }
    fingerprint = try Self.fingerprint(
      folder: folder, precision: precision, allowsReducedDecoding: allowsReducedDecoding)
    self.limits = limits
  }

  /// The fingerprint of the encoder that ``init(folder:limits:precision:)`` makes, without loading it.
  /// - Complexity: O(bytes of the model).
  public static func fingerprint(folder: String, precision: WeightPrecision = .single) throws(EncoderError) -> String {
    try fingerprint(folder: folder, precision: precision, allowsReducedDecoding: false)
  }

  private static func fingerprint(
    folder: String, precision: WeightPrecision, allowsReducedDecoding: Bool
  ) throws(EncoderError) -> String {
    // Raise the number when this code's vectors change.
    try ModelFolder(path: folder).fingerprint(
      kind: "tessera pretrained:image 1",
      parameters: [ModelFolder.identity(of: precision), "\(allowsReducedDecoding)"],
      files: ["config.json", "model.safetensors"], optional: ["preprocessor_config.json"])
  }

  /// Decodes and encodes the images of a batch. An item without an image is absent; an image that is missing or
  /// cannot be decoded is absent and reported.
  public func encode(_ items: [Item]) -> EncodedBatch {
    EncodedBatch(ofImages: items.count, dimensions: dimensions, chunkSize: Self.chunkSize) { encode(items, $0) }
  }

  /// A few images at a time: prepared one by one, then through the model together.
  private func encode(
    _ items: [Item], _ chunk: Range<Int>
  ) -> [(index: Int, outcome: Result<ContiguousArray<Float>, ImageProblem>)] {
    var runner = PretrainedImageRunner(model)
    var outcomes: [(index: Int, outcome: Result<ContiguousArray<Float>, ImageProblem>)] = []
    for start in stride(from: chunk.lowerBound, to: chunk.upperBound, by: PretrainedImageModel.batch) {
      var (indices, images): ([Int], [ContiguousArray<Float>]) = ([], [])
      for index in start..<min(start + PretrainedImageModel.batch, chunk.upperBound) {
        switch items[index].withImage({ path throws(ImageError) in try preprocessing.load(path, limits: limits) }) {
        case .success(let image):
          indices.append(index)
          images.append(image)
        case .failure(let problem): outcomes.append((index, .failure(problem)))
        case nil: continue
        }
      }
      guard !images.isEmpty else { continue }
      for (index, vector) in zip(indices, runner.features(of: images)) {
        outcomes.append((index, Self.normalized(vector, item: items[index])))
      }
    }
    return outcomes
  }

  /// A vector at unit length. One without a direction is no vector of the picture.
  private static func normalized(
    _ vector: ContiguousArray<Float>, item: Item
  ) -> Result<ContiguousArray<Float>, ImageProblem> {
    let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    guard norm.isFinite, norm > 0 else {
      return .failure(
        ImageProblem(reason: "\(item.image ?? item.id): the model gives a vector of length \(norm)"))
    }
    return .success(ContiguousArray(vector.lazy.map { $0 / norm }))
  }
}
