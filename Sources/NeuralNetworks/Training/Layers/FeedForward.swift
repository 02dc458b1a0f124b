public import TensorMath

/// Two linear layers with an activation between them. Parameters: `up.*` (`hidden × width`), `down.*`.
public struct FeedForward: Sendable {
  public let up: Linear
  public let down: Linear
  public let activation: Activation

  public init(
    _ scope: ParameterScope, width: Int, hidden: Int, activation: Activation = .gelu, hasBias: Bool = true
  ) throws(NeuralNetworksError) {
    up = try Linear(scope["up"], inputs: width, outputs: hidden, hasBias: hasBias)
    down = try Linear(scope["down"], inputs: hidden, outputs: width, hasBias: hasBias)
    self.activation = activation
  }

  public func callAsFunction(_ x: Variable, in pass: ModelPass) -> Variable {
    down(up(x, activation: activation, in: pass), in: pass)
  }
}

/// `down(silu(gate(x)) · up(x))` without biases (Shazeer, 2020, equation 6).
/// Parameters: `gate.weight` and `up.weight` (`hidden × width`), `down.weight`.
public struct SwiGLU: Sendable {
  public let gate: Linear
  public let up: Linear
  public let down: Linear

  public init(_ scope: ParameterScope, width: Int, hidden: Int) throws(NeuralNetworksError) {
    gate = try Linear(scope["gate"], inputs: width, outputs: hidden, hasBias: false)
    up = try Linear(scope["up"], inputs: width, outputs: hidden, hasBias: false)
    down = try Linear(scope["down"], inputs: hidden, outputs: width, hasBias: false)
  }

  public func callAsFunction(_ x: Variable, in pass: ModelPass) -> Variable {
    down(gate(x, in: pass).gating(up(x, in: pass)), in: pass)
  }
}
