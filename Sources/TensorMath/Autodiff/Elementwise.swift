internal import CVectorKernels

/// Elements per parallel task of an elementwise loop.
let elementsPerTask = 1 << 15

extension Matrix {
  /// Adds `factor · other`, element by element.
  package mutating func add(_ other: Matrix, times factor: Float = 1) {
    precondition(rows == other.rows && columns == other.columns, "matrices of two shapes are added")
    unsafe elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      let target = unsafe SharedPointer(base)
      Parallelism.forEachChunk(of: other.elements.count, size: elementsPerTask) { range in
        unsafe other.elements.withUnsafeBufferPointer { source in
          unsafe tessera_add_scaled(
            target.pointer + range.lowerBound, source.baseAddress! + range.lowerBound, factor, range.count)
        }
      }
    }
  }

  /// The sum with `factor · other` as another matrix, in one pass.
  func sum(with other: Matrix, times factor: Float = 1) -> Matrix {
    unsafe mapped(with: other) { a, b, target, count in unsafe tessera_sum(a, b, factor, target, count) }
  }

  /// A matrix of the same shape, made piece by piece on all threads.
  /// - Parameter body: writes elements of the result from those at the same place here.
  func mapped(
    _ body: @Sendable (_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, Range<Int>) -> Void
  ) -> Matrix {
    unsafe Matrix(rows: rows, columns: columns) { target in
      let target = unsafe SharedPointer(target)
      Parallelism.forEachChunk(of: elements.count, size: elementsPerTask) { range in
        unsafe elements.withUnsafeBufferPointer { source in
          unsafe body(source.baseAddress! + range.lowerBound, target.pointer + range.lowerBound, range)
        }
      }
    }
  }

  /// A matrix of the same shape, made some rows at a time on all threads.
  func mappedRows(
    _ body: @Sendable (_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, Range<Int>) -> Void
  ) -> Matrix {
    unsafe Matrix(rows: rows, columns: columns) { target in
      let target = unsafe SharedPointer(target)
      Parallelism.forEachChunk(of: rows, size: rowsPerNormalizationTask) { range in
        unsafe elements.withUnsafeBufferPointer { source in
          let offset = range.lowerBound * columns
          unsafe body(source.baseAddress! + offset, target.pointer + offset, range)
        }
      }
    }
  }

  /// As ``mapped(_:)``, with a second matrix of the same shape.
  func mapped(
    with other: Matrix,
    _ body:
      @Sendable (
        _ source: UnsafePointer<Float>, _ other: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, Int
      ) -> Void
  ) -> Matrix {
    precondition(rows == other.rows && columns == other.columns, "matrices of two shapes")
    return unsafe mapped { source, target, range in
      unsafe other.elements.withUnsafeBufferPointer { second in
        unsafe body(source, second.baseAddress! + range.lowerBound, target, range.count)
      }
    }
  }
}

extension Variable {
  /// The sum of two values of one shape.
  public static func + (left: Variable, right: Variable) -> Variable {
    let (a, b) = (left.index, right.index)
    return left.tape.record(left.value.sum(with: right.value), from: [left, right]) { gradient, gradients in
      gradients.add(gradient, to: a)
      gradients.add(gradient, to: b)
    }
  }

  public static func - (left: Variable, right: Variable) -> Variable {
    let (a, b) = (left.index, right.index)
    return left.tape.record(left.value.sum(with: right.value, times: -1), from: [left, right]) { gradient, gradients in
      gradients.add(gradient, to: a)
      if gradients.needs(b) { gradients.accumulate(b) { $0.add(gradient, times: -1) } }
    }
  }

  /// Every element times a number.
  public static func * (factor: Float, operand: Variable) -> Variable {
    let index = operand.index
    let scale: @Sendable (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Range<Int>) -> Void = {
      source, target, range in
      for element in 0..<range.count { unsafe target[element] = factor * source[element] }
    }
    return unsafe operand.tape.record(operand.value.mapped(scale), from: [operand]) { gradient, gradients in
      unsafe gradients.add(gradient.mapped(scale), to: index)
    }
  }

  /// The product element by element of two values of one shape.
  public static func * (left: Variable, right: Variable) -> Variable {
    let (a, b, x, y) = (left.index, right.index, left.value, right.value)
    return left.tape.record(x.multiplied(by: y), from: [left, right]) { gradient, gradients in
      if gradients.needs(a) { gradients.add(gradient.multiplied(by: y), to: a) }
      if gradients.needs(b) { gradients.add(gradient.multiplied(by: x), to: b) }
    }
  }

  /// The activation of every element.
  public func activated(_ activation: Activation) -> Variable {
    let (index, x, code) = (index, value, activation.kernelCode)
    let output = unsafe x.mapped { source, target, range in unsafe tessera_activate(source, target, range.count, code) }
    return tape.record(output, from: [self]) { gradient, gradients in
      gradients.add(gradient.throughActivation(at: x, code), to: index)
    }
  }

  /// `silu(self) · value`, element by element: the gate of SwiGLU (Shazeer, 2020, equation 6).
  public func gating(_ other: Variable) -> Variable {
    let (a, b, gate, up) = (index, other.index, value, other.value)
    let output = unsafe gate.mapped(with: up) { gate, up, target, count in unsafe tessera_gated(gate, up, target, count)
    }
    return tape.record(output, from: [self, other]) { gradient, gradients in
      var upGradient = Matrix(rows: up.rows, columns: up.columns)
      let gateGradient = unsafe upGradient.elements.withUnsafeMutableBufferPointer { second in
        guard let base = second.baseAddress else { return gradient }
        let second = unsafe SharedPointer(base)
        return unsafe gradient.mapped { outer, target, range in
          unsafe gate.elements.withUnsafeBufferPointer { gate in
            unsafe up.elements.withUnsafeBufferPointer { up in
              unsafe tessera_gated_gradient(
                gate.baseAddress! + range.lowerBound, up.baseAddress! + range.lowerBound, outer, target,
                second.pointer + range.lowerBound, range.count)
            }
          }
        }
      }
      gradients.add(gateGradient, to: a)
      gradients.add(upGradient, to: b)
    }
  }

  /// Inverted dropout (Srivastava et al., 2014): an element is dropped with probability `rate`, and the others grow so
  /// that the mean stays. The identity at a rate of zero.
  /// - Parameter random: gives the seed of a hash that decides for each element, so that nothing is kept for the
  ///   gradient.
  public func dropout(_ rate: Float, using random: inout RandomSource) -> Variable {
    precondition(rate >= 0 && rate < 1, "a dropout rate of \(rate) is not in [0, 1)")
    guard rate > 0 else { return self }
    let (index, seed) = (index, random.next())
    let drop: @Sendable (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Range<Int>) -> Void = {
      source, target, range in
      unsafe tessera_dropout(source, target, range.count, seed, UInt64(range.lowerBound), rate, 0)
    }
    return unsafe tape.record(value.mapped(drop), from: [self]) { gradient, gradients in
      unsafe gradients.add(gradient.mapped(drop), to: index)
    }
  }
}

extension Matrix {
  fileprivate func multiplied(by other: Matrix) -> Matrix {
    unsafe mapped(with: other) { a, b, target, count in
      for element in 0..<count { unsafe target[element] = a[element] * b[element] }
    }
  }

  /// This gradient of an activation's outputs as one of its inputs `x`.
  func throughActivation(at x: Matrix, _ code: Int32) -> Matrix {
    unsafe mapped(with: x) { outer, x, target, count in
      unsafe tessera_activation_gradient(x, outer, target, count, code)
    }
  }
}
