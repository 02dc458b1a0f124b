import CVectorKernels
import RealModule
import TensorMath
import TestSupport
import Testing

/// Products with packed weights against sums in double precision.
@Suite struct PackedMatrixTests {
  private func reference(_ a: Matrix, _ b: Matrix, _ bias: ContiguousArray<Float>, _ activation: Activation) -> [Float]
  {
    (0..<a.rows).flatMap { row in
      (0..<b.columns).map { column in
        let sum = (0..<a.columns).reduce(0.0) { $0 + Double(a[row, $1]) * Double(b[$1, column]) }
        return activation(Float(sum + Double(bias[column])))
      }
    }
  }

  private func product(_ a: Matrix, _ b: PackedMatrix, _ bias: ContiguousArray<Float>?, _ activation: Activation)
    -> [Float]
  {
    var c = [Float](repeating: .nan, count: a.rows * b.columns)
    a.elements.withUnsafeBufferPointer { left in
      c.withUnsafeMutableBufferPointer { target in
        guard let left = left.baseAddress, let target = target.baseAddress else { return }
        b.product(left, rows: a.rows, bias: bias, activation: activation, into: target)
      }
    }
    return c
  }

  /// Every number of rows of a tile; panels that are full, one register short, one beyond and shared by two, one column.
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 17], [1, 15, 16, 33, 48, 49, 95, 96, 97, 130])
  func productsEqualSumsInDoublePrecision(rows: Int, columns: Int) {
    for inner in [1, 7, 64, 150] {
      let (a, b) = (randomMatrix(rows, inner, seed: 1), randomMatrix(inner, columns, seed: 2))
      let bias = randomMatrix(1, columns, seed: 3).elements
      let wanted = reference(a, b, bias, .identity)
      let transposed = Matrix(
        rows: columns, columns: inner,
        elements: ContiguousArray((0..<columns).flatMap { column in (0..<inner).map { b[$0, column] } }))
      for (packed, tolerance) in [
        (PackedMatrix(b), Float(2e-5)), (PackedMatrix(transposing: transposed), 2e-5),
        (PackedMatrix(b, precision: .half), 3e-2), (PackedMatrix(b, precision: .brain), 3e-2),
      ] {
        let found = product(a, packed, bias, .identity)
        #expect(zip(found, wanted).allSatisfy { abs($0 - $1) <= tolerance * (1 + Float(inner).squareRoot()) })
      }
    }
  }

  /// Sums longer than are packed at once, more outputs and fewer.
  @Test(arguments: [(170, 270, 64), (1100, 300, 37), (9, 513, 16)])
  func gradientsOfWeightsEqualSumsInDoublePrecision(shape: (rows: Int, outputs: Int, inputs: Int)) throws {
    let (rows, outputs, inputs) = (shape.rows, shape.outputs, shape.inputs)
    let (x, outer) = (randomMatrix(rows, inputs, seed: 11), randomMatrix(rows, outputs, seed: 12))
    let tape = Tape()
    let weights = tape.parameter(randomMatrix(outputs, inputs, seed: 13))
    let loss = (tape.constant(x).linear(weights) * tape.constant(outer)).sum()
    let found = try #require(tape.backward(from: loss)[weights])
    for output in stride(from: 0, to: outputs, by: 7) {
      for input in 0..<inputs {
        let wanted = (0..<rows).reduce(0.0) { $0 + Double(outer[$1, output]) * Double(x[$1, input]) }
        #expect(abs(Double(found[output, input]) - wanted) <= 2e-6 * Double(rows), "\(output), \(input)")
      }
    }
  }

  @Test(arguments: [Activation.identity, .gelu, .quickGELU, .relu, .relu6, .tanh], [16, 37])
  func activationsAreFusedIntoTheProduct(activation: Activation, columns: Int) {
    let (a, b) = (randomMatrix(11, 9, seed: 4), randomMatrix(9, columns, seed: 5))
    let bias = ContiguousArray((0..<columns).map { Float($0 - columns / 2) })
    let found = product(a, PackedMatrix(b), bias, activation)
    for (found, wanted) in zip(found, reference(a, b, bias, activation)) {
      #expect(abs(found - wanted) < 1e-5 * max(1, abs(wanted)))
    }
  }

  @Test(arguments: WeightPrecision.allCases)
  func aRowDoesNotDependOnTheOthers(precision: WeightPrecision) {
    let (a, b) = (randomMatrix(29, 130, seed: 6), PackedMatrix(randomMatrix(130, 70, seed: 7), precision: precision))
    let together = product(a, b, nil, .gelu)
    for row in [0, 5, 8, 23, 28] {
      let alone = product(a.rows(row..<row + 1), b, nil, .gelu)
      #expect(alone == Array(together[row * 70..<(row + 1) * 70]))
    }
  }

  @Test func weightsBeyondTheRangeOfHalvesAreKeptInSinglePrecision() {
    let b = Matrix(rows: 1, columns: 2, elements: [1e6, -2])
    #expect(
      product(Matrix(rows: 1, columns: 1, elements: [3]), PackedMatrix(b, precision: .half), nil, .identity) == [
        3e6, -6,
      ])
  }

  @Test func nothingIsWrittenForNoRows() {
    #expect(product(Matrix(rows: 0, columns: 4), PackedMatrix(randomMatrix(4, 4, seed: 8)), nil, .identity).isEmpty)
  }

  @Test func extremeInputsOfActivationsStayFinite() {
    let one = PackedMatrix(Matrix(rows: 1, columns: 1, elements: [1]))
    for activation in [Activation.gelu, .quickGELU, .tanh, .relu6] {
      for x: Float in [-1e30, -200, -88, -0.0, 88, 200, 1e30] {
        let found = product(Matrix(rows: 1, columns: 1, elements: [x]), one, nil, activation)[0]
        #expect(found.isFinite, "\(activation) of \(x)")
        #expect(abs(found - activation(x)) <= 1e-5 * max(1, abs(activation(x))), "\(activation) of \(x)")
      }
    }
  }
}

@Suite struct LayerKernelTests {
  @Test(arguments: [1, 5, 16, 40])
  func layerNormalizationCentersAndScales(width: Int) {
    let (x, residual) = (randomMatrix(3, width, seed: 1), randomMatrix(3, width, seed: 2))
    let (scale, shift) = (randomMatrix(1, width, seed: 3).elements, randomMatrix(1, width, seed: 4).elements)
    var found = x.elements
    let layer = LayerNormalization(scale: scale, shift: shift, epsilon: 1e-5)
    residual.elements.withUnsafeBufferPointer { residual in
      found.withUnsafeMutableBufferPointer { layer.apply(to: $0.baseAddress!, rows: 3, adding: residual.baseAddress) }
    }
    for row in 0..<3 {
      let sums = (0..<width).map { Double(x[row, $0]) + Double(residual[row, $0]) }
      let mean = sums.reduce(0, +) / Double(width)
      let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      for column in 0..<width {
        let wanted =
          (sums[column] - mean) / (variance + 1e-5).squareRoot() * Double(scale[column]) + Double(shift[column])
        #expect(abs(Double(found[row * width + column]) - wanted) < 1e-4)
      }
    }
  }

  @Test(arguments: [(1, 1), (3, 16), (2, 7), (150, 8)], [false, true])
  func attentionEqualsItsDefinition(shape: (length: Int, headWidth: Int), isCausal: Bool) {
    let (heads, headWidth, length) = (2, shape.headWidth, shape.length)
    let width = heads * headWidth
    let x = randomMatrix(length, 3 * width, seed: 9)
    var found = ContiguousArray<Float>(repeating: .nan, count: length * width)
    var attention = SelfAttention(heads: heads, headWidth: headWidth)
    x.elements.withUnsafeBufferPointer { input in
      found.withUnsafeMutableBufferPointer {
        attention.apply(input.baseAddress!, length: length, isCausal: isCausal, into: $0.baseAddress!)
      }
    }
    for head in 0..<heads {
      for query in 0..<length {
        let visible = isCausal ? query + 1 : length
        let logits = (0..<visible).map { key in
          (0..<headWidth).reduce(0.0) {
            $0 + Double(x[query, head * headWidth + $1]) * Double(x[key, width + head * headWidth + $1])
          } / Double(headWidth).squareRoot()
        }
        let exponentials = logits.map { Double.exp($0 - (logits.max() ?? 0)) }
        let total = exponentials.reduce(0, +)
        for column in 0..<headWidth {
          let wanted = (0..<visible).reduce(0.0) {
            $0 + exponentials[$1] / total * Double(x[$1, 2 * width + head * headWidth + column])
          }
          #expect(abs(Double(found[query * width + head * headWidth + column]) - wanted) < 1e-5)
        }
      }
    }
  }
}

func randomMatrix(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
  var random = RandomSource(seed: seed)
  return normalMatrix(rows, columns, using: &random)
}
