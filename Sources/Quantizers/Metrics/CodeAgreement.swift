/// Two rows that behavior ties, or any two rows to compare.
public struct RowPair: Sendable, Hashable, Codable {
  public let first: Int
  public let second: Int

  public init(_ first: Int, _ second: Int) {
    self.first = first
    self.second = second
  }
}

/// How often paired items share codes, level by level, against two items drawn at random.
public struct NeighborAgreement: Sendable, Equatable, Codable {
  public let pairs: Int

  /// At index `l`: the share of pairs whose first `l + 1` codes are all equal.
  public let sharedPrefix: [Double]

  /// At index `l`: the same share over all pairs of two different rows, what chance alone gives.
  public let expectedByChance: [Double]

  /// At index `l`: `sharedPrefix / expectedByChance`; nil where chance gives none.
  public var lift: [Double?] {
    zip(sharedPrefix, expectedByChance).map { $1 > 0 ? $0 / $1 : nil }
  }

  /// Measures the agreement of row pairs.
  ///
  /// - Precondition: every row lies within `codes`.
  /// - Complexity: O((pairs + rows × levels) × levels).
  public init(_ codes: CodeMatrix, pairs: some Collection<RowPair>) {
    var shared = [Int](repeating: 0, count: codes.levels)
    let elements = codes.elements.span
    for pair in pairs {
      precondition(
        min(pair.first, pair.second) >= 0 && max(pair.first, pair.second) < codes.count,
        "a pair names a row outside 0..<\(codes.count)")
      for level in 0..<codes.levels {
        guard elements[pair.first * codes.levels + level] == elements[pair.second * codes.levels + level] else { break }
        shared[level] += 1
      }
    }
    self.pairs = pairs.count
    sharedPrefix = shared.map { pairs.isEmpty ? 0 : Double($0) / Double(pairs.count) }
    expectedByChance = (0..<codes.levels).map { NeighborAgreement.chance(CodeBuckets(codes, levels: $0 + 1)) }
  }

  /// Σ n(n−1) / N(N−1) over buckets of n of N rows.
  private static func chance(_ grouped: CodeBuckets) -> Double {
    let rows = Double(grouped.rows.count)
    guard rows > 1 else { return 0 }
    var sum = 0.0
    for bucket in 0..<grouped.count {
      let size = Double(grouped.size(bucket))
      sum += size * (size - 1)
    }
    return sum / (rows * (rows - 1))
  }
}

/// How far two encodings of the same rows agree: a published one and a fresh one, or two compute paths.
public struct ReencodeAgreement: Sendable, Equatable, Codable {
  public let rows: Int

  /// The share of rows whose codes are all equal; 1 without rows.
  public let identical: Double

  /// At index `l`: the share of rows whose first `l + 1` codes are all equal.
  public let sharedPrefix: [Double]

  /// Compares row by row.
  ///
  /// - Precondition: both have as many rows and levels.
  public init(_ codes: CodeMatrix, _ other: CodeMatrix) {
    precondition(
      codes.count == other.count && codes.levels == other.levels,
      "\(codes.count) × \(codes.levels) codes compared with \(other.count) × \(other.levels)")
    rows = codes.count
    var shared = [Int](repeating: 0, count: codes.levels)
    let left = codes.elements.span, right = other.elements.span
    for row in 0..<codes.count {
      for level in 0..<codes.levels {
        guard left[row * codes.levels + level] == right[row * codes.levels + level] else { break }
        shared[level] += 1
      }
    }
    let count = codes.count
    sharedPrefix = shared.map { count == 0 ? 1 : Double($0) / Double(count) }
    identical = sharedPrefix.last ?? 1
  }
}
