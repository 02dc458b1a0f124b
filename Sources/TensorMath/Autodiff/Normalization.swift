internal import CVectorKernels

/// Rows of one parallel task of a row-wise operation.
let rowsPerNormalizationTask = 128

extension Variable {
  /// Layer normalization of every row (Ba, Kiros and Hinton, 2016).
  /// - Parameters:
  ///   - scale: `1 × columns`.
  ///   - shift: `1 × columns`.
  ///   - epsilon: added to the variance.
  public func layerNormalized(scale: Variable, shift: Variable, epsilon: Float = 1e-5) -> Variable {
    precondition(scale.columns == columns && shift.columns == columns, "a normalization of another width")
    let x = value
    let normalization = LayerNormalization(
      scale: scale.value.elements, shift: shift.value.elements, epsilon: epsilon)
    let output = unsafe x.mappedRows { source, target, rows in
      unsafe target.initialize(from: source, count: rows.count * x.columns)
      unsafe normalization.apply(to: target, rows: rows.count)
    }
    let (input, gain, offset, factors) = (index, scale.index, shift.index, scale.value)
    return tape.record(output, from: [self, scale, shift]) { gradient, gradients in
      let parts = NormalizationGradient(x, gradient, factors, epsilon: epsilon, centers: true)
      gradients.add(parts.input, to: input)
      gradients.add(parts.scale, to: gain)
      gradients.add(parts.shift, to: offset)
    }
  }

  /// Division of every row by its root mean square (Zhang and Sennrich, 2019), times `scale` (`1 × columns`).
  public func rootMeanSquareNormalized(scale: Variable, epsilon: Float = 1e-6) -> Variable {
    precondition(scale.columns == columns, "a normalization of another width")
    let (x, factors) = (value, scale.value)
    let output = unsafe x.mappedRows { source, target, rows in
      unsafe factors.elements.withUnsafeBufferPointer { factors in
        for row in 0..<rows.count {
          unsafe tessera_rms_norm(
            source + row * x.columns, target + row * x.columns, factors.baseAddress, epsilon, x.columns)
        }
      }
    }
    let (input, gain) = (index, scale.index)
    return tape.record(output, from: [self, scale]) { gradient, gradients in
      let parts = NormalizationGradient(x, gradient, factors, epsilon: epsilon, centers: false)
      gradients.add(parts.input, to: input)
      gradients.add(parts.scale, to: gain)
    }
  }

  /// Every row at unit length; a row of zeros stays one.
  public func unitRows() -> Variable {
    let x = value
    let inverse = ContiguousArray(x.rowSquaredNorms().lazy.map { 1 / max($0.squareRoot(), 1e-12) })
    let columns = x.columns
    let y = unsafe x.mappedRows { source, target, rows in
      for (row, factor) in inverse[rows].enumerated() {
        for element in row * columns..<(row + 1) * columns { unsafe target[element] = factor * source[element] }
      }
    }
    let index = index
    return tape.record(y, from: [self]) { gradient, gradients in
      // d(x / ‖x‖) = (g − y · ⟨y, g⟩) / ‖x‖
      let result = unsafe gradient.mappedRows { outer, target, rows in
        unsafe y.elements.withUnsafeBufferPointer { y in
          for (row, factor) in inverse[rows].enumerated() {
            let unit = unsafe y.baseAddress! + (rows.lowerBound + row) * columns
            let along = unsafe tessera_dot(unit, outer + row * columns, columns)
            for element in 0..<columns {
              unsafe target[row * columns + element] =
                factor * (outer[row * columns + element] - along * unit[element])
            }
          }
        }
      }
      gradients.add(result, to: index)
    }
  }
}

/// The three gradients of a normalization of rows.
private struct NormalizationGradient {
  let input: Matrix
  var scale: Matrix
  var shift: Matrix

  init(_ x: Matrix, _ gradient: Matrix, _ scale: Matrix, epsilon: Float, centers: Bool) {
    let columns = x.columns
    var partial: [Matrix] = []
    input = unsafe Matrix(rows: x.rows, columns: columns) { target in
      let target = unsafe SharedPointer(target)
      partial = Parallelism.mapChunks(of: x.rows, size: rowsPerNormalizationTask) { range in
        var sums = Matrix(rows: 2, columns: columns)
        unsafe sums.elements.withUnsafeMutableBufferPointer { sums in
          unsafe x.elements.withUnsafeBufferPointer { x in
            unsafe gradient.elements.withUnsafeBufferPointer { gradient in
              unsafe scale.elements.withUnsafeBufferPointer { scale in
                for row in range {
                  let offset = row * columns
                  unsafe tessera_norm_gradient(
                    x.baseAddress! + offset, gradient.baseAddress! + offset, scale.baseAddress, epsilon,
                    centers ? 1 : 0, target.pointer + offset, sums.baseAddress,
                    centers ? sums.baseAddress! + columns : nil, columns)
                }
              }
            }
          }
        }
        return sums
      }
    }
    var sums = Matrix(rows: 2, columns: columns)
    for part in partial { sums.add(part) }
    self.scale = sums.rows(0..<1)
    shift = sums.rows(1..<2)
  }
}
