internal import Foundation
public import TensorMath

/// Draws training pairs: a source by its share, then a pair of that source by its weight.
public struct PairSampler: Sendable {
  /// What one source brings.
  public struct Share: Sendable, Equatable {
    /// Of the draws, relative to the other sources'.
    public var share: Double
    /// Pairs are drawn in proportion to their weight to this power: 1 by weight, 0 all alike.
    public var weightExponent: Double

    public init(_ share: Double, weightExponent: Double = 1) {
      self.share = share
      self.weightExponent = weightExponent
    }
  }

  /// Rows of the table, one per source.
  private let ranges: [Range<Int>]
  /// Running sums of the shares.
  private let shares: [Double]
  /// Running sums of the pairs' weights, per source.
  private let sums: [ContiguousArray<Double>]

  /// - Parameter shares: by source; a source that is not named is not drawn from, one without pairs leaves its share
  ///   to the others.
  /// - Throws: ``AlignmentError/Code/noPairs`` where no source with a share has a pair, and
  ///   ``AlignmentError/Code/invalidParameter`` for a share below 0.
  public init(_ table: PairTable, shares: [PairSource: Share]) throws(AlignmentError) {
    for (source, share) in shares {
      let isSound =
        share.share >= 0 && share.share.isFinite && share.weightExponent >= 0 && share.weightExponent <= 4
      guard isSound else {
        throw AlignmentError(
          .invalidParameter,
          "the share of \(source.name) is \(share), expected at least 0, and an exponent from 0 to 4")
      }
    }
    let used = table.presentSources.filter { shares[$0]?.share ?? 0 > 0 }
    guard !used.isEmpty else {
      throw AlignmentError(
        .noPairs,
        "no source with a share has a pair to draw: the table has \(table.count) of "
          + "\(table.presentSources.map(\.name)); relax the filters or give another source a share")
    }
    ranges = used.map { table.rows(of: $0) }
    var total = 0.0
    self.shares = used.map { source in
      total += shares[source]?.share ?? 0
      return total
    }
    sums = used.map { source in
      let exponent = shares[source]?.weightExponent ?? 1
      var sum = 0.0
      return ContiguousArray(
        table.rows(of: source).map { row in
          sum += pow(Double(table.weights[row]), exponent)
          return sum
        })
    }
  }

  /// Draws rows of the table, with replacement.
  /// - Complexity: O(count · log(pairs)).
  public func draw(_ count: Int, using random: inout RandomSource) -> [Int] {
    (0..<count).map { _ in
      let source = Self.place(of: random.nextUnit() * (shares.last ?? 0), in: shares)
      let pair = Self.place(of: random.nextUnit() * (sums[source].last ?? 0), in: sums[source])
      return ranges[source].lowerBound + pair
    }
  }

  /// The first place whose running sum lies above a value.
  private static func place(of value: Double, in sums: some RandomAccessCollection<Double>) -> Int {
    var low = 0, high = sums.count - 1
    while low < high {
      let middle = (low + high) / 2
      if sums[sums.index(sums.startIndex, offsetBy: middle)] > value { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension RandomSource {
  /// A double in [0, 1) with 53 random bits: a float's 24 would leave pairs of a long table undrawn.
  fileprivate mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
