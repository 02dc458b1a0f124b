public import TensorMath

/// Inverted dropout in training, the identity otherwise.
public struct Dropout: Sendable {
  public let rate: Float

  /// - Parameter rate: the probability of dropping an element, in [0, 1).
  public init(rate: Float) {
    precondition(rate >= 0 && rate < 1, "a dropout rate of \(rate) is not in [0, 1)")
    self.rate = rate
  }

  /// Draws once from the pass's generator, or not at all where nothing is dropped.
  public func callAsFunction(_ x: Variable, in pass: ModelPass) -> Variable {
    pass.isTraining ? x.dropout(rate, using: &pass.random) : x
  }
}
