internal import CVectorKernels

extension Variable {
  /// `activation(self · weightsᵀ + bias)`, one layer in one pass.
  /// - Parameters:
  ///   - weights: `outputs × inputs`, as PyTorch keeps them.
  ///   - bias: `1 × outputs`.
  /// - Returns: `rows × outputs`.
  public func linear(_ weights: Variable, bias: Variable? = nil, activation: Activation = .identity) -> Variable {
    precondition(
      weights.columns == columns, "\(columns) inputs for weights of \(weights.rows) × \(weights.columns)")
    let (x, w, precision) = (value, weights.value, tape.precision)
    let sums = PackedMatrix(transposing: w, precision: precision).parallelProduct(x, bias: bias?.value.elements)
    let (input, weight, offset, code) = (index, weights.index, bias?.index, activation.kernelCode)
    let isLinear = activation == .identity
    let output = unsafe isLinear ? sums : sums.mapped { unsafe tessera_activate($0, $1, $2.count, code) }
    return tape.record(output, from: [self, weights] + (bias.map { [$0] } ?? [])) { gradient, gradients in
      let outer = isLinear ? gradient : gradient.throughActivation(at: sums, code)
      if gradients.needs(input) {
        gradients.add(PackedMatrix(w, precision: precision).parallelProduct(outer), to: input)
      }
      gradients.accumulate(weight) { $0.addTransposedProduct(outer, x) }
      if let offset { gradients.accumulate(offset) { $0.addColumnSums(of: outer) } }
    }
  }

  /// `self · otherᵀ`: all inner products of two sets of rows.
  /// - Returns: `rows × other.rows`.
  public func products(with other: Variable) -> Variable { linear(other) }
}

extension Matrix {
  /// Adds the sum of another matrix's rows to this one row.
  mutating func addColumnSums(of other: Matrix) {
    precondition(rows == 1 && columns == other.columns, "sums of \(other.columns) columns for \(columns)")
    let partial = Parallelism.mapChunks(of: other.rows, size: 1024) { range in
      var sums = ContiguousArray<Float>(repeating: 0, count: other.columns)
      unsafe sums.withUnsafeMutableBufferPointer { sums in
        unsafe other.elements.withUnsafeBufferPointer { source in
          guard let base = sums.baseAddress else { return }
          for row in range {
            unsafe tessera_add_scaled(base, source.baseAddress! + row * other.columns, 1, other.columns)
          }
        }
      }
      return sums
    }
    for sums in partial { add(Matrix(rows: 1, columns: columns, elements: sums)) }
  }
}
