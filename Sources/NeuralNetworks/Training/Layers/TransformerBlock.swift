public import TensorMath

/// One layer of a transformer with normalization before each part (Xiong et al., 2020): x + part(norm(x)) for
/// self-attention, attention to a memory where the block has it, and the feed-forward part.
///
/// Parameters: `selfNorm.*`, `selfAttention.*`, `crossNorm.*`, `crossAttention.*`, `feedForwardNorm.*`, `feedForward.*`.
public struct TransformerBlock: Sendable {
  public struct Configuration: Sendable {
    /// The part behind attention.
    public enum FeedForwardKind: Sendable {
      case dense(hidden: Int, activation: Activation)
      case gated(hidden: Int)
      case experts(MixtureOfExperts.Configuration)
    }

    public var width: Int
    public var heads: Int
    public var feedForward: FeedForwardKind
    public var normalization: Normalization.Kind
    /// Whether the block attends to a memory: a decoder's.
    public var attendsToMemory: Bool
    /// Of each part's result, in training.
    public var dropout: Float
    /// Of the linear layers of attention and of the dense feed-forward part.
    public var hasBias: Bool

    public init(
      width: Int, heads: Int, feedForward: FeedForwardKind, normalization: Normalization.Kind = .layer,
      attendsToMemory: Bool = false, dropout: Float = 0, hasBias: Bool = true
    ) {
      self.width = width
      self.heads = heads
      self.feedForward = feedForward
      self.normalization = normalization
      self.attendsToMemory = attendsToMemory
      self.dropout = dropout
      self.hasBias = hasBias
    }
  }

  /// What a decoder attends to.
  public struct Memory {
    /// `keys × width`.
    public let value: Variable
    public let layout: AttentionLayout

    public init(_ value: Variable, layout: AttentionLayout) {
      self.value = value
      self.layout = layout
    }
  }

  struct CrossPart: Sendable {
    let norm: Normalization
    let attention: MultiHeadCrossAttention
  }

  enum ForwardPart: Sendable {
    case dense(FeedForward)
    case gated(SwiGLU)
    case experts(MixtureOfExperts)
  }

  let selfNorm: Normalization
  let selfAttention: MultiHeadSelfAttention
  let crossPart: CrossPart?
  let forwardNorm: Normalization
  let forwardPart: ForwardPart
  let dropout: Dropout

  public init(_ scope: ParameterScope, _ configuration: Configuration) throws(NeuralNetworksError) {
    let (width, heads, kind) = (configuration.width, configuration.heads, configuration.normalization)
    selfNorm = try Normalization(kind, scope["selfNorm"], width: width)
    selfAttention = try MultiHeadSelfAttention(
      scope["selfAttention"], width: width, heads: heads, hasBias: configuration.hasBias)
    if configuration.attendsToMemory {
      crossPart = CrossPart(
        norm: try Normalization(kind, scope["crossNorm"], width: width),
        attention: try MultiHeadCrossAttention(
          scope["crossAttention"], width: width, heads: heads, hasBias: configuration.hasBias))
    } else {
      crossPart = nil
    }
    forwardNorm = try Normalization(kind, scope["feedForwardNorm"], width: width)
    let part = scope["feedForward"]
    switch configuration.feedForward {
    case .dense(let hidden, let activation):
      forwardPart = .dense(
        try FeedForward(part, width: width, hidden: hidden, activation: activation, hasBias: configuration.hasBias))
    case .gated(let hidden): forwardPart = .gated(try SwiGLU(part, width: width, hidden: hidden))
    case .experts(let experts): forwardPart = .experts(try MixtureOfExperts(part, width: width, experts))
    }
    dropout = Dropout(rate: configuration.dropout)
  }

  /// - Parameters:
  ///   - x: packed sequences, `rows × width`.
  ///   - layout: who sees whom among them.
  ///   - memory: for a block that attends to one, and only for it.
  /// - Returns: `rows × width`. The pass keeps the load of experts.
  public func callAsFunction(
    _ x: Variable, layout: AttentionLayout, memory: Memory? = nil, in pass: ModelPass
  ) -> Variable {
    precondition((memory != nil) == (crossPart != nil), "a memory for a block that attends to one, and only for it")
    var state = x + dropout(selfAttention(selfNorm(x, in: pass), layout: layout, in: pass), in: pass)
    if let crossPart, let memory {
      let seen = crossPart.attention(
        crossPart.norm(state, in: pass), memory: memory.value, layout: memory.layout, in: pass)
      state = state + dropout(seen, in: pass)
    }
    return state + dropout(forward(forwardNorm(state, in: pass), in: pass), in: pass)
  }

  func forward(_ x: Variable, in pass: ModelPass) -> Variable {
    switch forwardPart {
    case .dense(let layer): return layer(x, in: pass)
    case .gated(let layer): return layer(x, in: pass)
    case .experts(let layer):
      let output = layer(x, in: pass)
      pass.record(output.load)
      return output.value
    }
  }
}
