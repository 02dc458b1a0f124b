internal import CVectorKernels

/// Rows grouped by the cluster they belong to, each group in row order.
package struct ClusterMembers: Sendable {
  /// All rows, cluster after cluster.
  package let rows: ContiguousArray<Int32>

  /// Cluster k has the rows at `starts[k]..<starts[k + 1]`.
  package let starts: ContiguousArray<Int>

  /// - Complexity: O(rows + clusters).
  package init(codes: ContiguousArray<UInt16>, clusters: Int) {
    var starts = ContiguousArray<Int>(repeating: 0, count: clusters + 1)
    for code in codes { starts[Int(code) + 1] += 1 }
    for cluster in 0..<clusters { starts[cluster + 1] += starts[cluster] }
    var next = starts
    var rows = ContiguousArray<Int32>(repeating: 0, count: codes.count)
    for (row, code) in codes.enumerated() {
      rows[next[Int(code)]] = Int32(row)
      next[Int(code)] += 1
    }
    self.rows = rows
    self.starts = starts
  }

  package var clusterCount: Int { starts.count - 1 }

  /// How many rows a cluster has.
  package func count(_ cluster: Int) -> Int { starts[cluster + 1] - starts[cluster] }

  /// The rows of a cluster, in order.
  package subscript(cluster: Int) -> ArraySlice<Int32> { rows[starts[cluster]..<starts[cluster + 1]] }

  /// The mean of every cluster's rows, summed in row order in double precision; an empty cluster keeps its row of
  /// `former`. Bit-identical for any number of threads, since one thread sums all of a cluster.
  package func means(of matrix: Matrix, keeping former: Matrix) -> Matrix {
    var result = former
    let columns = matrix.columns
    unsafe result.elements.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      let shared = unsafe SharedPointer(base)
      Parallelism.forEachChunk(of: clusterCount, size: 16) { clusters in
        var sum = [Double](repeating: 0, count: columns)
        unsafe matrix.elements.withUnsafeBufferPointer { source in
          for cluster in clusters where count(cluster) > 0 {
            for column in 0..<columns { sum[column] = 0 }
            for row in self[cluster] {
              unsafe tessera_accumulate(&sum, source.baseAddress! + Int(row) * columns, columns)
            }
            let scale = 1 / Double(count(cluster))
            for column in 0..<columns { unsafe shared.pointer[cluster * columns + column] = Float(sum[column] * scale) }
          }
        }
      }
    }
    return result
  }
}
