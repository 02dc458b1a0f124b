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
  private(set) var codes: ContiguousArray<UInt16>
  private(set) var iterations: [KMeansIteration] = []

  init(_ rows: PreparedRows, from start: Matrix) {
    self.rows = rows
    centroids = start
    codes = ContiguousArray(repeating: .max, count: rows.count)
  }

  /// Repeats until no row changes its cluster, at most `limit` times.
  mutating func train(iterations limit: Int, progress: (KMeansIteration) -> Void) {
    while iterations.count < limit {
      let statistics = iterate(isFirst: iterations.isEmpty)
      iterations.append(statistics)
      progress(statistics)
      if statistics.moved == 0 { break }
    }
  }

  private mutating func iterate(isFirst: Bool) -> KMeansIteration {
    let former = codes
    var remaining = ContiguousArray<Int32>((0..<rows.count).lazy.map(Int32.init))
    var objective = 0.0
    for cluster in 0..<centroids.rows {
      // |V| / K rows each; where that is no whole number, shares differ by at most one and together cover all rows.
      let share = (cluster + 1) * rows.count / centroids.rows - cluster * rows.count / centroids.rows
      let distances = distances(from: cluster, to: remaining)
      let order = (0..<remaining.count).sorted { (distances[$0], $0) < (distances[$1], $1) }
      for position in order.prefix(share) {
        codes[Int(remaining[position])] = UInt16(cluster)
        objective += Double(distances[position])
      }
      remaining = ContiguousArray(order.dropFirst(share).sorted().lazy.map { remaining[$0] })
    }
    let members = ClusterMembers(codes: codes, clusters: centroids.rows)
    centroids = members.means(of: rows.matrix, keeping: centroids)
    return KMeansIteration(
      objective: objective / Double(rows.count), moved: isFirst ? rows.count : movedCount(former, codes), repaired: 0)
  }

  private func distances(from cluster: Int, to remaining: ContiguousArray<Int32>) -> [Float] {
    let center = centroids.row(cluster)
    return Parallelism.mapChunks(of: remaining.count, size: 4096) { range in
      range.map { squaredDistance(rows.matrix.row(Int(remaining[$0])), center) }
    }.flatMap { $0 }
  }
}
