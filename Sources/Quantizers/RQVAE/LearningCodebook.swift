package import TensorMath

/// One level's centroids while an encoder moves: running means of the residuals that chose them (van den Oord et al.,
/// 2017, appendix A.1).
package struct LearningCodebook: Sendable {
  package private(set) var centroids: Matrix

  /// Residuals per centroid and batch, as a running mean.
  private var masses: [Double]

  /// Training rows per centroid since the epoch began.
  package private(set) var occupancy: [Int]
  private let decay: Double

  package init(_ centroids: Matrix, decay: Double, batchSize: Int) {
    self.centroids = centroids
    self.decay = decay
    masses = Array(repeating: Double(batchSize) / Double(centroids.rows), count: centroids.rows)
    occupancy = Array(repeating: 0, count: centroids.rows)
  }

  /// The serving rule, on all threads.
  package func assign(_ residuals: Matrix) -> ContiguousArray<UInt16> {
    let search = NearestCentroids(centroids)
    var codes = ContiguousArray<UInt16>()
    codes.reserveCapacity(residuals.rows)
    for part in Parallelism.mapChunks(of: residuals.rows, size: 128, { search.assignBlock(residuals.rows($0)).codes }) {
      codes += part
    }
    return codes
  }

  /// Notes who chose what, and with `isMoving` draws the centroids toward their rows.
  package mutating func observe(_ residuals: Matrix, _ codes: ContiguousArray<UInt16>, isMoving: Bool) {
    let columns = centroids.columns
    var counts = [Int](repeating: 0, count: centroids.rows)
    for code in codes { counts[Int(code)] += 1 }
    for code in counts.indices { occupancy[code] += counts[code] }
    guard isMoving else { return }
    var sums = ContiguousArray<Double>(repeating: 0, count: centroids.elements.count)
    for row in 0..<residuals.rows {
      let start = Int(codes[row]) * columns
      for column in 0..<columns { sums[start + column] += Double(residuals.elements[row * columns + column]) }
    }
    for code in counts.indices {
      let mass = decay * masses[code] + (1 - decay) * Double(counts[code])
      masses[code] = max(mass, .leastNormalMagnitude)
      guard counts[code] > 0 else { continue }
      let step = (1 - decay) * Double(counts[code]) / masses[code]
      for position in code * columns..<(code + 1) * columns {
        let mean = sums[position] / Double(counts[code])
        centroids.elements[position] += Float(step * (mean - Double(centroids.elements[position])))
      }
    }
  }

  /// Ends an epoch: centroids that nothing chose get a row each of `residuals`, drawn without replacement, as far as
  /// these go.
  /// - Parameter residuals: nil: dead centroids stay.
  package mutating func endEpoch(
    restartingFrom residuals: Matrix?, using random: inout RandomSource
  ) -> ResidualAutoencoder.EpochStatistics.Level {
    let metrics = LevelMetrics(occupancy: occupancy)
    var restarted = 0
    if let residuals, !metrics.deadCodes.isEmpty {
      let drawn = sampledIndices(of: residuals.rows, limit: metrics.deadCodes.count, using: &random)
      let columns = centroids.columns
      for (code, row) in zip(metrics.deadCodes, drawn) {
        centroids.elements.replaceSubrange(
          code * columns..<(code + 1) * columns, with: residuals.row(row))
        masses[code] = 1
        restarted += 1
      }
    }
    occupancy = Array(repeating: 0, count: centroids.rows)
    return .init(utilization: metrics.utilization, entropy: metrics.entropy, restarted: restarted)
  }

  /// Replaces the centroids by those of a fit to all rows.
  package mutating func settle(_ centroids: Matrix) { self.centroids = centroids }
}
