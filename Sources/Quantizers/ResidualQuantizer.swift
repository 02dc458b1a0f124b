public import TensorMath

/// A quantiser of L levels: each level codes what the levels before left over (QARM, section 4; OneRec, section 3.1).
///
/// A residual gets the code of its nearest centroid (plus price), decided in f32 by one fixed-order sum per candidate,
/// ties to the lowest index. The code of a row is therefore the same alone, in any batch and on any number of threads.
public struct ResidualQuantizer: Quantizer {
  public let codebooks: ResidualCodebooks

  /// One search per level.
  private let searches: [NearestCentroids]

  /// Rows per parallel task: a block's residuals stay in the cache through all levels.
  private static let rowsPerTask = 1024

  /// A quantiser that serves trained codebooks.
  public init(codebooks: ResidualCodebooks) {
    self.codebooks = codebooks
    searches = codebooks.levels.map { NearestCentroids($0.centroids, prices: $0.prices) }
  }

  /// The products that propose and decide codes on this processor, for manifests: `int8+float32` or `float32`. Both give
  /// the same codes.
  public var computePath: String { searches[0].computePath.rawValue }

  /// - Complexity: O(n · Σ sizes · dimensions) time, and beside the result a few mebibytes per thread.
  public func encode(_ x: Matrix) throws(QuantizerError) -> Encoding {
    guard x.rows > 0 else { return Encoding(levels: searches.count) }
    guard x.columns == codebooks.dimensions else {
      throw QuantizerError(
        .dimensionMismatch, "vectors of \(x.columns) dimensions for codebooks of \(codebooks.dimensions)")
    }
    try requireFinite(x)
    let blocks = Parallelism.mapChunks(of: x.rows, size: Self.rowsPerTask) { encodeBlock(x.rows($0)) }
    var result = Encoding(levels: searches.count)
    for block in blocks { result.append(block) }
    return result
  }

  private func encodeBlock(_ rows: Matrix) -> Encoding {
    var residuals = rows
    var codes = CodeMatrix(count: rows.rows, levels: searches.count)
    var squaredNorms = ContiguousArray<Float>()
    var errors: [Double] = []
    for (level, search) in searches.enumerated() {
      let levelCodes = search.assignBlock(residuals).codes
      squaredNorms = residuals.subtractRows(of: search.centroids, at: levelCodes)
      for row in 0..<rows.rows { codes[row, level] = levelCodes[row] }
      errors.append(squaredNorms.reduce(0.0) { $0 + Double($1) } / Double(rows.rows))
    }
    let distances = ContiguousArray(squaredNorms.lazy.map { $0.squareRoot() })
    return Encoding(codes: codes, distances: distances, levelErrors: errors)
  }
}
