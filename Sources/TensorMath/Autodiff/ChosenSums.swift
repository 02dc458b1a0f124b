internal import CVectorKernels

/// Which rows of a table each row of another value is compared with, and where the results belong.
public struct RowChoices: Sendable {
  /// By row: rows of the table; empty for none.
  public var ranges: [Range<Int>]
  /// By row of the table: a column of the results.
  public var columns: ContiguousArray<UInt16>

  public init(ranges: [Range<Int>], columns: ContiguousArray<UInt16>) {
    (self.ranges, self.columns) = (ranges, columns)
  }
}

extension Variable {
  /// Adds to some elements of each row the inner products of a row of `x` with some rows of a table:
  /// result[r, columns[t]] = self[r, columns[t]] + ⟨x_r, table_t⟩ for every t in ranges[r].
  ///
  /// - Parameters:
  ///   - x: as many rows as here.
  ///   - table: `choices × x.columns`.
  /// - Returns: a value of this one's shape. An element does not depend on the other rows.
  /// - Complexity: O(choices of all rows · `x.columns`), the gradients as well.
  public func addingProducts(of x: Variable, with table: Variable, at choices: RowChoices) -> Variable {
    let width = x.columns, columns = columns
    precondition(x.rows == rows && choices.ranges.count == rows, "\(x.rows) rows and \(choices.ranges.count) choices")
    precondition(table.columns == x.columns, "rows of \(x.columns) and of \(table.columns)")
    precondition(
      choices.columns.count == table.rows && choices.columns.allSatisfy { Int($0) < columns }
        && choices.ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= table.rows },
      "choices beyond the \(table.rows) rows or the \(columns) columns")
    let (a, b, t) = (index, x.index, table.index), (queries, vectors) = (x.value, table.value)
    let count = choices.ranges.reduce(0) { $0 + $1.count }
    tape.countProduct(Double(count) * Double(width), gradientsFor: [x, table])
    var output = value
    unsafe choices.forEach(queries, vectors) { row, choice, query, vector in
      output.elements[row * columns + Int(choices.columns[choice])] += unsafe tessera_dot(query, vector, width)
    }
    return tape.record(output, from: [self, x, table]) { gradient, gradients in
      func slope(_ row: Int, _ choice: Int) -> Float {
        gradient.elements[row * columns + Int(choices.columns[choice])]
      }
      gradients.accumulate(b) { sums in
        unsafe sums.elements.withUnsafeMutableBufferPointer { sums in
          guard let sums = sums.baseAddress else { return }
          unsafe choices.forEach(queries, vectors) { row, choice, _, vector in
            unsafe tessera_add_scaled(sums + row * width, vector, slope(row, choice), width)
          }
        }
      }
      gradients.accumulate(t) { sums in
        unsafe sums.elements.withUnsafeMutableBufferPointer { sums in
          guard let sums = sums.baseAddress else { return }
          unsafe choices.forEach(queries, vectors) { row, choice, query, _ in
            unsafe tessera_add_scaled(sums + choice * width, query, slope(row, choice), width)
          }
        }
      }
      gradients.add(gradient, to: a)
    }
  }
}

extension RowChoices {
  /// Calls `body` with every row and each of its choices, in order.
  fileprivate func forEach(
    _ queries: Matrix, _ vectors: Matrix,
    _ body: (_ row: Int, _ choice: Int, _ query: UnsafePointer<Float>, _ vector: UnsafePointer<Float>) -> Void
  ) {
    unsafe queries.elements.withUnsafeBufferPointer { queryElements in
      unsafe vectors.elements.withUnsafeBufferPointer { vectorElements in
        guard let query = queryElements.baseAddress, let vector = vectorElements.baseAddress else { return }
        for (row, range) in ranges.enumerated() {
          for choice in range {
            unsafe body(row, choice, query + row * queries.columns, vector + choice * vectors.columns)
          }
        }
      }
    }
  }
}
