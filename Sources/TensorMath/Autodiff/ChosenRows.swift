internal import RealModule

// What a choice among rows needs to have a gradient: the choice is made by the caller, and its probabilities, a softmax
// of scores, stand in for it where derivatives are taken (Bengio et al., 2013; Jang et al., 2017).

/// A logit at or below this is a mask's, not a model's.
private let maskedLogit: Float = -1e8

extension Variable {
  /// Rows of a table, chosen or mixed by these probabilities.
  ///
  /// With `choices` the value of a row is the table's chosen one, and the gradient is that of the mixture
  /// Σ_k p_k · table_k at p = the choice: a straight-through estimate for the probabilities, and exact for the table.
  /// Without, value and gradients are the mixture's.
  /// - Parameters:
  ///   - table: `columns × width`.
  ///   - choices: a row of the table for each row here; nil for the mixture.
  /// - Returns: `rows × width`.
  /// - Complexity: O(rows · columns · width) for the gradient of the probabilities and for the mixture; O(rows · width)
  ///   for the rest.
  public func mixingRows(of table: Variable, choices: ContiguousArray<Int32>?) -> Variable {
    precondition(table.rows == columns, "\(columns) probabilities a row for a table of \(table.rows) rows")
    let (weights, entries, p, t) = (index, table.index, value, table.value)
    if let choices { checkChoices(choices) }
    let output = choices.map { t.selecting($0) } ?? matrixProduct(p, t)
    return tape.record(output, from: [self, table]) { gradient, gradients in
      if gradients.needs(weights) { gradients.add(matrixProduct(gradient, t, transposingRight: true), to: weights) }
      gradients.accumulate(entries) {
        if let choices { $0.addRows(gradient, at: choices) } else { $0.addTransposedProduct(p, gradient) }
      }
    }
  }

  /// The mean over rows of −Σ_k a_k · log softmax(row)_k, where a is a choice that has the given probabilities.
  ///
  /// With `choices` a is one-hot, and what the probabilities get is −log softmax(row)_k for every k: what each other
  /// choice would have cost. Without, a is the probabilities themselves.
  /// - Parameters:
  ///   - probabilities: of the rows' shape; zeros where a logit is masked.
  ///   - choices: a column for each row; nil for the probabilities.
  /// - Returns: `1 × 1`, in nats. A logit of −10⁸ or less is masked: it takes no part, and its probability gets no
  ///   gradient.
  public func choiceCrossEntropy(_ probabilities: Variable, choices: ContiguousArray<Int32>?) -> Variable {
    precondition(
      probabilities.rows == rows && probabilities.columns == columns,
      "\(probabilities.rows) × \(probabilities.columns) probabilities for \(rows) × \(columns) logits")
    if let choices { checkChoices(choices) }
    let (logits, weights, p, input) = (value, probabilities.index, probabilities.value, index)
    let (sums, share) = (logits.rowLogSumExps(), 1 / Double(max(1, rows)))
    var loss = 0.0
    for row in 0..<logits.rows {
      if let choices {
        // In the order of the plain cross-entropy, to the last bit.
        let cost = Double(sums[row] - logits.elements[row * logits.columns + Int(choices[row])])
        loss += Double(Float(share)) * cost
      } else {
        for place in row * logits.columns..<(row + 1) * logits.columns where logits.elements[place] > maskedLogit {
          loss += share * Double(p.elements[place]) * Double(sums[row] - logits.elements[place])
        }
      }
    }
    return tape.record(Matrix(scalar: Float(loss)), from: [self, probabilities]) { gradient, gradients in
      let outer = gradient.elements[0] * Float(share)
      if gradients.needs(weights) {
        gradients.add(logits.choiceCosts(sums, times: outer), to: weights)
      }
      if gradients.needs(input) {
        gradients.add(logits.choiceGradient(sums, choices.map { .choices($0) } ?? .mixture(p), times: outer), to: input)
      }
    }
  }

  /// The entropy, in nats, of the mean of all rows, which are distributions; `1 × 1`.
  public func entropyOfMeanRow() -> Variable {
    let (index, rows, columns, p) = (index, rows, columns, value)
    var mean = [Double](repeating: 0, count: columns)
    for row in 0..<rows { for column in 0..<columns { mean[column] += Double(p.elements[row * columns + column]) } }
    // Floored, so that a column that nothing uses has a slope that is a number.
    let logs = mean.map { Double.log(max($0 / Double(max(1, rows)), 1e-12)) }
    let entropy = -zip(mean, logs).reduce(0) { $0 + $1.0 / Double(max(1, rows)) * $1.1 }
    return tape.record(Matrix(scalar: Float(entropy)), from: [self]) { gradient, gradients in
      let factor = -Double(gradient.elements[0]) / Double(max(1, rows))
      let line = logs.map { Float(factor * ($0 + 1)) }
      var elements = ContiguousArray<Float>()
      elements.reserveCapacity(rows * columns)
      for _ in 0..<rows { elements.append(contentsOf: line) }
      gradients.add(Matrix(rows: rows, columns: columns, elements: elements), to: index)
    }
  }

  private func checkChoices(_ choices: ContiguousArray<Int32>) {
    let columns = columns
    precondition(
      choices.count == rows && choices.allSatisfy { $0 >= 0 && $0 < columns },
      "\(choices.count) choices among \(columns) for \(rows) rows")
  }
}

/// What a row's target is.
private enum ChoiceTarget {
  case choices(ContiguousArray<Int32>)
  case mixture(Matrix)
}

extension Matrix {
  /// −log softmax of these logits, times a factor; 0 where masked.
  fileprivate func choiceCosts(_ sums: ContiguousArray<Float>, times factor: Float) -> Matrix {
    let columns = columns
    return unsafe mappedRows { source, target, rows in
      for (place, row) in rows.enumerated() {
        for element in place * columns..<(place + 1) * columns {
          let logit = unsafe source[element]
          unsafe target[element] = logit > maskedLogit ? factor * (sums[row] - logit) : 0
        }
      }
    }
  }

  /// (softmax · Σ a − a) times a factor.
  fileprivate func choiceGradient(
    _ sums: ContiguousArray<Float>, _ target: ChoiceTarget, times factor: Float
  ) -> Matrix {
    var result = self
    for row in 0..<rows {
      let range = row * columns..<(row + 1) * columns
      var total: Float = 1
      if case .mixture(let p) = target {
        total = range.reduce(0) { elements[$1] > maskedLogit ? $0 + p.elements[$1] : $0 }
      }
      for place in range {
        let logit = elements[place]
        result.elements[place] = logit > maskedLogit ? factor * total * Float.exp(logit - sums[row]) : 0
        if case .mixture(let p) = target, logit > maskedLogit { result.elements[place] -= factor * p.elements[place] }
      }
      if case .choices(let choices) = target { result.elements[range.lowerBound + Int(choices[row])] -= factor }
    }
    return result
  }
}
