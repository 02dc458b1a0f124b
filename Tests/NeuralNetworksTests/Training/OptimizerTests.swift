import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct OptimizerTests {
  /// One parameter that decays and one that does not, both with a known gradient.
  static func gradients(_ parameters: ParameterSet, _ values: [Parameter: Matrix]) -> ParameterGradients {
    var random = RandomSource(seed: 1)
    let pass = ModelPass(training: parameters, using: &random)
    var loss: Variable?
    for (parameter, gradient) in values {
      let part = (pass[parameter] * pass.tape.constant(gradient)).sum()
      loss = loss.map { $0 + part } ?? part
    }
    return pass.backward(from: loss!)
  }

  @Test func agreesWithTheAlgorithmInDoublePrecision() throws {
    let (layer, initial) = try makeLayer { try Linear($0, inputs: 70, outputs: 3) }
    var parameters = initial
    let bias = try #require(layer.bias)
    let settings = AdamW.Parameters(beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1)
    var optimizer = AdamW(settings)
    var expected = [layer.weight, bias].map { parameters[$0].elements.map(Double.init) }
    var mean = expected.map { $0.map { _ in 0.0 } }, square = mean
    var random = RandomSource(seed: 3)
    for step in 1...7 {
      let values = [layer.weight, bias].map {
        normalMatrix(parameters[$0].rows, parameters[$0].columns, using: &random)
      }
      optimizer.update(
        &parameters, with: Self.gradients(parameters, [layer.weight: values[0], bias: values[1]]), rate: 0.01,
        factor: 0.5)
      for (index, decay) in [0.1, 0].enumerated() {
        for element in expected[index].indices {
          let gradient = 0.5 * Double(values[index].elements[element])
          mean[index][element] = 0.8 * mean[index][element] + 0.2 * gradient
          square[index][element] = 0.95 * square[index][element] + 0.05 * gradient * gradient
          let corrected = (square[index][element] / (1 - pow(0.95, Double(step)))).squareRoot()
          expected[index][element] -=
            0.01 * decay * expected[index][element]
            + 0.01 * mean[index][element] / (1 - pow(0.8, Double(step))) / (corrected + 1e-6)
        }
      }
    }
    expectClose(parameters[layer.weight].elements, expected[0].map { Float($0) }, tolerance: 2e-6)
    expectClose(parameters[bias].elements, expected[1].map { Float($0) }, tolerance: 2e-6)
  }

  @Test func parametersWithoutAGradientKeepTheirValueAndTheirCount() throws {
    let (layer, initial) = try makeLayer { try Linear($0, inputs: 4, outputs: 2) }
    var parameters = initial, alone = initial
    let bias = try #require(layer.bias)
    let gradient = Matrix(rows: 1, columns: 2, elements: [0.5, -0.25])
    var optimizer = AdamW(), fresh = AdamW()
    for _ in 0..<3 {
      optimizer.update(
        &parameters, with: Self.gradients(parameters, [layer.weight: parameters[layer.weight]]), rate: 0.1)
    }
    #expect(parameters[bias] == initial[bias])
    // The first update of the bias is corrected as a first one.
    optimizer.update(&parameters, with: Self.gradients(parameters, [bias: gradient]), rate: 0.1)
    fresh.update(&alone, with: Self.gradients(alone, [bias: gradient]), rate: 0.1)
    #expect(parameters[bias] == alone[bias])
  }

  @Test func decayAloneShrinksWeights() throws {
    let (layer, initial) = try makeLayer { try Linear($0, inputs: 4, outputs: 2) }
    var parameters = initial, optimizer = AdamW(.init(weightDecay: 0.5))
    let zero = Matrix(rows: 2, columns: 4)
    optimizer.update(&parameters, with: Self.gradients(parameters, [layer.weight: zero]), rate: 0.1)
    expectClose(
      parameters[layer.weight].elements, initial[layer.weight].elements.map { 0.95 * $0 }, tolerance: 1e-6)
  }

  @Test func schedulesWarmUpInALineAndFallAlongACosine() {
    let schedule = LearningRateSchedule.warmupCosine(peak: 1, warmupSteps: 4, steps: 12, floor: 0.2)
    expectClose((0..<5).map(schedule.rate), [0.25, 0.5, 0.75, 1, 1], tolerance: 1e-7)
    expectClose([schedule.rate(at: 8)], [0.6], tolerance: 1e-6)
    expectClose([schedule.rate(at: 12), schedule.rate(at: 1000)], [0.2, 0.2], tolerance: 0)
    let rates = (4..<12).map(schedule.rate)
    #expect(zip(rates, rates.dropFirst()).allSatisfy(>))
  }

  @Test func constantSchedulesStayAfterTheirWarmUp() {
    #expect((0..<4).map(LearningRateSchedule.constant(0.5).rate) == [0.5, 0.5, 0.5, 0.5])
    #expect((0..<4).map(LearningRateSchedule.constant(0.5, warmupSteps: 2).rate) == [0.25, 0.5, 0.5, 0.5])
    #expect(LearningRateSchedule.warmupCosine(peak: 1, warmupSteps: 5, steps: 5).rate(at: 5) == 0)
  }
}
