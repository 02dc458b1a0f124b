internal import RealModule

/// What a layer does to each of its outputs.
package enum Activation: Sendable {
  case identity
  /// x · Φ(x), by the error function (Hendrycks and Gimpel, 2016).
  case gelu
  /// x · σ(1.702 x), CLIP's approximation of it.
  case quickGELU
  case relu
  /// min(max(x, 0), 6), MobileNet's.
  case relu6
  case tanh

  package func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .identity: x
    case .gelu: 0.5 * x * (1 + Float.erf(x * Float(0.5).squareRoot()))
    case .quickGELU: x / (1 + Float.exp(-1.702 * x))
    case .relu: max(x, 0)
    case .relu6: min(max(x, 0), 6)
    case .tanh: Float.tanh(x)
    }
  }

  func apply(to values: UnsafeMutableBufferPointer<Float>) {
    if case .identity = self { return }
    for index in values.indices { unsafe values[index] = self(values[index]) }
  }
}
