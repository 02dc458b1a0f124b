import Foundation
import TensorMath
import TestSupport
import Testing

@Suite struct SoftmaxTests {
  @Test(arguments: [1, 5, 16, 35])
  func softmaxOfRowsHasItsGradient(width: Int) {
    expectGradients(of: GradientTests.inputs((4, width))) { $0[0].softmaxRows() }
  }

  @Test func softmaxRowsAddUpToOneForLargeLogitsToo() {
    let tape = Tape(isRecording: false)
    let x = tape.constant(Matrix(rows: 2, columns: 3, elements: [1000, 999, -1000, 0, 0, 0]))
    let y = x.softmaxRows().value
    expectClose(y.row(0), [1 / (1 + exp(Float(-1))), 1 / (1 + exp(Float(1))), 0], tolerance: 1e-6)
    expectClose(y.row(1), [1, 1, 1].map { $0 / 3 }, tolerance: 1e-6)
  }

  @Test func reshapedValuesKeepTheirElementsAndGradients() {
    expectGradients(of: GradientTests.inputs((4, 6))) { $0[0].reshaped(rows: 8, columns: 3) }
    let tape = Tape()
    let x = tape.parameter(GradientTests.inputs((2, 3))[0])
    #expect(x.reshaped(rows: 3, columns: 2).value.elements == x.value.elements)
  }
}

@Suite struct AdamWStepTests {
  @Test func theFirstStepMovesEveryWeightByTheRate() {
    var random = RandomSource(seed: 2)
    var weights = normalMatrix(300, 301, using: &random)
    let before = weights, gradient = normalMatrix(300, 301, using: &random)
    var (mean, square) = (Matrix(rows: 300, columns: 301), Matrix(rows: 300, columns: 301))
    AdamWStep(rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 0, decay: 0, updates: 1)
      .apply(to: &weights, gradient: gradient, mean: &mean, square: &square)
    let moved = zip(before.elements, weights.elements).map { $0 - $1 }
    expectClose(moved, gradient.elements.map { $0 > 0 ? 0.01 : -0.01 }, tolerance: 1e-6)
    expectClose(mean.elements, gradient.elements.map { 0.1 * $0 }, tolerance: 1e-6)
  }

  @Test func squaredNormsAreSummedInDoublePrecisionOnAnyNumberOfThreads() {
    var random = RandomSource(seed: 2)
    let x = normalMatrix(501, 333, using: &random)
    let expected = x.elements.reduce(0.0) { $0 + Double($1) * Double($1) }
    let found = [1, 2].map { threads in withThreads(threads) { x.squaredNorm() } }
    #expect(abs(found[0] - expected) < 1e-9 * expected && found[0] == found[1])
    #expect(Matrix(rows: 0, columns: 3).squaredNorm() == 0)
    #expect(Matrix(rows: 1, columns: 1, elements: [3e30]).squaredNorm().isFinite)
    #expect(Matrix(rows: 1, columns: 9, elements: [0, 0, .nan, 0, 0, 0, 0, 0, 0]).squaredNorm().isNaN)
  }

  @Test func generatorsGoOnFromTheirWords() {
    var random = RandomSource(seed: 5)
    _ = random.next()
    var other = RandomSource(words: random.words)
    #expect(other == random)
    #expect(other?.next() == random.next())
    #expect(RandomSource(words: [0, 0, 0, 0]) == nil && RandomSource(words: [1, 2, 3]) == nil)
  }
}
