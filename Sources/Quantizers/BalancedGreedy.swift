internal import TensorMath

/// OneRec's Algorithm 1 (2502.18965, section 3.1) as printed, for comparison: cluster after cluster takes its share of
/// the rows nearest to it among those that are left, and moves to their mean.
///
/// Late clusters get leftovers, and the assignment is not what a nearest-centroid search gives, so it is not reported:
/// callers encode by the serving rule.
/// - Complexity: O(n · size · dimensions) per iteration, by one centroid at a time.
struct BalancedGreedy {
  private let rows: PreparedRows
  private(set) var centroids: Matrix
  private var sums: ClusterSums
  private(set) var iterations: [KMeansIteration] = []

  init(_ rows: PreparedRows, from start: Matrix) {
    self.rows = rows
    centroids = start
    sums = ClusterSums(rows.matrix, clusters: start.rows)
  }

  /// Repeats until no row changes its cluster, at most `limit` times.
  mutating func train(iterations limit: Int, progress: (KMeansIteration) -> Void) {
    while iterations.count < limit {
      let statistics = iterate()
      iterations.append(statistics)
      progress(statistics)
      if statistics.moved == 0 { break }
    }
  }

  private mutating func iterate() -> KMeansIteration {
    var codes = ContiguousArray<UInt16>(repeating: 0, count: rows.count)
    var remaining = ContiguousArray<Int32>((0..<rows.count).lazy.map(Int32.init))
    var objective = 0.0
    for cluster in 0..<centroids.rows {
      // |V| / K rows each; where that is no whole number, shares differ by at most one and together cover all rows.
      let share = (cluster + 1) * rows.count / centroids.rows - cluster * rows.count / centroids.rows
      // Distances are not negative, so their bit patterns sort as they do; the row breaks ties.
      var keys = distances(from: cluster, to: remaining)
      moveSmallest(share, ofKeys: &keys)
      for key in keys.prefix(share) {
        codes[Int(key & 0xFFFF_FFFF)] = UInt16(cluster)
        objective += Double(Float(bitPattern: UInt32(key >> 32)))
      }
      remaining = ContiguousArray(keys.dropFirst(share).lazy.map { Int32($0 & 0xFFFF_FFFF) })
    }
    sums.update(codes)
    centroids = sums.means(keeping: centroids)
    return KMeansIteration(objective: objective / Double(rows.count), moved: sums.movedCount, repaired: 0)
  }

  /// For each remaining row, the distance's bits and below them the row.
  private func distances(from cluster: Int, to remaining: ContiguousArray<Int32>) -> [UInt64] {
    let center = centroids.row(cluster)
    return Parallelism.mapChunks(of: remaining.count, size: 4096) { range in
      range.map { position in
        let row = Int(remaining[position])
        return UInt64(squaredDistance(rows.matrix.row(row), center).bitPattern) << 32 | UInt64(row)
      }
    }.flatMap { $0 }
  }
}

/// Reorders distinct keys so that the `count` smallest come first (Hoare's selection); expected linear time.
func moveSmallest(_ count: Int, ofKeys keys: inout [UInt64]) {
  var low = 0, high = keys.count - 1
  while low < high {
    let pivot = max(min(keys[low], keys[high]), min(max(keys[low], keys[high]), keys[(low + high) / 2]))
    var left = low, right = high
    while left <= right {
      while keys[left] < pivot { left += 1 }
      while keys[right] > pivot { right -= 1 }
      if left <= right {
        keys.swapAt(left, right)
        left += 1
        right -= 1
      }
    }
    if count - 1 <= right { high = right } else if count - 1 >= left { low = left } else { return }
  }
}
