internal import CVectorKernels

/// Layer normalization (Ba, Kiros and Hinton, 2016) of rows.
package struct LayerNormalization: Sendable {
  package let scale: ContiguousArray<Float>
  package let shift: ContiguousArray<Float>
  /// Added to the variance.
  package let epsilon: Float

  package init(scale: ContiguousArray<Float>, shift: ContiguousArray<Float>, epsilon: Float) {
    precondition(scale.count == shift.count, "\(scale.count) scales for \(shift.count) shifts")
    self.scale = scale
    self.shift = shift
    self.epsilon = epsilon
  }

  package var width: Int { scale.count }

  /// Normalizes `rows` rows of `width` floats, after adding `residual` to them where one is given.
  /// - Parameter output: where the normalized rows go; the rows themselves keep the sum then. Nil for in place.
  package func apply(
    to x: UnsafeMutablePointer<Float>, rows: Int, adding residual: UnsafePointer<Float>? = nil,
    into output: UnsafeMutablePointer<Float>? = nil
  ) {
    let output = unsafe output ?? x
    unsafe scale.withUnsafeBufferPointer { scale in
      unsafe shift.withUnsafeBufferPointer { shift in
        for row in 0..<rows {
          let offset = row * width
          unsafe tessera_layer_norm(
            x + offset, residual.map { unsafe $0 + offset }, scale.baseAddress, shift.baseAddress, epsilon,
            output + offset, width)
        }
      }
    }
  }
}

/// `target += x`, element by element, on the calling thread.
package func addVector(_ x: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
  unsafe tessera_add_scaled(target, x, 1, count)
}

/// `target = a + b` likewise.
package func sumVectors(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, count: Int
) {
  unsafe tessera_sum(a, b, 1, target, count)
}
