public import TensorMath

// A decoder that writes code by code runs on the new rows only: the keys and values of earlier rows are kept, and those
// of the memory are made once.
extension TransformerBlock {
  /// Where new rows stand behind earlier ones.
  public struct DecodingStep {
    /// The rows of the cache afterwards, each a row of the cache before or, counted on from its end, a new one; so that
    /// sequences may be left out, and several may go on from the same rows.
    public var cacheRows: ContiguousArray<Int32>
    /// Which of the cache's rows, as it is afterwards, each new row sees.
    public var layout: AttentionLayout
    /// Which rows of the memory each new row sees.
    public var memoryLayout: AttentionLayout

    public init(
      cacheRows: ContiguousArray<Int32>, layout: AttentionLayout, memoryLayout: AttentionLayout
    ) {
      self.cacheRows = cacheRows
      self.layout = layout
      self.memoryLayout = memoryLayout
    }
  }

  /// What a block that attends to a memory sees of it.
  /// - Parameter memory: `keys × width`.
  /// - Returns: `keys × 2 · width`.
  public func memoryKeysAndValues(_ memory: Variable, in pass: ModelPass) -> Variable {
    guard let crossPart else { preconditionFailure("a block that attends to a memory") }
    return crossPart.attention.keyValue(memory, in: pass)
  }

  /// The same as running the block over whole sequences and taking the new rows.
  /// - Parameters:
  ///   - x: the new rows, `rows × width`.
  ///   - cache: keys and values of earlier rows, `earlier × 2 · width`; nil for none. Afterwards those of `step`.
  ///   - memory: of ``memoryKeysAndValues(_:in:)``.
  /// - Returns: `rows × width`.
  public func callAsFunction(
    _ x: Variable, cache: inout Variable?, memory: Variable, step: DecodingStep, in pass: ModelPass
  ) -> Variable {
    guard let crossPart else { preconditionFailure("a block that attends to a memory") }
    let width = x.columns
    let qkv = selfAttention.qkv(selfNorm(x, in: pass), in: pass)
    let new = qkv.columns(width..<3 * width)
    let kept = Variable.concatenatingRows([cache, new].compactMap { $0 }).selectingRows(step.cacheRows)
    cache = kept
    let seen = qkv.columns(0..<width).attending(
      toKeysAndValues: kept, heads: selfAttention.heads, layout: step.layout)
    var state = x + dropout(selfAttention.output(seen, in: pass), in: pass)
    let queries = crossPart.attention.query(crossPart.norm(state, in: pass), in: pass)
    let remembered = queries.attending(
      toKeysAndValues: memory, heads: crossPart.attention.heads, layout: step.memoryLayout)
    state = state + dropout(crossPart.attention.output(remembered, in: pass), in: pass)
    return state + dropout(forward(forwardNorm(state, in: pass), in: pass), in: pass)
  }
}
