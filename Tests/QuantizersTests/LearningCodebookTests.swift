import Quantizers
import TensorMath
import TestSupport
import Testing

private func points(_ values: [[Float]]) -> Matrix {
  Matrix(rows: values.count, columns: values[0].count, elements: ContiguousArray(values.flatMap { $0 }))
}

@Suite struct LearningCodebookTests {
  @Test func assignsByTheServingRule() {
    var random = RandomSource(seed: 1)
    let centroids = normalMatrix(37, 9, using: &random), rows = normalMatrix(500, 9, using: &random)
    let codebook = LearningCodebook(centroids, decay: 0.9, batchSize: 500)
    let codes = codebook.assign(rows)
    #expect(codes == NearestCentroids(centroids).assignBlock(rows).codes)
    #expect(withThreads(3) { codebook.assign(rows) } == codes)
  }

  @Test func aCentroidIsTheRunningMeanOfItsRows() {
    var codebook = LearningCodebook(points([[0, 0], [10, 10]]), decay: 0.5, batchSize: 4)
    // Two rows a centroid to begin with; two more come, at (1, 2) on average, and count as much as the old ones.
    codebook.observe(points([[0, 2], [2, 2], [10, 10]]), [0, 0, 1], isMoving: true)
    expectClose(codebook.centroids.elements, [0.5, 1, 10, 10], tolerance: 1e-6)
    #expect(codebook.occupancy == [2, 1])
  }

  @Test func manyBatchesOfTheSameRowsEndAtTheirMean() {
    var codebook = LearningCodebook(points([[5], [-5]]), decay: 0.8, batchSize: 3)
    for _ in 0..<200 { codebook.observe(points([[1], [2], [-3]]), [0, 0, 1], isMoving: true) }
    expectClose(codebook.centroids.elements, [1.5, -3], tolerance: 1e-4)
  }

  @Test func aCentroidWithoutRowsStaysWhereItIs() {
    var codebook = LearningCodebook(points([[5], [-5]]), decay: 0.1, batchSize: 2)
    for _ in 0..<10_000 { codebook.observe(points([[1]]), [0], isMoving: true) }
    #expect(codebook.centroids[1, 0] == -5)
    codebook.observe(points([[-1]]), [1], isMoving: true)
    expectClose(codebook.centroids.row(1), [-1], tolerance: 1e-6)
  }

  @Test func whileItSettlesItOnlyCounts() {
    var codebook = LearningCodebook(points([[5], [-5]]), decay: 0.5, batchSize: 2)
    codebook.observe(points([[1], [2]]), [0, 0], isMoving: false)
    #expect(codebook.centroids.elements == [5, -5] && codebook.occupancy == [2, 0])
  }

  @Test func theDeadGetResidualsAndTheEpochBeginsAgain() {
    var random = RandomSource(seed: 2)
    var codebook = LearningCodebook(points([[0], [100], [200], [300]]), decay: 0.5, batchSize: 4)
    let rows = points([[1], [2], [3]])
    codebook.observe(rows, [0, 0, 0], isMoving: false)
    let level = codebook.endEpoch(restartingFrom: rows, using: &random)
    #expect(level.restarted == 3 && level.utilization == 0.25 && level.entropy == 0)
    #expect(codebook.centroids.elements.dropFirst().sorted() == [1, 2, 3], "each its own row")
    #expect(codebook.occupancy == [0, 0, 0, 0])
  }

  @Test func moreDeadThanRowsAreRestartedAsFarAsTheseGo() {
    var random = RandomSource(seed: 2)
    var codebook = LearningCodebook(points([[0], [100], [200], [300]]), decay: 0.5, batchSize: 4)
    let level = codebook.endEpoch(restartingFrom: points([[7]]), using: &random)
    #expect(level.restarted == 1 && codebook.centroids.elements == [7, 100, 200, 300])
  }

  @Test func withoutResidualsTheDeadStay() {
    var random = RandomSource(seed: 2)
    var codebook = LearningCodebook(points([[0], [100]]), decay: 0.5, batchSize: 4)
    codebook.observe(points([[1]]), [0], isMoving: false)
    let level = codebook.endEpoch(restartingFrom: nil, using: &random)
    #expect(level.restarted == 0 && codebook.centroids.elements == [0, 100])
  }
}
