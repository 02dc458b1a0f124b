public import TensorMath

/// The numbers with which a parameter of `outputs × inputs` starts.
public enum Initializer: Sendable, Equatable {
  case constant(Float)
  /// Normal with mean 0 and that standard deviation.
  case normal(deviation: Float)
  /// Uniform within ±1/√inputs: what PyTorch's linear layers start with, biases too.
  case fanInUniform
  /// Uniform within ±√(6 / inputs), for layers before a rectifier (He et al., 2015, equation 10).
  case kaimingUniform
  /// Uniform within ±√(6 / (inputs + outputs)) (Glorot and Bengio, 2010, equation 16).
  case xavierUniform

  public static let zeros = Initializer.constant(0)
  public static let ones = Initializer.constant(1)

  /// - Parameters:
  ///   - inputs: what one output sums over; the columns where nil, as in a linear layer's weights.
  ///   - random: drawn from once an element, row-major.
  public func matrix(rows: Int, columns: Int, inputs: Int? = nil, using random: inout RandomSource) -> Matrix {
    let inputs = max(1, inputs ?? columns)
    switch self {
    case .constant(let value):
      return Matrix(rows: rows, columns: columns, elements: ContiguousArray(repeating: value, count: rows * columns))
    case .normal(let deviation): return filled(rows, columns) { deviation * random.nextNormal() }
    case .fanInUniform: return uniform(rows, columns, 1 / Float(inputs).squareRoot(), &random)
    case .kaimingUniform: return uniform(rows, columns, (6 / Float(inputs)).squareRoot(), &random)
    case .xavierUniform: return uniform(rows, columns, (6 / Float(inputs + rows)).squareRoot(), &random)
    }
  }

  private func uniform(_ rows: Int, _ columns: Int, _ bound: Float, _ random: inout RandomSource) -> Matrix {
    filled(rows, columns) { bound * (2 * random.nextUniform() - 1) }
  }

  private func filled(_ rows: Int, _ columns: Int, _ next: () -> Float) -> Matrix {
    var matrix = Matrix(rows: rows, columns: columns)
    for index in matrix.elements.indices { matrix.elements[index] = next() }
    return matrix
  }
}
