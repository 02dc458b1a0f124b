import Foundation
import Quantizers
import TensorMath
import Testing

/// Golden values come from tools/fixtures/code_metrics.py, which builds the same codes by the same formula.
private let sizes = [8, 16, 5]
private let rows = 500

private func formulaCodes() -> CodeMatrix {
  var codes = CodeMatrix(count: rows, levels: 3)
  for row in 0..<rows {
    for level in 0..<3 {
      let value = (row * row * 7 + row * 13 * (level + 1) + 5 * level) % 101
      codes[row, level] = UInt16(min(value % sizes[level], value / 9) % sizes[level])
    }
  }
  return codes
}

private func near(_ actual: Double, _ expected: Double) -> Bool { abs(actual - expected) < 1e-10 }

@Suite struct CodeMetricsTests {
  @Test func agreesWithNumpyOnTheUseOfEachLevel() {
    let levels = CodeMetrics(formulaCodes(), sizes: sizes, overfullFactor: 1.5).levels
    #expect(levels.map(\.used) == [8, 10, 5])
    let expected: [(entropy: Double, normalized: Double, perplexity: Double, gini: Double)] = [
      (2.041032570310, 0.981529189160, 7.698554394885, 0.1525),
      (2.214366697958, 0.798663963463, 9.155609009312, 0.52225),
      (1.563404386819, 0.971397762375, 4.775049721792, 0.16),
    ]
    for (level, values) in zip(levels, expected) {
      #expect(near(level.entropy, values.entropy) && near(level.normalizedEntropy, values.normalized))
      #expect(abs(level.perplexity - values.perplexity) < 1e-9)
      #expect(near(level.gini, values.gini))
    }
    #expect(levels[1].deadCodes == [9, 11, 12, 13, 14, 15])
    #expect(levels.map(\.overfullCodes) == [[], [1, 2, 0, 4, 10], [0]])
    #expect(
      levels.allSatisfy { $0.occupancy.reduce(0, +) == rows && $0.utilization == Double($0.used) / Double($0.size) })
  }

  @Test func agreesWithNumpyOnBuckets() {
    let buckets = CodeMetrics(formulaCodes(), sizes: sizes).buckets
    #expect(buckets.items == 500 && buckets.buckets == 93 && buckets.collidingItems == 500)
    #expect(buckets.collisionRate == 1 && near(buckets.duplicateRate, 0.814) && buckets.largestBucket == 15)
    #expect(buckets.histogram.map(\.bucketSize) == [4, 5, 10, 15])
    #expect(buckets.histogram.map(\.buckets) == [5, 81, 6, 1])
  }

  @Test func agreesWithNumpyOnNeighbors() {
    let pairs = stride(from: 0, to: rows, by: 3).map { RowPair($0, ($0 * 37 + 11) % rows) }
    let agreement = NeighborAgreement(formulaCodes(), pairs: pairs)
    #expect(agreement.pairs == 167)
    #expect(zip(agreement.sharedPrefix, [0.155688622754, 0.041916167665, 0.023952095808]).allSatisfy { near($0, $1) })
    #expect(
      zip(agreement.expectedByChance, [0.132993987976, 0.020681362725, 0.009739478958]).allSatisfy { near($0, $1) })
    #expect(abs((agreement.lift[2] ?? 0) - 0.023952095808 / 0.009739478958) < 1e-6)
  }

  @Test func collisionRatesDifferAsTheirDefinitionsDo() {
    let codes = CodeMatrix(count: 5, levels: 2, elements: [0, 0, 0, 0, 0, 0, 1, 1, 2, 2])
    let metrics = BucketMetrics(codes)
    #expect(metrics.collisionRate == 0.6)
    #expect(abs(metrics.duplicateRate - 0.4) < 1e-12)
  }

  @Test func nothingIsUndefinedWithoutItemsOrWithOneCode() {
    let empty = CodeMetrics(CodeMatrix(count: 0, levels: 2), sizes: [4, 1])
    #expect(empty.buckets.collisionRate == 0 && empty.buckets.duplicateRate == 0 && empty.buckets.histogram.isEmpty)
    #expect(empty.levels[0].entropy == 0 && empty.levels[0].deadCodes == [0, 1, 2, 3] && empty.levels[0].gini == 0)
    #expect(empty.levels[1].normalizedEntropy == 1)
    #expect(ReencodeAgreement(CodeMatrix(count: 0, levels: 2), CodeMatrix(count: 0, levels: 2)).identical == 1)
    let agreement = NeighborAgreement(CodeMatrix(count: 0, levels: 2), pairs: [])
    #expect(agreement.sharedPrefix == [0, 0] && agreement.lift == [nil, nil])
  }

  @Test func evenUseHasFullEntropyAndNoInequality() {
    let level = LevelMetrics(occupancy: Array(repeating: 3, count: 64))
    #expect(near(level.normalizedEntropy, 1) && near(level.gini, 0) && abs(level.perplexity - 64) < 1e-9)
    let single = LevelMetrics(occupancy: [9] + Array(repeating: 0, count: 63))
    #expect(single.entropy == 0 && near(single.gini, 63.0 / 64) && single.overfullCodes == [0])
  }

  @Test func reencodeAgreementCountsPrefixes() {
    let left = CodeMatrix(count: 4, levels: 2, elements: [1, 2, 1, 2, 1, 2, 1, 2])
    let right = CodeMatrix(count: 4, levels: 2, elements: [1, 2, 1, 3, 0, 2, 1, 2])
    let agreement = ReencodeAgreement(left, right)
    #expect(agreement.sharedPrefix == [0.75, 0.5] && agreement.identical == 0.5)
  }

  @Test func reconstructionIsTheMeanOfSquares() {
    let reconstruction = CodeMetrics.Reconstruction(distances: [1, 2, 3] as [Float], meanSquaredNorm: 7)
    #expect(near(reconstruction.meanSquaredError, 14.0 / 3) && near(reconstruction.relativeError ?? 0, 2.0 / 3))
    #expect(CodeMetrics.Reconstruction(distances: []).relativeError == nil)
  }

  @Test func survivesJSON() throws {
    var metrics = CodeMetrics(formulaCodes(), sizes: sizes)
    metrics.reconstruction = .init(distances: [0.5], meanSquaredNorm: 1)
    let data = try JSONEncoder().encode(metrics)
    #expect(try JSONDecoder().decode(CodeMetrics.self, from: data) == metrics)
  }

  @Test(arguments: [1, 3, 4, 5, 8, 11])
  func groupsEqualCodesAtAnyDepthInLexicographicOrder(levels: Int) {
    var source = RandomSource(seed: UInt64(levels))
    // Large codes, so that four levels fill 64 bits and more levels need ranks; few values, so that rows repeat.
    let values = (0..<3).map { _ in UInt16.random(in: 30_000...65_535, using: &source) }
    let elements = ContiguousArray((0..<400 * levels).map { _ in values[Int.random(in: 0..<3, using: &source)] })
    let codes = CodeMatrix(count: 400, levels: levels, elements: elements)
    let grouped = CodeBuckets(codes)
    let expected = (0..<400).sorted {
      let (left, right) = (codes.row($0), codes.row($1))
      return left.elementsEqual(right) ? $0 < $1 : left.lexicographicallyPrecedes(right)
    }
    #expect(grouped.rows.map { Int($0) } == expected)
    for bucket in 0..<grouped.count {
      let members = grouped.rows[grouped.range(bucket)].map { Array(codes.row(Int($0))) }
      #expect(Set(members).count == 1)
    }
    #expect(grouped.count == Set((0..<400).map { Array(codes.row($0)) }).count)
    #expect(CodeBuckets(codes, levels: 0).count == 1)
  }
}
