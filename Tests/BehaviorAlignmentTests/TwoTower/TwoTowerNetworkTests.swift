import BehaviorAlignment
import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct TwoTowerNetworkTests {
  static func configuration(_ pooling: TwoTowerModel.Configuration.Pooling) -> TwoTowerModel.Configuration {
    var configuration = TwoTowerModel.Configuration()
    configuration.width = 6
    configuration.hidden = 10
    configuration.pooling = pooling
    configuration.dropout = 0
    configuration.maximumHistory = 4
    return configuration
  }

  static var batch: TwoTowerBatch {
    var batch = TwoTowerBatch()
    batch.histories = [3, 7, 5, 3, 11, 0, 2, 8, 1, 4]
    batch.offsets = [0, 4, 5, 7, 10]
    batch.candidates = [1, 7, 1, 9, 6, 3, 10]
    batch.corrections = [0.5, 0.875, 1.25, 1.625, 2, 2.375, 2.75]
    batch.hidden = [[2, 5], [], [0], [0]]
    return batch
  }

  private func network(
    _ pooling: TwoTowerModel.Configuration.Pooling
  ) throws -> (network: TwoTowerNetwork, parameters: ParameterSet) {
    let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
    let network = try TwoTowerNetwork(scope, Self.configuration(pooling), itemCount: 12)
    var (parameters, random) = (try scope.finish(), RandomSource(seed: 2))
    // What training starts with would hide errors: zeros, and differences too small to see.
    for entry in parameters.entries {
      let parameter = try #require(parameters.parameter(named: entry.name))
      parameters[parameter] = normalMatrix(entry.value.rows, entry.value.columns, using: &random)
    }
    return (network, parameters)
  }

  private func inferring(_ parameters: ParameterSet) -> ModelPass {
    ModelPass(parameters, on: Tape(), random: RandomSource(seed: 1), isTraining: false)
  }

  /// The loss as its definition reads, in double precision.
  @Test(arguments: TwoTowerModel.Configuration.Pooling.allCases)
  func theLossIsTheSampledSoftmaxOfWhatIsNotHidden(pooling: TwoTowerModel.Configuration.Pooling) throws {
    let (network, parameters) = try network(pooling)
    let batch = Self.batch
    let pass = inferring(parameters)
    let users = network.userVectors(batch.histories, offsets: batch.offsets, in: pass).value
    let items = network.itemVectors(batch.candidates, in: pass).value
    var total = 0.0
    for row in 0..<batch.count {
      var (sum, own) = (0.0, 0.0)
      for place in batch.candidates.indices where !batch.hidden[row].contains(Int32(place)) {
        let product = zip(users.row(row), items.row(place)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let score = product / 0.2 + Double(batch.corrections[place])
        sum += exp(score)
        if place == row { own = score }
      }
      total += log(sum) - own
    }
    let loss = network.loss(of: batch, temperature: 0.2, in: inferring(parameters)).scalar
    expectClose([loss], [Float(total / 4)], tolerance: 2e-6)
  }

  @Test(arguments: TwoTowerModel.Configuration.Pooling.allCases)
  func vectorsHaveUnitLength(pooling: TwoTowerModel.Configuration.Pooling) throws {
    let (network, parameters) = try network(pooling)
    let pass = inferring(parameters)
    let users = network.userVectors(Self.batch.histories, offsets: Self.batch.offsets, in: pass).value
    let items = network.itemVectors([0, 5, 5, 11], in: pass).value
    expectClose(users.rowSquaredNorms(), [1, 1, 1, 1], tolerance: 1e-5)
    expectClose(items.rowSquaredNorms(), [1, 1, 1, 1], tolerance: 1e-5)
    #expect(Array(items.row(1)) == Array(items.row(2)))
  }

  /// Central differences of the loss, element by element, through both towers.
  @Test(arguments: TwoTowerModel.Configuration.Pooling.allCases)
  func gradientsAgreeWithDifferences(pooling: TwoTowerModel.Configuration.Pooling) throws {
    let (network, parameters) = try network(pooling)
    func loss(_ parameters: ParameterSet) -> (pass: ModelPass, value: Variable) {
      let pass = inferring(parameters)
      return (pass, network.loss(of: Self.batch, temperature: 0.5, in: pass))
    }
    let (pass, value) = loss(parameters)
    let gradients = pass.backward(from: value)
    let step: Float = 0.01
    for entry in parameters.entries {
      let parameter = try #require(parameters.parameter(named: entry.name))
      let gradient = try #require(gradients[parameter], "\(entry.name) has no gradient")
      let largest = gradient.elements.reduce(0.05) { max($0, abs($1)) }
      var worst: Float = 0
      for element in gradient.elements.indices {
        var (above, below) = (parameters, parameters)
        above[parameter].elements[element] += step
        below[parameter].elements[element] -= step
        let found = (loss(above).value.scalar - loss(below).value.scalar) / (2 * step)
        worst = max(worst, abs(found - gradient.elements[element]) / largest)
      }
      #expect(worst < 0.01, "\(entry.name): off by \(worst)")
    }
  }

  @Test func theMeanIsThatOfTheItemsWhereThePerceptronIsSilent() throws {
    let (network, drawn) = try network(.mean)
    var parameters = drawn
    for name in ["down.weight", "down.bias"] {
      let parameter = try #require(parameters.parameter(named: name))
      for index in parameters[parameter].elements.indices { parameters[parameter].elements[index] = 0 }
    }
    let items = network.itemVectors([3, 7], in: inferring(parameters)).value
    var mean = Matrix(rows: 1, columns: 6)
    for column in 0..<6 { mean[0, column] = items[0, column] + items[1, column] }
    mean.normalizeRows()
    let user = network.userVectors([3, 7], offsets: [0, 2], in: inferring(parameters)).value
    expectClose(user.elements, mean.elements, tolerance: 1e-6)
  }

  @Test func onlyAttentionTellsTheOrderOfEarlierItems() throws {
    func difference(_ pooling: TwoTowerModel.Configuration.Pooling) throws -> Float {
      let (network, parameters) = try network(pooling)
      let users = network.userVectors([3, 7, 5, 7, 3, 5], offsets: [0, 3, 6], in: inferring(parameters)).value
      return zip(users.row(0), users.row(1)).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
    #expect(try difference(.mean) < 1e-6)
    #expect(try difference(.attention) > 1e-3)
  }
}

/// Against tools/fixtures/two_tower.py, which computes in double precision through autograd, an item at a time. A bound is
/// a few times the largest difference met.
@Suite struct PyTorchTwoTowerTests {
  @Test(arguments: TwoTowerModel.Configuration.Pooling.allCases)
  func vectorsLossAndGradientsAgree(pooling: TwoTowerModel.Configuration.Pooling) throws {
    let url = try #require(
      Bundle.module.url(forResource: "two_tower", withExtension: "safetensors", subdirectory: "Fixtures"))
    let file = try SafetensorsFile.read(url.path)
    let batch = TwoTowerNetworkTests.batch
    #expect(try file.tensor("histories").integers(as: Int32.self) == batch.histories)
    #expect(try file.tensor("candidates").integers(as: Int32.self) == batch.candidates)
    #expect(try file.tensor("offsets").integers(as: Int32.self).map { Int($0) } == batch.offsets)
    expectClose(try file.tensor("corrections").floats(), batch.corrections, tolerance: 0)
    let hidden = batch.hidden.enumerated().flatMap { row, places in places.flatMap { [Int32(row), $0] } }
    #expect(Array(try file.tensor("hidden").integers(as: Int32.self)) == hidden)

    let scope = ParameterScope(loading: file, prefix: pooling.rawValue + "/network.")
    let network = try TwoTowerNetwork(scope, TwoTowerNetworkTests.configuration(pooling), itemCount: 12)
    let parameters = try scope.finish()
    let pass = ModelPass(parameters, on: Tape(), random: RandomSource(seed: 1), isTraining: false)
    let users = network.userVectors(batch.histories, offsets: batch.offsets, in: pass).value
    expectClose(users.elements, try file.tensor(pooling.rawValue + "/users").floats(), tolerance: 2e-6)
    let loss = network.loss(of: batch, temperature: 0.2, in: pass)
    expectClose([loss.scalar], try file.tensor(pooling.rawValue + "/loss").floats(), tolerance: 3e-6)
    let gradients = pass.backward(from: loss)
    for entry in parameters.entries {
      let parameter = try #require(parameters.parameter(named: entry.name))
      let gradient = try #require(gradients[parameter], "\(entry.name) has no gradient")
      expectClose(
        gradient.elements, try file.tensor(pooling.rawValue + "/gradient/" + entry.name).floats(), tolerance: 5e-6)
    }
  }
}
