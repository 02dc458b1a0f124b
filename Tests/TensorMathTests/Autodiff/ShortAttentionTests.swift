import TensorMath
import TestSupport
import Testing

/// Segments of few keys take a way of their own through attention, where heads are 16 columns wide or a multiple of it.
@Suite struct ShortAttentionTests {
  /// A key more than the short way takes, of which no query sees the last, goes the long way to the same end.
  @Test(arguments: [16, 32, 48, 144])
  func bothWaysLeadToTheSameOutputAndGradients(headWidth: Int) {
    let heads = 2, width = heads * headWidth, keys = 24, queries = 7
    let inputs = GradientTests.inputs((queries, width), (keys, width), (keys, width))
    let counts: ContiguousArray<Int32> = [24, 1, 2, 15, 16, 17, 23]
    let short = Self.outcome(inputs, heads: heads, keys: keys, counts)
    let longer = [inputs[0]] + inputs.dropFirst().map { Self.appendingRow(of: 9, to: $0) }
    let long = Self.outcome(longer, heads: heads, keys: keys + 1, counts)
    expectClose(short.output.elements, long.output.elements, tolerance: 1e-5)
    for (found, wanted) in zip(short.gradients, long.gradients) {
      expectClose(found.elements, wanted.elements.prefix(found.elements.count), tolerance: 2e-5)
      // What nothing sees gets nothing.
      #expect(wanted.elements.dropFirst(found.elements.count).allSatisfy { $0 == 0 })
    }
  }

  private static func appendingRow(of value: Float, to matrix: Matrix) -> Matrix {
    Matrix(
      rows: matrix.rows + 1, columns: matrix.columns,
      elements: matrix.elements + ContiguousArray(repeating: value, count: matrix.columns))
  }

  private static func outcome(
    _ inputs: [Matrix], heads: Int, keys: Int, _ counts: ContiguousArray<Int32>
  ) -> (output: Matrix, gradients: [Matrix]) {
    let tape = Tape()
    let leaves = inputs.map(tape.parameter)
    let layout = AttentionLayout(
      segments: [.init(queries: 0..<counts.count, keys: 0..<keys)], visibility: .prefix(counts))
    let output = leaves[0].attending(to: leaves[1], values: leaves[2], heads: heads, layout: layout)
    let gradients = tape.backward(from: (output * output).sum())
    return (output.value, leaves.compactMap { gradients[$0] })
  }

  /// Segments that share their keys, one that is empty and one of the most keys among them.
  @Test func gradientsAreTheSlopes() {
    let layout = AttentionLayout(
      segments: [
        .init(queries: 0..<3, keys: 0..<5), .init(queries: 3..<4, keys: 0..<5), .init(queries: 4..<4, keys: 5..<6),
        .init(queries: 4..<7, keys: 6..<30),
      ])
    expectGradients(of: GradientTests.inputs((7, 32), (30, 32), (30, 32))) {
      $0[0].attending(to: $0[1], values: $0[2], heads: 2, layout: layout)
    }
    let causal = AttentionLayout(selfAttentionOver: [0, 6, 7, 9], isCausal: true)
    expectGradients(of: GradientTests.inputs((9, 3 * 32))) { $0[0].selfAttending(heads: 1, layout: causal) }
    expectGradients(of: GradientTests.inputs((9, 16), (9, 32))) {
      $0[0].attending(toKeysAndValues: $0[1], heads: 1, layout: causal)
    }
  }

  /// Scores far apart: the softmax neither overflows nor lets a hidden lane in.
  @Test func scoresFarApartChooseOneKey() {
    let keys = Matrix(rows: 3, columns: 16, elements: ContiguousArray((0..<48).map { $0 % 17 == 0 ? 400 : 0 }))
    let queries = Matrix(rows: 1, columns: 16, elements: ContiguousArray((0..<16).map { $0 == 1 ? 400 : 0 }))
    let values = GradientTests.inputs((3, 16))[0]
    let tape = Tape()
    let found = tape.constant(queries).attending(
      to: tape.constant(keys), values: tape.constant(values), heads: 1,
      layout: AttentionLayout(segments: [.init(queries: 0..<1, keys: 0..<3)]))
    expectClose(found.value.elements, values.row(1), tolerance: 1e-6)
  }
}
