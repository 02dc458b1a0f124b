internal import CVectorKernels

extension Variable {
  /// The softmax of every row: e^x / Σ e^x.
  public func softmaxRows() -> Variable {
    let index = index, columns = columns
    let output = unsafe value.mappedRows { source, target, rows in
      unsafe target.initialize(from: source, count: rows.count * columns)
      for row in 0..<rows.count { unsafe tessera_softmax(target + row * columns, columns, 1) }
    }
    return tape.record(output, from: [self]) { gradient, gradients in
      // p · (g − Σ p g), with p in `target` before.
      let result = unsafe gradient.mappedRows { outer, target, rows in
        unsafe output.elements.withUnsafeBufferPointer { probabilities in
          unsafe target.initialize(
            from: probabilities.baseAddress! + rows.lowerBound * columns, count: rows.count * columns)
          for row in 0..<rows.count {
            unsafe tessera_softmax_gradient(target + row * columns, outer + row * columns, columns, 1)
          }
        }
      }
      gradients.add(result, to: index)
    }
  }

  /// The same elements, row-major, in another shape.
  public func reshaped(rows: Int, columns: Int) -> Variable {
    precondition(
      rows * columns == self.rows * self.columns, "\(self.rows) × \(self.columns) does not fill \(rows) × \(columns)")
    let (index, height, width) = (index, self.rows, self.columns)
    return tape.record(Matrix(rows: rows, columns: columns, elements: value.elements), from: [self]) {
      gradient, gradients in
      gradients.add(Matrix(rows: height, columns: width, elements: gradient.elements), to: index)
    }
  }
}
