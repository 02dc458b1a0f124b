internal import RealModule
internal import TensorMath

/// K-means whose clusters have prices: a row belongs to `argmin_k ‖r − c_k‖² + p_k`. The prices stay with the codebook,
/// so new rows are assigned by the rule that training used.
///
/// While the centroids move, prices follow occupancies by small steps, and clusters far below their share are re-used
/// to split those far above. Once the centroids stand, over-full clusters raise their prices just until the surplus
/// leaves, as bids do in an auction (Bertsekas, 1988).
struct BalancedKMeans {
  private let rows: PreparedRows

  /// Rows that a cluster should hold, and may.
  private let share: Double
  private let capacity: Int

  private(set) var centroids: Matrix
  private(set) var prices: [Float]
  private(set) var iterations: [KMeansIteration] = []

  /// A price changes by this share of the mean squared distance when a cluster holds e times its share or more; the
  /// steps shrink from the first iteration to the last.
  private static let firstStep = 0.03
  private static let lastStep = 0.01

  /// Occupancies, in shares, below which a cluster is given up and from which one is split; in the first two thirds of
  /// the iterations, so that the centroids settle in the last.
  private static let light = 0.5
  private static let heavy = 1.4

  /// After the iterations the centroids follow the rows that bidding moved, a few times; this wins back much of the error
  /// that even clusters cost.
  private static let settlingPasses = 8
  private static let settlingRounds = 60

  /// Rounds of the last bidding. Copies of one row cannot be told apart by any price, so data with more copies than a cluster may
  /// hold never becomes even.
  private static let roundLimit = 500

  init(_ rows: PreparedRows, from start: Matrix, prices: [Float]?, capacitySlack: Float) {
    self.rows = rows
    centroids = start
    self.prices = prices ?? Array(repeating: 0, count: start.rows)
    share = Double(rows.count) / Double(start.rows)
    capacity = max(Int(share.rounded(.up)), Int(min(share * (1 + Double(capacitySlack)), Double(rows.count))))
  }

  mutating func train(iterations limit: Int, progress: (KMeansIteration) -> Void) {
    spread(iterations: limit, progress: progress)
    var sums = ClusterSums(rows.matrix, clusters: centroids.rows)
    for _ in 0..<Self.settlingPasses {
      sums.update(bid(rounds: Self.settlingRounds))
      centroids = sums.means(keeping: centroids)
    }
    _ = bid(rounds: Self.roundLimit)
  }

  /// The iterations in which the centroids move, without the bidding that makes occupancies even.
  mutating func spread(iterations limit: Int, progress: (KMeansIteration) -> Void) {
    var sums = ClusterSums(rows.matrix, clusters: centroids.rows)
    while iterations.count < limit {
      let assignment = NearestCentroids(centroids, prices: prices).assign(rows)
      sums.update(assignment.codes)
      let distances = squaredDistances(assignment)
      let objective = distances.reduce(0.0) { $0 + Double($1) } / Double(rows.count)
      centroids = sums.means(keeping: centroids)
      var counts = sums.counts
      let splits = split(
        &counts, codes: assignment.codes, distances: distances, mayRecycle: 3 * iterations.count < 2 * limit)
      let fade = Double(iterations.count) / Double(max(1, limit - 1))
      adjust(counts, step: objective * Self.firstStep * .pow(Self.lastStep / Self.firstStep, fade))
      iterations.append(KMeansIteration(objective: objective, moved: sums.movedCount, repaired: splits))
      progress(iterations[iterations.count - 1])
    }
  }

  /// The assignment's distances without the prices.
  private func squaredDistances(_ assignment: CentroidAssignment) -> ContiguousArray<Float> {
    ContiguousArray(zip(assignment.distances, assignment.codes).lazy.map { max(0, $0 - prices[Int($1)]) })
  }

  /// Splits large clusters into small ones, which start with the price and, for this iteration, half the members.
  private mutating func split(
    _ counts: inout [Int], codes: ContiguousArray<UInt16>, distances: ContiguousArray<Float>, mayRecycle: Bool
  ) -> Int {
    guard mayRecycle || counts.contains(0) else { return 0 }
    let repair = ClusterRepair(clusters: counts.count, codes: codes, distances: distances, rows: rows.matrix)
    let splits =
      mayRecycle
      ? repair.splitLargest(&centroids, light: Self.light * share, heavy: Self.heavy * share)
      : repair.splitWorst(&centroids)
    for split in splits {
      prices[split.cluster] = prices[split.donor]
      counts[split.cluster] = counts[split.donor] / 2
      counts[split.donor] -= counts[split.cluster]
    }
    return splits.count
  }

  /// Moves prices with the logarithm of the occupancy; the lowest becomes zero.
  private mutating func adjust(_ counts: [Int], step: Double) {
    for cluster in prices.indices {
      let excess = Double.log(max(1, Double(counts[cluster])) / share)
      prices[cluster] += Float(step * min(1, max(-1, excess)))
    }
    let lowest = prices.min() ?? 0
    for cluster in prices.indices { prices[cluster] -= lowest }
  }

  /// Raises prices, with the centroids as they are, until no cluster is over-full or the rounds are used up; then the
  /// prices stand that left the fullest cluster smallest. Only rows of clusters whose price rose can move, since
  /// everywhere else only the alternatives became dearer. Returns the codes of the last round.
  private mutating func bid(rounds: Int) -> ContiguousArray<UInt16> {
    var assignment = NearestCentroids(centroids, prices: prices).assign(rows, regrets: true)
    var best = (fullest: Int.max, prices: prices)
    for round in 0... {
      let members = ClusterMembers(codes: assignment.codes, clusters: centroids.rows)
      let fullest = prices.indices.reduce(0) { max($0, members.count($1)) }
      if fullest < best.fullest { best = (fullest, prices) }
      guard fullest > capacity, round < rounds else { break }
      let overfull = prices.indices.filter { members.count($0) > capacity }
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
    prices = best.prices
    return assignment.codes
  }

  /// The price rise at which `surplus` members prefer their second choice: half-way to the next member's regret, so that
  /// rounding does not decide who goes, and not so small that bidding never ends.
  private func raise(_ regrets: [Float], surplus: Int) -> Float {
    let sorted = regrets.sorted()
    let smallest = Float((iterations.last?.objective ?? 0) * 1e-3)
    return max((sorted[surplus - 1] + sorted[min(surplus, sorted.count - 1)]) / 2, smallest)
  }
}
