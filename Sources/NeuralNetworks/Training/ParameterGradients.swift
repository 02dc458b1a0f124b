public import TensorMath

/// The gradients of a model's parameters; nil for one that the loss did not depend on, or that is frozen.
public struct ParameterGradients: Sendable, Equatable {
  private(set) var matrices: [Matrix?]

  init(count: Int) { matrices = Array(repeating: nil, count: count) }

  public subscript(parameter: Parameter) -> Matrix? { matrices[parameter.index] }

  mutating func set(_ index: Int, _ gradient: Matrix) { matrices[index] = gradient }

  /// Adds the gradients of another batch: gradient accumulation.
  /// - Parameter weight: the other's share in the sum. Micro-batches whose losses are means over nᵢ of N examples give
  ///   the gradient of the mean over all with weights nᵢ / N (``scale(by:)`` for the first).
  public mutating func add(_ other: ParameterGradients, times weight: Float = 1) {
    precondition(matrices.count == other.matrices.count, "gradients of two models")
    for (index, gradient) in other.matrices.enumerated() {
      guard let gradient else { continue }
      // Taken out while it changes, or the array would hold a second reference and copy it.
      var sum = matrices[index].take() ?? Matrix(rows: gradient.rows, columns: gradient.columns)
      sum.add(gradient, times: weight)
      matrices[index] = sum
    }
  }

  /// Multiplies all gradients by a number.
  public mutating func scale(by factor: Float) {
    for index in matrices.indices {
      guard var gradient = matrices[index].take() else { continue }
      gradient.scale(by: factor)
      matrices[index] = gradient
    }
  }

  /// The length of all gradients taken as one vector, summed in double precision in a fixed order. Not finite where an
  /// element is not.
  public func norm() -> Double {
    matrices.reduce(0) { $0 + ($1?.squaredNorm() ?? 0) }.squareRoot()
  }

  /// What clipping by the global norm multiplies gradients of that norm by (Pascanu, Mikolov and Bengio, 2013,
  /// algorithm 1), with the 10⁻⁶ that PyTorch adds.
  public static func clippingFactor(norm: Double, limit: Float) -> Float {
    Float(min(1, Double(limit) / (norm + 1e-6)))
  }
}
