public import TensorMath

/// Multi-head attention of sequences to themselves; one product makes queries, keys and values.
///
/// Parameters: `qkv.weight` (`3 · width × width`, queries first, then keys, then values, as PyTorch's `in_proj_weight`),
/// `qkv.bias`, `output.weight`, `output.bias`.
public struct MultiHeadSelfAttention: Sendable {
  public let heads: Int
  public let qkv: Linear
  public let output: Linear

  public init(_ scope: ParameterScope, width: Int, heads: Int, hasBias: Bool = true) throws(NeuralNetworksError) {
    precondition(heads > 0 && width % heads == 0, "a width of \(width) in \(heads) heads")
    self.heads = heads
    qkv = try Linear(scope["qkv"], inputs: width, outputs: 3 * width, hasBias: hasBias, initializer: .xavierUniform)
    output = try Linear(scope["output"], inputs: width, outputs: width, hasBias: hasBias, initializer: .xavierUniform)
  }

  /// - Parameter x: packed sequences, `rows × width`.
  public func callAsFunction(_ x: Variable, layout: AttentionLayout, in pass: ModelPass) -> Variable {
    output(qkv(x, in: pass).selfAttending(heads: heads, layout: layout), in: pass)
  }
}

/// Multi-head attention of sequences to other rows, which one product turns into keys and values.
///
/// Parameters: `query.*` (`width × width`), `keyValue.*` (`2 · width × memoryWidth`, keys first), `output.*`.
public struct MultiHeadCrossAttention: Sendable {
  public let heads: Int
  public let query: Linear
  public let keyValue: Linear
  public let output: Linear

  /// - Parameter memoryWidth: columns of the rows that are attended to; `width` where nil.
  public init(
    _ scope: ParameterScope, width: Int, heads: Int, memoryWidth: Int? = nil, hasBias: Bool = true
  ) throws(NeuralNetworksError) {
    precondition(heads > 0 && width % heads == 0, "a width of \(width) in \(heads) heads")
    self.heads = heads
    query = try Linear(scope["query"], inputs: width, outputs: width, hasBias: hasBias, initializer: .xavierUniform)
    keyValue = try Linear(
      scope["keyValue"], inputs: memoryWidth ?? width, outputs: 2 * width, hasBias: hasBias,
      initializer: .xavierUniform)
    output = try Linear(scope["output"], inputs: width, outputs: width, hasBias: hasBias, initializer: .xavierUniform)
  }

  /// - Parameters:
  ///   - x: `queries × width`.
  ///   - memory: `keys × memoryWidth`.
  ///   - layout: which of the queries see which of the keys.
  public func callAsFunction(
    _ x: Variable, memory: Variable, layout: AttentionLayout, in pass: ModelPass
  ) -> Variable {
    let keysAndValues = keyValue(memory, in: pass)
    return output(
      query(x, in: pass).attending(toKeysAndValues: keysAndValues, heads: heads, layout: layout), in: pass)
  }
}
