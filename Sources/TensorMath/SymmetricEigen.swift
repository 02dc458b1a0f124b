internal import COpenBLAS

/// Eigenvalues, largest first, and eigenvectors of a symmetric matrix.
public struct SymmetricEigen: Sendable {
  /// Largest first.
  public let values: [Float]

  /// Row i is the unit eigenvector of `values[i]`, its largest component positive so that a result is reproducible.
  public let vectors: Matrix

  /// Decomposes a symmetric `n × n` matrix by LAPACK's divide and conquer (`ssyevd`).
  /// - Complexity: O(n³) time, about 2 n² floats of scratch.
  public init(of matrix: Matrix) {
    precondition(matrix.rows == matrix.columns, "only a square matrix has eigenvalues")
    guard matrix.rows > 0 else {
      values = []
      vectors = matrix
      return
    }
    var eigenvectors = [Float](matrix.elements)
    let ascending = solve(&eigenvectors, order: matrix.rows)
    let n = matrix.rows
    var ordered = ContiguousArray<Float>()
    ordered.reserveCapacity(n * n)
    for index in stride(from: n - 1, through: 0, by: -1) {
      let vector = eigenvectors[index * n..<(index + 1) * n]
      let peak = vector.max { abs($0) < abs($1) } ?? 1
      ordered.append(contentsOf: vector.lazy.map { peak < 0 ? -$0 : $0 })
    }
    values = ascending.reversed()
    vectors = Matrix(rows: n, columns: n, elements: ordered)
  }
}

/// Overwrites `a` with eigenvectors, one per row of `order` elements, and returns the eigenvalues in ascending order.
///
/// LAPACK runs on the calling thread: the bits of a result must not depend on the number of cores, and OpenBLAS's waiting
/// threads spin.
private func solve(_ a: inout [Float], order: Int) -> [Float] {
  openblas_set_num_threads(1)
  var n = Int32(order)
  var leading = n
  var status: Int32 = 0
  var values = [Float](repeating: 0, count: order)
  var workSize: Float = 0
  var integerWorkSize: Int32 = 0
  var query: Int32 = -1
  var integerQuery: Int32 = -1
  unsafe ssyevd_("V", "U", &n, &a, &leading, &values, &workSize, &query, &integerWorkSize, &integerQuery, &status)
  precondition(status == 0, "LAPACK refused an eigenvalue problem of order \(order): status \(status)")
  var length = Int32(workSize) + 1
  var work = [Float](repeating: 0, count: Int(length))
  var integerLength = integerWorkSize
  var integerWork = [Int32](repeating: 0, count: Int(integerLength))
  unsafe ssyevd_("V", "U", &n, &a, &leading, &values, &work, &length, &integerWork, &integerLength, &status)
  precondition(status == 0, "LAPACK did not converge on an eigenvalue problem of order \(order): status \(status)")
  return values
}
