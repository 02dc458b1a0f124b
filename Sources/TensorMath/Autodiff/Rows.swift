internal import CVectorKernels

extension Variable {
  /// The rows with the given indices, in the order given; an index may repeat. An embedding table's lookup.
  /// - Parameter indices: below `rows`; a negative one gives a row of zeros.
  /// - Returns: `indices.count × columns`.
  /// - Complexity: O(indices · columns) forward; the gradient is a matrix of this value's shape.
  public func selectingRows(_ indices: ContiguousArray<Int32>) -> Variable {
    let table = value
    precondition(indices.allSatisfy { $0 < table.rows }, "a row beyond the table's \(table.rows)")
    let index = index
    return tape.record(table.selecting(indices), from: [self]) { gradient, gradients in
      gradients.accumulate(index) { $0.addRows(gradient, at: indices) }
    }
  }

  /// Rows scattered to places of a larger matrix, added where places repeat; the other rows are zeros. The transpose of
  /// ``selectingRows(_:)``.
  /// - Parameters:
  ///   - indices: of this value's rows in the result; a negative one drops the row.
  ///   - count: rows of the result.
  public func scatteringRows(to indices: ContiguousArray<Int32>, of count: Int) -> Variable {
    precondition(indices.count == rows, "\(indices.count) places for \(rows) rows")
    var output = Matrix(rows: count, columns: columns)
    output.addRows(value, at: indices)
    let index = index
    return tape.record(output, from: [self]) { gradient, gradients in
      gradients.add(gradient.selecting(indices), to: index)
    }
  }

  /// Each row times a number of its own.
  /// - Parameter factors: `rows × 1`.
  public func scalingRows(by factors: Variable) -> Variable {
    precondition(factors.rows == rows && factors.columns == 1, "\(factors.rows) factors for \(rows) rows")
    let (a, b, x, scale, columns) = (index, factors.index, value, factors.value, columns)
    let apply: @Sendable (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Range<Int>) -> Void = {
      source, target, rows in
      for (row, factor) in scale.elements[rows].enumerated() {
        for element in row * columns..<(row + 1) * columns { unsafe target[element] = factor * source[element] }
      }
    }
    return unsafe tape.record(x.mappedRows(apply), from: [self, factors]) { gradient, gradients in
      if gradients.needs(b) {
        var sums = Matrix(rows: x.rows, columns: 1)
        for row in 0..<x.rows { sums.elements[row] = dotProduct(x, gradient, row: row) }
        gradients.add(sums, to: b)
      }
      if gradients.needs(a) { unsafe gradients.add(gradient.mappedRows(apply), to: a) }
    }
  }

  /// The mean of each segment's rows; an empty segment gives zeros.
  /// - Parameter offsets: where segments begin, and behind the last the number of rows: `segments + 1` of them.
  public func segmentMeans(_ offsets: [Int]) -> Variable {
    precondition(offsets.first == 0 && offsets.last == rows, "segments that do not cover the rows")
    var owner = ContiguousArray<Int32>(repeating: 0, count: rows)
    var inverse = Matrix(rows: rows, columns: 1)
    for segment in 0..<offsets.count - 1 {
      for row in offsets[segment]..<offsets[segment + 1] {
        owner[row] = Int32(segment)
        inverse.elements[row] = 1 / Float(offsets[segment + 1] - offsets[segment])
      }
    }
    return scalingRows(by: tape.constant(inverse)).scatteringRows(to: owner, of: offsets.count - 1)
  }
}

extension Matrix {
  /// The rows with the given indices; zeros for a negative one.
  package func selecting(_ indices: ContiguousArray<Int32>) -> Matrix {
    unsafe Matrix(rows: indices.count, columns: columns) { target in
      let target = unsafe SharedPointer(target)
      Parallelism.forEachChunk(of: indices.count, size: max(1, elementsPerTask / max(1, columns))) { range in
        unsafe elements.withUnsafeBufferPointer { source in
          for row in range {
            let (place, index) = unsafe (target.pointer + row * columns, Int(indices[row]))
            if index < 0 {
              unsafe place.initialize(repeating: 0, count: columns)
            } else {
              precondition(index < rows, "a row beyond the \(rows) there are")
              unsafe place.initialize(from: source.baseAddress! + index * columns, count: columns)
            }
          }
        }
      }
    }
  }

  /// Adds rows at places that may repeat. Cut by columns: every place is added to in the rows' order.
  mutating func addRows(_ other: Matrix, at indices: ContiguousArray<Int32>) {
    precondition(other.columns == columns && other.rows == indices.count, "rows that do not fit")
    let (rows, columns) = (rows, columns)
    unsafe elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      let target = unsafe SharedPointer(base)
      Parallelism.forEachChunk(of: columns, size: 64) { range in
        unsafe other.elements.withUnsafeBufferPointer { source in
          for (row, index) in indices.enumerated() where index >= 0 {
            precondition(Int(index) < rows, "a row beyond the \(rows) there are")
            unsafe tessera_add_scaled(
              target.pointer + Int(index) * columns + range.lowerBound,
              source.baseAddress! + row * columns + range.lowerBound, 1, range.count)
          }
        }
      }
    }
  }
}

func dotProduct(_ a: Matrix, _ b: Matrix, row: Int) -> Float {
  unsafe a.elements.withUnsafeBufferPointer { first in
    unsafe b.elements.withUnsafeBufferPointer { second in
      guard let x = first.baseAddress, let y = second.baseAddress else { return 0 }
      return unsafe tessera_dot(x + row * a.columns, y + row * b.columns, a.columns)
    }
  }
}
