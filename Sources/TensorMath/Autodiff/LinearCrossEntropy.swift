internal import CVectorKernels

/// Rows whose logits are held at once.
private let rowsPerBlock = 1024

extension Variable {
  /// The mean cross-entropy of `self · tableᵀ + bias`, without holding all logits: the softmax over a catalogue.
  ///
  /// A block of rows at a time makes its logits, its part of the loss and, since the loss is a scalar that later only
  /// scales them, its part of the gradients.
  /// - Parameters:
  ///   - table: `classes × columns`, an embedding table or an output layer's weights.
  ///   - bias: `1 × classes`.
  ///   - targets: the class of each row; a row with a negative one does not count.
  ///   - weights: of each row in the mean; 1 for all where nil.
  /// - Returns: `1 × 1`, in nats.
  /// - Complexity: O(rows · classes · columns) time, O(1,024 · classes) memory beyond the gradients.
  public func linearCrossEntropy(
    _ table: Variable, bias: Variable? = nil, targets: ContiguousArray<Int32>, weights: ContiguousArray<Float>? = nil
  ) -> Variable {
    precondition(table.columns == columns, "\(columns) inputs for a table of \(table.rows) × \(table.columns)")
    precondition(targets.count == rows && targets.allSatisfy { $0 < table.rows }, "a target beyond the table")
    tape.countProduct(Double(rows) * Double(table.rows) * Double(columns), gradientsFor: [self, table])
    var pass = LinearCrossEntropy(
      value, table.value, bias?.value.elements, shares: CrossEntropy.shares(targets, weights), targets,
      needsInput: needsGradient, needsTable: table.needsGradient, needsBias: bias?.needsGradient ?? false,
      precision: tape.precision)
    pass.run()
    let (input, classes, offset) = (index, table.index, bias?.index)
    let (inputGradient, tableGradient, biasGradient) = (pass.inputGradient, pass.tableGradient, pass.biasGradient)
    return tape.record(Matrix(scalar: Float(pass.loss)), from: [self, table] + (bias.map { [$0] } ?? [])) {
      gradient, gradients in
      let outer = gradient.elements[0]
      if let inputGradient { gradients.accumulate(input) { $0.add(inputGradient, times: outer) } }
      if let tableGradient { gradients.accumulate(classes) { $0.add(tableGradient, times: outer) } }
      if let offset, let biasGradient { gradients.accumulate(offset) { $0.add(biasGradient, times: outer) } }
    }
  }
}

/// One forward pass with its gradients.
private struct LinearCrossEntropy {
  let x: Matrix
  let table: Matrix
  let bias: ContiguousArray<Float>?
  let shares: ContiguousArray<Float>
  let targets: ContiguousArray<Int32>
  let precision: WeightPrecision
  var loss = 0.0
  var inputGradient: Matrix?
  var tableGradient: Matrix?
  var biasGradient: Matrix?

  init(
    _ x: Matrix, _ table: Matrix, _ bias: ContiguousArray<Float>?, shares: ContiguousArray<Float>,
    _ targets: ContiguousArray<Int32>, needsInput: Bool, needsTable: Bool, needsBias: Bool,
    precision: WeightPrecision
  ) {
    self.x = x
    self.table = table
    self.bias = bias
    self.shares = shares
    self.targets = targets
    self.precision = precision
    inputGradient = needsInput ? Matrix(rows: 0, columns: x.columns) : nil
    tableGradient = needsTable ? Matrix(rows: table.rows, columns: table.columns) : nil
    biasGradient = needsBias ? Matrix(rows: 1, columns: table.rows) : nil
  }

  mutating func run() {
    let logitsFactor = PackedMatrix(transposing: table, precision: precision)
    let inputFactor = inputGradient == nil ? nil : PackedMatrix(table, precision: precision)
    var inputElements = ContiguousArray<Float>()
    inputElements.reserveCapacity(inputGradient == nil ? 0 : x.elements.count)
    for start in stride(from: 0, to: x.rows, by: rowsPerBlock) {
      let range = start..<min(start + rowsPerBlock, x.rows)
      let rows = x.rows(range)
      var logits = logitsFactor.parallelProduct(rows, bias: bias)
      loss += logits.becomeCrossEntropyGradient(targets[range], shares[range])
      if let inputFactor { inputElements += inputFactor.parallelProduct(logits).elements }
      tableGradient?.addTransposedProduct(logits, rows, precision: precision)
      biasGradient?.addColumnSums(of: logits)
    }
    if inputGradient != nil { inputGradient = Matrix(rows: x.rows, columns: x.columns, elements: inputElements) }
  }
}

extension Matrix {
  /// Turns logits into the gradient of their weighted cross-entropy, and returns that.
  fileprivate mutating func becomeCrossEntropyGradient(
    _ targets: ArraySlice<Int32>, _ shares: ArraySlice<Float>
  ) -> Double {
    let (columns, firstTarget) = (columns, targets.startIndex)
    return unsafe elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return 0 }
      let target = unsafe SharedPointer(base)
      let parts = Parallelism.mapChunks(of: targets.count, size: 32) { range in
        var loss = 0.0
        for row in range {
          let line = unsafe target.pointer + row * columns
          let (target, share) = (targets[firstTarget + row], shares[firstTarget + row])
          guard target >= 0 else {
            unsafe line.update(repeating: 0, count: columns)
            continue
          }
          let sum = unsafe tessera_log_sum_exp(line, columns)
          loss += unsafe Double(share) * Double(sum - line[Int(target)])
          unsafe tessera_exponentials(line, columns, sum, share)
          unsafe line[Int(target)] -= share
        }
        return loss
      }
      return parts.reduce(0, +)
    }
  }
}
