import Quantizers
import TensorMath
import TestSupport
import Testing

private func sample(_ rows: Int, _ columns: Int = 16, seed: UInt64 = 1) -> Matrix {
  var random = RandomSource(seed: seed)
  return clusteredMatrix(rows, columns, centers: 40, using: &random)
}

/// All distances, sorted: what the blocked search must find.
private func reference(
  _ x: Matrix, _ set: Matrix, count: Int, excluding: ContiguousArray<Int32>? = nil
) -> (rows: [UInt32], distances: [Float]) {
  var rows: [UInt32] = [], distances: [Float] = []
  for row in 0..<x.rows {
    let all = (0..<set.rows).filter { Int32($0) != excluding?[row] ?? -1 }
      .map { (distance: squaredDistance(x.row(row), set.row($0)), row: UInt32($0)) }
    let nearest = all.sorted { ($0.distance, $0.row) < ($1.distance, $1.row) }.prefix(count)
    rows += nearest.map(\.row)
    distances += nearest.map(\.distance)
  }
  return (rows, distances)
}

@Suite struct ItemSetCodebookTests {
  @Test(arguments: [(1, 1), (7, 3), (25, 25), (1024, 25), (1025, 5), (2500, 40)])
  func findsWhatAnExhaustiveSearchFinds(size: Int, count: Int) throws {
    let set = sample(size), x = sample(300, seed: 2)
    let found = try ItemSetCodebook(vectors: set).nearest(x, count: count)
    let expected = reference(x, set, count: count)
    #expect(Array(found.rows) == expected.rows)
    #expect(Array(found.squaredDistances) == expected.distances)
  }

  @Test(arguments: [1, 2, 3, 17, 64, 129]) func findsThemInAnyNumberOfDimensions(dimensions: Int) throws {
    let set = sample(600, dimensions), x = sample(120, dimensions, seed: 2)
    let found = try ItemSetCodebook(vectors: set).nearest(x, count: 10)
    #expect(Array(found.rows) == reference(x, set, count: 10).rows)
  }

  @Test func tiesGoToTheLowerRow() throws {
    let base = sample(40)
    let set = base.selectingRows((0..<2000).map { $0 % 40 })
    let found = try ItemSetCodebook(vectors: set).nearest(base, count: 60)
    #expect(Array(found.rows) == reference(base, set, count: 60).rows)
    #expect(Array(found.rows[0..<50]) == (0..<50).map { UInt32(40 * $0) }, "all copies of the item, in order")
  }

  @Test func nearCopiesFarFromTheOriginAreToldApart() throws {
    // Products cancel here almost entirely, so that only the exact sums can order the candidates.
    var random = RandomSource(seed: 3)
    var set = Matrix(rows: 500, columns: 32, elements: ContiguousArray(repeating: 100, count: 500 * 32))
    for element in set.elements.indices { set.elements[element] += 1e-3 * random.nextNormal() }
    let found = try ItemSetCodebook(vectors: set).nearest(set, count: 5)
    #expect(Array(found.rows) == reference(set, set, count: 5).rows)
  }

  @Test func leavesOutTheItemItselfWhereAsked() throws {
    let set = sample(700)
    let own = ContiguousArray((0..<700).map { $0 % 3 == 0 ? -1 : Int32($0) })
    let found = try ItemSetCodebook(vectors: set).nearest(set, count: 8, excluding: own)
    #expect(Array(found.rows) == reference(set, set, count: 8, excluding: own).rows)
    for row in 0..<700 {
      let neighbors = found.rows[row * 8..<row * 8 + 8]
      #expect(neighbors.contains(UInt32(row)) == (row % 3 == 0))
    }
  }

  @Test func neighborsAreSortedAndDistinct() throws {
    let found = try ItemSetCodebook(vectors: sample(900)).nearest(sample(100, seed: 4), count: 25)
    for row in 0..<100 {
      let range = row * 25..<(row + 1) * 25
      #expect(Set(found.rows[range]).count == 25)
      #expect(Array(found.squaredDistances[range]) == found.squaredDistances[range].sorted())
    }
  }

  @Test func aRowsNeighborsDependOnThatRowAlone() throws {
    let codebook = try ItemSetCodebook(vectors: sample(1500))
    let x = sample(700, seed: 5)
    let all = try codebook.nearest(x, count: 9)
    #expect(try withThreads(1) { try codebook.nearest(x, count: 9) } == all)
    #expect(try withThreads(3) { try codebook.nearest(x, count: 9) } == all)
    var blocks = ItemNeighbors(count: 9)
    for start in stride(from: 0, to: 700, by: 37) {
      blocks.append(try codebook.nearest(x.rows(start..<min(700, start + 37)), count: 9))
    }
    #expect(blocks == all)
  }

  @Test func refusesWhatItCannotSearch() throws {
    func code(_ body: () throws -> Void) -> QuantizerError.Code? {
      do { try body() } catch { return (error as? QuantizerError)?.code }
      return nil
    }
    var broken = sample(10)
    broken[3, 1] = .infinity
    var long = sample(10)
    long[3, 1] = 1e19
    #expect(code { _ = try ItemSetCodebook(vectors: Matrix(rows: 0, columns: 4)) } == .invalidCodebook)
    #expect(code { _ = try ItemSetCodebook(vectors: Matrix(rows: 4, columns: 0)) } == .invalidCodebook)
    #expect(code { _ = try ItemSetCodebook(vectors: broken) } == .notFinite)
    #expect(code { _ = try ItemSetCodebook(vectors: long) } == .notFinite)
    let codebook = try ItemSetCodebook(vectors: sample(10))
    #expect(code { _ = try codebook.nearest(broken, count: 2) } == .notFinite)
    #expect(code { _ = try codebook.nearest(long, count: 2) } == .notFinite)
    #expect(code { _ = try codebook.nearest(sample(3, 15), count: 2) } == .dimensionMismatch)
    #expect(code { _ = try codebook.nearest(sample(3), count: 0) } == .invalidParameters)
    #expect(code { _ = try codebook.nearest(sample(3), count: 11) } == .invalidParameters)
    #expect(code { _ = try codebook.nearest(sample(1), count: 10, excluding: [0]) } == .invalidParameters)
    #expect(code { _ = try codebook.nearest(sample(2), count: 2, excluding: [0]) } == .invalidParameters)
    #expect(code { _ = try codebook.nearest(sample(1), count: 2, excluding: [10]) } == .invalidParameters)
    #expect(try codebook.nearest(Matrix(rows: 0, columns: 16), count: 10).rows.isEmpty)
    #expect(codebook.largestNeighborCount() == 9 && codebook.largestNeighborCount(excludingSelf: false) == 10)
  }
}

@Suite struct ItemSetSelectionTests {
  @Test func selectsAll() throws { #expect(try ItemSetSelection.all.rows(of: 4) == [0, 1, 2, 3]) }

  @Test func aSampleIsAscendingAndTheSameForASeed() throws {
    let rows = try ItemSetSelection.sample(limit: 50, seed: 1).rows(of: 1000)
    #expect(rows.count == 50 && rows == rows.sorted() && Set(rows).count == 50)
    #expect(try ItemSetSelection.sample(limit: 50, seed: 1).rows(of: 1000) == rows)
    #expect(try ItemSetSelection.sample(limit: 50, seed: 2).rows(of: 1000) != rows)
    #expect(try ItemSetSelection.sample(limit: 50, seed: 2).rows(of: 20) == Array(0..<20))
  }

  @Test func theMostInteractedComeInTheCataloguesOrder() throws {
    let selection = ItemSetSelection.mostInteracted(limit: 3, counts: [5, 0, 9, 5, 5])
    #expect(try selection.rows(of: 5) == [0, 2, 3], "ties go to the lower row")
  }

  @Test func refusesLimitsAndCountsThatDoNotFit() {
    for selection in [
      ItemSetSelection.sample(limit: 0, seed: 1), .mostInteracted(limit: 0, counts: [1]),
      .mostInteracted(limit: 1, counts: [1, 2]),
    ] {
      #expect(throws: QuantizerError.self) { try selection.rows(of: 1) }
    }
  }
}
