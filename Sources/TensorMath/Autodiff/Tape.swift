/// A record of operations on whole matrices, in the order they were made, that gives the gradients of one of its values
/// with respect to all others that asked for them: reverse-mode automatic differentiation (Linnainmaa, 1970).
///
/// A tape serves one step: make its leaves, apply operations, call ``backward(from:)`` once, drop it. It belongs to one
/// thread; the operations run on all threads themselves. Every operation computes its gradient by hand-written loops.
public final class Tape {
  struct Node {
    var value: Matrix
    let needsGradient: Bool
    /// Given the gradient of the value, adds to the gradients of what it was computed from.
    var propagate: ((Matrix, inout Gradients) -> Void)?
  }

  var nodes: [Node] = []

  /// Whether operations keep what their gradients need.
  public let isRecording: Bool

  /// How products round their factors.
  public let precision: WeightPrecision

  /// Floating-point operations of the matrix products and attention so far, a multiplication and an addition each one,
  /// with those that their gradients will take. What is computed again, and what works element by element, is not
  /// counted: this is what a model asks for, however it is computed.
  public private(set) var productOperations = 0.0

  /// - Parameters:
  ///   - isRecording: false for inference: no value is kept beyond what the caller holds, and no gradient can be asked
  ///     for.
  ///   - precision: of the factors of matrix products; all sums, norms and losses are f32.
  public init(isRecording: Bool = true, precision: WeightPrecision = .single) {
    self.isRecording = isRecording
    self.precision = precision
  }

  /// - Parameters:
  ///   - multiplications: of the product itself.
  ///   - inputs: whose gradients are as much again each.
  func countProduct(_ multiplications: Double, gradientsFor inputs: [Variable]) {
    productOperations += 2 * multiplications * Double(1 + inputs.count(where: \.needsGradient))
  }

  /// A leaf that needs no gradient.
  public func constant(_ value: Matrix) -> Variable { append(value, needsGradient: false, nil) }

  /// A leaf whose gradient ``backward(from:)`` gives.
  public func parameter(_ value: Matrix) -> Variable { append(value, needsGradient: isRecording, nil) }

  /// Records an operation.
  /// - Parameter propagate: given the gradient of `value`, adds to the gradients of the inputs; called at most once, and
  ///   only where one of them needs it. It must not hold a ``Variable``, which holds the tape.
  func record(
    _ value: Matrix, from inputs: [Variable], _ propagate: @escaping (Matrix, inout Gradients) -> Void
  ) -> Variable {
    for input in inputs { precondition(input.tape === self, "an operation mixes values of two tapes") }
    let needs = isRecording && inputs.contains(where: \.needsGradient)
    return append(value, needsGradient: needs, needs ? propagate : nil)
  }

  private func append(
    _ value: Matrix, needsGradient: Bool, _ propagate: ((Matrix, inout Gradients) -> Void)?
  ) -> Variable {
    guard isRecording else { return Variable(tape: self, index: -1, unrecorded: value) }
    nodes.append(Node(value: value, needsGradient: needsGradient, propagate: propagate))
    return Variable(tape: self, index: nodes.count - 1, unrecorded: nil)
  }

  /// The gradients of a 1 × 1 value with respect to every parameter it was computed from.
  ///
  /// Consumes the tape: values and what the operations kept are given up on the way, so that memory falls while
  /// gradients rise, and a parameter's matrix has one owner again when the optimizer changes it.
  /// - Complexity: about twice the operations of the forward pass.
  public func backward(from loss: Variable) -> Gradients {
    precondition(isRecording, "a tape that does not record has no gradients")
    precondition(loss.tape === self && loss.rows == 1 && loss.columns == 1, "gradients are those of a 1 × 1 value")
    var gradients = Gradients(nodes.map { $0.needsGradient ? ($0.value.rows, $0.value.columns) : nil })
    gradients.add(Matrix(rows: 1, columns: 1, elements: [1]), to: loss.index)
    for index in nodes.indices.reversed() {
      let propagate = nodes[index].propagate
      nodes[index].propagate = nil
      nodes[index].value = Matrix(rows: 0, columns: 0)
      if let propagate, let gradient = gradients.take(index) { propagate(gradient, &gradients) }
    }
    return gradients
  }
}

/// One value on a ``Tape``.
public struct Variable {
  public let tape: Tape
  let index: Int
  /// The value itself, on a tape that does not record.
  fileprivate let unrecorded: Matrix?

  public var value: Matrix { unrecorded ?? tape.nodes[index].value }
  public var rows: Int { unrecorded?.rows ?? tape.nodes[index].value.rows }
  public var columns: Int { unrecorded?.columns ?? tape.nodes[index].value.columns }
  var needsGradient: Bool { unrecorded == nil && tape.nodes[index].needsGradient }

  /// The element of a 1 × 1 value, as a loss is.
  public var scalar: Float {
    precondition(rows == 1 && columns == 1, "\(rows) × \(columns) is not a scalar")
    return value.elements[0]
  }

  /// The value as a constant: no gradient passes.
  public var detached: Variable { tape.constant(value) }
}
