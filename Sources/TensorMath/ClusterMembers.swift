/// Rows grouped by the cluster they belong to, each group in row order.
package struct ClusterMembers: Sendable {
  /// All rows, cluster after cluster.
  package let rows: ContiguousArray<Int32>

  /// Cluster k has the rows at `starts[k]..<starts[k + 1]`.
  package let starts: ContiguousArray<Int>

  /// - Complexity: O(rows + clusters).
  package init(codes: ContiguousArray<UInt16>, clusters: Int) {
    self.init(rows: ContiguousArray((0..<codes.count).lazy.map(Int32.init)), codes: codes, clusters: clusters)
  }

  /// Groups some of the rows, given in rising order, by the codes of all.
  init(rows chosen: ContiguousArray<Int32>, codes: ContiguousArray<UInt16>, clusters: Int) {
    var starts = ContiguousArray<Int>(repeating: 0, count: clusters + 1)
    for row in chosen { starts[Int(codes[Int(row)]) + 1] += 1 }
    for cluster in 0..<clusters { starts[cluster + 1] += starts[cluster] }
    var next = starts
    var rows = ContiguousArray<Int32>(repeating: 0, count: chosen.count)
    for row in chosen {
      let cluster = Int(codes[Int(row)])
      rows[next[cluster]] = row
      next[cluster] += 1
    }
    self.rows = rows
    self.starts = starts
  }

  package var clusterCount: Int { starts.count - 1 }

  /// How many rows a cluster has.
  package func count(_ cluster: Int) -> Int { starts[cluster + 1] - starts[cluster] }

  /// The rows of a cluster, in order.
  package subscript(cluster: Int) -> ArraySlice<Int32> { rows[starts[cluster]..<starts[cluster + 1]] }
}
