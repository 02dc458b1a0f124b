internal import CVectorKernels

/// Sums of the rows of each cluster, in double precision, kept up to date while rows change their cluster.
///
/// Only rows that moved are read again. A cluster is summed by one thread in row order, so sums are the same, bit for
/// bit, for any number of threads.
package struct ClusterSums: Sendable {
  private let matrix: Matrix
  private var sums: ContiguousArray<Double>
  private var codes: ContiguousArray<UInt16>?

  /// Rows per cluster.
  package private(set) var counts: [Int]

  /// Rows whose cluster the last update changed; all after the first.
  package private(set) var movedCount = 0

  package init(_ matrix: Matrix, clusters: Int) {
    self.matrix = matrix
    sums = ContiguousArray(repeating: 0, count: clusters * matrix.columns)
    counts = Array(repeating: 0, count: clusters)
  }

  /// Takes over a new assignment of all rows.
  package mutating func update(_ current: ContiguousArray<UInt16>) {
    precondition(current.count == matrix.rows, "\(current.count) codes for \(matrix.rows) rows")
    var moved = ContiguousArray<Int32>()
    if let codes {
      for row in current.indices where codes[row] != current[row] { moved.append(Int32(row)) }
      add(moved, codes, weight: -1)
    } else {
      moved.append(contentsOf: (0..<matrix.rows).lazy.map(Int32.init))
    }
    add(moved, current, weight: 1)
    codes = current
    movedCount = moved.count
  }

  private mutating func add(_ rows: ContiguousArray<Int32>, _ codes: ContiguousArray<UInt16>, weight: Double) {
    let members = ClusterMembers(rows: rows, codes: codes, clusters: counts.count)
    for cluster in counts.indices { counts[cluster] += Int(weight) * members.count(cluster) }
    let columns = matrix.columns, matrix = matrix
    unsafe sums.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      let shared = unsafe SharedPointer(base)
      Parallelism.forEachChunk(of: members.clusterCount, size: 16) { clusters in
        unsafe matrix.elements.withUnsafeBufferPointer { source in
          for cluster in clusters {
            for row in members[cluster] {
              unsafe tessera_accumulate(
                shared.pointer + cluster * columns, source.baseAddress! + Int(row) * columns, weight, columns)
            }
          }
        }
      }
    }
  }

  /// The mean of every cluster; one without rows keeps its row of `former`.
  package func means(keeping former: Matrix) -> Matrix {
    var result = former
    for cluster in counts.indices where counts[cluster] > 0 {
      let scale = 1 / Double(counts[cluster])
      for position in cluster * matrix.columns..<(cluster + 1) * matrix.columns {
        result.elements[position] = Float(sums[position] * scale)
      }
    }
    return result
  }
}
