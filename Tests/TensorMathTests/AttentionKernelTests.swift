import CVectorKernels
import RealModule
import TensorMath
import TestSupport
import Testing

@Suite struct AttentionKernelTests {
  /// Softmax of the visible scores in double precision, zeros behind them.
  private func weights(_ scores: ArraySlice<Float>, visible: Int, scale: Float) -> [Double] {
    let own = scores.map { Double($0) * Double(scale) }
    let top = own.prefix(visible).max() ?? 0
    let exponentials = own.prefix(visible).map { Double.exp($0 - top) }
    let total = exponentials.reduce(0, +)
    return exponentials.map { $0 / total } + Array(repeating: 0, count: own.count - visible)
  }

  @Test(arguments: [1, 2, 15, 16, 17, 21, 32, 33, 48], [0, 1])
  func attentionWeightsAreASoftmaxOfWhatIsVisible(visible: Int, growth: Int) {
    let rows = 5, stride = (visible + 4 * growth + 15) / 16 * 16, scale: Float = 0.7
    var random = RandomSource(seed: 3)
    let scores = (0..<rows * stride).map { _ in 6 * random.nextNormal() }
    var found = scores
    tessera_attention_weights(&found, rows, stride, visible, growth, scale)
    for row in 0..<rows {
      let line = row * stride..<(row + 1) * stride, seen = visible + row * growth
      let expected = weights(scores[line], visible: seen, scale: scale)
      for (weight, wanted) in zip(found[line], expected) { #expect(abs(Double(weight) - wanted) < 1e-6) }
      #expect(found[line].dropFirst(seen).allSatisfy { $0 == 0 })
    }
  }

  @Test func aRowsAttentionDoesNotDependOnWhatStandsBehindItOrNextToIt() {
    var random = RandomSource(seed: 4)
    let row = (0..<32).map { _ in random.nextNormal() }
    var alone = row, among = row + row.map { -$0 } + row
    for place in 21..<32 { among[place] = .infinity }
    tessera_attention_weights(&alone, 1, 32, 21, 0, 1)
    tessera_attention_weights(&among, 3, 32, 21, 0, 1)
    #expect(Array(among[..<32]) == alone)
    #expect(Array(among[64...]) == alone)
  }

  @Test(arguments: [1, 7, 16, 24, 128, 130], [0, 1, 3, 4, 9])
  func chosenProductsAreTheInnerProductsWithThoseRows(width: Int, count: Int) {
    var random = RandomSource(seed: 5)
    let table = normalMatrix(20, width, using: &random), x = (0..<width).map { _ in random.nextNormal() }
    let offsets = ContiguousArray((0..<20).map { _ in random.nextNormal() })
    let choices = (0..<count).map { _ in UInt16.random(in: 0..<20, using: &random) }
    var found = [Float](repeating: .nan, count: count)
    ChosenProducts(table, offsets: offsets).apply(x, choices: choices[...], into: &found)
    for (value, choice) in zip(found, choices) {
      let expected = (0..<width).reduce(Double(offsets[Int(choice)])) {
        $0 + Double(x[$1]) * Double(table[Int(choice), $1])
      }
      #expect(abs(Double(value) - expected) < 1e-5 * Double(width).squareRoot() + 1e-6)
    }
  }

  @Test func aChosenProductDoesNotDependOnTheOtherChoices() {
    var random = RandomSource(seed: 6)
    let table = normalMatrix(9, 40, using: &random), x = (0..<40).map { _ in random.nextNormal() }
    let products = ChosenProducts(table, offsets: ContiguousArray(repeating: 1, count: 9))
    let choices: [UInt16] = [8, 3, 3, 0, 5, 1]
    var together = [Float](repeating: 0, count: 6)
    products.apply(x, choices: choices[...], into: &together)
    for (place, choice) in choices.enumerated() {
      var alone: [Float] = [0]
      products.apply(x, choices: [choice], into: &alone)
      #expect(alone[0] == together[place])
    }
  }

  @Test(arguments: [1, 2, 15, 16, 17, 24, 32, 100])
  func logSumExpIsThatOfTheRange(count: Int) {
    var random = RandomSource(seed: 7)
    let values = ContiguousArray((0..<count + 5).map { _ in 40 * random.nextNormal() })
    let own = values[2..<2 + count].map(Double.init), top = own.max() ?? 0
    let expected = top + Double.log(own.reduce(0) { $0 + Double.exp($1 - top) })
    #expect(abs(Double(values.logSumExp(2..<2 + count)) - expected) < 1e-4)
  }

  /// x · Φ(x), whose error is bounded in itself and in comparison with x.
  @Test func theGaussianErrorUnitIsAccurateEverywhere() {
    let inputs = stride(from: Float(-12), through: 12, by: 1.0 / 512).map { $0 }
    var found = inputs
    tessera_activate(inputs, &found, inputs.count, Int32(TESSERA_GELU))
    for (x, y) in zip(inputs, found) {
      let expected = 0.5 * Double(x) * Double.erfc(-Double(x) / 2.0.squareRoot())
      #expect(abs(Double(y) - expected) <= 2.5e-7 + 1e-7 * abs(Double(x)), "at \(x)")
      if abs(x) < 1 { #expect(abs(Double(y) - expected) <= 3e-7 * abs(Double(x)), "at \(x)") }
    }
    var odd: [Float] = [.nan, .infinity, 100, -100, 0]
    tessera_activate(odd, &odd, odd.count, Int32(TESSERA_GELU))
    #expect(odd[0].isNaN && odd[1] == .infinity && odd[2] == 100 && abs(odd[3]) < 2e-7 && odd[4] == 0)
  }

  @Test(arguments: [16, 37, 128])
  func aRowThatIsNormalizedElsewhereKeepsTheSum(width: Int) {
    var random = RandomSource(seed: 8)
    let x = normalMatrix(3, width, using: &random), residual = normalMatrix(3, width, using: &random)
    let layer = LayerNormalization(
      scale: normalMatrix(1, width, using: &random).elements, shift: normalMatrix(1, width, using: &random).elements,
      epsilon: 1e-5)
    var (rows, inPlace) = (x.elements, x.elements)
    var normalized = ContiguousArray<Float>(repeating: .nan, count: 3 * width)
    residual.elements.withUnsafeBufferPointer { residual in
      rows.withUnsafeMutableBufferPointer { rows in
        normalized.withUnsafeMutableBufferPointer {
          layer.apply(to: rows.baseAddress!, rows: 3, adding: residual.baseAddress, into: $0.baseAddress)
        }
      }
      inPlace.withUnsafeMutableBufferPointer { layer.apply(to: $0.baseAddress!, rows: 3, adding: residual.baseAddress) }
    }
    #expect(normalized == inPlace)
    #expect(Array(rows) == zip(x.elements, residual.elements).map { $0 + $1 })
  }
}

@Suite struct MemoryAttentionTests {
  private let heads = 2
  private let headWidth = 5
  private var width: Int { heads * headWidth }

  /// The definition, in double precision.
  private func expected(_ queries: Matrix, _ memory: Matrix, _ keys: Range<Int>) -> [Double] {
    (0..<queries.rows).flatMap { query in
      (0..<heads).flatMap { head in
        let columns = head * headWidth..<(head + 1) * headWidth
        let logits = keys.map { key in
          columns.reduce(0.0) { $0 + Double(queries[query, $1]) * Double(memory[key, $1]) }
            / Double(headWidth).squareRoot()
        }
        let weights = logits.map { Double.exp($0) }, total = weights.reduce(0, +)
        return columns.map { column in
          zip(keys, weights).reduce(0.0) { $0 + $1.1 / total * Double(memory[$1.0, width + column]) }
        }
      }
    }
  }

  @Test func queriesSeeTheSequenceThatTheyAreGiven() {
    var random = RandomSource(seed: 9)
    var attention = MemoryAttention(heads: heads, headWidth: headWidth)
    // The second time there are other sequences, in the same memory.
    for offsets in [[0, 1, 22, 72], [0, 40, 43]] {
      let memory = normalMatrix(offsets.last ?? 0, 2 * width, using: &random)
      memory.elements.withUnsafeBufferPointer { attention.remember($0.baseAddress!, offsets: offsets) }
      for sequence in 0..<offsets.count - 1 {
        for rows in [1, 50, 130] {
          let queries = normalMatrix(rows, width, using: &random)
          var found = ContiguousArray<Float>(repeating: .nan, count: rows * width)
          queries.elements.withUnsafeBufferPointer { queries in
            found.withUnsafeMutableBufferPointer {
              attention.attend(queries.baseAddress!, rows: rows, to: sequence, into: $0.baseAddress!)
            }
          }
          let wanted = expected(queries, memory, offsets[sequence]..<offsets[sequence + 1])
          expectClose(found, wanted.map { Float($0) }, tolerance: 1e-5)
        }
      }
    }
  }

  @Test func aBufferGrowsAndNeverShrinks() {
    let buffer = ScratchBuffer()
    let first = buffer.reserve(10)
    for place in 0..<10 { first[place] = Float(place) }
    #expect(buffer.reserve(4) == first)
    #expect((0..<10).map { buffer.reserve(10)[$0] } == (0..<10).map { Float($0) })
    buffer.reserve(10_000)[9_999] = 3
    #expect(buffer.reserve(10_000)[9_999] == 3)
  }
}
