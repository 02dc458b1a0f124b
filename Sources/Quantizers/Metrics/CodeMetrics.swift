/// What a set of codes is worth: how well it uses its codebooks, how often items collide, what it loses.
public struct CodeMetrics: Sendable, Equatable, Codable {
  /// What the codes lose of the vectors they stand for.
  public struct Reconstruction: Sendable, Equatable, Codable {
    /// Mean over items of ‖x − decoded‖².
    public let meanSquaredError: Double

    /// `meanSquaredError` over the mean of ‖x‖²; nil where the vectors' norms are unknown.
    public let relativeError: Double?

    /// Measures from what an encoding returns.
    ///
    /// - Parameters:
    ///   - distances: ‖residual after the last level‖ of every item.
    ///   - meanSquaredNorm: mean of ‖x‖² over the same items; 1 for unit-length representations.
    public init(distances: some Collection<Float>, meanSquaredNorm: Double? = nil) {
      var sum = 0.0
      for distance in distances { sum += Double(distance) * Double(distance) }
      meanSquaredError = distances.isEmpty ? 0 : sum / Double(distances.count)
      if let meanSquaredNorm, meanSquaredNorm > 0 {
        relativeError = meanSquaredError / meanSquaredNorm
      } else {
        relativeError = nil
      }
    }
  }

  public let items: Int
  public let levels: [LevelMetrics]
  public let buckets: BucketMetrics
  public var reconstruction: Reconstruction?
  public var neighborAgreement: NeighborAgreement?
  public var reencodeAgreement: ReencodeAgreement?

  /// Measures use and collisions; the optional parts are set by the caller who has their inputs.
  ///
  /// - Parameters:
  ///   - codes: items × levels.
  ///   - sizes: codebook size of every level; each code lies below its level's.
  ///   - overfullFactor: a code is overfull above this many times its level's mean occupancy.
  /// - Complexity: O(items × levels); a million items of four levels take well under a second.
  public init(_ codes: CodeMatrix, sizes: [Int], overfullFactor: Double = 4) {
    precondition(sizes.count == codes.levels, "\(sizes.count) sizes for \(codes.levels) levels")
    items = codes.count
    var occupancy = sizes.map { [Int](repeating: 0, count: $0) }
    let elements = codes.elements.span
    for level in 0..<codes.levels {
      for row in 0..<codes.count {
        let code = Int(elements[row * codes.levels + level])
        precondition(code < sizes[level], "code \(code) at level \(level) of a codebook of \(sizes[level])")
        occupancy[level][code] += 1
      }
    }
    levels = occupancy.map { LevelMetrics(occupancy: $0, overfullFactor: overfullFactor) }
    buckets = BucketMetrics(codes)
  }
}
