internal import TensorMath

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019, algorithm 2), as PyTorch computes it.
public struct AdamW: Sendable, Equatable {
  public struct Parameters: Sendable, Equatable, Codable {
    /// Of the running mean of gradients.
    public var beta1: Float
    /// Of the running mean of squared gradients.
    public var beta2: Float
    /// Added to the root of the latter.
    public var epsilon: Float
    /// Times the rate, subtracted from parameters that decay.
    public var weightDecay: Float

    public init(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0.01) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  /// What the optimizer keeps of one parameter.
  struct Moments: Sendable, Equatable {
    var mean: Matrix
    var square: Matrix
    /// How often the parameter was updated.
    var updates: Int
  }

  public var parameters: Parameters
  /// By parameter; nil for one that was never updated.
  private(set) var moments: [Moments?] = []

  public init(_ parameters: Parameters = Parameters()) { self.parameters = parameters }

  init(_ parameters: Parameters, moments: [Moments?]) {
    self.parameters = parameters
    // As before the first update, so that a state that is saved and loaded equals itself.
    self.moments = moments.contains { $0 != nil } ? moments : []
  }

  /// Updates in place every parameter that has a gradient; the others stay as they are, as does their decay.
  /// - Parameters:
  ///   - rate: of this step.
  ///   - factor: multiplies the gradients first; ``ParameterGradients/clippingFactor(norm:limit:)``.
  /// - Complexity: O(numbers); nothing is copied where `set` is the only owner of its matrices.
  public mutating func update(
    _ set: inout ParameterSet, with gradients: ParameterGradients, rate: Float, factor: Float = 1
  ) {
    precondition(gradients.matrices.count == set.entries.count, "gradients of another model")
    moments.append(contentsOf: repeatElement(nil, count: set.entries.count - moments.count))
    for (index, gradient) in gradients.matrices.enumerated() {
      guard let gradient else { continue }
      // Taken out while they change, so that each has one owner.
      var state =
        moments[index].take()
        ?? Moments(
          mean: Matrix(rows: gradient.rows, columns: gradient.columns),
          square: Matrix(rows: gradient.rows, columns: gradient.columns), updates: 0)
      state.updates += 1
      let step = AdamWStep(
        rate: rate, beta1: parameters.beta1, beta2: parameters.beta2, epsilon: parameters.epsilon,
        decay: set.entries[index].decays ? parameters.weightDecay : 0, updates: state.updates, factor: factor)
      set.update(index) { step.apply(to: &$0, gradient: gradient, mean: &state.mean, square: &state.square) }
      moments[index] = state
    }
  }
}
