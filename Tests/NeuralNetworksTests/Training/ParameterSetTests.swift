import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct ParameterSetTests {
  @Test func oneConstructorInitializesAndLoads() throws {
    let (_, parameters) = try SmallModel.made()
    let tensors = parameters.entries.map { entry in
      // A bias as other programs store it: a vector.
      entry.name.hasSuffix("bias")
        ? NamedTensor(name: "model." + entry.name, shape: [entry.value.columns], floats: entry.value.elements)
        : NamedTensor(name: "model." + entry.name, matrix: entry.value)
    }
    let file = try SafetensorsFile(bytes: SafetensorsWriter.bytes(tensors))
    let scope = ParameterScope(loading: file, prefix: "model.")
    _ = try SmallModel(scope)
    #expect(try scope.finish() == parameters)
  }

  @Test func loadingNamesWhatIsMissingMisshapenOrTooMuch() throws {
    let file = try SafetensorsFile(
      bytes: SafetensorsWriter.bytes([
        NamedTensor(name: "a.weight", shape: [2, 3], floats: (0..<6).map(Float.init)),
        NamedTensor(name: "a.bias", shape: [2], floats: [1, 2]),
      ]))
    let missing = #expect(throws: NeuralNetworksError.self) {
      try Linear(ParameterScope(loading: file)["b"], inputs: 3, outputs: 2)
    }
    #expect(missing?.code == .missingEntry && missing?.message.contains("b.weight") == true)
    let misshapen = #expect(throws: NeuralNetworksError.self) {
      try Linear(ParameterScope(loading: file)["a"], inputs: 4, outputs: 2)
    }
    #expect(misshapen?.code == .unexpectedTensor)
    let scope = ParameterScope(loading: file)
    _ = try Linear(scope["a"], inputs: 3, outputs: 2, hasBias: false)
    let extra = #expect(throws: NeuralNetworksError.self) { try scope.finish() }
    #expect(extra?.message.hasPrefix("the file has a parameter \"a.bias\" that the model lacks") == true)
  }

  @Test func anAddedLayerLeavesTheOthersInitialValues() throws {
    func make(_ names: [String]) throws -> ParameterSet {
      let scope = ParameterScope(initializingWith: RandomSource(seed: 3))
      for name in names { _ = try Linear(scope["layers"][name], inputs: 3, outputs: 2) }
      return try scope.finish()
    }
    let (two, three) = (try make(["a", "c"]), try make(["a", "b", "c"]))
    for entry in two.entries {
      #expect(three[try #require(three.parameter(named: entry.name))] == entry.value)
    }
    let different = Set(three.entries.map { Array($0.value.elements) })
    #expect(different.count == 6)
    #expect(three.elementCount == 24)
  }

  @Test func initializersKeepTheirBoundsAndSpread() {
    var random = RandomSource(seed: 5)
    func numbers(_ initializer: Initializer, inputs: Int? = nil) -> [Float] {
      Array(initializer.matrix(rows: 100, columns: 50, inputs: inputs, using: &random).elements)
    }
    func deviation(_ values: [Float]) -> Float {
      (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
    }
    for (initializer, bound) in [
      (Initializer.fanInUniform, Float(1) / Float(50).squareRoot()), (.kaimingUniform, Float(6.0 / 50).squareRoot()),
      (.xavierUniform, Float(6.0 / 150).squareRoot()),
    ] {
      let values = numbers(initializer)
      #expect(values.allSatisfy { abs($0) <= bound } && values.contains { abs($0) > 0.98 * bound })
      // A uniform distribution's deviation is its bound over √3.
      #expect(abs(deviation(values) / (bound / Float(3).squareRoot()) - 1) < 0.03)
      #expect(abs(values.reduce(0, +) / 5000) < 0.05 * bound)
    }
    #expect(abs(deviation(numbers(.normal(deviation: 0.02))) / 0.02 - 1) < 0.03)
    #expect(Set(numbers(.ones)) == [1] && Set(numbers(.zeros)) == [0])
    #expect(numbers(.fanInUniform, inputs: 4).contains { $0 > 0.45 })
  }

  @Test func copiesAreValues() throws {
    let (model, parameters) = try SmallModel.made()
    var copy = parameters
    copy[model.first.weight].elements[0] += 1
    #expect(copy != parameters && copy.name(of: model.first.weight) == "first.weight")
    #expect(parameters.parameter(named: "third.weight") == nil)
  }

  @Test func inferenceGivesWhatTrainingGivesWithoutDropout() throws {
    let (model, parameters) = try SmallModel.made()
    var random = RandomSource(seed: 1)
    let (x, targets) = SmallModel.batch(5, using: &random)
    let inference = ModelPass(inferring: parameters), training = ModelPass(training: parameters, using: &random)
    #expect(model.loss(x, targets, in: inference).scalar == model.loss(x, targets, in: training).scalar)
  }
}
