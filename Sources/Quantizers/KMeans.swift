public import TensorMath

/// Lloyd's k-means with k-means++ seeds and repair of empty clusters.
///
/// Every assignment is the exact nearest centroid, so the objective never rises, and sums run in a fixed order, so a
/// result depends on data and seed alone, never on the number of threads.
public struct KMeans: Sendable {
  /// `size × dimensions`.
  public let centroids: Matrix

  /// One entry per iteration, in order.
  public let iterations: [KMeansIteration]

  /// Clusters the rows of `x` (`n × dimensions`).
  ///
  /// With fewer distinct rows than clusters, each distinct row gets a centroid and the others repeat some of them; no
  /// row is ever assigned to a repeated one.
  /// - Throws: `emptyInput`, `notFinite` naming the row, `invalidParameters`.
  /// - Complexity: O(n · size · dimensions) per iteration.
  public static func fit(
    _ x: Matrix, size: Int, iterations: Int, using random: inout some RandomNumberGenerator
  ) throws(QuantizerError) -> KMeans {
    try requireTrainable(x, sizes: [size], iterations: iterations)
    let rows = PreparedRows(x, computePath: .preferred(dimensions: x.columns))
    return fit(rows, from: KMeansSeeding.seeds(in: rows, count: size, using: &random), iterations: iterations)
  }

  /// Lloyd iterations from given centroids.
  package static func fit(
    _ rows: PreparedRows, from start: Matrix, iterations limit: Int, progress: (KMeansIteration) -> Void = { _ in }
  ) -> KMeans {
    var centroids = start
    var sums = ClusterSums(rows.matrix, clusters: start.rows)
    var iterations: [KMeansIteration] = []
    while iterations.count < limit {
      let assignment = NearestCentroids(centroids).assign(rows)
      sums.update(assignment.codes)
      centroids = sums.means(keeping: centroids)
      var repaired = 0
      if sums.counts.contains(0) {
        repaired =
          ClusterRepair(
            clusters: start.rows, codes: assignment.codes, distances: assignment.distances, rows: rows.matrix
          ).splitWorst(&centroids).count
      }
      let objective = assignment.distances.reduce(0.0) { $0 + Double($1) } / Double(rows.count)
      iterations.append(KMeansIteration(objective: objective, moved: sums.movedCount, repaired: repaired))
      progress(iterations[iterations.count - 1])
      if sums.movedCount == 0 && repaired == 0 { break }
    }
    return KMeans(centroids: centroids, iterations: iterations)
  }
}

/// Refuses what cannot be trained on, with the first reason found.
func requireTrainable(_ x: Matrix, sizes: [Int], iterations: Int) throws(QuantizerError) {
  guard x.rows > 0, x.columns > 0 else {
    throw QuantizerError(.emptyInput, "\(x.rows) × \(x.columns) vectors; training needs at least one of one dimension")
  }
  guard !sizes.isEmpty, sizes.allSatisfy({ (1...Codebook.maximumSize).contains($0) }) else {
    throw QuantizerError(
      .invalidParameters, "codebook sizes \(sizes); at least one is needed, each from 1 to \(Codebook.maximumSize)")
  }
  guard iterations > 0 else {
    throw QuantizerError(.invalidParameters, "\(iterations) iterations; at least one is needed")
  }
  try requireFinite(x)
}

func requireFinite(_ x: Matrix) throws(QuantizerError) {
  if let row = x.firstNonFiniteRow() {
    throw QuantizerError(
      .notFinite, "row \(row) holds a NaN or an infinity; drop the row or correct the encoder that made it")
  }
}
