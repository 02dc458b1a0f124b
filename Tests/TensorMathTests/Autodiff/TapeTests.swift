import TensorMath
import TestSupport
import Testing

@Suite struct TapeTests {
  @Test func aTapeThatDoesNotRecordGivesTheSameValues() {
    let inputs = GradientTests.inputs((6, 24), (24, 24))
    func output(_ tape: Tape) -> Matrix {
      tape.constant(inputs[0]).linear(tape.parameter(inputs[1]), activation: .gelu)
        .selfAttending(heads: 2, layout: AttentionLayout(selfAttentionOver: [0, 6], isCausal: true)).value
    }
    #expect(output(Tape()) == output(Tape(isRecording: false)))
  }

  @Test func whatTheLossDoesNotDependOnHasNoGradient() {
    let tape = Tape(), inputs = GradientTests.inputs((2, 2), (2, 2), (2, 2))
    let (used, unused, fixed) = (tape.parameter(inputs[0]), tape.parameter(inputs[1]), tape.constant(inputs[2]))
    let gradients = tape.backward(from: (used * fixed + used.detached).sum())
    #expect(gradients[used] == inputs[2])
    #expect(gradients[unused] == nil)
    #expect(gradients[fixed] == nil)
  }

  @Test func valuesThatAreUsedTwiceAddTheirGradients() throws {
    let tape = Tape(), x = tape.parameter(Matrix(rows: 1, columns: 1, elements: [3]))
    let gradient = tape.backward(from: (x * x + 2 * x).sum())[x]
    #expect(try #require(gradient).elements == [8])
  }

  /// A step of two layers with attention, large enough for several chunks and slices.
  @Test func gradientsDoNotDependOnTheThreadCount() {
    var random = RandomSource(seed: 1)
    let x = normalMatrix(1600, 24, using: &random)
    let weights = [normalMatrix(48, 24, using: &random), normalMatrix(7, 16, using: &random)]
    func gradients() -> [Matrix?] {
      var random = RandomSource(seed: 2)
      let tape = Tape(), leaves = weights.map(tape.parameter)
      let layout = AttentionLayout(selfAttentionOver: Array(stride(from: 0, through: 1600, by: 40)), isCausal: true)
      let hidden = tape.constant(x).linear(leaves[0], activation: .silu).selfAttending(heads: 2, layout: layout)
      let loss = hidden.dropout(0.1, using: &random).linearCrossEntropy(
        leaves[1], targets: ContiguousArray((0..<1600).map { Int32($0 % 7) }))
      let found = tape.backward(from: loss)
      return leaves.map { found[$0] }
    }
    let one = withThreads(1, gradients)
    #expect(withThreads(4, gradients) == one)
  }

  @Test(arguments: [Float(0.1), 0.5])
  func dropoutKeepsTheMeanAndDropsItsShare(rate: Float) {
    var random = RandomSource(seed: 11)
    let ones = Matrix(rows: 100, columns: 1000, elements: ContiguousArray(repeating: 1, count: 100_000))
    let tape = Tape(isRecording: false)
    let dropped = tape.constant(ones).dropout(rate, using: &random).value.elements
    let share = Float(dropped.count { $0 == 0 }) / 100_000
    #expect(abs(share - rate) < 0.006)
    #expect(dropped.allSatisfy { $0 == 0 || abs($0 - 1 / (1 - rate)) < 1e-5 })
    let again = tape.constant(ones).dropout(rate, using: &random).value.elements
    #expect(again != dropped)
  }

  /// Neighbors in rows and columns are dropped independently: the hash has no stripes.
  @Test func dropoutIsIndependentFromElementToElement() {
    var random = RandomSource(seed: 12)
    let ones = Matrix(rows: 512, columns: 512, elements: ContiguousArray(repeating: 1, count: 1 << 18))
    let kept = Tape(isRecording: false).constant(ones).dropout(0.5, using: &random).value.elements.map {
      $0 > 0 ? 1.0 : -1
    }
    for lag in [1, 2, 16, 512, 513, 8192] {
      let correlation = zip(kept, kept.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 } / Double(kept.count - lag)
      #expect(abs(correlation) < 0.01, "lag \(lag)")
    }
  }
}
