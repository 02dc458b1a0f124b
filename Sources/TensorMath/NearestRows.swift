internal import CVectorKernels

/// Exact search for the k nearest of many rows by Euclidean distance, ties to the lower row.
///
/// As in ``NearestCentroids``, products in f32 propose and one fixed-order sum per candidate decides: every candidate that
/// the products' error bound cannot exclude is measured, so a query finds the same rows in the same order alone, in any
/// batch and on any number of threads. Scores exist for one block of queries and candidates at a time, never for all.
package struct NearestRows: Sendable {
  /// Queries and candidates per block: the scores of one take a mebibyte.
  private static let queriesPerBlock = 256
  private static let candidatesPerBlock = 1024

  /// Squared norms above this could overflow in a score.
  package static let largestSquaredNorm: Float = 1e36

  package let candidates: Matrix
  private let squaredNorms: ContiguousArray<Float>
  private let largestNorm: Float

  /// Prepares finite candidates (`m × dimensions`) for searches.
  /// - Complexity: O(m · dimensions).
  package init(_ candidates: Matrix) {
    precondition(candidates.rows > 0 && candidates.rows < Int(Int32.max), "\(candidates.rows) rows cannot be searched")
    self.candidates = candidates
    squaredNorms = candidates.rowSquaredNorms()
    largestNorm = (squaredNorms.max() ?? 0).squareRoot()
    precondition(largestNorm * largestNorm <= 2 * Self.largestSquaredNorm, "candidates too long for a distance")
  }

  /// The `count` nearest candidates of every query, nearest first.
  /// - Parameters:
  ///   - queries: `n × dimensions`, finite.
  ///   - excluded: per query a candidate that does not count, or -1; nil: all count.
  /// - Complexity: O(n · m · dimensions) time; beside the result about a mebibyte per thread.
  package func search(_ queries: Matrix, count: Int, excluding excluded: ContiguousArray<Int32>? = nil) -> RowNeighbors
  {
    precondition(queries.columns == candidates.columns, "queries and candidates differ in dimensions")
    precondition(excluded.map { $0.count == queries.rows } ?? true, "one excluded candidate per query, or none")
    precondition(
      count > 0 && count <= candidates.rows - (excluded == nil ? 0 : 1), "\(count) of \(candidates.rows) rows")
    let parts = Parallelism.mapChunks(of: queries.rows, size: Self.queriesPerBlock) { range in
      unsafe searchBlock(queries, range, count, excluded)
    }
    return RowNeighbors(
      count: count, rows: joined(parts.map(\.rows)), squaredDistances: joined(parts.map(\.squaredDistances)))
  }

  @unsafe private func searchBlock(
    _ queries: Matrix, _ range: Range<Int>, _ count: Int, _ excluded: ContiguousArray<Int32>?
  ) -> RowNeighbors {
    let dimensions = candidates.columns
    let scores = UnsafeMutablePointer<Float>.allocate(
      capacity: range.count * min(Self.candidatesPerBlock, candidates.rows))
    defer { unsafe scores.deallocate() }
    var found: [NearestList] = []
    unsafe queries.elements.withUnsafeBufferPointer { source in
      let base = unsafe source.baseAddress! + range.lowerBound * dimensions
      found = range.map { row in
        unsafe NearestList(
          capacity: count, excluded: excluded?[row] ?? -1,
          squaredNorm: tessera_squared_norm(base + (row - range.lowerBound) * dimensions, dimensions))
      }
      for start in stride(from: 0, to: candidates.rows, by: Self.candidatesPerBlock) {
        let block = start..<min(candidates.rows, start + Self.candidatesPerBlock)
        unsafe compare(base, block, scores, &found)
      }
    }
    var result = RowNeighbors(count: count, rows: [], squaredDistances: [])
    for list in found { result.append(list.sorted()) }
    return result
  }

  /// Compares a block of queries with a block of candidates.
  @unsafe private func compare(
    _ queries: UnsafePointer<Float>, _ block: Range<Int>, _ scores: UnsafeMutablePointer<Float>,
    _ found: inout [NearestList]
  ) {
    let dimensions = candidates.columns
    unsafe candidates.elements.withUnsafeBufferPointer { source in
      let base = unsafe source.baseAddress! + block.lowerBound * dimensions
      unsafe multiply(queries, base, scores, m: found.count, n: block.count, k: dimensions, transposingRight: true)
      unsafe squaredNorms.withUnsafeBufferPointer { norms in
        for query in found.indices {
          let own = unsafe scores + query * block.count
          let lowest = unsafe tessera_scores(own, norms.baseAddress! + block.lowerBound, block.count)
          guard lowest <= threshold(found[query]) else { continue }
          unsafe measure(queries + query * dimensions, base, block, own, &found[query])
        }
      }
    }
  }

  /// Measures every candidate of the block that may be among the nearest.
  @unsafe private func measure(
    _ query: UnsafePointer<Float>, _ base: UnsafePointer<Float>, _ block: Range<Int>, _ scores: UnsafePointer<Float>,
    _ found: inout NearestList
  ) {
    let dimensions = candidates.columns
    var threshold = threshold(found)
    var position = unsafe tessera_first_at_most(scores, 0, block.count, threshold)
    while position < block.count {
      let distance = unsafe tessera_squared_distance(query, base + position * dimensions, dimensions)
      if found.take(distance, row: Int32(block.lowerBound + position)) { threshold = self.threshold(found) }
      position = unsafe tessera_first_at_most(scores, position + 1, block.count, threshold)
    }
  }

  /// The score above which no candidate can enter the list: that of the farthest listed one, and what rounding may add.
  private func threshold(_ list: NearestList) -> Float {
    guard list.isFull else { return .infinity }
    let norm = list.squaredNorm.squareRoot(), reach = norm + largestNorm
    // A sum of d products errs by at most d roundings of ‖q‖‖c‖, whatever its order.
    let productError = 2 * Float(candidates.columns + 16) * 0x1p-24 * norm * largestNorm
    let rounding = Float(candidates.columns / 16 + 16) * 0x1p-23 * reach * reach
    return list.farthest - list.squaredNorm + productError * 1.0001 + rounding
  }
}

/// Neighbours of many queries.
package struct RowNeighbors: Sendable, Equatable {
  /// Per query.
  package let count: Int
  /// `queries × count`, nearest first.
  package private(set) var rows: ContiguousArray<Int32>
  /// `‖query − row‖²` in f32, as `rows`.
  package private(set) var squaredDistances: ContiguousArray<Float>

  init(count: Int, rows: ContiguousArray<Int32>, squaredDistances: ContiguousArray<Float>) {
    self.count = count
    self.rows = rows
    self.squaredDistances = squaredDistances
  }

  fileprivate mutating func append(_ entries: [NearestList.Entry]) {
    for entry in entries {
      rows.append(entry.row)
      squaredDistances.append(entry.distance)
    }
  }
}

/// The nearest rows so far: a heap with the farthest on top.
private struct NearestList {
  struct Entry {
    let distance: Float
    let row: Int32

    func isNearer(than other: Entry) -> Bool {
      distance < other.distance || (distance == other.distance && row < other.row)
    }
  }

  let capacity: Int
  let excluded: Int32
  let squaredNorm: Float
  private var heap: [Entry] = []

  init(capacity: Int, excluded: Int32, squaredNorm: Float) {
    self.capacity = capacity
    self.excluded = excluded
    self.squaredNorm = squaredNorm
    heap.reserveCapacity(capacity)
  }

  var isFull: Bool { heap.count == capacity }
  var farthest: Float { heap.first?.distance ?? .infinity }

  /// Whether the farthest entry changed or the list became full.
  mutating func take(_ distance: Float, row: Int32) -> Bool {
    guard row != excluded else { return false }
    let entry = Entry(distance: distance, row: row)
    if heap.count < capacity {
      heap.append(entry)
      siftUp()
      return isFull
    }
    guard entry.isNearer(than: heap[0]) else { return false }
    heap[0] = entry
    siftDown()
    return true
  }

  func sorted() -> [Entry] { heap.sorted { $0.isNearer(than: $1) } }

  private mutating func siftUp() {
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[parent].isNearer(than: heap[child]) else { return }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      var farthest = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[farthest].isNearer(than: heap[child]) { farthest = child }
      }
      guard farthest != parent else { return }
      heap.swapAt(parent, farthest)
      parent = farthest
    }
  }
}
