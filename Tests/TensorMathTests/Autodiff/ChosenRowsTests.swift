import Foundation
import TensorMath
import TestSupport
import Testing

@Suite struct ChosenRowsTests {
  private static let choices: ContiguousArray<Int32> = [2, 0, 2, 3]

  private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    var random = RandomSource(seed: seed)
    return normalMatrix(rows, columns, using: &random)
  }

  /// Rows that are distributions.
  private func distributions(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    Tape(isRecording: false).constant(random(rows, columns, seed: seed)).softmaxRows().value
  }

  @Test func aMixtureOfRowsHasTheGradientsOfAProduct() {
    expectGradients(of: [random(4, 5, seed: 1), random(5, 3, seed: 2)]) { $0[0].mixingRows(of: $0[1], choices: nil) }
  }

  @Test func chosenRowsAreTheTablesOwn() {
    let tape = Tape(isRecording: false), table = random(5, 3, seed: 2)
    let rows = tape.constant(random(4, 5, seed: 1)).mixingRows(of: tape.constant(table), choices: Self.choices).value
    for (row, choice) in Self.choices.enumerated() { #expect(Array(rows.row(row)) == Array(table.row(Int(choice)))) }
  }

  /// The gradient of the mixture at the choice: exact for the table, ⟨g, table row⟩ for each probability.
  @Test func aChoiceHasTheMixturesGradients() throws {
    let (p, table, outer) = (random(4, 5, seed: 1), random(5, 3, seed: 2), random(4, 3, seed: 3))
    func gradients(_ weights: Matrix, _ choices: ContiguousArray<Int32>?) throws -> (p: Matrix, table: Matrix) {
      let tape = Tape()
      let (a, b) = (tape.parameter(weights), tape.parameter(table))
      let found = tape.backward(from: (a.mixingRows(of: b, choices: choices) * tape.constant(outer)).sum())
      return (try #require(found[a]), try #require(found[b]))
    }
    var oneHot = Matrix(rows: 4, columns: 5)
    for (row, choice) in Self.choices.enumerated() { oneHot[row, Int(choice)] = 1 }
    let (chosen, mixed) = (try gradients(p, Self.choices), try gradients(oneHot, nil))
    expectClose(chosen.p.elements, mixed.p.elements, tolerance: 1e-6)
    expectClose(chosen.table.elements, mixed.table.elements, tolerance: 1e-6)
  }

  @Test func anExpectedCostHasItsGradients() {
    var logits = random(4, 5, seed: 1)
    for (row, column) in [(0, 1), (0, 4), (3, 0)] { logits[row, column] -= 1e9 }
    let mask = logits.elements.map { $0 < -1e8 ? Float(0) : 1 }
    expectGradients(of: [random(4, 5, seed: 4)]) { leaves in
      let p = leaves[0] * leaves[0].tape.constant(Matrix(rows: 4, columns: 5, elements: ContiguousArray(mask)))
      return leaves[0].tape.constant(logits).choiceCrossEntropy(p, choices: nil)
    }
    let p = distributions(4, 5, seed: 5)
    expectGradients(of: [random(4, 5, seed: 1)]) { $0[0].choiceCrossEntropy($0[0].tape.constant(p), choices: nil) }
  }

  @Test func aChosenCostIsThePlainCrossEntropyToTheLastBit() {
    let tape = Tape(isRecording: false), logits = tape.constant(random(4, 5, seed: 1))
    let chosen = logits.choiceCrossEntropy(tape.constant(distributions(4, 5, seed: 2)), choices: Self.choices)
    #expect(chosen.scalar == logits.softmaxCrossEntropy(targets: Self.choices).scalar)
  }

  @Test func whatAChoiceWouldHaveCostIsItsProbabilitysGradient() throws {
    var logits = random(4, 5, seed: 1)
    logits[1, 3] = -1e9
    let tape = Tape()
    let (a, b) = (tape.parameter(logits), tape.parameter(distributions(4, 5, seed: 2)))
    let gradients = tape.backward(from: a.choiceCrossEntropy(b, choices: Self.choices))
    let costs = try #require(gradients[b]), slope = try #require(gradients[a])
    for row in 0..<4 {
      let sum = logits.row(row).reduce(0.0) { $0 + exp(Double($1)) }
      for column in 0..<5 {
        let probability = exp(Double(logits[row, column])) / sum
        let cost = row == 1 && column == 3 ? 0 : -log(probability) / 4
        #expect(abs(Double(costs[row, column]) - cost) < 1e-5)
        let expected = (probability - (Int(Self.choices[row]) == column ? 1 : 0)) / 4
        #expect(abs(Double(slope[row, column]) - expected) < 1e-6)
      }
    }
  }

  @Test func theEntropyOfTheMeanRowHasItsGradient() {
    let p = distributions(6, 5, seed: 7)
    expectGradients(of: [p], step: 0.002) { $0[0].entropyOfMeanRow() }
    let tape = Tape(isRecording: false)
    let even = tape.constant(Matrix(rows: 2, columns: 4, elements: [1, 0, 1, 0, 0, 1, 0, 1].mapHalf))
    #expect(abs(Double(even.entropyOfMeanRow().scalar) - log(4)) < 1e-6)
  }

  @Test func theEntropyOfARowThatLacksAColumnHasASlopeThatIsANumber() throws {
    let tape = Tape()
    let p = tape.parameter(Matrix(rows: 1, columns: 3, elements: [1, 0, 0]))
    let entropy = p.entropyOfMeanRow()
    #expect(entropy.scalar == 0)
    let gradient = try #require(tape.backward(from: entropy)[p])
    #expect(gradient.elements.allSatisfy { $0.isFinite })
    #expect(gradient.elements[1] > 0)
  }
}

extension [Float] {
  fileprivate var mapHalf: ContiguousArray<Float> { ContiguousArray(map { $0 / 2 }) }
}
