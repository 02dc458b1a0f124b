import Foundation
import NeuralNetworks
import Recommenders
import TensorMath
import TestSupport
import Testing

/// What the recommender knows of users against the vectors of what they take up next.
@Suite struct StateContrastTests {
  /// Two users; the second takes up item 4 like the first, and the last row has nothing behind it.
  private static let batch = SequenceBatch([[1, 4], [2, 3]])
  private static let next: ContiguousArray<Int32> = [1, 4, 5, 4, 3, -1]
  private static let items = TuningItems(batch, next: next)

  private struct Setting {
    let contrast: StateContrast
    var parameters: ParameterSet
    let states: Matrix
    let vectors: Matrix

    init(projected: Bool = true) throws {
      let scope = ParameterScope(initializingWith: RandomSource(seed: 2))
      contrast = try StateContrast(scope, width: 4, dimensions: 3)
      parameters = try scope.finish()
      var random = RandomSource(seed: 7)
      states = normalMatrix(StateContrastTests.batch.rows, 4, using: &random)
      vectors = normalMatrix(StateContrastTests.items.items.count, 3, using: &random)
      if projected { parameters[contrast.projection.weight] = normalMatrix(3, 4, using: &random) }
    }

    func loss(_ states: Variable, _ vectors: Variable, next: ContiguousArray<Int32> = StateContrastTests.next)
      -> Variable?
    {
      let pass = ModelPass(parameters, on: states.tape, random: RandomSource(seed: 0), isTraining: false)
      return contrast.loss(
        states, StateContrastTests.batch, next: next, StateContrastTests.items, vectors: vectors, in: pass)
    }
  }

  /// −log of the target's share among itself and what nobody of the same user takes up, row by row.
  @Test func itIsTheCrossEntropyAmongOtherUsersItems() throws {
    let setting = try Setting(), weight = setting.parameters[setting.contrast.projection.weight]
    let rows = [(0, Int32(1), 0), (1, 4, 0), (2, 5, 0), (3, 4, 1), (4, 3, 1)]
    let own: [Set<Int32>] = [[1, 4, 5], [4, 3]]
    func score(_ row: Int, _ item: Int32) -> Double {
      let vector = setting.vectors.row(Int(Self.items.places(of: [item])[0]))
      return (0..<3).reduce(0) { sum, column in
        let projected = (0..<4).reduce(0.0) { $0 + Double(weight[column, $1]) * Double(setting.states[row, $1]) }
        return sum + projected * Double(vector[vector.startIndex + column])
      }
    }
    let expected = rows.map { row, target, user in
      let others = rows.filter { !own[user].contains($0.1) }.map { score(row, $0.1) }
      return Foundation.log(([score(row, target)] + others).reduce(0) { $0 + Foundation.exp($1) }) - score(row, target)
    }
    let tape = Tape()
    let found = try #require(setting.loss(tape.constant(setting.states), tape.constant(setting.vectors)))
    #expect(abs(Double(found.scalar) - expected.reduce(0, +) / 5) < 1e-5)
  }

  @Test func gradientsOfStatesAndVectorsAgreeWithDifferences() throws {
    let setting = try Setting()
    expectGradients(of: [setting.states, setting.vectors]) { leaves in
      setting.loss(leaves[0], leaves[1]) ?? leaves[0].tape.constant(Matrix(rows: 1, columns: 1))
    }
  }

  /// A projection that nothing has taught says nothing to vectors, and learns from the first step on.
  @Test func aNewProjectionMovesItselfBeforeItMovesVectors() throws {
    let setting = try Setting(projected: false), tape = Tape()
    let pass = ModelPass(setting.parameters, on: tape, random: RandomSource(seed: 0), isTraining: false)
    let vectors = tape.parameter(setting.vectors)
    let loss = try #require(
      setting.contrast.loss(
        tape.constant(setting.states), Self.batch, next: Self.next, Self.items, vectors: vectors, in: pass))
    let gradients = tape.backward(from: loss)
    #expect(gradients[vectors]?.elements.allSatisfy { $0 == 0 } ?? true)
    let own = try #require(pass.parameterGradients(in: gradients)[setting.contrast.projection.weight])
    #expect(own.elements.contains { abs($0) > 1e-4 })
  }

  @Test(
    arguments: [[-1, -1, -1, -1, -1, -1], [1, -1, -1, -1, -1, -1], [-1, 4, -1, 4, -1, -1]] as [ContiguousArray<Int32>])
  func withoutTwoItemsThereIsNothingToTellApart(_ next: ContiguousArray<Int32>) throws {
    let setting = try Setting(), tape = Tape()
    #expect(setting.loss(tape.constant(setting.states), tape.constant(setting.vectors), next: next) == nil)
  }
}
