internal import RealModule
package import TensorMath

/// How codes are drawn where answers are to vary: from the live children of a prefix, the unlikely ones cut off.
public struct CodeSampling: Sendable, Equatable, Codable {
  /// What log-probabilities are divided by before a draw: below 1 for likelier codes, above it for more variety.
  public var temperature: Float = 1
  /// Only that many of the likeliest codes are drawn from; nil for all.
  public var topK: Int?
  /// Only the likeliest codes are drawn from that together have this probability (Holtzman et al., 2020); 1 for all.
  public var topP: Float = 1
  public var seed: UInt64 = 1

  public init() {}

  func validate() throws(RecommenderError) {
    guard temperature > 0, temperature.isFinite, topK.map({ $0 > 0 }) ?? true, topP > 0, topP <= 1 else {
      throw RecommenderError(
        .invalidParameter,
        "sampling: temperature \(temperature), topK \(topK.map(String.init) ?? "none"), topP \(topP); expected a "
          + "positive temperature, a topK of at least 1, and a topP above 0 and up to 1")
    }
  }

  /// A user's draws of a level.
  func random(user: Int, level: Int) -> RandomSource {
    var mixed = RandomSource(seed: seed, stream: UInt64(bitPattern: Int64(user)))
    return RandomSource(seed: mixed.next(), stream: UInt64(level))
  }

  /// Draws with replacement.
  /// - Parameters:
  ///   - scores: log p of the options; not empty.
  ///   - count: of draws.
  /// - Returns: how often each option was drawn.
  package func draw(_ scores: [Float], count: Int, using random: inout RandomSource) -> [Int] {
    var order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    if let topK { order = Array(order.prefix(topK)) }
    let top = scores[order[0]]
    var weights = order.map { Float.exp((scores[$0] - top) / temperature) }
    let total = weights.reduce(0, +)
    var (kept, sum): (Int, Float) = (0, 0)
    while kept < weights.count, kept == 0 || sum < topP * total {
      sum += weights[kept]
      kept += 1
    }
    weights.removeLast(weights.count - kept)
    var drawn = [Int](repeating: 0, count: scores.count)
    for _ in 0..<count {
      var rest = random.nextUniform() * sum, place = 0
      while place < kept - 1, rest >= weights[place] {
        rest -= weights[place]
        place += 1
      }
      drawn[order[place]] += 1
    }
    return drawn
  }
}
