public import ItemCatalog
internal import TensorMath

/// A text encoder without pretrained weights: hashed words, word pairs and character n-grams, weighted by how telling
/// they are in the catalogue, sketched, and reduced to their principal directions.
///
/// In order: scalars are folded (``CharacterFolding``: NFKC, case, accents, Arabic forms) and cut into words; the
/// features of the template's string and of the title are counted; counts are damped (`1 + ln count`) and multiplied
/// by inverse document frequency; each family of features is scaled to its weight; a sparse signed projection folds
/// them into `sketchDimensions`; and a linear map learned from a sample of the catalogue (latent semantic analysis:
/// Deerwester et al., 1990) brings those to `dimensions`, where directions in which words occur together are kept and
/// noise is not.
///
/// Document frequencies and the map are fitted once and frozen with the encoder: they are part of ``fingerprint``,
/// and items that come later are encoded by them unchanged.
public struct BuiltinTextEncoder: ItemEncoder {
  public struct Parameters: Sendable, Equatable {
    /// Floats per vector; at most `sketchDimensions`.
    public var dimensions = 384
    /// Width of the hashed sketch before reduction; a multiple of 4. Wider is truer and slower.
    public var sketchDimensions = 2048
    /// The string that is encoded.
    public var template = TextTemplate.textOrTitle
    /// How often the title's features count besides those of the template's string, unless that begins with the
    /// title; 0 leaves the title out.
    public var titleWeight = 1
    /// Shares of the three families of features; only their ratios matter.
    public var wordWeight: Float = 1
    public var wordPairWeight: Float = 0.5
    public var characterWeight: Float = 0.5
    /// Words of an item beyond these are not read.
    public var maximumWords = 2048
    /// Items that the linear map is learned from; more are sampled.
    public var sampleLimit = 20_000
    /// Of the sample and of the sketch.
    public var seed: UInt64 = 1

    public init() {}
  }

  public let parameters: Parameters

  public let fingerprint: String

  public var modality: Modality { .text }
  public var description: EncoderDescription {
    EncoderDescription(model: "builtin", architecture: "words and characters", precision: "f32")
  }
  public var dimensions: Int { parameters.dimensions }

  package let frequencies: InverseDocumentFrequency
  let reduction: LinearReduction

  init(parameters: Parameters, frequencies: InverseDocumentFrequency, reduction: LinearReduction) {
    self.parameters = parameters
    self.frequencies = frequencies
    self.reduction = reduction
    fingerprint = Self.fingerprint(parameters: parameters, frequencies: frequencies, reduction: reduction)
  }

  /// Items per parallel task. Matrix products always have this many rows, so that a vector's bits do not depend on
  /// how many items it is encoded with.
  static let chunkSize = 128

  /// Encodes the template's string of each item; items whose string has no word are absent.
  /// - Complexity: O(features + sketchDimensions · dimensions) per item, on all threads.
  public func encode(_ items: [Item]) -> EncodedBatch {
    var vectors = Matrix(rows: items.count, columns: dimensions)
    var isPresent = [Bool](repeating: false, count: items.count)
    let width = dimensions
    unsafe vectors.elements.withUnsafeMutableBufferPointer { rows in
      unsafe isPresent.withUnsafeMutableBufferPointer { flags in
        guard let firstRow = rows.baseAddress, let firstFlag = flags.baseAddress else { return }
        let target = unsafe SharedPointer(firstRow)
        let present = unsafe SharedPointer(firstFlag)
        Parallelism.forEachChunk(of: items.count, size: Self.chunkSize) { chunk in
          let (reduced, isPresent) = encodeChunk(items[chunk])
          for (offset, item) in chunk.enumerated() where isPresent[offset] {
            unsafe present.pointer[item] = true
            for column in 0..<width { unsafe target.pointer[item * width + column] = reduced[offset, column] }
          }
        }
      }
    }
    return EncodedBatch(vectors: vectors, isPresent: isPresent)
  }

  private func encodeChunk(_ items: ArraySlice<Item>) -> (vectors: Matrix, isPresent: [Bool]) {
    var sketcher = TextSketcher(parameters: parameters, frequencies: frequencies)
    var sketches = Matrix(rows: Self.chunkSize, columns: parameters.sketchDimensions)
    let isPresent = items.enumerated().map { sketcher.sketch($1, into: &sketches, row: $0) }
    var vectors = reduction(sketches)
    for row in 0..<items.count { normalize(&vectors, row: row) }
    return (vectors, isPresent)
  }
}

/// Scales a row to unit length; leaves zeros.
func normalize(_ matrix: inout Matrix, row: Int) {
  let range = row * matrix.columns..<(row + 1) * matrix.columns
  var square: Float = 0
  for index in range { square += matrix.elements[index] * matrix.elements[index] }
  guard square > 0 else { return }
  let scale = 1 / square.squareRoot()
  for index in range { matrix.elements[index] *= scale }
}
