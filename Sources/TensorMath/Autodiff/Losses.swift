internal import CVectorKernels
internal import RealModule

extension Variable {
  /// The mean cross-entropy of rows of logits, in nats.
  /// - Parameters:
  ///   - targets: the right column of each row; a row with a negative one does not count.
  ///   - weights: of each row in the mean; 1 for all where nil.
  /// - Returns: `1 × 1`: Σ weight · −log softmax(row)[target] / Σ weight, or 0 where no row counts.
  public func softmaxCrossEntropy(targets: ContiguousArray<Int32>, weights: ContiguousArray<Float>? = nil) -> Variable {
    let logits = value, index = index
    let shares = CrossEntropy.shares(targets, weights)
    precondition(targets.count == rows && targets.allSatisfy { $0 < logits.columns }, "a target beyond the logits")
    let sums = logits.rowLogSumExps()
    var loss = 0.0
    for row in 0..<logits.rows where targets[row] >= 0 {
      loss += Double(shares[row]) * Double(sums[row] - logits.elements[row * logits.columns + Int(targets[row])])
    }
    return tape.record(Matrix(scalar: Float(loss)), from: [self]) { gradient, gradients in
      let outer = gradient.elements[0]
      let result = unsafe logits.mappedRows { source, target, rows in
        unsafe target.initialize(from: source, count: rows.count * logits.columns)
        for (place, row) in rows.enumerated() {
          let line = unsafe target + place * logits.columns
          guard targets[row] >= 0 else {
            unsafe line.update(repeating: 0, count: logits.columns)
            continue
          }
          let share = outer * shares[row]
          unsafe tessera_exponentials(line, logits.columns, sums[row], share)
          unsafe line[Int(targets[row])] -= share
        }
      }
      gradients.add(result, to: index)
    }
  }

  /// The mean binary cross-entropy of logits (`rows × 1`) with labels in [0, 1], in nats; `1 × 1`.
  public func binaryCrossEntropy(labels: ContiguousArray<Float>, weights: ContiguousArray<Float>? = nil) -> Variable {
    precondition(columns == 1 && labels.count == rows, "\(labels.count) labels for \(rows) × \(columns)")
    let (logits, index, shares) = (value.elements, index, CrossEntropy.shares(labels.lazy.map { _ in 0 }, weights))
    var loss = 0.0
    for (row, x) in logits.enumerated() {
      // log(1 + e^x) − x · label, in the form that does not overflow.
      loss += Double(shares[row]) * Double(max(x, 0) - x * labels[row] + Float.log(onePlus: Float.exp(-abs(x))))
    }
    return tape.record(Matrix(scalar: Float(loss)), from: [self]) { gradient, gradients in
      var result = Matrix(rows: logits.count, columns: 1)
      for (row, x) in logits.enumerated() {
        result.elements[row] = gradient.elements[0] * shares[row] * (1 / (1 + Float.exp(-x)) - labels[row])
      }
      gradients.add(result, to: index)
    }
  }

  /// The mean over rows of the squared distance to the rows of `other`, `1 × 1`.
  public func meanSquaredDistance(to other: Variable) -> Variable {
    let difference = self - other
    return (1 / Float(max(1, rows))) * (difference * difference).sum()
  }
}

/// What the cross-entropies share.
enum CrossEntropy {
  /// Each row's part of the weighted mean.
  static func shares(_ targets: some Collection<Int32>, _ weights: ContiguousArray<Float>?) -> ContiguousArray<Float> {
    precondition(weights.map { $0.count == targets.count } ?? true, "a weight for each row")
    var shares = weights ?? ContiguousArray(repeating: 1, count: targets.count)
    for (row, target) in targets.enumerated() where target < 0 { shares[row] = 0 }
    let total = shares.reduce(0) { $0 + Double($1) }
    guard total > 0 else { return ContiguousArray(repeating: 0, count: targets.count) }
    return ContiguousArray(shares.lazy.map { Float(Double($0) / total) })
  }
}

extension Matrix {
  init(scalar: Float) { self.init(rows: 1, columns: 1, elements: [scalar]) }

  /// log Σ exp of every row.
  func rowLogSumExps() -> ContiguousArray<Float> {
    let parts = Parallelism.mapChunks(of: rows, size: rowsPerNormalizationTask) { range in
      unsafe elements.withUnsafeBufferPointer { source in
        ContiguousArray(range.map { unsafe tessera_log_sum_exp(source.baseAddress! + $0 * columns, columns) })
      }
    }
    return joined(parts)
  }
}
