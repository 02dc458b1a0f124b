import Quantizers
import TensorMath
import TestSupport
import Testing

/// Lloyd's algorithm as in a textbook, in double precision.
private func naiveLloyd(_ x: Matrix, from start: Matrix, iterations: Int) -> (
  centroids: [[Double]], objective: [Double]
) {
  let rows = (0..<x.rows).map { x.row($0).map(Double.init) }
  var centroids = (0..<start.rows).map { start.row($0).map(Double.init) }
  var objectives: [Double] = []
  for _ in 0..<iterations {
    var sums = centroids.map { $0.map { _ in 0.0 } }
    var counts = centroids.map { _ in 0 }
    var objective = 0.0
    for row in rows {
      let distances = centroids.map { zip(row, $0).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
      let best = distances.indices.reduce(0) { distances[$1] < distances[$0] ? $1 : $0 }
      objective += distances[best]
      counts[best] += 1
      for column in row.indices { sums[best][column] += row[column] }
    }
    for cluster in centroids.indices where counts[cluster] > 0 {
      centroids[cluster] = sums[cluster].map { $0 / Double(counts[cluster]) }
    }
    objectives.append(objective / Double(rows.count))
  }
  return (centroids, objectives)
}

private func prepared(_ x: Matrix) -> PreparedRows {
  PreparedRows(x, computePath: .preferred(dimensions: x.columns))
}

@Suite struct KMeansTests {
  @Test func followsTheTextbookFromTheSameStart() {
    var random = RandomSource(seed: 1)
    let x = normalMatrix(600, 12, using: &random)
    let start = x.rows(0..<15)
    let result = KMeans.fit(prepared(x), from: start, iterations: 6)
    let expected = naiveLloyd(x, from: start, iterations: 6)
    #expect(result.iterations.allSatisfy { $0.repaired == 0 })
    for (actual, reference) in zip(result.iterations, expected.objective) {
      #expect(abs(actual.objective - reference) < 1e-4 * reference)
    }
    expectClose(result.centroids.elements, expected.centroids.flatMap { $0 }.map(Float.init), tolerance: 1e-4)
  }

  @Test(arguments: 1...5 as ClosedRange<UInt64>) func theObjectiveNeverRises(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    let x = normalMatrix(800, 10, using: &random)
    let result = try KMeans.fit(x, size: 50, iterations: 30, using: &random)
    for (former, next) in zip(result.iterations, result.iterations.dropFirst()) {
      #expect(next.objective <= former.objective * (1 + 1e-6))
    }
  }

  @Test func stopsWhenNoRowMovesAndSaysHowManyDid() throws {
    var random = RandomSource(seed: 2)
    let x = clusteredMatrix(500, 6, centers: 5, spread: 0.01, using: &random)
    let result = try KMeans.fit(x, size: 5, iterations: 100, using: &random)
    #expect(result.iterations.count < 20)
    #expect(result.iterations[0].moved == 500)
    #expect(result.iterations[result.iterations.count - 1].moved == 0)
  }

  @Test func findsSeparateClusters() throws {
    var random = RandomSource(seed: 3)
    let x = clusteredMatrix(1000, 8, centers: 12, spread: 0.01, using: &random)
    let result = try KMeans.fit(x, size: 12, iterations: 20, using: &random)
    #expect(result.iterations[result.iterations.count - 1].objective < 0.002, "8 × 0.01² within each cluster")
  }

  @Test func isTheSameForOneSeedAndOneThreadOrTwo() throws {
    func fit(seed: UInt64) throws -> KMeans {
      var random = RandomSource(seed: seed)
      let x = normalMatrix(3000, 8, using: &random)
      return try KMeans.fit(x, size: 40, iterations: 10, using: &random)
    }
    let one = try withThreads(1) { try fit(seed: 4) }
    let two = try withThreads(2) { try fit(seed: 4) }
    #expect(one.centroids == two.centroids)
    #expect(one.iterations == two.iterations)
  }

  @Test func duplicatesDoNotStarveDistinctRows() throws {
    var random = RandomSource(seed: 5)
    let distinct = normalMatrix(8, 4, using: &random)
    let x = distinct.selectingRows(Array(repeating: 0, count: 500) + Array(0..<8))
    let result = try KMeans.fit(x, size: 8, iterations: 10, using: &random)
    #expect(result.iterations[result.iterations.count - 1].objective < 1e-10)
  }

  @Test func refusesWhatItCannotCluster() {
    var random = RandomSource(seed: 6)
    func code(_ x: Matrix, size: Int) -> QuantizerError.Code? {
      do throws(QuantizerError) {
        _ = try KMeans.fit(x, size: size, iterations: 3, using: &random)
        return nil
      } catch { return error.code }
    }
    #expect(code(Matrix(rows: 0, columns: 2), size: 2) == .emptyInput)
    #expect(code(Matrix(rows: 2, columns: 2), size: 0) == .invalidParameters)
    #expect(code(Matrix(rows: 1, columns: 1, elements: [.nan]), size: 1) == .notFinite)
  }
}

@Suite struct KMeansSeedingTests {
  @Test func seedsAreDistinctRowsWhileThereAreAny() {
    var random = RandomSource(seed: 1)
    let distinct = normalMatrix(30, 5, using: &random)
    let x = distinct.selectingRows((0..<450).map { $0 * $0 % 30 == 1 ? 1 : $0 % 30 })
    let seeds = KMeansSeeding.seeds(in: prepared(x), count: 30, using: &random)
    #expect(Set((0..<30).map { Array(seeds.row($0)) }).count == 27, "1, 11, 19 and 29 are one row: 27 are distinct")
  }

  @Test func moreSeedsThanDistinctRowsRepeatThem() {
    var random = RandomSource(seed: 2)
    let x = normalMatrix(3, 5, using: &random)
    let seeds = KMeansSeeding.seeds(in: prepared(x), count: 10, using: &random)
    #expect(seeds.rows == 10)
    #expect(Set((0..<10).map { Array(seeds.row($0)) }).count == 3)
  }

  /// Two far groups, one of 990 rows and one of 10: 64 uniform seeds would miss the small one every other time.
  @Test func farRowsAreLikelySeeds() {
    var hits = 0
    for seed in 0..<50 as Range<UInt64> {
      var random = RandomSource(seed: seed)
      var x = normalMatrix(1000, 4, using: &random)
      for row in 0..<10 { x[row, 0] += 1000 }
      let seeds = KMeansSeeding.seeds(in: prepared(x), count: 64, using: &random)
      if (0..<64).contains(where: { seeds[$0, 0] > 500 }) { hits += 1 }
    }
    #expect(hits == 50)
  }

  /// Three rows on a line at 0, 1 and 3: after a first seed, the second is drawn by squared distance.
  @Test func laterSeedsFollowTheSquaredDistances() {
    var counts = [[Float]: Int]()
    var random = RandomSource(seed: 3)
    let x = Matrix(rows: 3, columns: 1, elements: [0, 1, 3])
    for _ in 0..<6000 {
      let seeds = KMeansSeeding.seeds(in: prepared(x), count: 2, using: &random)
      counts[Array(seeds.elements), default: 0] += 1
    }
    let expected: [[Float]: Double] = [
      [0, 1]: 0.1, [0, 3]: 0.9, [1, 0]: 0.2, [1, 3]: 0.8, [3, 0]: 9 / 13, [3, 1]: 4 / 13,
    ]
    for (pair, share) in expected {
      #expect(abs(Double(counts[pair] ?? 0) / 2000 - share) < 0.05, "\(pair)")
    }
  }

  /// The batches' rejections must leave the distribution of one update per seed. With three seeds among rows at 0, 1, 3,
  /// 7, all drawn within one batch, the left-out row has a probability that can be summed by hand.
  @Test func seedsOfOneBatchFollowTheSquaredDistancesToo() {
    let points: [Float] = [0, 1, 3, 7]
    var expected = [Double](repeating: 0, count: 4)
    for first in 0..<4 {
      for second in 0..<4 where second != first {
        let weights = points.map { pow2($0 - points[first]) }
        let then = points.map { min(pow2($0 - points[first]), pow2($0 - points[second])) }
        for third in 0..<4 where third != first && third != second {
          let left = 6 - first - second - third
          expected[left] +=
            0.25 * weights[second] / weights.reduce(0, +) * then[third] / then.reduce(0, +)
        }
      }
    }
    var counts = [Double](repeating: 0, count: 4)
    var random = RandomSource(seed: 4)
    let x = Matrix(rows: 4, columns: 1, elements: ContiguousArray(points))
    for _ in 0..<6000 {
      let seeds = Set(KMeansSeeding.seeds(in: prepared(x), count: 3, using: &random).elements)
      for (index, point) in points.enumerated() where !seeds.contains(point) { counts[index] += 1 / 6000 }
    }
    for index in 0..<4 { #expect(abs(counts[index] - expected[index]) < 0.03) }
  }

  @Test func sampledIndicesRiseAndAreDrawnEvenly() {
    var random = RandomSource(seed: 5)
    var counts = [Int](repeating: 0, count: 20)
    for _ in 0..<4000 {
      let sample = sampledIndices(of: 20, limit: 5, using: &random)
      #expect(sample.count == 5 && sample == Array(Set(sample)).sorted())
      for index in sample { counts[index] += 1 }
    }
    #expect(counts.allSatisfy { abs($0 - 1000) < 150 })
    #expect(sampledIndices(of: 3, limit: 5, using: &random) == [0, 1, 2])
  }
}

private func pow2(_ value: Float) -> Double { Double(value) * Double(value) }

@Suite struct ClusterRepairTests {
  private let rows = Matrix(rows: 6, columns: 1, elements: [0, 2, 10, 20, 100, 100])
  private let codes: ContiguousArray<UInt16> = [0, 0, 1, 1, 3, 3]

  private func repair() -> ClusterRepair {
    ClusterRepair(clusters: 5, codes: codes, distances: [1, 1, 25, 25, 0, 0], rows: rows)
  }

  @Test func emptyClustersSplitThoseWithTheLargestError() {
    var centroids = Matrix(rows: 5, columns: 1, elements: [1, 15, -7, 100, -9])
    let splits = repair().splitWorst(&centroids)
    #expect(splits == [ClusterRepairTests.split(1, 2), ClusterRepairTests.split(0, 4)])
    #expect(centroids[0, 0] == 1 && centroids[1, 0] == 15 && centroids[3, 0] == 100)
    #expect(abs(centroids[2, 0] - 15) == 0.15625, "next to the split centroid, towards its farthest row")
    #expect(abs(centroids[4, 0] - 1) == 0.03125)
  }

  @Test func clustersOfEqualRowsAreNotSplit() {
    let equal = ClusterRepair(clusters: 2, codes: [0, 0], distances: [0, 0], rows: Matrix(rows: 2, columns: 1))
    var centroids = Matrix(rows: 2, columns: 1, elements: [0, 5])
    #expect(equal.splitWorst(&centroids).isEmpty)
    #expect(centroids[1, 0] == 5)
  }

  @Test func smallClustersSplitLargeOnes() {
    let uneven = ClusterRepair(
      clusters: 3, codes: [0, 0, 0, 0, 1, 2], distances: [0, 1, 4, 9, 0, 0],
      rows: Matrix(rows: 6, columns: 1, elements: [0, 1, 2, 3, 50, 60]))
    var centroids = Matrix(rows: 3, columns: 1, elements: [0, 50, 60])
    let splits = uneven.splitLargest(&centroids, light: 1.5, heavy: 3)
    #expect(splits == [ClusterRepairTests.split(0, 1)])
    #expect(centroids.elements == [0, 3 / 32, 60])
  }

  private static func split(_ donor: Int, _ cluster: Int) -> ClusterRepair.Split {
    ClusterRepair.Split(donor: donor, cluster: cluster)
  }
}
