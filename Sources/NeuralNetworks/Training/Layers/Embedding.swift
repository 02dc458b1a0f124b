public import TensorMath

/// A table of vectors looked up by number. Parameter: `weight`, `count × width`.
public struct Embedding: Sendable {
  public let weight: Parameter

  public init(
    _ scope: ParameterScope, count: Int, width: Int, initializer: Initializer = .normal(deviation: 0.02),
    decays: Bool = true
  ) throws(NeuralNetworksError) {
    weight = try scope.parameter("weight", rows: count, columns: width, initializer: initializer, decays: decays)
  }

  /// - Parameter indices: below `count`; a negative one gives zeros.
  /// - Returns: `indices.count × width`.
  public func callAsFunction(_ indices: ContiguousArray<Int32>, in pass: ModelPass) -> Variable {
    pass[weight].selectingRows(indices)
  }

  /// The inner products of rows with every vector of the table: the output layer that shares it (Press and Wolf, 2017).
  /// - Parameter x: `rows × width`.
  /// - Returns: `rows × count`.
  public func logits(_ x: Variable, in pass: ModelPass) -> Variable { x.linear(pass[weight]) }
}
