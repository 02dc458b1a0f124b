internal import RealModule

/// How one level's codes are used.
public struct LevelMetrics: Sendable, Equatable, Codable {
  /// Codes in the level's codebook.
  public let size: Int

  /// Codes that at least one item has.
  public let used: Int

  /// `used / size`.
  public let utilization: Double

  /// Shannon entropy of the code's share of items, in nats.
  public let entropy: Double

  /// Entropy over its greatest possible value, ln(size); 1 for a codebook of one code.
  public let normalizedEntropy: Double

  /// `exp(entropy)`: the number of equally used codes with the same entropy.
  public let perplexity: Double

  /// Gini coefficient of the occupancy, dead codes included: 0 when all codes are used alike, toward 1 when one
  /// code has all items.
  public let gini: Double

  /// Items of every code.
  public let occupancy: [Int]

  /// The codes that no item has.
  public let deadCodes: [Int]

  /// The codes with more than `overfullFactor` times the mean occupancy, fullest first.
  public let overfullCodes: [Int]

  /// Measures one level from the items of every code.
  ///
  /// - Complexity: O(size log size).
  public init(occupancy: [Int], overfullFactor: Double = 4) {
    size = occupancy.count
    self.occupancy = occupancy
    deadCodes = occupancy.indices.filter { occupancy[$0] == 0 }
    used = size - deadCodes.count
    utilization = size == 0 ? 0 : Double(used) / Double(size)
    let items = occupancy.reduce(0, +)
    entropy = LevelMetrics.entropy(occupancy, items: items)
    normalizedEntropy = size > 1 ? entropy / .log(Double(size)) : 1
    perplexity = .exp(entropy)
    gini = LevelMetrics.gini(occupancy, items: items)
    let limit = overfullFactor * Double(items) / Double(max(1, size))
    overfullCodes = occupancy.indices.filter { Double(occupancy[$0]) > limit }
      .sorted { (occupancy[$1], $0) < (occupancy[$0], $1) }
  }

  private static func entropy(_ occupancy: [Int], items: Int) -> Double {
    guard items > 0 else { return 0 }
    var sum = 0.0
    for count in occupancy where count > 0 {
      let share = Double(count) / Double(items)
      sum -= share * .log(share)
    }
    return max(0, sum)
  }

  /// G = 2 Σ i·x₍ᵢ₎ / (n Σ x) − (n + 1) / n, with x ascending and i from 1.
  private static func gini(_ occupancy: [Int], items: Int) -> Double {
    guard items > 0 else { return 0 }
    var weighted = 0.0
    for (position, count) in occupancy.sorted().enumerated() { weighted += Double(position + 1) * Double(count) }
    let size = Double(occupancy.count)
    return max(0, 2 * weighted / (size * Double(items)) - (size + 1) / size)
  }
}
