import TensorMath
import TestSupport
import Testing

/// Gradients with rounded products beside those in single precision.
@Suite struct RoundedGradientTests {
  /// A small network with every product that a training step makes.
  private func gradients(_ precision: WeightPrecision, loss factor: Float, input: Float = 1) -> [Matrix] {
    var random = RandomSource(seed: 5)
    let tape = Tape(precision: precision)
    var x = normalMatrix(700, 40, using: &random)
    x.scale(by: input)
    let leaves = [(64, 40), (1, 64), (40, 64), (1, 40), (90, 40)].map {
      tape.parameter(normalMatrix($0.0, $0.1, using: &random))
    }
    let start = tape.parameter(x)
    let hidden = start.linear(leaves[0], bias: leaves[1], activation: .relu)
    let output = (1 / (1000 * input)) * hidden.linear(leaves[2], bias: leaves[3])
    let targets = ContiguousArray((0..<700).map { Int32($0 * 7 % 90) })
    let loss = factor * output.linearCrossEntropy(leaves[4], targets: targets)
    let found = tape.backward(from: loss)
    return ([start] + leaves).compactMap { found[$0] }
  }

  private func cosine(_ a: Matrix, _ b: Matrix) -> Double {
    let product = zip(a.elements, b.elements).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    return product / (a.squaredNorm() * b.squaredNorm()).squareRoot()
  }

  @Test(arguments: [WeightPrecision.half, .brain])
  func theyPointWhereExactOnesDo(precision: WeightPrecision) {
    let (exact, rounded) = (gradients(.single, loss: 1), gradients(precision, loss: 1))
    #expect(exact.count == 6 && rounded.count == 6)
    for (exact, rounded) in zip(exact, rounded) { #expect(cosine(exact, rounded) > 0.999) }
  }

  /// Halves reach down to 6e-8 only: without a scale, these would be zeros. A power of two changes nothing else.
  @Test func smallGradientsDoNotVanishInHalves() {
    let (large, small) = (gradients(.half, loss: 1), gradients(.half, loss: 0x1p-40))
    for (large, small) in zip(large, small) {
      #expect(large.elements.elementsEqual(small.elements.lazy.map { $0 * 0x1p40 }))
    }
  }

  @Test func largeInputsDoNotOverflowInHalves() {
    let (exact, rounded) = (gradients(.single, loss: 1, input: 1e6), gradients(.half, loss: 1, input: 1e6))
    for (exact, rounded) in zip(exact, rounded) {
      #expect(rounded.firstNonFiniteRow() == nil)
      #expect(cosine(exact, rounded) > 0.999)
    }
  }
}

/// What the fused passes of a layer and of attention leave out.
@Suite struct FusedGradientTests {
  @Test(arguments: [Activation.relu, .relu6])
  func rectifiedLayers(_ activation: Activation) {
    // Sums away from the corners at 0 and 6, where a difference sees both sides.
    let x = Matrix(rows: 3, columns: 2, elements: [1, 0, 0, 1, 1, 1])
    let weights = Matrix(rows: 3, columns: 2, elements: [0.5, -1, 2, 1, 7, 3])
    let bias = Matrix(rows: 1, columns: 3, elements: [0.25, 0.5, -0.5])
    expectGradients(of: [x, weights, bias]) { $0[0].linear($0[1], bias: $0[2], activation: activation) }
  }

  @Test func onlyWhatIsAskedForIsComputed() {
    let inputs = GradientTests.inputs((200, 5), (7, 5), (1, 7))
    let tape = Tape()
    let (x, weights) = (tape.constant(inputs[0]), tape.constant(inputs[1]))
    let bias = tape.parameter(inputs[2])
    let gradients = tape.backward(from: x.linear(weights, bias: bias, activation: .gelu).sum())
    #expect(gradients[x] == nil && gradients[weights] == nil && gradients[bias]?.columns == 7)
  }

  /// Rows that no segment holds have outputs and gradients of zero, not what their memory held before.
  @Test func rowsOutsideAllSegmentsGetZeros() {
    let inputs = GradientTests.inputs((9, 12), (8, 8))
    let layout = AttentionLayout(segments: [.init(queries: 1..<4, keys: 1..<4), .init(queries: 5..<8, keys: 5..<8)])
    let tape = Tape()
    let x = tape.parameter(inputs[0])
    let output = x.selfAttending(heads: 2, layout: layout)
    let found = tape.backward(from: (output * output).sum())[x]
    for row in [0, 4, 8] {
      #expect(output.value.row(row).allSatisfy { $0 == 0 })
      #expect(found?.row(row).allSatisfy { $0 == 0 } == true)
    }
    expectGradients(of: [inputs[0]]) { $0[0].selfAttending(heads: 2, layout: layout) }
  }

  /// One value as queries, keys and values: its three gradients are added.
  @Test func oneValueMayBeAllOfAttention() {
    let layout = AttentionLayout(selfAttentionOver: [0, 3, 7], isCausal: true)
    expectGradients(of: GradientTests.inputs((7, 6))) {
      $0[0].attending(to: $0[0], values: $0[0], heads: 2, layout: layout)
    }
  }

  @Test func chosenRowsOfALargeTableAreThoseOfTheTable() {
    let table = GradientTests.inputs((50, 600))[0]
    let indices = ContiguousArray((0..<300).map { Int32($0 * 13 % 51 - 1) })
    let found = Tape(isRecording: false).constant(table).selectingRows(indices).value
    for (row, index) in indices.enumerated() {
      let wanted = index < 0 ? ContiguousArray(repeating: 0, count: 600)[...] : table.row(Int(index))
      #expect(found.row(row).elementsEqual(wanted))
    }
  }

  @Test func memoryIsKeptAndGivenBackWhateverHappens() {
    struct Failure: Error {}
    #expect(throws: Failure.self) { try FreedMemory.keeping { throw Failure() } }
    let sum = FreedMemory.keeping { FreedMemory.keeping { Matrix(rows: 3000, columns: 3000).squaredNorm() } }
    #expect(sum == 0)
  }
}
