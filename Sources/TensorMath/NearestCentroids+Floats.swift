internal import CVectorKernels

/// Rows and centroids per block: the scores of one take a mebibyte.
private let rowsPerBlock = 256
private let centroidsPerBlock = 1024

extension NearestCentroids {
  /// Searches rows `range` of `matrix` on the calling thread, proposing by f32 products.
  @unsafe func floatSearch(
    _ matrix: Matrix, _ range: Range<Int>, norms: ContiguousArray<Float>?, regrets: Bool
  ) -> CentroidAssignment {
    var result = CentroidAssignment()
    result.reserve(range.count)
    let scores = UnsafeMutablePointer<Float>.allocate(
      capacity: min(rowsPerBlock, range.count) * min(centroidsPerBlock, centroids.rows))
    defer { unsafe scores.deallocate() }
    unsafe matrix.elements.withUnsafeBufferPointer { source in
      for first in stride(from: range.lowerBound, to: range.upperBound, by: rowsPerBlock) {
        let count = min(rowsPerBlock, range.upperBound - first)
        let rows = unsafe source.baseAddress! + first * matrix.columns
        var found = [RowSearch](repeating: RowSearch(), count: count)
        for row in 0..<count {
          found[row].squaredNorm =
            unsafe norms?[first + row] ?? tessera_squared_norm(rows + row * matrix.columns, matrix.columns)
        }
        for start in stride(from: 0, to: centroids.rows, by: centroidsPerBlock) {
          let block = start..<min(centroids.rows, start + centroidsPerBlock)
          unsafe search(rows, block, scores: scores, &found, regrets: regrets)
        }
        result.codes.append(contentsOf: found.lazy.map { UInt16($0.code) })
        result.distances.append(contentsOf: found.lazy.map(\.distance))
        if regrets { result.regrets.append(contentsOf: found.lazy.map { $0.second - $0.lowest }) }
      }
    }
    return result
  }

  /// Compares rows with one block of centroids.
  @unsafe private func search(
    _ rows: UnsafePointer<Float>, _ block: Range<Int>, scores: UnsafeMutablePointer<Float>, _ found: inout [RowSearch],
    regrets: Bool
  ) {
    let dimensions = centroids.columns
    unsafe centroids.elements.withUnsafeBufferPointer { source in
      let base = unsafe source.baseAddress! + block.lowerBound * dimensions
      unsafe multiply(
        rows, base, scores, m: found.count, n: block.count, k: dimensions, transposingRight: true)
      unsafe offsets.withUnsafeBufferPointer { offsets in
        for row in found.indices {
          let own = unsafe scores + row * block.count
          let lowest = unsafe tessera_scores(own, offsets.baseAddress! + block.lowerBound, block.count)
          unsafe decide(rows + row * dimensions, base, block, own, lowest, &found[row])
          if regrets { unsafe found[row].note(lowest, own, block.count) }
        }
      }
    }
  }

  /// Measures the best-scored centroid of the block exactly, then every other that may be nearer.
  @unsafe private func decide(
    _ row: UnsafePointer<Float>, _ base: UnsafePointer<Float>, _ block: Range<Int>, _ scores: UnsafePointer<Float>,
    _ lowest: Float, _ found: inout RowSearch
  ) {
    let dimensions = centroids.columns
    func measure(_ position: Int) {
      var distance = unsafe tessera_squared_distance(row, base + position * dimensions, dimensions)
      if let prices { distance += prices[block.lowerBound + position] }
      found.take(distance, code: block.lowerBound + position)
    }
    let proposal = unsafe tessera_first_at_most(scores, 0, block.count, lowest)
    if proposal < block.count { measure(proposal) }
    let norm = found.squaredNorm.squareRoot()
    // A sum of d products errs by at most d roundings of ‖r‖‖c‖, whatever its order.
    let productError = 2 * Float(dimensions + 16) * 0x1p-24 * norm * largestNorm
    let threshold = found.distance - found.squaredNorm + margin(norm: norm, productError: productError)
    var position = unsafe tessera_first_at_most(scores, 0, block.count, threshold)
    while position < block.count {
      if position != proposal { measure(position) }
      position = unsafe tessera_first_at_most(scores, position + 1, block.count, threshold)
    }
  }
}

/// What is known of one row between blocks of centroids.
private struct RowSearch {
  var squaredNorm: Float = 0
  var distance = Float.infinity
  var code = 0
  var lowest = Float.infinity
  var second = Float.infinity

  mutating func take(_ distance: Float, code: Int) {
    guard distance < self.distance || (distance == self.distance && code < self.code) else { return }
    self.distance = distance
    self.code = code
  }

  /// Merges a block's two lowest scores; overwrites the lowest of `scores`.
  @unsafe mutating func note(_ blockLowest: Float, _ scores: UnsafeMutablePointer<Float>, _ count: Int) {
    let position = unsafe tessera_first_at_most(scores, 0, count, blockLowest)
    if position < count { unsafe scores[position] = .infinity }
    let blockSecond = unsafe tessera_minimum(scores, count)
    second = min(max(lowest, blockLowest), min(second, blockSecond))
    lowest = min(lowest, blockLowest)
  }
}
