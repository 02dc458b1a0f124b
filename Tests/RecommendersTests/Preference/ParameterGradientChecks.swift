import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// Expects the gradient of every parameter to agree with differences along a random direction.
/// - Parameter loss: on a pass without dropout.
func expectParameterGradients(
  _ parameters: ParameterSet, bound: Float = 0.02, step: Float = 0.02,
  sourceLocation: SourceLocation = #_sourceLocation, loss: (ModelPass) throws -> Variable?
) throws {
  func value(_ parameters: ParameterSet) throws -> (pass: ModelPass, loss: Variable) {
    let pass = ModelPass(parameters, on: Tape(), random: RandomSource(seed: 5), isTraining: false)
    return (pass, try #require(try loss(pass), sourceLocation: sourceLocation))
  }
  let (pass, first) = try value(parameters)
  let gradients = pass.backward(from: first)
  var random = RandomSource(seed: 6)
  for entry in parameters.entries {
    guard let parameter = parameters.parameter(named: entry.name), let gradient = gradients[parameter] else {
      Issue.record("\(entry.name) has no gradient", sourceLocation: sourceLocation)
      continue
    }
    let direction = normalMatrix(entry.value.rows, entry.value.columns, using: &random)
    let length = Float(direction.elements.count).squareRoot()
    let expected = zip(direction.elements, gradient.elements).reduce(0) { $0 + $1.0 * $1.1 } / length
    var (above, below) = (parameters, parameters)
    for index in direction.elements.indices {
      above[parameter].elements[index] += step * direction.elements[index] / length
      below[parameter].elements[index] -= step * direction.elements[index] / length
    }
    let found = try (value(above).loss.scalar - value(below).loss.scalar) / (2 * step)
    #expect(
      abs(found - expected) < bound * max(abs(expected), 0.05), "\(entry.name): \(found), not \(expected)",
      sourceLocation: sourceLocation)
  }
}
