internal import TensorMath

/// Gives clusters without members something to do.
enum ClusterRepair {
  /// How far a new centroid lies from the one it splits, as a share of the way to the cluster's farthest row. Small, so
  /// that the plane between the two passes through the cluster's middle even in many dimensions.
  private static let step: Float = 1 / 32

  /// Moves the centroid of every empty cluster next to that of a cluster with a large summed distance, the largest
  /// first, each used once; returns how many were moved. Where no cluster has both two members and an error, as with
  /// fewer distinct rows than clusters, empty ones stay.
  static func splitWorst(
    _ centroids: inout Matrix, members: ClusterMembers, distances: ContiguousArray<Float>, rows: Matrix
  ) -> Int {
    let empty = (0..<members.clusterCount).filter { members.count($0) == 0 }
    guard !empty.isEmpty else { return 0 }
    let errors = (0..<members.clusterCount).map { cluster in
      members[cluster].reduce(0.0) { $0 + Double(distances[Int($1)]) }
    }
    let donors = errors.indices
      .filter { members.count($0) > 1 && errors[$0] > 0 }
      .sorted { (errors[$1], $0) < (errors[$0], $1) }
    for (cluster, donor) in zip(empty, donors) {
      let farthest = members[donor].reduce(members[donor][members[donor].startIndex]) {
        distances[Int($1)] > distances[Int($0)] ? $1 : $0
      }
      for column in 0..<centroids.columns {
        let center = centroids[donor, column]
        centroids[cluster, column] = center + step * (rows[Int(farthest), column] - center)
      }
    }
    return min(empty.count, donors.count)
  }
}
