internal import TensorMath

/// K-means whose clusters have prices: a row belongs to `argmin_k ‖r − c_k‖² + p_k`. An over-full cluster's price rises
/// until the surplus leaves, as bids do in an auction (Bertsekas, 1988). The prices stay with the codebook, so new rows
/// are assigned by the rule that training used.
struct BalancedKMeans {
  private let rows: PreparedRows

  /// Rows that a cluster may hold.
  private let capacity: Int

  private(set) var centroids: Matrix
  private(set) var prices: [Float]
  private(set) var iterations: [KMeansIteration] = []

  /// Share of a price that a cluster keeps per iteration while it is not full.
  private static let decay: Float = 0.8

  /// Rounds of bidding once the centroids stand. Copies of one row cannot be told apart by any price, so data with
  /// more copies than a cluster may hold never becomes even.
  private static let roundLimit = 400

  init(_ rows: PreparedRows, from start: Matrix, prices: [Float]?, capacitySlack: Float) {
    self.rows = rows
    centroids = start
    self.prices = prices ?? Array(repeating: 0, count: start.rows)
    let mean = Double(rows.count) / Double(start.rows)
    capacity = max(Int(mean.rounded(.up)), Int(mean * (1 + Double(capacitySlack))))
  }

  mutating func train(iterations limit: Int, progress: (KMeansIteration) -> Void) {
    var former: ContiguousArray<UInt16>?
    while iterations.count < limit {
      let assignment = NearestCentroids(centroids, prices: prices).assign(rows, regrets: true)
      let members = ClusterMembers(codes: assignment.codes, clusters: centroids.rows)
      let moved = former.map { movedCount($0, assignment.codes) } ?? rows.count
      let distances = squaredDistances(assignment)
      let objective = distances.reduce(0.0) { $0 + Double($1) } / Double(rows.count)
      centroids = members.means(of: rows.matrix, keeping: centroids)
      let repaired = ClusterRepair.splitWorst(
        &centroids, members: members, distances: distances, rows: rows.matrix)
      adjust(members, assignment.regrets)
      iterations.append(KMeansIteration(objective: objective, moved: moved, repaired: repaired))
      progress(iterations[iterations.count - 1])
      former = assignment.codes
    }
    bid()
  }

  /// The assignment's distances without the prices.
  private func squaredDistances(_ assignment: CentroidAssignment) -> ContiguousArray<Float> {
    ContiguousArray(zip(assignment.distances, assignment.codes).lazy.map { max(0, $0 - prices[Int($1)]) })
  }

  /// Raises the prices of over-full clusters and lowers those of the others.
  private mutating func adjust(_ members: ClusterMembers, _ regrets: ContiguousArray<Float>) {
    for cluster in prices.indices {
      let surplus = members.count(cluster) - capacity
      if surplus > 0 {
        prices[cluster] += raise(members[cluster].map { regrets[Int($0)] }, surplus: surplus)
      } else if members.count(cluster) < capacity {
        prices[cluster] *= Self.decay
      }
    }
  }

  /// The price rise at which `surplus` members prefer their second choice.
  private func raise(_ regrets: [Float], surplus: Int) -> Float {
    let sorted = regrets.sorted()
    let last = sorted[surplus - 1]
    // Half-way to the next member's regret, so that rounding does not decide who goes.
    let next = surplus < sorted.count ? sorted[surplus] : last
    return max((last + min(next, 2 * abs(last))) / 2, smallestRaise)
  }

  /// Keeps bids from becoming too small to end.
  private var smallestRaise: Float { Float((iterations.last?.objective ?? 0) * 1e-5) }

  /// Raises prices, with the centroids as they are, until no cluster is over-full or the rounds are used up. Only rows of
  /// clusters whose price rose can move, since everywhere else only the alternatives became dearer.
  private mutating func bid() {
    var assignment = NearestCentroids(centroids, prices: prices).assign(rows, regrets: true)
    for _ in 0..<Self.roundLimit {
      let members = ClusterMembers(codes: assignment.codes, clusters: centroids.rows)
      let overfull = prices.indices.filter { members.count($0) > capacity }
      guard !overfull.isEmpty else { return }
      for cluster in overfull {
        prices[cluster] += raise(
          members[cluster].map { assignment.regrets[Int($0)] }, surplus: members.count(cluster) - capacity)
      }
      let affected = overfull.flatMap { members[$0].map(Int.init) }
      let subset = PreparedRows(
        rows.matrix.selectingRows(affected), computePath: .preferred(dimensions: centroids.columns))
      let changed = NearestCentroids(centroids, prices: prices).assign(subset, regrets: true)
      for (position, row) in affected.enumerated() {
        assignment.codes[row] = changed.codes[position]
        assignment.regrets[row] = changed.regrets[position]
      }
    }
  }
}
