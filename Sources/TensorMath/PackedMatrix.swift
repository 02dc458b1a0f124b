/// The right factor of many products, as a layer's weights are.
package struct PackedMatrix: Sendable {
  /// Inner extent: the products' inputs.
  package let rows: Int
  /// The products' outputs.
  package let columns: Int
  private let elements: ContiguousArray<Float>

  /// `k × n`.
  package init(_ right: Matrix) {
    rows = right.rows
    columns = right.columns
    elements = right.elements
  }

  /// From `n × k`, as PyTorch keeps a linear layer's weights.
  package init(transposing weights: Matrix) {
    var right = Matrix(rows: weights.columns, columns: weights.rows)
    for row in 0..<weights.rows {
      for column in 0..<weights.columns { right[column, row] = weights[row, column] }
    }
    self.init(right)
  }

  /// `c = activation(a · self + bias)` on the calling thread: `a` is `m × rows`, `c` is `m × columns`, both row-major
  /// and tightly packed. A row of the result does not depend on the other rows of `a`.
  package func product(
    _ a: UnsafePointer<Float>, rows m: Int, bias: ContiguousArray<Float>? = nil, activation: Activation = .identity,
    into c: UnsafeMutablePointer<Float>
  ) {
    unsafe elements.withUnsafeBufferPointer { right in
      unsafe multiply(a, right.baseAddress!, c, m: m, n: columns, k: rows, transposingRight: false)
    }
    for row in 0..<m {
      let output = unsafe UnsafeMutableBufferPointer(start: c + row * columns, count: columns)
      if let bias { for column in 0..<columns { unsafe output[column] += bias[column] } }
      unsafe activation.apply(to: output)
    }
  }
}
