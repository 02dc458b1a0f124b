public import TensorMath

/// A linear layer: `x · weightᵀ + bias`.
///
/// Parameters: `weight` (`outputs × inputs`, as PyTorch keeps it) and `bias` (`1 × outputs`, does not decay).
public struct Linear: Sendable {
  public let weight: Parameter
  public let bias: Parameter?

  /// - Parameter initializer: of the weights. The bias starts at zeros, unless that is `fanInUniform`, PyTorch's, which
  ///   starts it likewise.
  public init(
    _ scope: ParameterScope, inputs: Int, outputs: Int, hasBias: Bool = true, initializer: Initializer = .fanInUniform
  ) throws(NeuralNetworksError) {
    weight = try scope.parameter("weight", rows: outputs, columns: inputs, initializer: initializer)
    bias =
      hasBias
      ? try scope.parameter(
        "bias", rows: 1, columns: outputs, initializer: initializer == .fanInUniform ? .fanInUniform : .zeros,
        inputs: inputs, decays: false) : nil
  }

  /// - Parameter x: `rows × inputs`.
  /// - Returns: `rows × outputs`, through the activation.
  public func callAsFunction(_ x: Variable, activation: Activation = .identity, in pass: ModelPass) -> Variable {
    x.linear(pass[weight], bias: bias.map { pass[$0] }, activation: activation)
  }
}
