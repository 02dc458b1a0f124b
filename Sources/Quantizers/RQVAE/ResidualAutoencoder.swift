internal import NeuralNetworks
public import TensorMath

/// RQ-VAE: an encoder, residual codebooks of what it makes of a vector, and a decoder from the centroids' sum back to
/// the vector (Zeghidour et al., 2021; Lee et al., 2022; for items, Rajput et al., 2023).
///
/// Serving assigns as training did: the encoder in f32, then the nearest centroid of each level. A row's codes depend on
/// that row alone. Distances and level errors are those of the latent vectors, which the codebooks code; only
/// `meanSquaredError` and ``decode(_:)`` are of the original space.
public struct ResidualAutoencoder: Quantizer {
  /// Encoder and decoder.
  package let model: AutoencoderModel
  private let levels: ResidualQuantizer

  /// Rows that pass the encoder at once.
  private static let rowsPerBlock = 8192

  init(model: AutoencoderModel, codebooks: ResidualCodebooks) throws(QuantizerError) {
    guard codebooks.dimensions == model.shape.latentDimensions else {
      throw QuantizerError(
        .invalidModel,
        "codebooks of \(codebooks.dimensions) dimensions for an encoder of \(model.shape.latentDimensions)")
    }
    self.model = model
    levels = ResidualQuantizer(codebooks: codebooks)
  }

  public var codebooks: ResidualCodebooks { levels.codebooks }
  public var shape: AutoencoderShape { model.shape }

  /// The products that decide codes, for manifests.
  public var computePath: String { levels.computePath }

  public func codedVectors(_ x: Matrix) throws(QuantizerError) -> Matrix {
    guard x.rows > 0 else { return Matrix(rows: 0, columns: codebooks.dimensions) }
    guard x.columns == shape.dimensions else {
      throw QuantizerError(
        .dimensionMismatch, "vectors of \(x.columns) dimensions for an encoder of \(shape.dimensions)")
    }
    try requireFinite(x)
    return inBlocks(x, columns: codebooks.dimensions, model.encode)
  }

  /// - Complexity: O(n · (weights + Σ sizes · latent dimensions)) time.
  public func encode(_ x: Matrix) throws(QuantizerError) -> Encoding {
    guard x.rows > 0 else { return Encoding(levels: codebooks.levels.count) }
    let coded = try levels.encode(codedVectors(x))
    let decoded = try decode(coded.codes)
    var total = 0.0
    for row in 0..<x.rows { total += Double(squaredDistance(x.row(row), decoded.row(row))) }
    return Encoding(
      codes: coded.codes, distances: coded.distances, levelErrors: coded.levelErrors,
      meanSquaredError: total / Double(x.rows))
  }

  /// What the decoder makes of the chosen centroids' sums.
  public func decode(_ codes: CodeMatrix) throws(QuantizerError) -> Matrix {
    inBlocks(try centroidSums(codes), columns: shape.dimensions, model.decode)
  }

  private func inBlocks(_ x: Matrix, columns: Int, _ body: (Matrix) -> Matrix) -> Matrix {
    guard x.rows > Self.rowsPerBlock else { return body(x) }
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(x.rows * columns)
    for start in stride(from: 0, to: x.rows, by: Self.rowsPerBlock) {
      elements += body(x.rows(start..<min(x.rows, start + Self.rowsPerBlock))).elements
    }
    return Matrix(rows: x.rows, columns: columns, elements: elements)
  }
}
