import TensorMath
import TestSupport
import Testing

/// The serving rule written out: one exact distance per centroid, ties to the lowest index.
private func naive(_ rows: Matrix, _ centroids: Matrix, prices: [Float]?) -> CentroidAssignment {
  var result = CentroidAssignment()
  for row in 0..<rows.rows {
    var best: (distance: Float, code: Int) = (.infinity, 0)
    for code in 0..<centroids.rows {
      let distance = squaredDistance(rows.row(row), centroids.row(code)) + (prices?[code] ?? 0)
      if distance < best.distance { best = (distance, code) }
    }
    result.codes.append(UInt16(best.code))
    result.distances.append(best.distance)
  }
  return result
}

private let paths = NearestCentroids.ComputePath.allCases.filter {
  $0 == .float32 || NearestCentroids.ComputePath.preferred == .int8
}

private func assign(
  _ rows: Matrix, _ centroids: Matrix, prices: [Float]? = nil, _ path: NearestCentroids.ComputePath,
  regrets: Bool = false
) -> CentroidAssignment {
  NearestCentroids(centroids, prices: prices, computePath: path)
    .assign(PreparedRows(rows, computePath: path), regrets: regrets)
}

@Suite struct NearestCentroidsTests {
  @Test(
    arguments: [(1, 1, 1), (5, 3, 2), (64, 16, 6), (65, 17, 7), (200, 50, 33), (1100, 40, 130), (70, 24, 2100)], paths)
  func findsWhatExhaustiveSearchFinds(shape: (Int, Int, Int), path: NearestCentroids.ComputePath) {
    var random = RandomSource(seed: UInt64(shape.0))
    let rows = normalMatrix(shape.0, shape.1, using: &random)
    let centroids = normalMatrix(shape.2, shape.1, using: &random)
    #expect(assign(rows, centroids, path) == naive(rows, centroids, prices: nil))
  }

  @Test(arguments: paths) func addsPricesToTheDistances(path: NearestCentroids.ComputePath) {
    var random = RandomSource(seed: 2)
    let rows = normalMatrix(300, 24, using: &random), centroids = normalMatrix(90, 24, using: &random)
    let prices = (0..<90).map { _ in 10 * random.nextUniform() }
    let found = assign(rows, centroids, prices: prices, path)
    #expect(found == naive(rows, centroids, prices: prices))
    #expect(found != assign(rows, centroids, path))
  }

  /// Residuals of real data leave many centroids almost equally near.
  @Test(arguments: paths) func decidesAmongCentroidsThatRoundingCannotTellApart(path: NearestCentroids.ComputePath) {
    var random = RandomSource(seed: 3)
    let base = normalMatrix(1, 64, using: &random)
    func near(_ count: Int, _ spread: Float) -> Matrix {
      var result = Matrix(rows: count, columns: 64)
      for row in 0..<count { for c in 0..<64 { result[row, c] = base[0, c] + spread * random.nextNormal() } }
      return result
    }
    for spread in [1e-1, 1e-3, 1e-5] as [Float] {
      let rows = near(150, spread), centroids = near(80, spread)
      #expect(assign(rows, centroids, path) == naive(rows, centroids, prices: nil))
    }
  }

  @Test(arguments: paths) func givesTiesToTheLowestIndex(path: NearestCentroids.ComputePath) {
    var random = RandomSource(seed: 4)
    let distinct = normalMatrix(10, 16, using: &random)
    let repeated = distinct.selectingRows((0..<200).map { $0 % 10 })
    let found = assign(repeated, repeated, path)
    #expect(found.codes == ContiguousArray((0..<200).map { UInt16($0 % 10) }))
    #expect(found.distances.allSatisfy { $0 == 0 })
  }

  @Test(arguments: paths) func codesARowTheSameWayInEveryBlock(path: NearestCentroids.ComputePath) {
    var random = RandomSource(seed: 5)
    let rows = normalMatrix(700, 20, using: &random)
    let search = NearestCentroids(normalMatrix(60, 20, using: &random), computePath: path)
    let whole = search.assign(PreparedRows(rows, computePath: path))
    #expect(search.assignBlock(rows) == whole)
    for range in [0..<1, 3..<4, 699..<700, 60..<70, 1..<300] {
      let block = search.assignBlock(rows.rows(range))
      #expect(block.codes == ContiguousArray(whole.codes[range]))
      #expect(block.distances == ContiguousArray(whole.distances[range]))
    }
  }

  @Test(arguments: paths) func isTheSameOnOneThreadAndTwo(path: NearestCentroids.ComputePath) {
    var random = RandomSource(seed: 6)
    let rows = normalMatrix(3000, 12, using: &random), centroids = normalMatrix(40, 12, using: &random)
    let one = withThreads(1) { assign(rows, centroids, path, regrets: true) }
    let two = withThreads(2) { assign(rows, centroids, path, regrets: true) }
    #expect(one == two)
  }

  @Test(arguments: paths, [7, 2500]) func regretsAreTheGapToTheSecondBest(
    path: NearestCentroids.ComputePath, size: Int
  ) {
    var random = RandomSource(seed: 7)
    let rows = normalMatrix(100, 32, using: &random), centroids = normalMatrix(size, 32, using: &random)
    let found = assign(rows, centroids, path, regrets: true)
    let expected = (0..<rows.rows).map { row in
      let distances = (0..<size).map { squaredDistance(rows.row(row), centroids.row($0)) }.sorted()
      return distances[1] - distances[0]
    }
    expectClose(found.regrets, expected, tolerance: 1)
    let mean = zip(found.regrets, expected).reduce(Float(0)) { $0 + abs($1.0 - $1.1) } / 100
    #expect(mean < 0.2, "the proposing products err by about a hundredth of a distance, here of 30 to 60")
  }

  @Test(arguments: paths) func keepsWorkingWithExtremeMagnitudes(path: NearestCentroids.ComputePath) {
    var random = RandomSource(seed: 8)
    for scale in [1e-20, 1e-12, 1e12] as [Float] {
      var rows = normalMatrix(70, 8, using: &random), centroids = normalMatrix(9, 8, using: &random)
      for index in rows.elements.indices { rows.elements[index] *= scale }
      for index in centroids.elements.indices { centroids.elements[index] *= scale }
      #expect(assign(rows, centroids, path) == naive(rows, centroids, prices: nil))
    }
  }

  @Test(arguments: paths) func findsNothingAmongNoRows(path: NearestCentroids.ComputePath) {
    let found = assign(Matrix(rows: 0, columns: 4), Matrix(rows: 3, columns: 4), path)
    #expect(found == CentroidAssignment())
  }
}
