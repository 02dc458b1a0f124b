internal import CVectorKernels

// The three products of a linear layer's step. Rows are cut into chunks of a fixed size, so that results do not depend on
// the thread count.

/// Rows of one parallel task.
private let rowsPerTask = 128

extension PackedMatrix {
  /// `a · self + bias` on all threads.
  package func parallelProduct(_ a: Matrix, bias: ContiguousArray<Float>? = nil) -> Matrix {
    precondition(a.columns == rows, "a product of \(a.rows) × \(a.columns) with \(rows) × \(columns)")
    return unsafe Matrix(rows: a.rows, columns: columns) { target in
      guard rows > 0 else { return unsafe target.initialize(repeating: 0, count: a.rows * columns) }
      let target = unsafe SharedPointer(target)
      Parallelism.forEachChunk(of: a.rows, size: rowsPerTask) { range in
        unsafe a.elements.withUnsafeBufferPointer { left in
          unsafe product(
            left.baseAddress! + range.lowerBound * rows, rows: range.count, bias: bias,
            into: target.pointer + range.lowerBound * columns)
        }
      }
    }
  }
}

extension Matrix {
  /// Adds `leftᵀ · right` for factors of as many rows: the gradient of a linear layer's weights.
  ///
  /// Their rows are cut into a few slices, each summed by one task on its own and the sums added in order; only a large
  /// result is cut by its own rows instead, which needs no second copy of it but packs `right` again for each piece.
  mutating func addTransposedProduct(_ left: Matrix, _ right: Matrix) {
    precondition(
      left.rows == right.rows && rows == left.columns && columns == right.columns,
      "a product of \(left.columns) × \(left.rows) with \(right.rows) × \(right.columns) into \(rows) × \(columns)")
    let slices = min(4, left.rows / 512)
    if slices > 1, elements.count <= 1 << 20 {
      let size = (left.rows + slices - 1) / slices, (rows, columns) = (rows, columns)
      let partial = Parallelism.mapChunks(of: left.rows, size: size) { range in
        var sum = Matrix(rows: rows, columns: columns)
        sum.addTransposedProduct(left, right, summing: range, of: 0..<rows)
        return sum
      }
      for sum in partial { add(sum) }
    } else {
      unsafe elements.withUnsafeMutableBufferPointer { target in
        guard let base = target.baseAddress else { return }
        let (target, columns) = unsafe (SharedPointer(base), columns)
        Parallelism.forEachChunk(of: rows, size: max(64, min(512, rows / 8))) { outputs in
          unsafe addTransposed(left, right, summing: 0..<left.rows, of: outputs, into: target.pointer, columns)
        }
      }
    }
  }

  private mutating func addTransposedProduct(
    _ left: Matrix, _ right: Matrix, summing range: Range<Int>, of outputs: Range<Int>
  ) {
    let columns = columns
    unsafe elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      unsafe addTransposed(left, right, summing: range, of: outputs, into: base, columns)
    }
  }
}

/// Rows of the right factor that are packed at once: with a panel of columns, two thirds of a first-level cache.
private let rowsPerPack = 160

/// Adds rows `outputs` of the product of `leftᵀ` and `right`, summed over the rows `range` of both.
private func addTransposed(
  _ left: Matrix, _ right: Matrix, summing range: Range<Int>, of outputs: Range<Int>,
  into target: UnsafeMutablePointer<Float>, _ columns: Int
) {
  guard columns > 0, !outputs.isEmpty else { return }
  let (height, width) = (left.columns, right.columns)
  unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: tessera_packed_count(rowsPerPack, width)) { packed in
    unsafe left.elements.withUnsafeBufferPointer { left in
      unsafe right.elements.withUnsafeBufferPointer { right in
        for start in stride(from: range.lowerBound, to: range.upperBound, by: rowsPerPack) {
          let count = min(rowsPerPack, range.upperBound - start)
          unsafe tessera_pack_right(right.baseAddress! + start * width, count, width, width, 1, packed.baseAddress)
          unsafe tessera_add_packed_product(
            left.baseAddress! + start * height + outputs.lowerBound, outputs.count, count, height, 1,
            packed.baseAddress, width, target + outputs.lowerBound * columns, columns)
        }
      }
    }
  }
}
