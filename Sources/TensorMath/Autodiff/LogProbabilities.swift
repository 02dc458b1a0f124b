internal import CVectorKernels

extension Variable {
  /// log softmax(row)[target] of every row, in nats: the cross-entropy that is not averaged.
  /// - Parameter targets: a column for each row.
  /// - Returns: `rows × 1`.
  public func logProbabilities(of targets: ContiguousArray<Int32>) -> Variable {
    let logits = value, index = index
    precondition(
      targets.count == rows && targets.allSatisfy { $0 >= 0 && $0 < logits.columns }, "a target beyond the logits")
    let sums = logits.rowLogSumExps()
    var output = Matrix(rows: rows, columns: 1)
    for (row, target) in targets.enumerated() {
      output.elements[row] = logits.elements[row * logits.columns + Int(target)] - sums[row]
    }
    return tape.record(output, from: [self]) { gradient, gradients in
      let result = unsafe logits.mappedRows { source, target, rows in
        unsafe target.initialize(from: source, count: rows.count * logits.columns)
        for (place, row) in rows.enumerated() {
          let line = unsafe target + place * logits.columns
          unsafe tessera_exponentials(line, logits.columns, sums[row], -gradient.elements[row])
          unsafe line[Int(targets[row])] += gradient.elements[row]
        }
      }
      gradients.add(result, to: index)
    }
  }

  /// A number that is computed beside the tape together with its gradient here: for losses whose derivative is not that
  /// of their value, as with a stopped gradient.
  /// - Parameter gradient: of this value's shape.
  /// - Returns: `1 × 1`.
  package func reduced(to loss: Float, gradient: Matrix) -> Variable {
    precondition(gradient.rows == rows && gradient.columns == columns, "a gradient of another shape")
    let index = index
    return tape.record(Matrix(scalar: loss), from: [self]) { outer, gradients in
      gradients.accumulate(index) { $0.add(gradient, times: outer.elements[0]) }
    }
  }
}
