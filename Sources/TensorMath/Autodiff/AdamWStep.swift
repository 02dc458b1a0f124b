internal import CVectorKernels

/// The numbers of one step of AdamW, all corrections applied (Loshchilov and Hutter, 2019, algorithm 2).
package struct AdamWStep: Sendable {
  private let kernel: tessera_adamw_step

  /// - Parameters:
  ///   - rate: of this step, schedule included.
  ///   - decay: multiplied by the rate and subtracted from the weights, apart from the gradient's moments.
  ///   - updates: how often these weights were updated with this step, at least 1; corrects the moments' start at zero.
  ///   - factor: multiplies the gradient first: what clipping left of it.
  package init(
    rate: Float, beta1: Float, beta2: Float, epsilon: Float, decay: Float, updates: Int, factor: Float = 1
  ) {
    precondition(updates > 0, "a step counts itself")
    let (first, second) = (1 - power(Double(beta1), updates), 1 - power(Double(beta2), updates))
    kernel = tessera_adamw_step(
      factor: factor, b1: beta1, b2: beta2, rate: Float(Double(rate) / first),
      correction: Float(1 / second.squareRoot()), epsilon: epsilon, decay: rate * decay)
  }

  /// Updates weights and moments of one shape in place, on all threads.
  package func apply(
    to weights: inout Matrix, gradient: Matrix, mean: inout Matrix, square: inout Matrix
  ) {
    let count = weights.elements.count
    precondition(
      gradient.elements.count == count && mean.elements.count == count && square.elements.count == count,
      "a gradient and moments of the weights' \(count) elements")
    unsafe weights.elements.withUnsafeMutableBufferPointer { weights in
      unsafe mean.elements.withUnsafeMutableBufferPointer { mean in
        unsafe square.elements.withUnsafeMutableBufferPointer { square in
          guard let weights = weights.baseAddress, let mean = mean.baseAddress, let square = square.baseAddress
          else { return }
          let (w, m, v) = unsafe (SharedPointer(weights), SharedPointer(mean), SharedPointer(square))
          Parallelism.forEachChunk(of: count, size: elementsPerTask) { range in
            let start = range.lowerBound
            unsafe gradient.elements.withUnsafeBufferPointer { gradient in
              unsafe withUnsafePointer(to: kernel) { step in
                unsafe tessera_adamw(
                  w.pointer + start, gradient.baseAddress! + start, m.pointer + start, v.pointer + start, range.count,
                  step)
              }
            }
          }
        }
      }
    }
  }
}

/// By repeated squaring, so that a step's numbers do not hang on a library's `pow`.
private func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, factor, rest) = (1.0, base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= factor }
    factor *= factor
    rest >>= 1
  }
  return result
}

extension Matrix {
  /// Σ x² in double precision, summed in a fixed order for any number of threads.
  package func squaredNorm() -> Double {
    let partial = Parallelism.mapChunks(of: elements.count, size: elementsPerTask) { range in
      var sums = SIMD8<Double>(repeating: 0)
      var index = range.lowerBound
      unsafe elements.withUnsafeBufferPointer { source in
        while index + 8 <= range.upperBound {
          let lane = unsafe SIMD8<Double>(
            UnsafeRawPointer(source.baseAddress! + index).loadUnaligned(as: SIMD8<Float>.self))
          sums += lane * lane
          index += 8
        }
      }
      return elements[index..<range.upperBound].reduce(sums.sum()) { $0 + Double($1) * Double($1) }
    }
    return partial.reduce(0, +)
  }

  /// Multiplies every element by a number, in place.
  package mutating func scale(by factor: Float) {
    unsafe elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      let (target, count) = unsafe (SharedPointer(base), target.count)
      Parallelism.forEachChunk(of: count, size: elementsPerTask) { range in
        for index in range { unsafe target.pointer[index] *= factor }
      }
    }
  }
}
