public import ItemCatalog

/// An image encoder without pretrained weights or fitted state: color, edges and layout of the picture, side by side.
///
/// A picture is decoded at reduced scale, brought to a square canvas in CIELAB, and described by four blocks: a color
/// histogram (100), orientations of edges over a grid (96), low cosine frequencies of the channels (41), and edge
/// density and border statistics (19). Each block is scaled to its share, and the whole to unit length.
public struct BuiltinImageEncoder: ItemEncoder {
  public var modality: Modality { .image }
  public var description: EncoderDescription {
    EncoderDescription(model: "builtin", architecture: "colors and edges", precision: "f32")
  }

  /// 256.
  public var dimensions: Int { Self.layoutDimensions }

  /// Limits on what is decoded; an image beyond them counts as broken.
  public let limits: ImageLimits

  public init(limits: ImageLimits = ImageLimits()) { self.limits = limits }

  /// Depends on nothing but this code: raise the number when its vectors change.
  public var fingerprint: String { Digest(hashing: "tessera builtin:image 1").hex }

  static let layoutDimensions =
    ColorHistogram.dimensions + GradientHistogram.dimensions + ColorLayout.frequencyDimensions
    + GradientHistogram.densityDimensions + ColorLayout.statisticDimensions

  /// Lengths of the four blocks before the whole is normalized.
  private static let colorShare: Float = 1, edgeShare: Float = 0.7, layoutShare: Float = 0.7
  private static let statisticShare: Float = 0.4

  /// Items per parallel task; small, because decoding times differ widely.
  private static let chunkSize = 8

  /// Decodes and encodes the images of a batch. An item without an image is absent; an image that is missing or
  /// cannot be decoded is absent and reported.
  public func encode(_ items: [Item]) -> EncodedBatch {
    EncodedBatch(ofImages: items.count, dimensions: dimensions, chunkSize: Self.chunkSize) { chunk in
      chunk.compactMap { index in
        items[index].withImage { path throws(ImageError) in
          Self.features(of: try ImageDecoder.decode(path: path, limits: limits, targetSide: LabImage.side))
        }.map { (index: index, outcome: $0) }
      }
    }
  }

  /// The unit-length vector of one picture, 256 floats.
  package static func features(of image: RGBImage) -> [Float] {
    let canvas = LabImage(image)
    let gradients = GradientHistogram(of: canvas)
    let blocks = [
      scaled(ColorHistogram.features(of: canvas), to: colorShare),
      scaled(gradients.orientationFeatures, to: edgeShare),
      scaled(ColorLayout.frequencyFeatures(of: canvas), to: layoutShare),
      scaled(gradients.densityFeatures + ColorLayout.statisticFeatures(of: canvas), to: statisticShare),
    ]
    return scaled(Array(blocks.joined()), to: 1)
  }

  /// A block scaled to a length; zeros stay zeros.
  private static func scaled(_ block: [Float], to length: Float) -> [Float] {
    let norm = block.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return norm > 0 ? block.map { $0 * (length / norm) } : block
  }
}
