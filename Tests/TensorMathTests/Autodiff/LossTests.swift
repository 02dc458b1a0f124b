import RealModule
import TensorMath
import TestSupport
import Testing

@Suite struct LossTests {
  @Test func contrastiveLossInOneDirection() {
    expectGradients(of: GradientTests.inputs((4, 6), (6, 6))) {
      $0[0].contrastiveLoss(with: $0[1], ContrastiveOptions(temperature: 0.8, isSymmetric: false))
    }
  }

  @Test func symmetricContrastiveLossWithAllOptions() {
    let options = ContrastiveOptions(
      temperature: 0.7, offsets: [0.1, -0.4, 0, 0.3, -0.2, 0.5], hidden: [[1], [], [0, 5, 2], [3]],
      weights: [1, 0, 2, 0.5])
    expectGradients(of: GradientTests.inputs((4, 5), (6, 5))) { $0[0].contrastiveLoss(with: $0[1], options) }
  }

  /// The formula, term by term.
  @Test func contrastiveLossIsItsDefinition() {
    let inputs = GradientTests.inputs((3, 4), (3, 4)), tape = Tape()
    let (a, b) = (inputs[0], inputs[1])
    func score(_ i: Int, _ j: Int) -> Double {
      i == 0 && j == 2 ? -.infinity : (0..<4).reduce(0) { $0 + Double(a[i, $1]) * Double(b[j, $1]) } / 0.5
    }
    var expected = 0.0
    for i in 0..<3 {
      let row = (0..<3).reduce(0) { $0 + Double.exp(score(i, $1)) }
      let column = (0..<3).reduce(0) { $0 + Double.exp(score($1, i)) }
      expected += (Double.log(row) + Double.log(column)) / 2 - score(i, i)
    }
    let loss = tape.constant(a).contrastiveLoss(
      with: tape.constant(b), ContrastiveOptions(temperature: 0.5, hidden: [[2], [], []]))
    #expect(abs(Double(loss.scalar) - expected / 3) < 1e-4)
  }

  @Test func aHiddenTargetIsNoNegative() {
    let rows = Matrix(rows: 2, columns: 2, elements: [1, 0, 1, 0]), tape = Tape()
    let (anchors, targets) = (tape.constant(rows), tape.constant(rows))
    let all = anchors.contrastiveLoss(with: targets)
    let hidden = anchors.contrastiveLoss(with: targets, ContrastiveOptions(hidden: [[1], [0]]))
    #expect(abs(all.scalar - 0.6931472) < 1e-5)
    #expect(abs(hidden.scalar) < 1e-6)
  }

  @Test func crossEntropyThroughATable() {
    expectGradients(of: GradientTests.inputs((5, 6), (20, 6), (1, 20))) {
      $0[0].linearCrossEntropy($0[1], bias: $0[2], targets: [0, 19, -1, 7, 7], weights: [1, 2, 1, 0.5, 1])
    }
  }

  /// Over several blocks of rows, and without bias.
  @Test func crossEntropyThroughATableIsThatOfTheLogits() throws {
    var random = RandomSource(seed: 5)
    let (x, table) = (normalMatrix(1500, 8, using: &random), normalMatrix(30, 8, using: &random))
    let targets = ContiguousArray((0..<1500).map { Int32($0 % 31 - 1) })
    let fused = Tape(), plain = Tape()
    let (x1, t1, x2, t2) = (fused.parameter(x), fused.parameter(table), plain.parameter(x), plain.parameter(table))
    let loss1 = x1.linearCrossEntropy(t1, targets: targets)
    let loss2 = x2.linear(t2).softmaxCrossEntropy(targets: targets)
    #expect(abs(loss1.scalar - loss2.scalar) < 1e-5)
    let (g1, g2) = (fused.backward(from: loss1), plain.backward(from: loss2))
    try expectClose(#require(g1[x1]).elements, #require(g2[x2]).elements, tolerance: 1e-6)
    try expectClose(#require(g1[t1]).elements, #require(g2[t2]).elements, tolerance: 1e-6)
  }

  /// A layer of which only the bias is trained.
  @Test func aBiasAloneHasTheGradientThatItHasAmongAll() throws {
    let inputs = GradientTests.inputs((6, 5), (9, 5), (1, 9))
    func gradient(alone: Bool) -> Matrix? {
      let tape = Tape(), bias = tape.parameter(inputs[2])
      let (x, table) =
        alone
        ? (tape.constant(inputs[0]), tape.constant(inputs[1])) : (tape.parameter(inputs[0]), tape.parameter(inputs[1]))
      return tape.backward(from: x.linearCrossEntropy(table, bias: bias, targets: [0, 8, 3, -1, 3, 7]))[bias]
    }
    let found = try #require(gradient(alone: true))
    #expect(found == gradient(alone: false))
    #expect(found.elements.contains { $0 != 0 })
  }

  @Test func rowsThatDoNotCountGiveNothing() throws {
    let tape = Tape(), logits = tape.parameter(GradientTests.inputs((2, 3))[0])
    let loss = logits.softmaxCrossEntropy(targets: [-1, -1])
    #expect(loss.scalar == 0)
    let gradient = try #require(tape.backward(from: loss)[logits])
    #expect(gradient.elements.allSatisfy { $0 == 0 })
  }
}

@Suite struct LogProbabilityTests {
  private let targets: ContiguousArray<Int32> = [0, 4, 2, 2]

  @Test func gradientsAgreeWithDifferences() {
    expectGradients(of: GradientTests.inputs((4, 5))) { $0[0].logProbabilities(of: targets) }
  }

  @Test func theirMeanIsTheCrossEntropy() {
    let tape = Tape(), logits = tape.constant(GradientTests.inputs((4, 5))[0])
    let found = logits.logProbabilities(of: targets)
    #expect(found.rows == 4 && found.columns == 1)
    #expect(abs(found.mean().scalar + logits.softmaxCrossEntropy(targets: targets).scalar) < 1e-6)
  }

  @Test func allColumnsOfARowAddUpToOne() {
    let tape = Tape(), row = GradientTests.inputs((1, 6))[0]
    let logits = tape.constant(row.selectingRows(Array(repeating: 0, count: 6)))
    let logs = logits.logProbabilities(of: [0, 1, 2, 3, 4, 5]).value.elements
    #expect(abs(logs.reduce(0) { $0 + Double.exp(Double($1)) } - 1) < 1e-5)
  }

  @Test func aLossMadeBesideTheTapePassesItsGradient() throws {
    let tape = Tape(), x = tape.parameter(Matrix(rows: 2, columns: 1, elements: [3, 5]))
    let loss = (2 as Float) * x.reduced(to: 7, gradient: Matrix(rows: 2, columns: 1, elements: [0.5, -1])) + x.sum()
    #expect(loss.scalar == 22)
    #expect(tape.backward(from: loss)[x]?.elements == [2, -1])
  }
}
