public import TensorMath
public import Testing

/// Expects the gradients of an operation to agree with central differences.
///
/// The operation's value is made a scalar by the inner product with a fixed random matrix. A gradient's error is measured
/// against the largest of the gradient's elements, at least 0.1: differences in f32 have an absolute error.
/// - Parameters:
///   - inputs: leaves of the operation.
///   - step: of the differences; their error grows with its square and with the rounding of the loss over it.
///   - bound: of the relative error.
///   - operation: applied to a fresh tape each time; must draw the same random numbers each time.
public func expectGradients(
  of inputs: [Matrix], step: Float = 0.01, bound: Float = 0.005, sourceLocation: SourceLocation = #_sourceLocation,
  _ operation: ([Variable]) -> Variable
) {
  var random = RandomSource(seed: 99)
  var direction: Matrix?
  func loss(_ inputs: [Matrix]) -> (value: Variable, leaves: [Variable]) {
    let tape = Tape()
    let leaves = inputs.map(tape.parameter)
    let output = operation(leaves)
    if direction == nil { direction = normalMatrix(output.rows, output.columns, using: &random) }
    return ((output * tape.constant(direction!)).sum(), leaves)
  }
  let (value, leaves) = loss(inputs)
  let gradients = value.tape.backward(from: value)
  for (place, input) in inputs.enumerated() {
    guard let gradient = gradients[leaves[place]] else {
      Issue.record("input \(place) has no gradient", sourceLocation: sourceLocation)
      continue
    }
    let largest = gradient.elements.reduce(0.1) { max($0, abs($1)) }
    var worst: (element: Int, error: Float) = (0, 0)
    for element in input.elements.indices {
      var moved = inputs
      moved[place].elements[element] += step
      let above = loss(moved).value.scalar
      moved[place].elements[element] -= 2 * step
      let below = loss(moved).value.scalar
      let error = abs((above - below) / (2 * step) - gradient.elements[element]) / largest
      if !(error <= worst.error) { worst = (element, error) }
    }
    #expect(
      worst.error <= bound, "input \(place), element \(worst.element): the gradient is off by \(worst.error)",
      sourceLocation: sourceLocation)
  }
}
