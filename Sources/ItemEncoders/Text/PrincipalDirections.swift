package import TensorMath

/// The leading eigenvectors of a large symmetric matrix, as rows, largest eigenvalue first.
///
/// Subspace iteration with a Rayleigh–Ritz step (Halko, Martinsson and Tropp, "Finding Structure with Randomness",
/// 2011): a few matrix products in place of the full decomposition. A small multiple of the identity is added, so
/// that where the matrix has low rank the rest of the rows are an arbitrary orthonormal completion.
///
/// - Parameters:
///   - matrix: `n × n`, positive semidefinite.
///   - count: Rows wanted, at most n.
/// - Returns: `count × n`, orthonormal rows.
/// - Complexity: O(n² · count) time.
package func principalDirections(of matrix: Matrix, count: Int, using random: inout RandomSource) -> Matrix {
  let width = min(matrix.rows, count + extraDirections)
  guard width * 2 < matrix.rows else {
    return SymmetricEigen(of: matrix).vectors.rows(0..<count)
  }
  var directions = Matrix(rows: width, columns: matrix.rows)
  for index in directions.elements.indices { directions.elements[index] = random.nextNormal() }
  directions = orthonormal(directions)
  let trace = (0..<matrix.rows).reduce(Float(0)) { $0 + matrix[$1, $1] }
  let shift = max(trace / Float(matrix.rows) * 0.1, .leastNormalMagnitude)
  for _ in 0..<iterations {
    var next = matrixProduct(directions, matrix)
    for index in next.elements.indices { next.elements[index] += shift * directions.elements[index] }
    directions = orthonormal(next)
  }
  let projected = matrixProduct(matrixProduct(directions, matrix), directions, transposingRight: true)
  return matrixProduct(SymmetricEigen(of: projected).vectors.rows(0..<count), directions)
}

/// Directions iterated besides those wanted, so that the last wanted ones converge too.
private let extraDirections = 32
private let iterations = 6

/// Rows that span the same space, orthonormal. Twice, because the first pass through the squared matrix loses half of
/// the digits.
private func orthonormal(_ rows: Matrix) -> Matrix {
  var result = rows
  for _ in 0..<2 {
    let eigen = SymmetricEigen(of: matrixProduct(result, result, transposingRight: true))
    var turned = matrixProduct(eigen.vectors, result)
    let floor = (eigen.values.first ?? 0) * 1e-7
    for row in 0..<turned.rows {
      let scale = 1 / max(eigen.values[row], floor, .leastNormalMagnitude).squareRoot()
      for column in 0..<turned.columns { turned.elements[row * turned.columns + column] *= scale }
    }
    result = turned
  }
  return result
}
