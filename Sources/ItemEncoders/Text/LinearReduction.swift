package import TensorMath

/// A linear map to fewer dimensions, `(x − mean) · projection`.
package struct LinearReduction: Sendable, Equatable {
  /// One per input dimension.
  package let mean: ContiguousArray<Float>
  /// `inputs × outputs`, orthonormal columns.
  package let projection: Matrix

  /// `mean · projection`, taken off after the product.
  private let offset: ContiguousArray<Float>
  private let packed: PackedMatrix

  /// Whether a row's bits do not depend on how many are reduced at once.
  package var keepsRowsApart: Bool { packed.keepsRowsApart }

  package init(mean: ContiguousArray<Float>, projection: Matrix) {
    precondition(mean.count == projection.rows, "a mean of \(mean.count) for \(projection.rows) inputs")
    self.mean = mean
    self.projection = projection
    packed = PackedMatrix(projection)
    offset = packed.product(Matrix(rows: 1, columns: mean.count, elements: mean)).elements
  }

  package static func == (left: LinearReduction, right: LinearReduction) -> Bool {
    left.mean == right.mean && left.projection == right.projection
  }

  /// The principal directions of the moments' rows, most variance first.
  ///
  /// Where the rows span fewer than `dimensions` directions, the rest are an arbitrary orthonormal completion,
  /// through which items unlike the sample still differ.
  package init(principalDirectionsOf moments: SecondMoments, dimensions: Int, seed: UInt64) {
    let means = moments.means
    var covariance = moments.momentsAboutZero
    for row in 0..<moments.columns {
      for column in 0..<moments.columns { covariance[row, column] -= Float(means[row] * means[column]) }
    }
    var random = RandomSource(seed: seed)
    let directions = principalDirections(of: covariance, count: dimensions, using: &random)
    var projection = Matrix(rows: moments.columns, columns: dimensions)
    for direction in 0..<dimensions {
      for input in 0..<moments.columns { projection[input, direction] = directions[direction, input] }
    }
    self.init(mean: ContiguousArray(means.lazy.map { Float($0) }), projection: projection)
  }

  /// On the calling thread.
  ///
  /// - Parameter x: `n × inputs`.
  /// - Returns: `n × outputs`.
  package func callAsFunction(_ x: Matrix) -> Matrix {
    var result = packed.product(x)
    for row in 0..<result.rows {
      for column in 0..<result.columns { result.elements[row * result.columns + column] -= offset[column] }
    }
    return result
  }
}
