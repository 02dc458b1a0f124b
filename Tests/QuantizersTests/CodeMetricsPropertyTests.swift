import Quantizers
import TensorMath
import Testing

private func randomCodes(_ rows: Int, sizes: [Int], _ source: inout RandomSource) -> CodeMatrix {
  var codes = CodeMatrix(count: rows, levels: sizes.count)
  for row in 0..<rows {
    for (level, size) in sizes.enumerated() {
      let draw = source.nextUniform()
      codes[row, level] = UInt16(Float(size) * draw * draw)
    }
  }
  return codes
}

/// The same figures by the most direct code that can compute them.
@Suite struct CodeMetricsPropertyTests {
  @Test(arguments: [[4], [7, 3], [16, 16, 16], [2, 300, 2, 5]])
  func bucketsAgreeWithADictionary(sizes: [Int]) {
    var source = RandomSource(seed: UInt64(sizes.count))
    for rows in [1, 2, 17, 600] {
      let codes = randomCodes(rows, sizes: sizes, &source)
      var buckets: [[UInt16]: Int] = [:]
      for row in 0..<rows { buckets[Array(codes.row(row)), default: 0] += 1 }
      let metrics = BucketMetrics(codes)
      #expect(metrics.items == rows && metrics.buckets == buckets.count)
      #expect(metrics.collidingItems == buckets.values.filter { $0 > 1 }.reduce(0, +))
      #expect(metrics.largestBucket == buckets.values.max())
      #expect(metrics.histogram.reduce(0) { $0 + $1.bucketSize * $1.buckets } == rows)
      for entry in metrics.histogram { #expect(entry.buckets == buckets.values.count { $0 == entry.bucketSize }) }
    }
  }

  @Test func chanceAgreesWithAllPairs() {
    var source = RandomSource(seed: 8)
    let codes = randomCodes(90, sizes: [5, 4, 3], &source)
    let all = (0..<90).flatMap { row in (0..<row).map { RowPair(row, $0) } }
    let agreement = NeighborAgreement(codes, pairs: all)
    for level in 0..<3 { #expect(abs(agreement.sharedPrefix[level] - agreement.expectedByChance[level]) < 1e-12) }
    #expect(agreement.lift.allSatisfy { abs(($0 ?? 1) - 1) < 1e-9 })
  }

  @Test func agreementFallsWithDepth() {
    var source = RandomSource(seed: 9)
    let codes = randomCodes(200, sizes: [4, 4, 4, 4], &source)
    let pairs = (0..<500).map { _ in
      RowPair(Int.random(in: 0..<200, using: &source), Int.random(in: 0..<200, using: &source))
    }
    let shares = NeighborAgreement(codes, pairs: pairs).sharedPrefix
    #expect(zip(shares, shares.dropFirst()).allSatisfy { $0 >= $1 })
    let other = randomCodes(200, sizes: [4, 4, 4, 4], &source)
    let reencoded = ReencodeAgreement(codes, other)
    #expect(zip(reencoded.sharedPrefix, reencoded.sharedPrefix.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(reencoded.identical == reencoded.sharedPrefix.last)
    #expect(ReencodeAgreement(codes, codes).identical == 1)
  }

  @Test func useIsBoundedAndOrderedAsItsDefinitionsSay() {
    var source = RandomSource(seed: 10)
    for rows in [1, 5, 1000] {
      for level in CodeMetrics(randomCodes(rows, sizes: [6, 50], &source), sizes: [6, 50]).levels {
        #expect(level.entropy >= 0 && level.normalizedEntropy <= 1 + 1e-12)
        #expect(level.perplexity >= 1 - 1e-12 && level.perplexity <= Double(level.used) + 1e-9)
        #expect(level.gini >= 0 && level.gini < 1)
        #expect(level.used + level.deadCodes.count == level.size)
        let occupancy = level.overfullCodes.map { level.occupancy[$0] }
        #expect(occupancy == occupancy.sorted(by: >))
      }
    }
  }

  @Test func permutingLabelsChangesNoFigure() {
    var source = RandomSource(seed: 11)
    let codes = randomCodes(300, sizes: [9, 9], &source)
    let labels = Array(0..<9).shuffled(using: &source)
    var renamed = codes
    for row in 0..<300 { for level in 0..<2 { renamed[row, level] = UInt16(labels[Int(codes[row, level])]) } }
    let before = CodeMetrics(codes, sizes: [9, 9]), after = CodeMetrics(renamed, sizes: [9, 9])
    #expect(before.buckets == after.buckets)
    for (left, right) in zip(before.levels, after.levels) {
      #expect(abs(left.entropy - right.entropy) < 1e-12 && abs(left.gini - right.gini) < 1e-12)
      #expect(left.used == right.used)
    }
  }
}
