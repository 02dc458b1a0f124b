import TensorMath
import TestSupport
import Testing

/// How many operations of products a tape counts.
@Suite struct ProductCountTests {
  private static func leaf(_ tape: Tape, _ rows: Int, _ columns: Int) -> Variable {
    tape.parameter(Matrix(rows: rows, columns: columns))
  }

  private static func product(_ factors: Int...) -> Double { Double(factors.reduce(1, *)) }

  @Test func aLayerCountsItselfAndItsTwoGradients() {
    let tape = Tape()
    _ = Self.leaf(tape, 6, 5).linear(Self.leaf(tape, 7, 5), bias: Self.leaf(tape, 1, 7), activation: .gelu)
    #expect(tape.productOperations == Self.product(3, 2, 6, 5, 7))
  }

  @Test func whatNeedsNoGradientIsNotCountedForOne() {
    let tape = Tape()
    let x = tape.constant(Matrix(rows: 6, columns: 5))
    _ = x.linear(Self.leaf(tape, 7, 5))
    #expect(tape.productOperations == Self.product(2, 2, 6, 5, 7))
    _ = x.linear(tape.constant(Matrix(rows: 3, columns: 5)))
    #expect(tape.productOperations == Self.product(2, 2, 6, 5, 7) + Self.product(2, 6, 5, 3))
  }

  @Test func inferenceCountsNoGradients() {
    let tape = Tape(isRecording: false)
    _ = Self.leaf(tape, 6, 5).linear(Self.leaf(tape, 7, 5))
    #expect(tape.productOperations == Self.product(2, 6, 5, 7))
  }

  @Test func attentionCountsThePairsThatSeeEachOther() {
    // Two sequences of 3 and 2 rows: 9 + 4 pairs, or 6 + 3 where none sees what comes later.
    for (isCausal, pairs) in [(false, 13), (true, 9)] {
      let tape = Tape()
      _ = Self.leaf(tape, 5, 12).selfAttending(
        heads: 2, layout: AttentionLayout(selfAttentionOver: [0, 3, 5], isCausal: isCausal))
      #expect(tape.productOperations == Self.product(2, 2, 3, pairs, 4))
    }
  }

  @Test func attentionWithNumbersOfKeysCountsThose() {
    let tape = Tape()
    let layout = AttentionLayout(
      segments: [.init(queries: 0..<3, keys: 0..<4)], visibility: .prefix([1, 4, 2]))
    _ = Self.leaf(tape, 3, 8).attending(
      toKeysAndValues: tape.constant(Matrix(rows: 4, columns: 16)), heads: 2, layout: layout)
    // Keys and values are constants: each product passes a gradient to the queries alone.
    #expect(tape.productOperations == Self.product(2, 2, 2, 7, 8))
  }

  @Test func lossesOverATableCountItsProducts() {
    let tape = Tape()
    _ = Self.leaf(tape, 4, 6).linearCrossEntropy(Self.leaf(tape, 9, 6), targets: [0, 1, 2, 3])
    #expect(tape.productOperations == Self.product(3, 2, 4, 9, 6))
    let contrast = Tape()
    _ = Self.leaf(contrast, 4, 6).contrastiveLoss(with: Self.leaf(contrast, 5, 6))
    #expect(contrast.productOperations == Self.product(3, 2, 4, 5, 6))
  }

  @Test func elementsAndRowsAreNotCounted() {
    let tape = Tape(), x = Self.leaf(tape, 4, 6)
    _ = (x + x * x).layerNormalized(scale: Self.leaf(tape, 1, 6), shift: Self.leaf(tape, 1, 6), epsilon: 1e-5)
      .softmaxRows()
    #expect(tape.productOperations == 0)
  }

  @Test(arguments: WeightPrecision.allCases)
  func theBestRateIsMeasured(_ precision: WeightPrecision) {
    let rate = ProductPeak.measure(precision)
    #expect(rate.isFinite && rate > 0.1)
  }
}
