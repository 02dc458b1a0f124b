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
    tape.countProduct(Double(x.rows) * Double(w.rows) * Double(w.columns), gradientsFor: [self, weights])
    let packed = PackedMatrix(transposing: w, precision: precision)
    let output: Matrix
    // Where the activation's slope is taken.
    let bend: Matrix?
    if activation.hasSlopeOfOutput {
      output = packed.parallelProduct(x, bias: bias?.value.elements, activation: activation)
      bend = activation == .identity ? nil : output
    } else {
      let layer = packed.parallelLayer(x, bias: bias?.value.elements, activation: activation)
      (output, bend) = (layer.output, layer.sums)
    }
    let (input, weight, offset, code) = (index, weights.index, bias?.index, activation.kernelCode)
    return tape.record(output, from: [self, weights] + (bias.map { [$0] } ?? [])) { gradient, gradients in
      let factor = gradients.needs(input) ? PackedMatrix(w, precision: precision) : nil
      let parts = LayerGradient(
        gradient, bend: bend.map { LayerGradient.Bend(sums: $0, code: code) }, weights: factor,
        needsBias: offset.map(gradients.needs) ?? false)
      if let part = parts.input { gradients.add(part, to: input) }
      if let offset, let part = parts.bias { gradients.add(part, to: offset) }
      gradients.accumulate(weight) { $0.addTransposedProduct(parts.outer, x, precision: precision) }
    }
  }

  /// `self · otherᵀ`: all inner products of two sets of rows.
  /// - Returns: `rows × other.rows`.
  public func products(with other: Variable) -> Variable { linear(other) }
}

extension Activation {
  /// Whether its slope at a number is its slope at what it makes of that.
  fileprivate var hasSlopeOfOutput: Bool { self == .identity || self == .relu || self == .relu6 }
}

/// The gradients that pass back through a layer, some rows at a time: through the activation, to the bias and, while the
/// rows are in the cache, through the weights.
private struct LayerGradient {
  /// An activation, and where its slope is taken.
  struct Bend: Sendable {
    let sums: Matrix
    let code: Int32
  }

  /// Of the layer's sums, before the activation.
  let outer: Matrix
  let input: Matrix?
  let bias: Matrix?

  /// - Parameter weights: `outputs × inputs`, where the input needs a gradient.
  init(_ gradient: Matrix, bend: Bend?, weights: PackedMatrix?, needsBias: Bool) {
    let (rows, columns) = (gradient.rows, gradient.columns)
    var bent = bend.map { _ in Matrix.unwritten(rows: rows, columns: columns) }
    var input = weights.map { Matrix.unwritten(rows: rows, columns: $0.columns) }
    let sums = bent.withSharedPointer { bent in
      input.withSharedPointer { input in
        Parallelism.mapChunks(of: rows, size: rowsPerProductTask) { range in
          unsafe gradient.elements.withUnsafeBufferPointer { given in
            guard var outer = given.baseAddress else { return ContiguousArray<Float>() }
            unsafe outer += range.lowerBound * columns
            if let bend, let bent {
              unsafe outer = bend.apply(to: outer, range, columns, into: bent.pointer)
            }
            if let weights, let input {
              unsafe weights.product(
                outer, rows: range.count, into: input.pointer + range.lowerBound * weights.columns)
            }
            return needsBias ? unsafe columnSums(outer, range.count, columns) : []
          }
        }
      }
    }
    outer = bent ?? gradient
    self.input = input
    var total = needsBias ? Matrix(rows: 1, columns: columns) : nil
    for part in sums where !part.isEmpty { total?.add(Matrix(rows: 1, columns: columns, elements: part)) }
    bias = total
  }
}

extension LayerGradient.Bend {
  /// Rows of the gradient through the activation, to their place in `target`, which is returned.
  fileprivate func apply(
    to outer: UnsafePointer<Float>, _ range: Range<Int>, _ columns: Int, into target: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    let (place, count) = unsafe (target + range.lowerBound * columns, range.count * columns)
    unsafe sums.elements.withUnsafeBufferPointer { sums in
      unsafe tessera_activation_gradient(sums.baseAddress! + range.lowerBound * columns, outer, place, count, code)
    }
    return unsafe UnsafePointer(place)
  }
}

private func columnSums(_ source: UnsafePointer<Float>, _ rows: Int, _ columns: Int) -> ContiguousArray<Float> {
  var sums = ContiguousArray<Float>(repeating: 0, count: columns)
  unsafe sums.withUnsafeMutableBufferPointer { sums in
    guard let base = sums.baseAddress else { return }
    for row in 0..<rows { unsafe tessera_add_scaled(base, source + row * columns, 1, columns) }
  }
  return sums
}

extension Optional<Matrix> {
  /// Lends the elements, where there are any, for all threads to write to.
  fileprivate mutating func withSharedPointer<Result>(_ body: (SharedPointer<Float>?) -> Result) -> Result {
    guard var matrix = take() else { return body(nil) }
    defer { self = matrix }
    return unsafe matrix.elements.withUnsafeMutableBufferPointer { elements in
      body(unsafe elements.baseAddress.map { unsafe SharedPointer($0) })
    }
  }
}

extension Matrix {
  /// Adds the sum of another matrix's rows to this one row.
  mutating func addColumnSums(of other: Matrix) {
    precondition(rows == 1 && columns == other.columns, "sums of \(other.columns) columns for \(columns)")
    let partial = Parallelism.mapChunks(of: other.rows, size: 1024) { range in
      unsafe other.elements.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress else {
          return ContiguousArray<Float>(repeating: 0, count: other.columns)
        }
        return unsafe columnSums(base + range.lowerBound * other.columns, range.count, other.columns)
      }
    }
    for sums in partial { add(Matrix(rows: 1, columns: columns, elements: sums)) }
  }
}
