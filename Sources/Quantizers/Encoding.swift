/// The codes of a block of vectors, and what is left of the vectors after the last level.
public struct Encoding: Sendable, Equatable {
  public private(set) var codes: CodeMatrix

  /// `‖residual‖` after the last level, one per row, in the space of the codebooks.
  public private(set) var distances: ContiguousArray<Float>

  /// Mean of `‖residual‖²` over the rows after each level, first level first, in the space of the codebooks; zeros for
  /// an empty block.
  public private(set) var levelErrors: [Double]

  /// Mean of `‖x − decode(encode(x))‖²` over the rows: that of the last level, unless the codebooks code something else
  /// than the vectors themselves.
  public private(set) var meanSquaredError: Double

  /// - Parameter meanSquaredError: nil: the last level's error.
  public init(
    codes: CodeMatrix, distances: ContiguousArray<Float>, levelErrors: [Double], meanSquaredError: Double? = nil
  ) {
    precondition(distances.count == codes.count, "\(distances.count) distances for \(codes.count) rows")
    precondition(levelErrors.count == codes.levels, "\(levelErrors.count) errors for \(codes.levels) levels")
    self.codes = codes
    self.distances = distances
    self.levelErrors = levelErrors
    self.meanSquaredError = meanSquaredError ?? levelErrors.last ?? 0
  }

  /// An encoding of no rows, to which blocks are appended.
  public init(levels: Int) {
    self.init(
      codes: CodeMatrix(count: 0, levels: levels), distances: [], levelErrors: Array(repeating: 0, count: levels))
  }

  /// Appends the encoding of further rows by the same quantiser; errors become means over all rows.
  public mutating func append(_ other: Encoding) {
    let own = Double(codes.count), others = Double(other.codes.count)
    codes.append(other.codes)
    distances.append(contentsOf: other.distances)
    guard own + others > 0 else { return }
    meanSquaredError = (meanSquaredError * own + other.meanSquaredError * others) / (own + others)
    for level in levelErrors.indices {
      levelErrors[level] = (levelErrors[level] * own + other.levelErrors[level] * others) / (own + others)
    }
  }
}
