internal import CVectorKernels

extension Variable {
  /// Values of as many rows, side by side.
  /// - Returns: `rows × Σ columns`.
  public static func concatenatingColumns(_ parts: [Variable]) -> Variable {
    let first = parts[0]
    precondition(parts.allSatisfy { $0.rows == first.rows }, "parts of different heights stand side by side")
    let widths = parts.map(\.columns), total = widths.reduce(0, +)
    var output = Matrix(rows: first.rows, columns: total)
    var offset = 0
    for part in parts {
      output.replaceColumns(offset..<offset + part.columns, with: part.value)
      offset += part.columns
    }
    let indices = parts.map(\.index)
    return first.tape.record(output, from: parts) { gradient, gradients in
      var offset = 0
      for (index, width) in zip(indices, widths) {
        if gradients.needs(index) { gradients.add(gradient.columns(offset..<offset + width), to: index) }
        offset += width
      }
    }
  }

  /// Values of as many columns, one below the other.
  /// - Returns: `Σ rows × columns`.
  public static func concatenatingRows(_ parts: [Variable]) -> Variable {
    let columns = parts[0].columns
    precondition(parts.allSatisfy { $0.columns == columns }, "parts of different widths stand one below the other")
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(parts.reduce(0) { $0 + $1.rows } * columns)
    for part in parts { elements += part.value.elements }
    let (indices, heights) = (parts.map(\.index), parts.map(\.rows))
    let output = Matrix(rows: heights.reduce(0, +), columns: columns, elements: elements)
    return parts[0].tape.record(output, from: parts) { gradient, gradients in
      var start = 0
      for (index, height) in zip(indices, heights) {
        if gradients.needs(index) { gradients.add(gradient.rows(start..<start + height), to: index) }
        start += height
      }
    }
  }

  /// Some of the columns.
  /// - Returns: `rows × range.count`.
  public func columns(_ range: Range<Int>) -> Variable {
    let index = index
    return tape.record(value.columns(range), from: [self]) { gradient, gradients in
      gradients.accumulate(index) { $0.addColumns(range, gradient) }
    }
  }

  /// The sum of all elements, `1 × 1`.
  public func sum() -> Variable {
    let (index, rows, columns) = (index, rows, columns)
    let total = value.elements.reduce(into: 0.0) { $0 += Double($1) }
    return tape.record(Matrix(rows: 1, columns: 1, elements: [Float(total)]), from: [self]) { gradient, gradients in
      gradients.add(
        Matrix(
          rows: rows, columns: columns,
          elements: ContiguousArray(repeating: gradient.elements[0], count: rows * columns)), to: index)
    }
  }

  /// The mean of all elements, `1 × 1`.
  public func mean() -> Variable { (1 / Float(max(1, rows * columns))) * sum() }
}

extension Matrix {
  /// A copy of consecutive columns.
  package func columns(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
    var result = ContiguousArray<Float>()
    result.reserveCapacity(rows * range.count)
    for row in 0..<rows {
      result.append(contentsOf: elements[row * columns + range.lowerBound..<row * columns + range.upperBound])
    }
    return Matrix(rows: rows, columns: range.count, elements: result)
  }

  fileprivate mutating func replaceColumns(_ range: Range<Int>, with part: Matrix) {
    unsafe forEachRow(ofColumns: range, part) { target, source, count in
      unsafe target.update(from: source, count: count)
    }
  }

  mutating func addColumns(_ range: Range<Int>, _ part: Matrix) {
    unsafe forEachRow(ofColumns: range, part) { target, source, count in
      unsafe tessera_add_scaled(target, source, 1, count)
    }
  }

  /// Calls `body` with the columns of each row and the row of `part` that belongs there.
  private mutating func forEachRow(
    ofColumns range: Range<Int>, _ part: Matrix,
    _ body: @Sendable (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int) -> Void
  ) {
    precondition(
      part.rows == rows && part.columns == range.count && range.upperBound <= columns, "columns that do not fit")
    let columns = columns
    unsafe elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      let target = unsafe SharedPointer(base)
      Parallelism.forEachChunk(of: part.rows, size: rowsPerNormalizationTask) { rows in
        unsafe part.elements.withUnsafeBufferPointer { source in
          guard let source = source.baseAddress else { return }
          for row in rows {
            unsafe body(
              target.pointer + row * columns + range.lowerBound, source + row * range.count, range.count)
          }
        }
      }
    }
  }
}
