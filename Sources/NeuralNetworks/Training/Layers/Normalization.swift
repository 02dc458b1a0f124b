public import TensorMath

/// Layer normalization of rows. Parameters: `weight` and `bias`, `1 × width`; neither decays.
public struct LayerNorm: Sendable {
  public let weight: Parameter
  public let bias: Parameter
  public let epsilon: Float

  public init(_ scope: ParameterScope, width: Int, epsilon: Float = 1e-5) throws(NeuralNetworksError) {
    weight = try scope.parameter("weight", rows: 1, columns: width, initializer: .ones, decays: false)
    bias = try scope.parameter("bias", rows: 1, columns: width, initializer: .zeros, decays: false)
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Variable, in pass: ModelPass) -> Variable {
    x.layerNormalized(scale: pass[weight], shift: pass[bias], epsilon: epsilon)
  }
}

/// Normalization of rows by their root mean square. Parameter: `weight`, `1 × width`; does not decay.
public struct RMSNorm: Sendable {
  public let weight: Parameter
  public let epsilon: Float

  public init(_ scope: ParameterScope, width: Int, epsilon: Float = 1e-6) throws(NeuralNetworksError) {
    weight = try scope.parameter("weight", rows: 1, columns: width, initializer: .ones, decays: false)
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Variable, in pass: ModelPass) -> Variable {
    x.rootMeanSquareNormalized(scale: pass[weight], epsilon: epsilon)
  }
}

/// Either normalization, where a configuration chooses.
public enum Normalization: Sendable {
  case layer(LayerNorm)
  case rootMeanSquare(RMSNorm)

  public enum Kind: String, Sendable, Codable {
    case layer
    case rootMeanSquare
  }

  public init(_ kind: Kind, _ scope: ParameterScope, width: Int) throws(NeuralNetworksError) {
    switch kind {
    case .layer: self = .layer(try LayerNorm(scope, width: width))
    case .rootMeanSquare: self = .rootMeanSquare(try RMSNorm(scope, width: width))
    }
  }

  public func callAsFunction(_ x: Variable, in pass: ModelPass) -> Variable {
    switch self {
    case .layer(let norm): norm(x, in: pass)
    case .rootMeanSquare(let norm): norm(x, in: pass)
    }
  }
}
