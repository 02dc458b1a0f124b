internal import CVectorKernels

/// How a gradient passes a choice of centroids, which has none of its own.
public enum QuantizationEstimator: String, Sendable, CaseIterable, Codable {
  /// The gradient of the quantised row is taken for that of the row itself (Bengio et al., 2013).
  case straightThrough = "straight-through"

  /// The quantised row is seen as the row, rotated and stretched onto it; rotation and stretch count as constants, so
  /// the gradient is turned back by the same angle (Fifty et al., 2024, section 4).
  case rotation
}

extension Variable {
  /// These rows, replaced by quantised ones, with an estimate of the gradient.
  ///
  /// With `rotation` row e becomes q = λRe for λ = ‖q‖/‖e‖ and the rotation R = I − 2rrᵀ + 2q̂êᵀ in the plane of both, where
  /// ê and q̂ have unit length and r is the unit vector along ê + q̂; a gradient g becomes λRᵀg = λ(g − 2r(rᵀg) + 2ê(q̂ᵀg)).
  /// A row of zeros has no direction and opposite rows have no one plane; there the gradient goes straight through.
  /// - Parameter quantized: of this value's shape.
  /// - Complexity: O(rows · columns).
  public func quantized(to quantized: Matrix, estimator: QuantizationEstimator) -> Variable {
    precondition(
      quantized.rows == rows && quantized.columns == columns,
      "\(quantized.rows) × \(quantized.columns) quantized rows for \(rows) × \(columns)")
    let index = index
    switch estimator {
    case .straightThrough:
      return tape.record(quantized, from: [self]) { gradient, gradients in gradients.add(gradient, to: index) }
    case .rotation:
      let original = value
      return tape.record(quantized, from: [self]) { gradient, gradients in
        gradients.add(gradient.rotatedBack(from: quantized, to: original), to: index)
      }
    }
  }
}

extension Matrix {
  /// Every row, a gradient at a row of `quantized`, as one at that row of `original`.
  fileprivate func rotatedBack(from quantized: Matrix, to original: Matrix) -> Matrix {
    let width = columns
    return unsafe mappedRows { source, target, rows in
      unsafe original.elements.withUnsafeBufferPointer { e in
        unsafe quantized.elements.withUnsafeBufferPointer { q in
          for (place, row) in rows.enumerated() {
            unsafe rotateBack(
              source + place * width, e.baseAddress! + row * width, q.baseAddress! + row * width,
              target + place * width, width)
          }
        }
      }
    }
  }
}

/// `target = λRᵀg` for one row.
private func rotateBack(
  _ g: UnsafePointer<Float>, _ e: UnsafePointer<Float>, _ q: UnsafePointer<Float>,
  _ target: UnsafeMutablePointer<Float>,
  _ width: Int
) {
  let lengthE = unsafe tessera_squared_norm(e, width).squareRoot()
  let lengthQ = unsafe tessera_squared_norm(q, width).squareRoot()
  let cosine = unsafe tessera_dot(e, q, width) / (lengthE * lengthQ)
  // ‖ê + q̂‖² = 2 + 2 cos; below this opposite rows would divide by what rounding left.
  let sumSquare = 2 + 2 * cosine
  guard lengthE > 0, lengthQ > 0, lengthE.isFinite, lengthQ.isFinite, sumSquare > 1e-4 else {
    return unsafe target.update(from: g, count: width)
  }
  let alongE = unsafe tessera_dot(g, e, width) / lengthE
  let alongQ = unsafe tessera_dot(g, q, width) / lengthQ
  let scale = lengthQ / lengthE
  // −2r(rᵀg) + 2ê(q̂ᵀg), gathered by ê and q̂.
  let reflection = 2 * (alongE + alongQ) / sumSquare
  let factorE = (2 * alongQ - reflection) / lengthE
  let factorQ = -reflection / lengthQ
  for column in 0..<width {
    unsafe target[column] = scale * (g[column] + factorE * e[column] + factorQ * q[column])
  }
}
