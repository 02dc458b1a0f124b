extension Variable {
  /// Multi-head scaled dot-product attention (Vaswani et al., 2017, equation 1): for each query, the mean of the values
  /// it sees by the softmax of ⟨query, key⟩ / √headWidth, head by head.
  ///
  /// The gradient computes the probabilities again from queries and keys, a block of queries at a time, so that memory
  /// is linear in the length.
  /// - Parameters:
  ///   - self: queries, one row each, `heads · headWidth` columns.
  ///   - keys: likewise, one row a key.
  ///   - values: as many rows as keys, as many columns as queries.
  /// - Returns: one row a query, `heads · headWidth` columns.
  /// - Complexity: O(queries · keys · width) within each segment.
  public func attending(to keys: Variable, values: Variable, heads: Int, layout: AttentionLayout) -> Variable {
    Variable.attention(
      AttentionOperand(self, 0), AttentionOperand(keys, 0), AttentionOperand(values, 0), width: columns, heads, layout,
      parts: [0, 1, 2])
  }

  /// The attention of rows to one another whose queries, keys and values stand side by side, `3 · width` columns: one
  /// product makes them.
  public func selfAttending(heads: Int, layout: AttentionLayout) -> Variable {
    let width = columns / 3
    precondition(width * 3 == columns, "\(columns) columns are not queries, keys and values of one width")
    return Variable.attention(
      AttentionOperand(self, 0), AttentionOperand(self, width), AttentionOperand(self, 2 * width), width: width, heads,
      layout, parts: [0, 0, 0])
  }

  /// The attention to keys and values that stand side by side, `2 · width` columns.
  public func attending(toKeysAndValues both: Variable, heads: Int, layout: AttentionLayout) -> Variable {
    precondition(both.columns == 2 * columns, "\(both.columns) columns are not keys and values of width \(columns)")
    return Variable.attention(
      AttentionOperand(self, 0), AttentionOperand(both, 0), AttentionOperand(both, columns), width: columns, heads,
      layout, parts: [0, 1, 1])
  }

  /// - Parameter parts: for queries, keys and values, which of the variables they stand in; those in one fill it side by
  ///   side.
  private static func attention(
    _ queries: AttentionOperand, _ keys: AttentionOperand, _ values: AttentionOperand, width: Int, _ heads: Int,
    _ layout: AttentionLayout, parts: [Int]
  ) -> Variable {
    precondition(heads > 0 && width % heads == 0, "\(width) columns in \(heads) heads")
    precondition(keys.variable.rows == values.variable.rows, "as many values as keys")
    let shape = AttentionShape(
      heads: heads, headWidth: width / heads, layout: layout,
      usesHalves: PackedMatrix.effective(queries.variable.tape.precision) == .half
        && AttentionShape.isWorthHalves(layout, headWidth: width / heads))
    shape.check(queries: queries.variable.rows, keys: keys.variable.rows)
    // Two products: of queries with keys, of probabilities with values; each has two factors to pass gradients to.
    let pairs = Double(layout.visiblePairs) * Double(width)
    queries.variable.tape.countProduct(pairs, gradientsFor: [queries.variable, keys.variable])
    queries.variable.tape.countProduct(pairs, gradientsFor: [queries.variable, values.variable])
    let (q, k, v) = (queries.matrix, keys.matrix, values.matrix)
    let output = shape.attend(q, k, v)
    let inputs = [queries, keys, values]
    let indices = inputs.map(\.variable.index)
    return queries.variable.tape.record(output, from: inputs.map(\.variable)) { gradient, gradients in
      for (part, found) in shape.gradients(q, k, v, outer: gradient, parts: parts).enumerated() {
        if let first = parts.firstIndex(of: part) { gradients.add(found, to: indices[first]) }
      }
    }
  }
}

/// Some columns of a value, from an offset on.
private struct AttentionOperand {
  let variable: Variable
  let offset: Int

  init(_ variable: Variable, _ offset: Int) {
    self.variable = variable
    self.offset = offset
  }

  var matrix: StridedRows { StridedRows(matrix: variable.value, offset: offset) }
}
