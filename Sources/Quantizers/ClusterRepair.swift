package import TensorMath

/// Gives clusters with too few members something to do.
package struct ClusterRepair {
  /// How far a new centroid lies from the one it splits, as a share of the way to the cluster's farthest row. Small, so
  /// that the plane between the two passes through the cluster's middle even in many dimensions.
  private static let step: Float = 1 / 32

  /// A cluster and the one that now shares its rows.
  package struct Split: Equatable {
    package let donor: Int
    package let cluster: Int

    package init(donor: Int, cluster: Int) {
      self.donor = donor
      self.cluster = cluster
    }
  }

  private let members: ClusterMembers
  private let distances: ContiguousArray<Float>
  private let rows: Matrix

  package init(clusters: Int, codes: ContiguousArray<UInt16>, distances: ContiguousArray<Float>, rows: Matrix) {
    members = ClusterMembers(codes: codes, clusters: clusters)
    self.distances = distances
    self.rows = rows
  }

  /// Moves the centroid of every empty cluster next to that of a cluster with a large summed distance, the largest
  /// first, each used once; returns who was split for whom. Where no cluster has both two members and an error, as
  /// with fewer distinct rows than clusters, empty ones stay.
  package func splitWorst(_ centroids: inout Matrix) -> [Split] {
    let empty = clusters.filter { members.count($0) == 0 }
    guard !empty.isEmpty else { return [] }
    let errors = clusters.map { members[$0].reduce(0.0) { $0 + Double(distances[Int($1)]) } }
    let donors =
      clusters
      .filter { members.count($0) > 1 && errors[$0] > 0 }
      .sorted { (errors[$1], $0) < (errors[$0], $1) }
    return split(donors, into: empty, &centroids)
  }

  /// Moves the centroids of the smallest clusters, below `light` members, next to those of the largest, of `heavy` or
  /// more; returns who was split for whom.
  package func splitLargest(_ centroids: inout Matrix, light: Double, heavy: Double) -> [Split] {
    let donors =
      clusters
      .filter { Double(members.count($0)) >= heavy && members.count($0) > 1 }
      .sorted { (members.count($1), $0) < (members.count($0), $1) }
    let small =
      clusters
      .filter { Double(members.count($0)) < light }
      .sorted { (members.count($0), $0) < (members.count($1), $1) }
    return split(donors, into: small, &centroids)
  }

  private var clusters: Range<Int> { 0..<members.clusterCount }

  private func split(_ donors: [Int], into clusters: [Int], _ centroids: inout Matrix) -> [Split] {
    let splits = zip(donors, clusters).map { Split(donor: $0, cluster: $1) }
    for split in splits {
      let own = members[split.donor]
      let farthest = own.reduce(own[own.startIndex]) { distances[Int($1)] > distances[Int($0)] ? $1 : $0 }
      for column in 0..<centroids.columns {
        let center = centroids[split.donor, column]
        centroids[split.cluster, column] = center + Self.step * (rows[Int(farthest), column] - center)
      }
    }
    return splits
  }
}
