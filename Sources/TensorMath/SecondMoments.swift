/// Sums of rows and of their outer products, gathered block by block: all that means, covariances, regressions and
/// principal components need, in memory that does not grow with the number of rows.
///
/// Products within a block of rows are f32, sums over blocks are f64.
package struct SecondMoments: Sendable {
  package let columns: Int
  package private(set) var count = 0

  /// `columns` sums.
  package private(set) var sums: [Double]

  /// `columns × columns` sums of products, row-major, symmetric.
  package private(set) var products: [Double]

  /// Rows whose products are summed in f32.
  private static let blockRows = 1024

  package init(columns: Int) {
    self.columns = columns
    sums = Array(repeating: 0, count: columns)
    products = Array(repeating: 0, count: columns * columns)
  }

  /// Adds rows.
  /// - Parameter rows: `n × columns`.
  /// - Complexity: O(n · columns²), as matrix products.
  package mutating func add(_ rows: Matrix) {
    precondition(rows.columns == columns, "rows of \(rows.columns) columns added to moments of \(columns)")
    for start in stride(from: 0, to: rows.rows, by: Self.blockRows) {
      let block = transposed(rows, rows: start..<min(rows.rows, start + Self.blockRows))
      let blockProducts = matrixProduct(block, block, transposingRight: true)
      for index in products.indices { products[index] += Double(blockProducts.elements[index]) }
      for column in 0..<columns { sums[column] += block.row(column).reduce(0) { $0 + Double($1) } }
    }
    count += rows.rows
  }

  /// The mean of each column; zeros where nothing was added.
  package var means: [Double] {
    count == 0 ? sums : sums.map { $0 / Double(count) }
  }

  /// The second moments about zero, `products / count`, as f32.
  package var momentsAboutZero: Matrix {
    let scale = 1 / Double(max(1, count))
    return Matrix(rows: columns, columns: columns, elements: ContiguousArray(products.lazy.map { Float($0 * scale) }))
  }

  /// `columns × rows.count`: the given rows, turned.
  private func transposed(_ matrix: Matrix, rows: Range<Int>) -> Matrix {
    var result = Matrix(rows: columns, columns: rows.count)
    for (target, row) in rows.enumerated() {
      for column in 0..<columns {
        result.elements[column * rows.count + target] = matrix.elements[row * columns + column]
      }
    }
    return result
  }
}
