package import TensorMath

/// One encoder layer: attention and a feed-forward network, each with a residual connection.
package struct TransformerLayer: Sendable {
  /// Where the normalizations stand.
  package enum Order: Sendable {
    /// Behind each residual sum: the original transformer, BERT, XLM-R.
    case normalizedAfter
    /// Before each sublayer: CLIP, ViT.
    case normalizedBefore
  }

  package let order: Order
  /// Queries, keys and values side by side.
  package let projections: LinearLayer
  package let attentionOutput: LinearLayer
  package let attentionNormalization: LayerNormalization
  package let expansion: LinearLayer
  package let contraction: LinearLayer
  package let outputNormalization: LayerNormalization
  package let activation: Activation

  package init(
    order: Order, projections: LinearLayer, attentionOutput: LinearLayer, attentionNormalization: LayerNormalization,
    expansion: LinearLayer, contraction: LinearLayer, outputNormalization: LayerNormalization, activation: Activation
  ) {
    self.order = order
    self.projections = projections
    self.attentionOutput = attentionOutput
    self.attentionNormalization = attentionNormalization
    self.expansion = expansion
    self.contraction = contraction
    self.outputNormalization = outputNormalization
    self.activation = activation
  }

  /// Of the four products.
  var weightCount: Int {
    [projections, attentionOutput, expansion, contraction].reduce(0) { $0 + $1.inputs * $1.outputs }
  }

  /// Replaces the first `tokens` rows of the scratch's state, sequence by sequence for attention, all together for the
  /// products.
  package func apply(_ scratch: inout TransformerScratch, sequences: [Int], isCausal: Bool) {
    let tokens = sequences.last ?? 0
    guard tokens > 0 else { return }
    unsafe scratch.withBuffers { state, wide, narrow, attention in
      switch order {
      case .normalizedAfter:
        unsafe projections.apply(state, rows: tokens, into: wide)
        unsafe attend(&attention, sequences, isCausal, wide, narrow)
        // The attended rows land in the wide buffer's head, so that the state stays as the residual.
        unsafe attentionOutput.apply(narrow, rows: tokens, into: wide)
        unsafe attentionNormalization.apply(to: wide, rows: tokens, adding: state)
        unsafe state.update(from: wide, count: tokens * projections.inputs)
        unsafe expansion.apply(state, rows: tokens, activation: activation, into: wide)
        unsafe contraction.apply(wide, rows: tokens, into: narrow)
        unsafe outputNormalization.apply(to: state, rows: tokens, adding: narrow)
      case .normalizedBefore:
        unsafe attentionNormalization.apply(to: state, rows: tokens, into: narrow)
        unsafe projections.apply(narrow, rows: tokens, into: wide)
        unsafe attend(&attention, sequences, isCausal, wide, narrow)
        unsafe attentionOutput.apply(narrow, rows: tokens, into: wide)
        unsafe outputNormalization.apply(to: state, rows: tokens, adding: wide, into: narrow)
        unsafe expansion.apply(narrow, rows: tokens, activation: activation, into: wide)
        unsafe contraction.apply(wide, rows: tokens, into: narrow)
        unsafe addVector(narrow, to: state, count: tokens * projections.inputs)
      }
    }
  }

  private func attend(
    _ attention: inout SelfAttention, _ sequences: [Int], _ isCausal: Bool, _ projected: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>
  ) {
    let width = projections.inputs
    for (start, end) in zip(sequences, sequences.dropFirst()) where end > start {
      unsafe attention.apply(
        projected + start * 3 * width, length: end - start, isCausal: isCausal, into: output + start * width)
    }
  }
}

/// One thread's buffers for a stack of layers: the state, and two that every layer overwrites.
package struct TransformerScratch: ~Copyable {
  /// `tokens × width`, row-major.
  package private(set) var state: ContiguousArray<Float> = []
  private var wide: ContiguousArray<Float> = []
  private var narrow: ContiguousArray<Float> = []
  private var attention: SelfAttention
  private let width: Int
  private let widest: Int

  package init(heads: Int, width: Int, feedForwardWidth: Int) {
    self.width = width
    widest = max(3 * width, feedForwardWidth)
    attention = SelfAttention(heads: heads, headWidth: width / heads)
  }

  /// Makes room for `tokens` rows; what the state held is lost.
  package mutating func reserve(tokens: Int) {
    guard state.count < tokens * width else { return }
    state = ContiguousArray(repeating: 0, count: tokens * width)
    narrow = ContiguousArray(repeating: 0, count: tokens * width)
    wide = ContiguousArray(repeating: 0, count: tokens * widest)
  }

  /// The state, to be filled or read.
  package mutating func withState<Result>(_ body: (UnsafeMutablePointer<Float>) -> Result) -> Result? {
    unsafe state.withUnsafeMutableBufferPointer { unsafe $0.baseAddress.map { unsafe body($0) } }
  }

  fileprivate mutating func withBuffers(
    _ body: (
      _ state: UnsafeMutablePointer<Float>, _ wide: UnsafeMutablePointer<Float>,
      _ narrow: UnsafeMutablePointer<Float>, _ attention: inout SelfAttention
    ) -> Void
  ) {
    unsafe state.withUnsafeMutableBufferPointer { state in
      unsafe wide.withUnsafeMutableBufferPointer { wide in
        unsafe narrow.withUnsafeMutableBufferPointer { narrow in
          guard let state = state.baseAddress, let wide = wide.baseAddress, let narrow = narrow.baseAddress else {
            return
          }
          unsafe body(state, wide, narrow, &attention)
        }
      }
    }
  }
}
