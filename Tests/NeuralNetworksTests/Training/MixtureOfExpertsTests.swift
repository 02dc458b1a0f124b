import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct MixtureOfExpertsTests {
  static func mixture(
    count: Int = 5, selected: Int = 2, isGated: Bool = true
  ) throws -> (layer: MixtureOfExperts, parameters: ParameterSet) {
    try makeLayer {
      try MixtureOfExperts(
        $0["moe"], width: 6, .init(count: count, selected: selected, hidden: 8, isGated: isGated))
    }
  }

  /// Every expert on every row, weighted by its gate: slow and plain.
  static func dense(
    _ x: Matrix, _ parameters: ParameterSet, count: Int, selected: Int, isGated: Bool
  ) throws -> Matrix {
    func weight(_ name: String) throws -> Matrix {
      parameters[try #require(parameters.parameter(named: "moe." + name))]
    }
    func product(_ a: ArraySlice<Float>, _ w: Matrix, _ bias: Matrix? = nil) -> [Float] {
      (0..<w.rows).map { row in zip(a, w.row(row)).reduce(bias?.elements[row] ?? 0) { $0 + $1.0 * $1.1 } }
    }
    let bias = try weight("balance").elements
    var result = Matrix(rows: x.rows, columns: x.columns)
    for row in 0..<x.rows {
      let logits = product(x.row(row), try weight("router.weight"))
      let exponentials = logits.map { exp($0) }
      let scores = exponentials.map { $0 / exponentials.reduce(0, +) }
      let chosen = scores.indices.sorted { scores[$0] + bias[$0] > scores[$1] + bias[$1] }.prefix(selected)
      for expert in chosen {
        let path = "experts.\(expert)."
        let hidden: [Float]
        if isGated {
          let gate = product(x.row(row), try weight(path + "gate.weight"))
          let up = product(x.row(row), try weight(path + "up.weight"))
          hidden = zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
        } else {
          let up = product(x.row(row), try weight(path + "up.weight"), try weight(path + "up.bias"))
          hidden = up.map { Activation.gelu($0) }
        }
        let output = product(
          hidden[...], try weight(path + "down.weight"), isGated ? nil : try weight(path + "down.bias"))
        for column in 0..<x.columns { result[row, column] += scores[expert] * output[column] }
      }
    }
    return result
  }

  @Test(arguments: [true, false])
  func agreesWithEveryExpertOnEveryRow(isGated: Bool) throws {
    let (layer, initial) = try Self.mixture(isGated: isGated)
    var parameters = initial
    parameters[layer.balance] = Matrix(rows: 1, columns: 5, elements: [0, 0.3, -0.2, 0, 0.1])
    let x = LayerTests.input(23, 6)
    let pass = ModelPass(inferring: parameters)
    let output = layer(pass.tape.constant(x), in: pass)
    let expected = try Self.dense(x, parameters, count: 5, selected: 2, isGated: isGated)
    expectClose(output.value.value.elements, expected.elements, tolerance: 1e-4)
    #expect(output.load.counts.reduce(0, +) == 46)
  }

  @Test(arguments: [true, false])
  func hasItsGradients(isGated: Bool) throws {
    // All experts selected: a choice that changes within a step would have no derivative.
    let (layer, parameters) = try Self.mixture(count: 3, selected: 3, isGated: isGated)
    expectParameterGradients(parameters) { pass in
      layer(pass.tape.constant(LayerTests.input(7, 6)), in: pass).value
    }
  }

  @Test func sparseChoicesHaveTheirGradientsForInputs() throws {
    let (layer, parameters) = try Self.mixture(count: 4, selected: 1)
    expectGradients(of: [LayerTests.input(5, 6)], step: 0.001, bound: 0.02) { inputs in
      layer(inputs[0], in: ModelPass(parameters, on: inputs[0].tape, random: RandomSource(seed: 1))).value
    }
  }

  @Test func anExpertWithoutRowsHasNoGradient() throws {
    let (layer, initial) = try Self.mixture(count: 3, selected: 1)
    var parameters = initial
    parameters[layer.balance] = Matrix(rows: 1, columns: 3, elements: [10, 0, 0])
    var random = RandomSource(seed: 1)
    let pass = ModelPass(training: parameters, using: &random)
    let output = layer(pass.tape.constant(LayerTests.input(4, 6)), in: pass)
    #expect(output.load.counts == [4, 0, 0])
    let gradients = pass.backward(from: output.value.sum())
    let first = try #require(parameters.parameter(named: "moe.experts.0.up.weight"))
    let second = try #require(parameters.parameter(named: "moe.experts.1.up.weight"))
    #expect(gradients[first] != nil && gradients[second] == nil)
    #expect(gradients[layer.balance] == nil)
  }

  @Test func noRowsGiveNoRows() throws {
    let (layer, parameters) = try Self.mixture()
    let pass = ModelPass(inferring: parameters)
    let output = layer(pass.tape.constant(Matrix(rows: 0, columns: 6)), in: pass)
    #expect(output.value.rows == 0 && output.value.columns == 6)
    #expect(output.load.counts == [0, 0, 0, 0, 0] && output.load.imbalance == 1)
  }

  @Test func balancingEvensTheLoad() throws {
    let (layer, initial) = try Self.mixture(count: 4, selected: 1)
    var parameters = initial
    // A router that prefers the first expert for every row.
    parameters[layer.router.weight] = Matrix(
      rows: 4, columns: 6, elements: ContiguousArray((0..<24).map { $0 == 0 ? 0.02 : 0.001 * Float($0 % 5) }))
    var x = LayerTests.input(400, 6)
    for row in 0..<400 { x[row, 0] = abs(x[row, 0]) + 1 }
    func load() -> ExpertLoad {
      let pass = ModelPass(inferring: parameters)
      return layer(pass.tape.constant(x), in: pass).load
    }
    let before = load()
    #expect(before.counts[0] == 400 && before.imbalance == 4)
    for _ in 0..<300 { parameters.balance([load()], rate: 0.0002) }
    #expect(load().imbalance < 1.5, "the load is \(load().counts)")
  }

  @Test func loadsOfMicroBatchesAddUp() throws {
    let (layer, parameters) = try Self.mixture()
    let pass = ModelPass(inferring: parameters)
    let first = layer(pass.tape.constant(LayerTests.input(3, 6, seed: 1)), in: pass).load
    let second = layer(pass.tape.constant(LayerTests.input(4, 6, seed: 2)), in: pass).load
    let sum = ExpertLoad.sum([first, second])
    #expect(sum.count == 1)
    #expect(sum.first?.counts == zip(first.counts, second.counts).map { $0 + $1 })
  }

  @Test func ofEqualScoresTheLowerExpertsAreChosen() throws {
    let (layer, initial) = try Self.mixture(count: 4, selected: 2)
    var parameters = initial
    parameters[layer.router.weight] = Matrix(rows: 4, columns: 6)
    let pass = ModelPass(inferring: parameters)
    #expect(layer(pass.tape.constant(LayerTests.input(5, 6)), in: pass).load.counts == [5, 5, 0, 0])
  }
}
