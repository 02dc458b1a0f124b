internal import CVectorKernels
internal import RealModule

/// What a layer does to each of its outputs.
public enum Activation: Sendable, CaseIterable {
  case identity
  /// x · Φ(x), by the error function (Hendrycks and Gimpel, 2016).
  case gelu
  /// x · σ(1.702 x), CLIP's approximation of it.
  case quickGELU
  case relu
  /// min(max(x, 0), 6), MobileNet's.
  case relu6
  case tanh
  /// x · σ(x), the sigmoid linear unit.
  case silu
  case sigmoid

  package func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .identity: x
    case .gelu: 0.5 * x * (1 + Float.erf(x * Float(0.5).squareRoot()))
    case .quickGELU: x / (1 + Float.exp(-1.702 * x))
    case .relu: max(x, 0)
    case .relu6: min(max(x, 0), 6)
    case .tanh: Float.tanh(x)
    case .silu: x / (1 + Float.exp(-x))
    case .sigmoid: 1 / (1 + Float.exp(-x))
    }
  }

  /// The number by which the C loops know it.
  var kernelCode: Int32 {
    let code =
      switch self {
      case .identity: TESSERA_IDENTITY
      case .gelu: TESSERA_GELU
      case .quickGELU: TESSERA_QUICK_GELU
      case .relu: TESSERA_RELU
      case .relu6: TESSERA_RELU6
      case .tanh: TESSERA_TANH
      case .silu: TESSERA_SILU
      case .sigmoid: TESSERA_SIGMOID
      }
    return Int32(code)
  }

  func apply(to values: UnsafeMutableBufferPointer<Float>) {
    if case .identity = self { return }
    for index in values.indices { unsafe values[index] = self(values[index]) }
  }
}
