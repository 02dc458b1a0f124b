import CVectorKernels
import TensorMath
import TestSupport
import Testing

private let lengths = [1, 2, 15, 16, 17, 31, 33, 64, 100, 1023]

private func vector(_ count: Int, seed: UInt64) -> [Float] {
  var random = RandomSource(seed: seed)
  return (0..<count).map { _ in random.nextNormal() }
}

@Suite struct ScoreKernelTests {
  @Test(arguments: lengths) func scoresAreOffsetsLessTwiceTheProducts(count: Int) {
    var scores = vector(count, seed: 1)
    let offsets = vector(count, seed: 2)
    let expected = zip(scores, offsets).map { $1 - 2 * $0 }
    let lowest = tessera_scores(&scores, offsets, count)
    expectClose(scores, expected, tolerance: 1e-6)
    #expect(lowest == scores.min())
  }

  @Test(arguments: lengths) func minimumIsTheLowestWhereverItLies(count: Int) {
    var values = vector(count, seed: 3)
    #expect(tessera_minimum(values, count) == values.min())
    for position in values.indices {
      let former = values[position]
      values[position] = -100
      #expect(tessera_minimum(values, count) == -100)
      values[position] = former
    }
    #expect(tessera_minimum(values, 0) == .infinity)
  }

  @Test(arguments: lengths) func firstAtMostFindsEveryPositionInOrder(count: Int) {
    let values = vector(count, seed: 4)
    for threshold in [-5, -1, -0.2, 0, 0.7, 9] as [Float] {
      var found: [Int] = []
      var position = tessera_first_at_most(values, 0, count, threshold)
      while position < count {
        found.append(position)
        position = tessera_first_at_most(values, position + 1, count, threshold)
      }
      #expect(found == values.indices.filter { values[$0] <= threshold })
    }
  }
}

/// A plain account of what the byte kernels compute, for one panel and a set of centroids.
private struct Reference {
  let scales: [Float]
  let bytes: [[Int]]
  let norms: [Float]
  let errors: [Float]

  init(_ rows: [[Float]]) {
    var scales: [Float] = [], bytes: [[Int]] = [], norms: [Float] = [], errors: [Float] = []
    for row in rows {
      let scale = (row.map(abs).max() ?? 0) / 127
      let inverse = scale > 1e-36 ? 1 / scale : 0
      let rounded = row.map { Int(($0 * inverse).rounded(.toNearestOrEven)) }
      scales.append(scale)
      bytes.append(rounded)
      norms.append(rounded.reduce(0) { $0 + (Float($1) * scale) * (Float($1) * scale) }.squareRoot())
      errors.append(
        zip(row, rounded).reduce(0) { $0 + ($1.0 - Float($1.1) * scale) * ($1.0 - Float($1.1) * scale) }.squareRoot())
    }
    self.scales = scales
    self.bytes = bytes
    self.norms = norms
    self.errors = errors
  }
}

private func rows(_ count: Int, _ dimensions: Int, seed: UInt64) -> [[Float]] {
  (0..<count).map { vector(dimensions, seed: seed &* 1000 &+ UInt64($0)) }
}

private let panelRows = TESSERA_PANEL_ROWS, tile = TESSERA_TILE_CENTROIDS

@Suite(.enabled(if: tessera_has_int8_products() == 1, "this processor has no byte products"))
struct ByteKernelTests {
  @Test(arguments: [(1, 1), (3, 5), (64, 16), (63, 33), (17, 100), (64, 7)])
  func panelHoldsRoundedRowsGroupedByFour(count: Int, dimensions: Int) {
    let input = rows(count, dimensions, seed: 1), reference = Reference(input)
    let groups = (dimensions + 3) / 4
    var packed = [UInt8](repeating: 7, count: groups * 4 * panelRows)
    var facts = [Float](repeating: 7, count: 3 * panelRows)
    tessera_pack_panel(input.flatMap { $0 }, count, dimensions, &packed, &facts)
    for row in 0..<panelRows {
      for column in 0..<groups * 4 {
        let expected = row < count && column < dimensions ? reference.bytes[row][column] + 128 : 128
        #expect(Int(packed[(column / 4 * panelRows + row) * 4 + column % 4]) == expected)
      }
    }
    expectClose(facts[0..<count], reference.scales, tolerance: 1e-7)
    expectClose(facts[panelRows..<panelRows + count], reference.norms, tolerance: 1e-4)
    expectClose(facts[2 * panelRows..<2 * panelRows + count], reference.errors, tolerance: 1e-5)
  }

  @Test(arguments: [(1, 1), (5, 6), (6, 16), (4, 33), (6, 100)])
  func tileHoldsRoundedCentroidsAndTheirCorrections(count: Int, dimensions: Int) {
    let input = rows(count, dimensions, seed: 2), reference = Reference(input)
    let groups = (dimensions + 3) / 4
    var packed = [Int8](repeating: 7, count: groups * 4 * tile)
    var corrections = [Int32](repeating: 7, count: tile)
    var facts = [Float](repeating: 7, count: 3 * tile)
    tessera_pack_tile(input.flatMap { $0 }, count, dimensions, &packed, &corrections, &facts)
    for row in 0..<tile {
      for column in 0..<groups * 4 {
        let expected = row < count && column < dimensions ? reference.bytes[row][column] : 0
        #expect(Int(packed[(column / 4 * tile + row) * 4 + column % 4]) == expected)
      }
      #expect(Int(corrections[row]) == (row < count ? -128 * reference.bytes[row].reduce(0, +) : 0))
    }
    expectClose(facts[0..<count], reference.scales, tolerance: 1e-7)
    expectClose(facts[2 * tile..<2 * tile + count], reference.errors, tolerance: 1e-5)
  }

  @Test func zerosAndDenormalsRoundToZeroAndCountAsError() {
    let input: [Float] = [0, 0, 0, 0, Float.leastNonzeroMagnitude, -Float.leastNonzeroMagnitude, 0, 0]
    var packed = [UInt8](repeating: 0, count: 4 * panelRows)
    var facts = [Float](repeating: 7, count: 3 * panelRows)
    tessera_pack_panel(input, 2, 4, &packed, &facts)
    #expect(packed.allSatisfy { $0 == 128 })
    #expect(facts[0] == 0 && facts[panelRows] == 0 && facts[2 * panelRows] == 0)
    #expect(facts[panelRows + 1] == 0)
  }

  @Test(arguments: [(4, 6), (16, 12), (33, 7), (100, 31)])
  func panelScoresAreScaledProductsAndTheLowestIsFound(dimensions: Int, centroidCount: Int) {
    let setup = Setup(rowCount: 50, dimensions: dimensions, centroidCount: centroidCount)
    let result = setup.scores(first: 100)
    for row in 0..<50 {
      for k in 0..<centroidCount {
        let product = zip(setup.rowReference.bytes[row], setup.centroidReference.bytes[k]).reduce(0) {
          $0 + $1.0 * $1.1
        }
        let expected =
          setup.offsets[k] - 2 * setup.rowReference.scales[row] * setup.centroidReference.scales[k] * Float(product)
        #expect(abs(result.scores[k * panelRows + row] - expected) < 1e-3)
      }
      let own = (0..<centroidCount).map { result.scores[$0 * panelRows + row] }
      let best = own.indices.reduce(0) { own[$1] < own[$0] ? $1 : $0 }
      #expect(result.lowest[row] == own[best])
      #expect(Int(result.index[row]) == best + 100)
    }
  }

  @Test func scoresCarryOnFromEarlierCentroids() {
    let setup = Setup(rowCount: 64, dimensions: 12, centroidCount: 12)
    let result = setup.scores(first: 6, lowest: -1e6, index: 3)
    #expect(result.lowest.allSatisfy { $0 == -1e6 })
    #expect(result.index.allSatisfy { $0 == 3 })
  }

  @Test func secondScoresLeaveOutTheOwnCentroid() {
    let setup = Setup(rowCount: 64, dimensions: 20, centroidCount: 17)
    let result = setup.scores(first: 0)
    var second = [Float](repeating: .infinity, count: panelRows)
    tessera_second_scores(result.scores, 17, 0, result.index, &second)
    for row in 0..<panelRows {
      let others = (0..<17).filter { $0 != Int(result.index[row]) }.map { result.scores[$0 * panelRows + row] }
      #expect(second[row] == others.min())
    }
  }

  @Test(arguments: [false, true]) func decideMeasuresWhatIsWithinTheThreshold(withPrices: Bool) {
    let setup = Setup(rowCount: 40, dimensions: 19, centroidCount: 30)
    let result = setup.scores(first: 10)
    let prices = (0..<30).map { Float($0 % 7) * 0.5 }
    var distances = [Float](repeating: .infinity, count: panelRows)
    var codes = [UInt32](repeating: 0, count: panelRows)
    let thresholds = [Float](repeating: 20, count: panelRows)
    tessera_decide(
      result.scores, thresholds, setup.rows.flatMap { $0 }, 40, setup.centroids.flatMap { $0 },
      withPrices ? prices : nil, 30, 19, 10, &distances, &codes)
    for row in 0..<40 {
      var best: (distance: Float, code: UInt32) = (.infinity, 0)
      for k in 0..<30 where result.scores[k * panelRows + row] <= 20 {
        let distance = tessera_squared_distance(setup.rows[row], setup.centroids[k], 19) + (withPrices ? prices[k] : 0)
        if distance < best.distance { best = (distance, UInt32(k + 10)) }
      }
      #expect(distances[row] == best.distance)
      #expect(codes[row] == best.code)
    }
    #expect(distances[40...].allSatisfy { $0 == .infinity }, "rows that are not there get nothing")
  }
}

/// A packed panel and packed centroids, with the plain account of both.
private struct Setup {
  let rows: [[Float]]
  let centroids: [[Float]]
  let rowReference: Reference
  let centroidReference: Reference
  let offsets: [Float]
  private let dimensions: Int

  struct Result {
    var scores: [Float]
    var lowest: [Float]
    var index: [UInt32]
  }

  init(rowCount: Int, dimensions: Int, centroidCount: Int) {
    rows = (0..<rowCount).map { vector(dimensions, seed: 500 + UInt64($0)) }
    centroids = (0..<centroidCount).map { vector(dimensions, seed: 900 + UInt64($0)) }
    rowReference = Reference(rows)
    centroidReference = Reference(centroids)
    offsets = centroids.map { $0.reduce(0) { $0 + $1 * $1 } }
    self.dimensions = dimensions
  }

  func scores(first: UInt32, lowest: Float = .infinity, index: UInt32 = 0) -> Result {
    let groups = (dimensions + 3) / 4, tiles = (centroids.count + tile - 1) / tile
    var panel = [UInt8](repeating: 0, count: groups * 4 * panelRows)
    var facts = [Float](repeating: 0, count: 3 * panelRows)
    tessera_pack_panel(rows.flatMap { $0 }, rows.count, dimensions, &panel, &facts)
    var packed: [Int8] = [], corrections: [Int32] = [], factors: [Float] = []
    for start in stride(from: 0, to: centroids.count, by: tile) {
      let part = Array(centroids[start..<min(centroids.count, start + tile)])
      var bytes = [Int8](repeating: 0, count: groups * 4 * tile)
      var sums = [Int32](repeating: 0, count: tile)
      var partFacts = [Float](repeating: 0, count: 3 * tile)
      tessera_pack_tile(part.flatMap { $0 }, part.count, dimensions, &bytes, &sums, &partFacts)
      packed += bytes
      corrections += sums
      factors += partFacts[0..<tile].map { -2 * $0 }
    }
    let padded = offsets + Array(repeating: Float.infinity, count: tiles * tile - offsets.count)
    var result = Result(
      scores: Array(repeating: 0, count: tiles * tile * panelRows), lowest: Array(repeating: lowest, count: panelRows),
      index: Array(repeating: index, count: panelRows))
    packed.withUnsafeBufferPointer { packed in
      corrections.withUnsafeBufferPointer { corrections in
        factors.withUnsafeBufferPointer { factors in
          padded.withUnsafeBufferPointer { offsets in
            var block = tessera_int8_centroids(
              tiles: tiles, groups: groups, packed: packed.baseAddress, corrections: corrections.baseAddress,
              factors: factors.baseAddress, offsets: offsets.baseAddress)
            tessera_panel_scores(panel, facts, &block, first, &result.scores, &result.lowest, &result.index)
          }
        }
      }
    }
    return result
  }
}
