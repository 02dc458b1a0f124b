public import TensorMath

/// Where items could go at the last level: squared distances from each item's residual before the last level to every
/// centroid of the last level.
public struct LastLevelDistances: Sendable {
  /// Centroids of the last level.
  public let size: Int

  /// What a balanced codebook adds to each squared distance when it assigns; nil without prices.
  public let prices: [Float]?

  private let squaredDistances: @Sendable ([Int]) -> Matrix

  /// - Parameter squaredDistances: for given rows, ascending, returns `rows × size` squared distances. It is called
  ///   from several threads at once, for a few hundred rows a call; which rows come together depends on the codes
  ///   alone. What is not finite counts as out of reach.
  public init(size: Int, prices: [Float]? = nil, squaredDistances: @escaping @Sendable ([Int]) -> Matrix) {
    precondition(prices == nil || prices?.count == size, "one price per centroid")
    self.size = size
    self.prices = prices
    self.squaredDistances = squaredDistances
  }

  /// Distances under residual codebooks, from the vectors that were encoded.
  ///
  /// - Parameters:
  ///   - codebooks: those that `codes` came from.
  ///   - codes: items × levels, by row.
  ///   - vectors: returns the vectors (`rows × dimensions`) of given rows, from memory or disk.
  public init(
    codebooks: ResidualCodebooks, codes: CodeMatrix, vectors: @escaping @Sendable ([Int]) -> Matrix
  ) {
    let last = codebooks.levels[codebooks.levels.count - 1]
    self.init(size: last.size, prices: last.prices) { rows in
      var residuals = vectors(rows)
      subtractCentroids(&residuals, codebooks, codes, rows)
      return pairwiseSquaredDistances(residuals, last.centroids)
    }
  }

  /// `rows × size` squared distances.
  func callAsFunction(_ rows: [Int]) -> Matrix {
    let result = squaredDistances(rows)
    precondition(
      result.rows == rows.count && result.columns == size,
      "\(result.rows) × \(result.columns) distances where \(rows.count) × \(size) were asked for")
    return result
  }
}

/// Takes the centroids of all levels but the last off the vectors.
private func subtractCentroids(
  _ vectors: inout Matrix, _ codebooks: ResidualCodebooks, _ codes: CodeMatrix, _ rows: [Int]
) {
  let dimensions = codebooks.dimensions
  for level in 0..<codebooks.levels.count - 1 {
    let centroids = codebooks.levels[level].centroids
    for (position, row) in rows.enumerated() {
      let code = Int(codes[row, level])
      for column in 0..<dimensions {
        vectors.elements[position * dimensions + column] -= centroids.elements[code * dimensions + column]
      }
    }
  }
}
