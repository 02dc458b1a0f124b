import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// A model of two layers with dropout, and what it learns.
struct SmallModel {
  let first: Linear
  let second: Linear
  let dropout: Dropout

  init(_ scope: ParameterScope, dropout: Float = 0) throws(NeuralNetworksError) {
    first = try Linear(scope["first"], inputs: 6, outputs: 12)
    second = try Linear(scope["second"], inputs: 12, outputs: 3)
    self.dropout = Dropout(rate: dropout)
  }

  func loss(_ x: Matrix, _ targets: ContiguousArray<Int32>, in pass: ModelPass) -> Variable {
    let hidden = dropout(first(pass.tape.constant(x), activation: .gelu, in: pass), in: pass)
    return second(hidden, in: pass).softmaxCrossEntropy(targets: targets)
  }

  static func made(dropout: Float = 0) throws -> (model: SmallModel, parameters: ParameterSet) {
    let scope = ParameterScope(initializingWith: RandomSource(seed: 4))
    let model = try SmallModel(scope, dropout: dropout)
    return (model, try scope.finish())
  }

  /// Rows whose class is the place of the largest of their first three numbers.
  static func batch(_ rows: Int, using random: inout RandomSource) -> (x: Matrix, targets: ContiguousArray<Int32>) {
    let x = normalMatrix(rows, 6, using: &random)
    return (x, ContiguousArray((0..<rows).map { row in Int32((0..<3).max { x[row, $0] < x[row, $1] }!) }))
  }

  /// One training step on a batch drawn from the state's generator.
  func step(_ state: inout TrainingState) throws -> Float {
    let (x, targets) = Self.batch(16, using: &state.random)
    let pass = ModelPass(training: state.parameters, using: &state.random)
    let loss = loss(x, targets, in: pass)
    let value = loss.scalar
    try state.update(with: pass.backward(from: loss))
    return value
  }
}

@Suite struct TrainingStepTests {
  static func state(dropout: Float = 0, schedule: LearningRateSchedule = .constant(0.01)) throws -> (
    model: SmallModel, state: TrainingState
  ) {
    let (model, parameters) = try SmallModel.made(dropout: dropout)
    return (model, TrainingState(parameters, schedule: schedule, random: RandomSource(seed: 6)))
  }

  @Test func learnsAnEasyTask() throws {
    var (model, state) = try Self.state(dropout: 0.1)
    var losses: [Float] = []
    for _ in 0..<200 { losses.append(try model.step(&state)) }
    #expect(losses.prefix(10).reduce(0, +) / 10 > 0.9)
    #expect(losses.suffix(10).reduce(0, +) / 10 < 0.4)
    #expect(state.step == 200)
  }

  @Test func parametersAndMomentsAreUpdatedWhereTheyLie() throws {
    var (model, state) = try Self.state(dropout: 0.1)
    func addresses() -> [UInt] {
      state.parameters.entries.map { entry in
        entry.value.elements.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
      }
    }
    _ = try model.step(&state)
    let before = addresses()
    // Sums, since even an array made of the elements would share their memory.
    let values = state.parameters.entries.map { $0.value.elements.reduce(0, +) }
    for _ in 0..<3 { _ = try model.step(&state) }
    #expect(addresses() == before)
    #expect(state.parameters.entries.map { $0.value.elements.reduce(0, +) } != values)
  }

  @Test func aCopyOfTheParametersStaysAsItWas() throws {
    var (model, state) = try Self.state()
    let kept = state.parameters
    let names = kept.entries.map { $0.value }
    _ = try model.step(&state)
    #expect(kept.entries.map { $0.value } == names)
    #expect(state.parameters != kept)
  }

  @Test func threadsDoNotChangeAStep() throws {
    func run(_ threads: Int) throws -> TrainingState {
      try withThreads(threads) {
        var (model, state) = try Self.state(dropout: 0.2)
        for _ in 0..<5 { _ = try model.step(&state) }
        return state
      }
    }
    #expect(try run(1) == run(2))
  }

  @Test func microBatchesAddUpToTheBigBatch() throws {
    let (model, parameters) = try SmallModel.made()
    var random = RandomSource(seed: 2)
    let (x, targets) = SmallModel.batch(30, using: &random)
    func gradients(_ rows: Range<Int>) -> ParameterGradients {
      let pass = ModelPass(training: parameters, using: &random)
      return pass.backward(from: model.loss(x.rows(rows), ContiguousArray(targets[rows]), in: pass))
    }
    let whole = gradients(0..<30)
    var sum = gradients(0..<12)
    sum.scale(by: 12 / 30)
    sum.add(gradients(12..<20), times: 8 / 30)
    sum.add(gradients(20..<30), times: 10 / 30)
    for entry in parameters.entries {
      let parameter = try #require(parameters.parameter(named: entry.name))
      expectClose(
        try #require(sum[parameter]).elements, try #require(whole[parameter]).elements, tolerance: 1e-6)
    }
    #expect(abs(sum.norm() - whole.norm()) < 1e-6)
  }

  @Test func clippingShortensToTheLimitAndNoFurther() throws {
    #expect(ParameterGradients.clippingFactor(norm: 0.5, limit: 1) == 1)
    #expect(abs(ParameterGradients.clippingFactor(norm: 4, limit: 1) - 0.25) < 1e-6)
    #expect(ParameterGradients.clippingFactor(norm: 0, limit: 1) == 1)
  }

  @Test func theNormIsThatOfAllGradientsTogether() throws {
    let (model, parameters) = try SmallModel.made()
    var random = RandomSource(seed: 2)
    let (x, targets) = SmallModel.batch(10, using: &random)
    let pass = ModelPass(training: parameters, using: &random)
    let gradients = pass.backward(from: model.loss(x, targets, in: pass))
    var sum = 0.0
    for entry in parameters.entries {
      let gradient = try gradients.named(entry.name, in: parameters)
      sum += gradient.elements.reduce(0) { $0 + Double($1) * Double($1) }
    }
    #expect(abs(gradients.norm() - sum.squareRoot()) < 1e-12)
  }

  @Test func gradientsThatAreNotFiniteLeaveTheStateAlone() throws {
    var (model, state) = try Self.state()
    let before = state
    let pass = ModelPass(training: state.parameters, using: &state.random)
    var (x, targets) = (LayerTests.input(4, 6), ContiguousArray<Int32>([0, 1, 2, 0]))
    x[2, 3] = .infinity
    let gradients = pass.backward(from: model.loss(x, targets, in: pass))
    targets = []
    let error = #expect(throws: NeuralNetworksError.self) { try state.update(with: gradients) }
    #expect(error?.code == .divergedTraining && error?.message.contains("step 0") == true)
    #expect(state.parameters == before.parameters && state.optimizer == before.optimizer && state.step == 0)
  }

  @Test func frozenParametersStayAndGetNoGradient() throws {
    var (model, state) = try Self.state()
    #expect(state.parameters.setTrainable(false, below: "first") == 2)
    #expect(state.parameters.setTrainable(false, below: "fir") == 0)
    let frozen = state.parameters[model.first.weight], free = state.parameters[model.second.weight]
    for _ in 0..<3 { _ = try model.step(&state) }
    #expect(state.parameters[model.first.weight] == frozen)
    #expect(state.parameters[model.second.weight] != free)
  }
}
