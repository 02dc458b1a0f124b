import RealModule
import TensorMath
import TestSupport
import Testing

/// What operations give, against their formulas in double precision: a gradient that fits a wrong value is wrong too.
@Suite struct ForwardValueTests {
  private let tape = Tape(isRecording: false)

  private func inputs(_ shapes: (Int, Int)...) -> [Matrix] {
    var random = RandomSource(seed: 21)
    return shapes.map { normalMatrix($0.0, $0.1, using: &random) }
  }

  private func matrix(_ rows: Int, _ columns: Int, _ element: (Int, Int) -> Double) -> [Float] {
    (0..<rows).flatMap { row in (0..<columns).map { Float(element(row, $0)) } }
  }

  @Test(arguments: [1, 5, 16, 37, 130]) func layerNormalization(width: Int) {
    let x = inputs((3, width), (1, width), (1, width))
    let y = tape.constant(x[0]).layerNormalized(
      scale: tape.constant(x[1]), shift: tape.constant(x[2]), epsilon: 0.01)
    let expected = matrix(3, width) { row, column in
      let values = x[0].row(row).map { Double($0) }
      let mean = values.reduce(0, +) / Double(width)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      return (values[column] - mean) / (variance + 0.01).squareRoot() * Double(x[1][0, column])
        + Double(x[2][0, column])
    }
    expectClose(y.value.elements, expected, tolerance: 2e-5)
  }

  @Test(arguments: [1, 5, 16, 37]) func rootMeanSquareNormalization(width: Int) {
    let x = inputs((4, width), (1, width))
    let y = tape.constant(x[0]).rootMeanSquareNormalized(scale: tape.constant(x[1]), epsilon: 0.1)
    let expected = matrix(4, width) { row, column in
      let square = x[0].row(row).reduce(0.0) { $0 + Double($1) * Double($1) } / Double(width)
      return Double(x[0][row, column]) / (square + 0.1).squareRoot() * Double(x[1][0, column])
    }
    expectClose(y.value.elements, expected, tolerance: 1e-5)
  }

  @Test func rowsOfUnitLengthAndOneOfZeros() throws {
    var x = inputs((3, 7))[0]
    for column in 0..<7 { x[1, column] = 0 }
    let recording = Tape()
    let parameter = recording.parameter(x)
    let y = parameter.unitRows()
    expectClose(y.value.rowSquaredNorms(), [1, 0, 1], tolerance: 1e-6)
    #expect(Array(y.value.row(1)) == [Float](repeating: 0, count: 7))
    let cosine = zip(x.row(0), y.value.row(0)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
    #expect(abs(cosine * cosine - x.rowSquaredNorms()[0]) < 1e-4)
    let gradient = try #require(recording.backward(from: y.sum())[parameter])
    #expect(gradient.elements.allSatisfy { $0.isFinite })
  }

  @Test func gatesOfSwiGLU() {
    let x = inputs((3, 18), (3, 18))
    let expected = matrix(3, 18) { row, column in
      let gate = Double(x[0][row, column])
      return gate / (1 + Double.exp(-gate)) * Double(x[1][row, column])
    }
    expectClose(tape.constant(x[0]).gating(tape.constant(x[1])).value.elements, expected, tolerance: 1e-5)
  }

  @Test func rowsScaledSelectedScatteredAndAveraged() {
    let x = Matrix(rows: 3, columns: 2, elements: [1, 2, 3, 4, 5, 6])
    let v = tape.constant(x)
    let factors = tape.constant(Matrix(rows: 3, columns: 1, elements: [2, 0, -1]))
    #expect(v.scalingRows(by: factors).value.elements == [2, 4, 0, 0, -5, -6])
    #expect(v.selectingRows([2, -1, 0, 2]).value.elements == [5, 6, 0, 0, 1, 2, 5, 6])
    #expect(v.scatteringRows(to: [1, -1, 1], of: 3).value.elements == [0, 0, 6, 8, 0, 0])
    #expect(v.segmentMeans([0, 0, 2, 3]).value.elements == [0, 0, 2, 3, 5, 6])
    #expect(v.selectingRows([]).value.rows == 0 && v.scatteringRows(to: [-1, -1, -1], of: 1).value.elements == [0, 0])
  }

  /// Scattering is the transpose of selecting: ⟨select(x), y⟩ = ⟨x, scatter(y)⟩.
  @Test(arguments: 0..<5 as Range<UInt64>) func scatteringIsTheTransposeOfSelecting(seed: UInt64) {
    var random = RandomSource(seed: seed)
    let indices = ContiguousArray((0..<25).map { _ in Int32.random(in: -1..<8, using: &random) })
    let x = normalMatrix(8, 70, using: &random), y = normalMatrix(25, 70, using: &random)
    func inner(_ a: Matrix, _ b: Matrix) -> Double {
      zip(a.elements, b.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let selected = tape.constant(x).selectingRows(indices).value
    let scattered = tape.constant(y).scatteringRows(to: indices, of: 8).value
    #expect(abs(inner(selected, y) - inner(x, scattered)) < 1e-3)
  }

  @Test func partsKeepTheirPlaces() {
    let (a, b) = (Matrix(rows: 2, columns: 1, elements: [1, 2]), Matrix(rows: 2, columns: 2, elements: [3, 4, 5, 6]))
    let (u, v) = (tape.constant(a), tape.constant(b))
    #expect(Variable.concatenatingColumns([u, v, u]).value.elements == [1, 3, 4, 1, 2, 5, 6, 2])
    #expect(Variable.concatenatingRows([v, v]).value.elements == [3, 4, 5, 6, 3, 4, 5, 6])
    #expect(v.columns(1..<2).value.elements == [4, 6] && v.sum().scalar == 18 && v.mean().scalar == 4.5)
    #expect((v - 2 * v).value.elements == [-3, -4, -5, -6] && (v * v).value.elements == [9, 16, 25, 36])
  }

  @Test(arguments: [1, 2, 16, 50]) func crossEntropyOfWeightedRows(columns: Int) {
    let x = inputs((5, columns))[0]
    let targets: ContiguousArray<Int32> = [0, Int32(columns - 1), -1, Int32(columns / 2), 0]
    let weights: ContiguousArray<Float> = [1, 2, 9, 0.5, 0]
    var (loss, total) = (0.0, 0.0)
    for row in [0, 1, 3, 4] {
      let sum = x.row(row).reduce(0.0) { $0 + Double.exp(Double($1)) }
      loss += Double(weights[row]) * (Double.log(sum) - Double(x[row, Int(targets[row])]))
      total += Double(weights[row])
    }
    let found = tape.constant(x).softmaxCrossEntropy(targets: targets, weights: weights).scalar
    #expect(abs(Double(found) - loss / total) < 1e-5)
  }

  @Test func crossEntropyOfNothingIsZero() {
    let x = tape.constant(inputs((2, 3))[0])
    #expect(x.softmaxCrossEntropy(targets: [-1, -1]).scalar == 0)
    #expect(x.softmaxCrossEntropy(targets: [0, 1], weights: [0, 0]).scalar == 0)
    let empty = tape.constant(Matrix(rows: 0, columns: 3))
    #expect(empty.softmaxCrossEntropy(targets: []).scalar == 0)
    #expect(tape.constant(Matrix(rows: 0, columns: 1)).binaryCrossEntropy(labels: []).scalar == 0)
    #expect(empty.meanSquaredDistance(to: empty).scalar == 0 && empty.mean().scalar == 0)
  }

  /// Logits far apart: the probabilities are 0 and 1, the losses are not infinite.
  @Test func lossesOfHugeLogitsAreTheirDistances() {
    let x = tape.constant(Matrix(rows: 2, columns: 2, elements: [5000, -5000, 3e38, 0]))
    #expect(x.softmaxCrossEntropy(targets: [1, -1]).scalar == 10_000)
    #expect(x.softmaxCrossEntropy(targets: [-1, 0]).scalar == 0)
    let logits = tape.constant(Matrix(rows: 4, columns: 1, elements: [200, -200, 0, 88]))
    let each = [Float(1), 0, 0.5, 0].enumerated().map { row, label in
      tape.constant(Matrix(rows: 1, columns: 1, elements: [logits.value.elements[row]]))
        .binaryCrossEntropy(labels: [label]).scalar
    }
    expectClose(each, [0, 0, Float(Double.log(2)), 88], tolerance: 1e-5)
    let wrong = tape.constant(Matrix(rows: 2, columns: 1, elements: [200, -200])).binaryCrossEntropy(labels: [0, 1])
    #expect(wrong.scalar == 200)
    #expect(
      abs(logits.binaryCrossEntropy(labels: [0, 0, 0.5, 0], weights: [3, 0, 0, 1]).scalar - (600 + 88) / 4) < 1e-3)
  }

  @Test func squaredDistancesAreAveragedOverRows() {
    let (a, b) = (
      Matrix(rows: 2, columns: 2, elements: [0, 0, 1, 1]), Matrix(rows: 2, columns: 2, elements: [3, 4, 1, 2])
    )
    #expect(tape.constant(a).meanSquaredDistance(to: tape.constant(b)).scalar == 13)
  }

  /// Attention written out, for each way in which keys may be hidden.
  @Test(arguments: [(1, 8), (2, 4), (4, 2), (1, 16), (3, 16), (2, 32), (1, 48)])
  func attentionIsItsFormula(heads: Int, headWidth: Int) {
    let width = heads * headWidth
    let x = inputs((7, width), (6, width), (6, width))
    let segments: [AttentionLayout.Segment] = [
      .init(queries: 0..<3, keys: 0..<4), .init(queries: 3..<4, keys: 0..<4), .init(queries: 4..<6, keys: 4..<6),
    ]
    let visibilities: [(AttentionLayout.Visibility, (Int, Int) -> Int)] = [
      (.all, { _, keys in keys }), (.causal, { place, keys in min(keys, place + 1) }),
      (.prefix([4, 1, 2, 3, 2, 1, 1]), { _, _ in -1 }),
    ]
    let counts = [4, 1, 2, 3, 2, 1, 1]
    for (visibility, visible) in visibilities {
      let layout = AttentionLayout(segments: segments, visibility: visibility)
      let found = tape.constant(x[0]).attending(
        to: tape.constant(x[1]), values: tape.constant(x[2]), heads: heads, layout: layout
      ).value
      var expected = [Float](repeating: 0, count: 7 * width)
      for segment in segments {
        for (place, query) in segment.queries.enumerated() {
          let number = visible(place, segment.keys.count)
          let keys = segment.keys.prefix(number < 0 ? counts[query] : number)
          for head in 0..<heads {
            let columns = head * headWidth..<(head + 1) * headWidth
            let scores = keys.map { key in
              columns.reduce(0.0) { $0 + Double(x[0][query, $1]) * Double(x[1][key, $1]) }
                / Double(headWidth).squareRoot()
            }
            let total = scores.reduce(0) { $0 + Double.exp($1) }
            for column in columns {
              let sum = zip(keys, scores).reduce(0.0) { $0 + Double.exp($1.1) / total * Double(x[2][$1.0, column]) }
              expected[query * width + column] = Float(sum)
            }
          }
        }
      }
      // The last query is in no segment.
      expectClose(found.elements, expected, tolerance: 1e-5)
    }
  }

  @Test func aQueryThatSeesOneKeyTakesItsValue() {
    let x = inputs((3, 12))[0]
    let layout = AttentionLayout(selfAttentionOver: [0, 1, 2, 3], isCausal: false)
    let found = tape.constant(x).selfAttending(heads: 2, layout: layout).value
    expectClose(found.elements, x.columns(8..<12).elements, tolerance: 1e-6)
  }
}

/// What only some of the values of a loss ask for.
@Suite struct PartialGradientTests {
  private let inputs = GradientTests.inputs((6, 5), (9, 5), (1, 9))
  private let targets: ContiguousArray<Int32> = [0, 8, 3, -1, 3, 7]

  /// Each subset of the parameters of a loss gets the gradients that it gets among all.
  @Test func lossesOverATableGiveEachPartItsOwn() {
    func gradients(_ needed: Set<Int>) -> [Matrix?] {
      let tape = Tape()
      let leaves = inputs.enumerated().map {
        needed.contains($0.offset) ? tape.parameter($0.element) : tape.constant($0.element)
      }
      let loss = leaves[0].linearCrossEntropy(
        leaves[1], bias: leaves[2], targets: targets, weights: [1, 2, 3, 4, 0.5, 1])
      let found = tape.backward(from: loss)
      return leaves.map { found[$0] }
    }
    let all = gradients([0, 1, 2])
    #expect(all.allSatisfy { $0 != nil })
    for needed in [[0], [1], [0, 1], [0, 2], [1, 2]] as [Set<Int>] {
      let found = gradients(needed)
      for index in 0..<3 { #expect(found[index] == (needed.contains(index) ? all[index] : nil), "\(needed): \(index)") }
    }
    // The bias's is the mean of what each row gives: weights that add up to nothing.
    #expect(abs(all[2]?.elements.reduce(0, +) ?? 1) < 1e-6)
  }

  @Test func layersGiveEachPartItsOwn() {
    let inputs = GradientTests.inputs((6, 5), (7, 5), (1, 7))
    for activation in [Activation.identity, .gelu, .relu] {
      func gradients(_ needed: Set<Int>) -> [Matrix?] {
        let tape = Tape()
        let leaves = inputs.enumerated().map {
          needed.contains($0.offset) ? tape.parameter($0.element) : tape.constant($0.element)
        }
        let found = tape.backward(from: leaves[0].linear(leaves[1], bias: leaves[2], activation: activation).sum())
        return leaves.map { found[$0] }
      }
      let all = gradients([0, 1, 2])
      for needed in [[0], [1], [2], [0, 2]] as [Set<Int>] {
        let found = gradients(needed)
        for index in 0..<3 {
          #expect(found[index] == (needed.contains(index) ? all[index] : nil), "\(needed): \(index)")
        }
      }
    }
  }

  @Test func attentionGivesQueriesKeysAndValuesTheirOwn() {
    let inputs = GradientTests.inputs((6, 4), (6, 4), (6, 4))
    let layout = AttentionLayout(selfAttentionOver: [0, 2, 6], isCausal: true)
    func gradients(_ needed: Set<Int>) -> [Matrix?] {
      let tape = Tape()
      let leaves = inputs.enumerated().map {
        needed.contains($0.offset) ? tape.parameter($0.element) : tape.constant($0.element)
      }
      let output = leaves[0].attending(to: leaves[1], values: leaves[2], heads: 2, layout: layout)
      let found = tape.backward(from: (output * output).sum())
      return leaves.map { found[$0] }
    }
    let all = gradients([0, 1, 2])
    for needed in [[0], [1], [2], [1, 2]] as [Set<Int>] {
      let found = gradients(needed)
      for index in 0..<3 { #expect(found[index] == (needed.contains(index) ? all[index] : nil), "\(needed): \(index)") }
    }
  }

  @Test func aDetachedValuePassesNothing() {
    let tape = Tape()
    let x = tape.parameter(inputs[0])
    let gradients = tape.backward(from: (x.detached * x.detached).sum() + 0 * x.sum())
    let passed = Array(gradients[x]?.elements ?? [1])
    #expect(passed.allSatisfy { $0 == 0 })
  }

  @Test func aLossWithoutParametersHasNoGradients() {
    let tape = Tape()
    let x = tape.constant(inputs[0])
    #expect(tape.backward(from: x.sum())[x] == nil)
  }

  /// A value that many others are made of gets the sum of what they pass.
  @Test func aValueUsedInManyPlacesGetsAllOfTheirGradients() throws {
    let tape = Tape()
    let x = tape.parameter(Matrix(rows: 1, columns: 2, elements: [3, -2]))
    var sum = x.sum()
    for factor in 1...20 { sum = sum + Float(factor) * x.sum() }
    let gradient = try #require(tape.backward(from: sum)[x])
    #expect(gradient.elements == [211, 211])
  }
}

/// Operations large enough for several tasks give the same bits on one thread and on many.
@Suite struct OperationThreadTests {
  private static var operations: [(name: String, body: ([Variable]) -> Variable)] {
    [
      ("layer normalization", { $0[0].layerNormalized(scale: $0[1], shift: $0[1]) }),
      ("root mean square", { $0[0].rootMeanSquareNormalized(scale: $0[1]) }), ("unit length", { $0[0].unitRows() }),
      ("softmax", { $0[0].softmaxRows() }), ("gate", { $0[0].gating($0[0]) }), ("gelu", { $0[0].activated(.gelu) }),
      ("cross-entropy", { $0[0].softmaxCrossEntropy(targets: ContiguousArray((0..<1500).map { Int32($0 % 40) })) }),
      ("log probabilities", { $0[0].logProbabilities(of: ContiguousArray((0..<1500).map { Int32($0 % 40) })) }),
      ("scatter", { $0[0].scatteringRows(to: ContiguousArray((0..<1500).map { Int32($0 % 7) }), of: 7) }),
      ("contrast", { $0[0].columns(0..<20).contrastiveLoss(with: $0[0].columns(20..<40)) }),
      ("means", { $0[0].segmentMeans([0, 700, 700, 1500]) }),
      ("products", { $0[0].products(with: $0[0].selectingRows([5, 9])) }),
      ("entropy", { $0[0].softmaxRows().entropyOfMeanRow() }),
    ]
  }

  @Test(arguments: 0..<13) func bitsDoNotDependOnTheThreads(index: Int) {
    let (name, body) = Self.operations[index]
    var random = RandomSource(seed: 3)
    let inputs = [normalMatrix(1500, 40, using: &random), normalMatrix(1, 40, using: &random)]
    func run() -> [Matrix?] {
      let tape = Tape()
      let leaves = inputs.map(tape.parameter)
      let output = body(leaves)
      let value = output.value
      let gradients = tape.backward(from: (output * output).sum())
      return [value] + leaves.map { gradients[$0] }
    }
    let one = withThreads(1, run)
    for threads in [2, 6] { #expect(withThreads(threads, run) == one, "\(name)") }
    #expect(one[1] != nil)
  }
}

/// AdamW against its algorithm in double precision.
@Suite struct AdamWReferenceTests {
  @Test(arguments: [(Float(0), Float(1)), (0.1, 1), (0.05, 0.25)])
  func manyStepsAreThoseOfTheAlgorithm(decay: Float, factor: Float) {
    var random = RandomSource(seed: 6)
    var weights = normalMatrix(7, 23, using: &random)
    var (mean, square) = (Matrix(rows: 7, columns: 23), Matrix(rows: 7, columns: 23))
    var w = weights.elements.map { Double($0) }
    var m = [Double](repeating: 0, count: w.count), v = m
    for step in 1...30 {
      let gradient = normalMatrix(7, 23, using: &random)
      let rate = 0.01 / Double(step)
      AdamWStep(
        rate: Float(rate), beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decay: decay, updates: step, factor: factor
      ).apply(to: &weights, gradient: gradient, mean: &mean, square: &square)
      for index in w.indices {
        let g = Double(gradient.elements[index]) * Double(factor)
        m[index] = 0.9 * m[index] + 0.1 * g
        v[index] = 0.99 * v[index] + 0.01 * g * g
        let (first, second) = (m[index] / (1 - Double.pow(0.9, step)), v[index] / (1 - Double.pow(0.99, step)))
        w[index] -= rate * (first / (second.squareRoot() + 1e-6) + Double(decay) * w[index])
      }
    }
    expectClose(weights.elements, w.map { Float($0) }, tolerance: 3e-5)
    expectClose(mean.elements, m.map { Float($0) }, tolerance: 1e-5)
    expectClose(square.elements, v.map { Float($0) }, tolerance: 1e-5)
  }

  @Test func aGradientOfZeroOnlyDecays() {
    var weights = Matrix(rows: 1, columns: 3, elements: [1, -2, 0])
    var (mean, square) = (Matrix(rows: 1, columns: 3), Matrix(rows: 1, columns: 3))
    AdamWStep(rate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.5, updates: 1)
      .apply(to: &weights, gradient: Matrix(rows: 1, columns: 3), mean: &mean, square: &square)
    #expect(weights.elements == [0.75, -1.5, 0] && mean.elements == [0, 0, 0] && square.elements == [0, 0, 0])
  }

  /// Corrections of a late step do not change the step any more, and nothing overflows on the way.
  @Test func aLateStepHasNoCorrection() {
    func moved(_ updates: Int) -> Float {
      var weights = Matrix(rows: 1, columns: 1, elements: [0])
      var mean = Matrix(rows: 1, columns: 1, elements: [1]), square = Matrix(rows: 1, columns: 1, elements: [1])
      AdamWStep(rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 0, decay: 0, updates: updates)
        .apply(to: &weights, gradient: Matrix(rows: 1, columns: 1, elements: [1]), mean: &mean, square: &square)
      return weights.elements[0]
    }
    #expect(abs(moved(1_000_000) + 0.1) < 1e-7 && moved(1_000_000) == moved(2_000_000_000))
  }

  @Test func stepsAreTheSameOnAnyNumberOfThreads() {
    var random = RandomSource(seed: 7)
    let start = normalMatrix(300, 333, using: &random), gradient = normalMatrix(300, 333, using: &random)
    func step() -> [Matrix] {
      var (weights, mean, square) = (start, Matrix(rows: 300, columns: 333), Matrix(rows: 300, columns: 333))
      AdamWStep(rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decay: 0.1, updates: 1)
        .apply(to: &weights, gradient: gradient, mean: &mean, square: &square)
      return [weights, mean, square]
    }
    let one = withThreads(1, step)
    #expect(withThreads(5, step) == one)
  }
}
