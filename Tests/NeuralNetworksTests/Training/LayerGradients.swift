import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// A parameter set whose values are drawn anew: initial ones and zeros would hide errors.
func randomized(_ parameters: ParameterSet, deviation: Float = 0.5, seed: UInt64 = 5) -> ParameterSet {
  var (result, random) = (parameters, RandomSource(seed: seed))
  for entry in parameters.entries where entry.isTrainable {
    guard let parameter = parameters.parameter(named: entry.name) else { continue }
    result[parameter] = normalMatrix(entry.value.rows, entry.value.columns, using: &random)
    for index in result[parameter].elements.indices { result[parameter].elements[index] *= deviation }
  }
  return result
}

/// Expects the gradients of a layer's parameters to agree with central differences along one random direction per
/// parameter and along single elements.
///
/// - Parameters:
///   - directions: random directions per parameter; a direction sees every element at once.
///   - bound: of the error relative to the direction's derivative, at least 0.1.
func expectParameterGradients(
  _ parameters: ParameterSet, directions: Int = 4, step: Float = 0.01, bound: Float = 0.01,
  sourceLocation: SourceLocation = #_sourceLocation, _ model: (ModelPass) -> Variable
) {
  var random = RandomSource(seed: 77)
  func pass(_ parameters: ParameterSet) -> (pass: ModelPass, loss: Variable) {
    var (seed, weights) = (RandomSource(seed: 3), RandomSource(seed: 4))
    let pass = ModelPass(training: parameters, using: &seed)
    let output = model(pass)
    let direction = normalMatrix(output.rows, output.columns, using: &weights)
    return (pass, (output * pass.tape.constant(direction)).sum())
  }
  let (first, loss) = pass(parameters)
  let gradients = first.backward(from: loss)
  for entry in parameters.entries where entry.isTrainable {
    guard let parameter = parameters.parameter(named: entry.name), let gradient = gradients[parameter] else {
      Issue.record("\(entry.name) has no gradient", sourceLocation: sourceLocation)
      continue
    }
    for _ in 0..<directions {
      let direction = normalMatrix(entry.value.rows, entry.value.columns, using: &random)
      let length = Float(entry.value.elements.count).squareRoot()
      let expected = zip(direction.elements, gradient.elements).reduce(0) { $0 + $1.0 * $1.1 } / length
      var (above, below) = (parameters, parameters)
      for index in direction.elements.indices {
        above[parameter].elements[index] += step * direction.elements[index] / length
        below[parameter].elements[index] -= step * direction.elements[index] / length
      }
      let found = (pass(above).loss.scalar - pass(below).loss.scalar) / (2 * step)
      let size = max(abs(expected), Float(gradient.squaredNorm().squareRoot()) / length, 0.1)
      #expect(
        abs(found - expected) <= bound * size, "\(entry.name): differences give \(found), the gradient \(expected)",
        sourceLocation: sourceLocation)
    }
  }
}

/// A model's constructor with initialized, then redrawn parameters.
func makeLayer<Layer>(
  deviation: Float = 0.5, _ make: (ParameterScope) throws -> Layer
) throws -> (layer: Layer, parameters: ParameterSet) {
  let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
  let layer = try make(scope)
  return (layer, randomized(try scope.finish(), deviation: deviation))
}

extension ParameterGradients {
  /// The gradient of the parameter of that name; fails the test without one.
  func named(_ name: String, in parameters: ParameterSet) throws -> Matrix {
    let parameter = try #require(parameters.parameter(named: name))
    return try #require(self[parameter])
  }
}
