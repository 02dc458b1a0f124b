internal import CVectorKernels

/// Tiles per block of centroids: 2,046 centroids, whose scores for one panel take half a mebibyte of the second-level
/// cache.
private let tilesPerBlock = 341

extension NearestCentroids {
  /// Searches rows `range` of `matrix` on the calling thread. The range starts at a multiple of 64 where `panels` are
  /// given; without them the rows are rounded on the way.
  @unsafe func byteSearch(
    _ matrix: Matrix, _ range: Range<Int>, norms: ContiguousArray<Float>?, panels: BytePanels?, tiles: ByteTiles,
    regrets: Bool
  ) -> CentroidAssignment {
    var result = CentroidAssignment()
    result.reserve(range.count)
    let panelBytes = BytePanels.byteCount(dimensions: matrix.columns)
    let scratch = PanelScratch(
      scores: min(tiles.count, tilesPerBlock) * ByteTiles.centroids * BytePanels.rows, bytes: panelBytes)
    unsafe matrix.elements.withUnsafeBufferPointer { source in
      for first in stride(from: range.lowerBound, to: range.upperBound, by: BytePanels.rows) {
        let count = min(BytePanels.rows, range.upperBound - first)
        let rows = unsafe source.baseAddress! + first * matrix.columns
        if let panels {
          let panel = first / BytePanels.rows
          unsafe panels.packed.withUnsafeBufferPointer { packed in
            unsafe panels.facts.withUnsafeBufferPointer { facts in
              unsafe search(
                rows, count, norms: norms?[first..<first + count],
                packed: packed.baseAddress! + panel * panelBytes,
                facts: facts.baseAddress! + panel * BytePanels.factCount, tiles, scratch, regrets: regrets)
            }
          }
        } else {
          unsafe tessera_pack_panel(rows, count, matrix.columns, scratch.bytes, scratch.facts)
          unsafe search(
            rows, count, norms: nil, packed: scratch.bytes, facts: scratch.facts, tiles, scratch, regrets: regrets)
        }
        for row in 0..<count {
          result.codes.append(unsafe UInt16(scratch.codes[row]))
          result.distances.append(unsafe scratch.distances[row])
          if regrets { result.regrets.append(unsafe scratch.second[row] - scratch.lowest[row]) }
        }
      }
    }
    return result
  }

  /// Leaves codes, distances and scores of up to 64 rows in `scratch`.
  @unsafe private func search(
    _ rows: UnsafePointer<Float>, _ count: Int, norms: ArraySlice<Float>?, packed: UnsafePointer<UInt8>,
    facts: UnsafePointer<Float>, _ tiles: ByteTiles, _ scratch: borrowing PanelScratch, regrets: Bool
  ) {
    let dimensions = centroids.columns
    unsafe scratch.reset()
    for row in 0..<count {
      let start = norms?.startIndex ?? 0
      unsafe scratch.squaredNorms[row] =
        norms?[start + row] ?? tessera_squared_norm(rows + row * dimensions, dimensions)
    }
    for firstTile in stride(from: 0, to: tiles.count, by: tilesPerBlock) {
      let tileRange = firstTile..<min(tiles.count, firstTile + tilesPerBlock)
      let first = firstTile * ByteTiles.centroids
      let blockCount = min(centroids.rows, tileRange.upperBound * ByteTiles.centroids) - first
      if regrets { unsafe scratch.rememberLowest() }
      unsafe score(tileRange, tiles, packed: packed, scales: facts, scratch)
      unsafe propose(rows, count, facts: facts, tiles, scratch)
      unsafe decide(rows, count, first..<first + blockCount, scratch)
      if regrets {
        unsafe scratch.demoteFormerLowest()
        unsafe tessera_second_scores(scratch.scores, blockCount, UInt32(first), scratch.proposals, scratch.second)
      }
    }
  }

  /// Scores one block of centroids, and carries the lowest score and its centroid on.
  @unsafe private func score(
    _ range: Range<Int>, _ tiles: ByteTiles, packed: UnsafePointer<UInt8>, scales: UnsafePointer<Float>,
    _ scratch: borrowing PanelScratch
  ) {
    let first = range.lowerBound * ByteTiles.centroids
    unsafe tiles.packed.withUnsafeBufferPointer { bytes in
      unsafe tiles.corrections.withUnsafeBufferPointer { corrections in
        unsafe tiles.factors.withUnsafeBufferPointer { factors in
          unsafe tiles.offsets.withUnsafeBufferPointer { offsets in
            var block = unsafe tessera_int8_centroids(
              tiles: range.count, groups: (centroids.columns + 3) / 4,
              packed: bytes.baseAddress! + range.lowerBound * tiles.tileBytes,
              corrections: corrections.baseAddress! + first, factors: factors.baseAddress! + first,
              offsets: offsets.baseAddress! + first)
            unsafe tessera_panel_scores(
              packed, scales, &block, UInt32(first), scratch.scores, scratch.lowest, scratch.proposals)
          }
        }
      }
    }
  }

  /// Measures the best-scored centroid of every row exactly, and sets the score above which no other can be nearer.
  @unsafe private func propose(
    _ rows: UnsafePointer<Float>, _ count: Int, facts: UnsafePointer<Float>, _ tiles: ByteTiles,
    _ scratch: borrowing PanelScratch
  ) {
    let dimensions = centroids.columns
    unsafe centroids.elements.withUnsafeBufferPointer { source in
      for row in 0..<count {
        let proposal = unsafe scratch.proposals[row]
        if unsafe proposal != scratch.codes[row] || scratch.distances[row] == .infinity {
          var distance = unsafe tessera_squared_distance(
            rows + row * dimensions, source.baseAddress! + Int(proposal) * dimensions, dimensions)
          if let prices { distance += prices[Int(proposal)] }
          unsafe scratch.take(distance, code: proposal, row: row)
        }
        let norm = unsafe scratch.squaredNorms[row].squareRoot()
        let productError =
          unsafe 2
          * (facts[2 * BytePanels.rows + row] * largestNorm + facts[BytePanels.rows + row] * tiles.largestError)
        unsafe scratch.thresholds[row] =
          scratch.distances[row] - scratch.squaredNorms[row] + margin(norm: norm, productError: productError)
      }
    }
  }

  /// Measures every centroid of the block whose score is within the threshold.
  @unsafe private func decide(
    _ rows: UnsafePointer<Float>, _ count: Int, _ block: Range<Int>, _ scratch: borrowing PanelScratch
  ) {
    let dimensions = centroids.columns
    unsafe centroids.elements.withUnsafeBufferPointer { source in
      let base = unsafe source.baseAddress! + block.lowerBound * dimensions
      if let prices {
        unsafe prices.withUnsafeBufferPointer { list in
          unsafe tessera_decide(
            scratch.scores, scratch.thresholds, rows, count, base, list.baseAddress! + block.lowerBound, block.count,
            dimensions, UInt32(block.lowerBound), scratch.distances, scratch.codes)
        }
      } else {
        unsafe tessera_decide(
          scratch.scores, scratch.thresholds, rows, count, base, nil, block.count, dimensions,
          UInt32(block.lowerBound), scratch.distances, scratch.codes)
      }
    }
  }
}
