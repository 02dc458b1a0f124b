package import TensorMath

/// K-means++ (Arthur and Vassilvitskii, 2007): every next seed is a row drawn with a probability in proportion to its
/// squared distance from the seeds before.
///
/// Distances are brought up to date for a batch of seeds at a time, by the blocked search. Within a batch a row is drawn
/// by the distances before it and accepted with the probability `now / before`, which yields exactly the distribution
/// that one update per seed would.
package struct KMeansSeeding {
  /// Rows per seed that are looked at.
  private static let rowsPerSeed = 16

  private let rows: PreparedRows
  private var seeds: [Int] = []

  /// Squared distance of every row from the seeds of the batches before.
  private var weights: ContiguousArray<Float>

  /// `count` seeds among the rows. With fewer distinct rows than seeds, rows repeat; ties then go to the first of equal
  /// centroids, so the others stay without members.
  package static func seeds(
    in rows: PreparedRows, count: Int, using random: inout some RandomNumberGenerator
  ) -> Matrix {
    let limit = rowsPerSeed * count
    guard rows.count > limit else {
      var seeding = KMeansSeeding(rows)
      return seeding.draw(count, using: &random)
    }
    let sample = rows.matrix.selectingRows(sampledIndices(of: rows.count, limit: limit, using: &random))
    var seeding = KMeansSeeding(PreparedRows(sample, computePath: .preferred(dimensions: sample.columns)))
    return seeding.draw(count, using: &random)
  }

  private init(_ rows: PreparedRows) {
    self.rows = rows
    weights = ContiguousArray(repeating: .infinity, count: rows.count)
  }

  private mutating func draw(_ count: Int, using random: inout some RandomNumberGenerator) -> Matrix {
    let batch = min(256, max(16, count / 64))
    var latest = [Int.random(in: 0..<rows.count, using: &random)]
    while true {
      seeds += latest
      guard seeds.count < count else { break }
      update(with: latest)
      latest = drawBatch(of: min(batch, count - seeds.count), using: &random)
      if latest.isEmpty {
        latest = (0..<count - seeds.count).map { _ in Int.random(in: 0..<rows.count, using: &random) }
      }
    }
    return rows.matrix.selectingRows(seeds)
  }

  private mutating func update(with latest: [Int]) {
    let distances = NearestCentroids(rows.matrix.selectingRows(latest)).assign(rows).distances
    for row in weights.indices { weights[row] = min(weights[row], distances[row]) }
  }

  /// Up to `size` seeds; none when every row lies on a seed.
  private func drawBatch(of size: Int, using random: inout some RandomNumberGenerator) -> [Int] {
    var total = 0.0
    let cumulative = ContiguousArray(
      weights.lazy.map { weight in
        total += Double(weight)
        return total
      })
    guard total > 0, total.isFinite else { return [] }
    var accepted: [Int] = []
    // The first draw is always accepted; a batch that accepts too few ends early, since its distances are out of date.
    for _ in 0..<8 * size where accepted.count < size {
      let row = min(firstIndex(in: cumulative, above: Double.random(in: 0..<total, using: &random)), rows.count - 1)
      let before = weights[row]
      let now = accepted.reduce(before) { min($0, squaredDistance(rows.matrix.row(row), rows.matrix.row($1))) }
      if Float.random(in: 0..<1, using: &random) * before < now { accepted.append(row) }
    }
    return accepted
  }
}

/// The first position of a rising sequence whose value is above `threshold`.
private func firstIndex(in rising: ContiguousArray<Double>, above threshold: Double) -> Int {
  var low = 0, high = rising.count
  while low < high {
    let middle = (low + high) / 2
    if rising[middle] > threshold { high = middle } else { low = middle + 1 }
  }
  return low
}
