import TensorMath
import TestSupport
import Testing

/// The k nearest rows against a sort of all distances.
@Suite struct NearestRowsTests {
  private func naive(
    _ queries: Matrix, _ candidates: Matrix, count: Int, excluding: ContiguousArray<Int32>? = nil
  ) -> (rows: [Int32], distances: [Float]) {
    var rows: [Int32] = []
    var distances: [Float] = []
    for query in 0..<queries.rows {
      let all = (0..<candidates.rows).filter { Int32($0) != excluding?[query] }
        .map { (distance: squaredDistance(queries.row(query), candidates.row($0)), row: Int32($0)) }
        .sorted { ($0.distance, $0.row) < ($1.distance, $1.row) }
      rows += all.prefix(count).map(\.row)
      distances += all.prefix(count).map(\.distance)
    }
    return (rows, distances)
  }

  /// Around the blocks of 256 queries and 1,024 candidates.
  @Test(arguments: [
    (1, 1, 1, 1), (3, 5, 2, 5), (255, 10, 7, 3), (256, 1023, 5, 10), (257, 1024, 5, 4), (20, 1025, 33, 25),
    (5, 2500, 16, 100),
  ])
  func findsWhatASortFinds(queries: Int, candidates: Int, dimensions: Int, count: Int) {
    var random = RandomSource(seed: UInt64(queries * 7 + candidates))
    let q = normalMatrix(queries, dimensions, using: &random), c = normalMatrix(candidates, dimensions, using: &random)
    let found = NearestRows(c).search(q, count: count)
    let expected = naive(q, c, count: count)
    #expect(found.count == count)
    #expect(Array(found.rows) == expected.rows)
    #expect(Array(found.squaredDistances) == expected.distances)
  }

  /// Few different values: most distances are those of many candidates.
  @Test(arguments: 0..<6 as Range<UInt64>) func tiesGoToTheLowerRow(seed: UInt64) {
    var random = RandomSource(seed: seed)
    func coarse(_ rows: Int) -> Matrix {
      Matrix(
        rows: rows, columns: 3,
        elements: ContiguousArray((0..<rows * 3).map { _ in Float(Int.random(in: 0...1, using: &random)) }))
    }
    let q = coarse(40), c = coarse(1100)
    for count in [1, 7, 300, 1100] {
      let found = NearestRows(c).search(q, count: count)
      let expected = naive(q, c, count: count)
      #expect(Array(found.rows) == expected.rows && Array(found.squaredDistances) == expected.distances, "\(count)")
    }
  }

  @Test func aCandidateThatDoesNotCountIsNeverFound() {
    var random = RandomSource(seed: 9)
    let rows = normalMatrix(300, 8, using: &random)
    let excluded = ContiguousArray((0..<300).map { $0 % 5 == 0 ? -1 : Int32($0) })
    let found = NearestRows(rows).search(rows, count: 6, excluding: excluded)
    let expected = naive(rows, rows, count: 6, excluding: excluded)
    #expect(Array(found.rows) == expected.rows)
    for query in 0..<300 {
      let first = found.rows[query * 6]
      #expect((first == Int32(query)) == (query % 5 == 0), "a row is its own nearest unless it is left out")
    }
    // All others, where one is left out.
    let all = NearestRows(rows.rows(0..<7)).search(rows.rows(0..<7), count: 6, excluding: [0, 1, 2, 3, 4, 5, 6])
    for query in 0..<7 {
      #expect(Set(all.rows[query * 6..<query * 6 + 6]) == Set((0..<7).filter { $0 != Int32(query) }))
    }
  }

  @Test func aQueryFindsTheSameAloneAndAmongOthersOnAnyNumberOfThreads() {
    var random = RandomSource(seed: 10)
    let q = normalMatrix(600, 48, using: &random), c = clusteredMatrix(1500, 48, centers: 20, using: &random)
    let search = NearestRows(c)
    let one = withThreads(1) { search.search(q, count: 9) }
    for threads in [2, 5] { #expect(withThreads(threads) { search.search(q, count: 9) } == one) }
    for query in [0, 255, 256, 599] {
      let alone = search.search(q.rows(query..<query + 1), count: 9)
      #expect(alone.rows == ContiguousArray(one.rows[query * 9..<query * 9 + 9]))
      #expect(alone.squaredDistances == ContiguousArray(one.squaredDistances[query * 9..<query * 9 + 9]))
    }
  }

  /// Long vectors that lie close together: products lose what tells them apart, distances do not.
  @Test func nearRowsFarFromTheOriginAreToldApart() {
    var random = RandomSource(seed: 11)
    var c = normalMatrix(400, 12, using: &random)
    for index in c.elements.indices { c.elements[index] = 4096 + c.elements[index] }
    let q = c.selectingRows(Array(stride(from: 0, to: 400, by: 13)))
    let found = NearestRows(c).search(q, count: 5)
    #expect(Array(found.rows) == naive(q, c, count: 5).rows)
    #expect(
      stride(from: 0, to: found.rows.count, by: 5).map { Int(found.rows[$0]) }
        == Array(stride(from: 0, to: 400, by: 13)))
  }

  @Test func zerosAndLargeNumbersAreMeasured() {
    let c = Matrix(rows: 3, columns: 2, elements: [0, 0, 3e17, 0, -3e17, 1])
    let found = NearestRows(c).search(Matrix(rows: 2, columns: 2, elements: [0, 0, 3e17, 5]), count: 3)
    #expect(Array(found.rows.prefix(3)) == [0, 1, 2] && Array(found.rows.suffix(3)) == [1, 0, 2])
    #expect(found.squaredDistances[0] == 0 && found.squaredDistances.allSatisfy(\.isFinite))
    #expect(NearestRows(c).search(Matrix(rows: 0, columns: 2), count: 1).rows.isEmpty)
  }
}
