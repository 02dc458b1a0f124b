import TensorMath
import TestSupport
import Testing

@Suite struct MatrixRowsTests {
  @Test func normsMeansAndDifferencesAgreeWithTheirDefinitions() {
    var random = RandomSource(seed: 1)
    var matrix = normalMatrix(5000, 7, using: &random)
    let norms = (0..<5000).map { row in matrix.row(row).reduce(0) { $0 + $1 * $1 } }
    expectClose(matrix.rowSquaredNorms(), norms, tolerance: 1e-5)
    let means = (0..<7).map { c in Float((0..<5000).reduce(0.0) { $0 + Double(matrix[$1, c]) } / 5000) }
    expectClose(matrix.columnMeans(), means, tolerance: 1e-6)
    let former = matrix
    matrix.subtractFromRows(means)
    expectClose(matrix.columnMeans(), Array(repeating: 0, count: 7), tolerance: 1e-6)
    #expect(matrix[4999, 6] == former[4999, 6] - means[6])
  }

  @Test func subtractingChosenRowsLeavesResidualsAndTheirNorms() {
    var random = RandomSource(seed: 2)
    let former = normalMatrix(100, 5, using: &random), other = normalMatrix(4, 5, using: &random)
    var matrix = former
    let indices = ContiguousArray((0..<100).map { UInt16($0 % 4) })
    let norms = matrix.subtractRows(of: other, at: indices)
    for row in 0..<100 {
      #expect(norms[row] == squaredDistance(former.row(row), other.row(row % 4)))
      for column in 0..<5 { #expect(matrix[row, column] == former[row, column] - other[row % 4, column]) }
    }
  }

  @Test(arguments: [0, 1, 4095, 4096, 9999]) func namesTheFirstRowThatIsNotFinite(bad: Int) {
    var matrix = Matrix(rows: 10_000, columns: 3)
    #expect(matrix.firstNonFiniteRow() == nil)
    matrix[9999, 0] = .nan
    matrix[bad, 2] = .infinity
    #expect(matrix.firstNonFiniteRow() == bad)
  }

  @Test func normalizedRowsHaveLengthOneAndZerosStay() {
    var random = RandomSource(seed: 3)
    var matrix = normalMatrix(20, 6, using: &random)
    for column in 0..<6 { matrix[7, column] = 0 }
    matrix.normalizeRows()
    expectClose(matrix.rowSquaredNorms(), (0..<20).map { $0 == 7 ? 0 : 1 }, tolerance: 1e-6)
  }

  @Test func emptyMatricesHaveNoRowsToLookAt() {
    let empty = Matrix(rows: 0, columns: 3)
    #expect(empty.rowSquaredNorms().isEmpty)
    #expect(empty.columnMeans() == [0, 0, 0])
    #expect(empty.firstNonFiniteRow() == nil)
  }

  @Test func mappedChunksComeBackInOrder() {
    let squares = Parallelism.mapChunks(of: 1000, size: 7) { $0.map { $0 * $0 } }
    #expect(squares.count == 143)
    #expect(squares.flatMap { $0 } == (0..<1000).map { $0 * $0 })
    #expect(Parallelism.mapChunks(of: 0, size: 7) { $0.count }.isEmpty)
  }
}

@Suite struct ClusterTests {
  @Test func membersAreGroupedInRowOrder() {
    let members = ClusterMembers(codes: [2, 0, 2, 1, 0, 2], clusters: 4)
    #expect((0..<4).map { Array(members[$0]) } == [[1, 4], [3], [0, 2, 5], []])
    #expect((0..<4).map { members.count($0) } == [2, 1, 3, 0])
  }

  @Test func meansAreThoseOfTheMembersAndEmptyClustersStay() {
    let rows = Matrix(rows: 3, columns: 2, elements: [1, 2, 3, 6, 10, 20])
    let former = Matrix(rows: 3, columns: 2, elements: [0, 0, 7, 8, 0, 0])
    var sums = ClusterSums(rows, clusters: 3)
    sums.update([0, 0, 2])
    #expect(sums.means(keeping: former).elements == [2, 4, 7, 8, 10, 20])
    #expect(sums.counts == [2, 0, 1])
    #expect(sums.movedCount == 3)
  }

  @Test func updatesGiveTheMeansOfAFreshSum() {
    var random = RandomSource(seed: 4)
    let rows = normalMatrix(2000, 9, using: &random)
    var codes = ContiguousArray((0..<2000).map { _ in UInt16.random(in: 0..<30, using: &random) })
    var kept = ClusterSums(rows, clusters: 30)
    kept.update(codes)
    for _ in 0..<20 {
      for _ in 0..<100 { codes[Int.random(in: 0..<2000, using: &random)] = UInt16.random(in: 0..<30, using: &random) }
      let former = kept
      kept.update(codes)
      #expect(kept.movedCount <= 100 && former.movedCount > 0)
    }
    var fresh = ClusterSums(rows, clusters: 30)
    fresh.update(codes)
    let zeros = Matrix(rows: 30, columns: 9)
    #expect(kept.counts == fresh.counts)
    expectClose(kept.means(keeping: zeros).elements, fresh.means(keeping: zeros).elements, tolerance: 1e-6)
  }

  @Test func sumsAreTheSameOnOneThreadAndTwo() {
    var random = RandomSource(seed: 5)
    let rows = normalMatrix(3000, 5, using: &random)
    let codes = ContiguousArray((0..<3000).map { UInt16($0 * 7 % 50) })
    func means() -> Matrix {
      var sums = ClusterSums(rows, clusters: 50)
      sums.update(codes)
      return sums.means(keeping: Matrix(rows: 50, columns: 5))
    }
    #expect(withThreads(1, means) == withThreads(2, means))
  }
}
