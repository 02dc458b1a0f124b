/// How a sequence's states become one vector (sentence-transformers' `1_Pooling/config.json`).
package enum SequencePooling: String, Sendable {
  case mean
  /// The first token's state.
  case first = "cls"
  case last
  case maximum = "max"

  package init(_ config: ModelConfigurationFile) throws(NeuralNetworksError) {
    let modes: [(String, SequencePooling)] = [
      ("pooling_mode_mean_tokens", .mean), ("pooling_mode_cls_token", .first), ("pooling_mode_lasttoken", .last),
      ("pooling_mode_max_tokens", .maximum),
    ]
    var chosen: [SequencePooling] = []
    for (key, mode) in modes where try config.flag(key, default: false) { chosen.append(mode) }
    for key in ["pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens"] {
      guard try !config.flag(key, default: false) else { throw config.failure(key, "true", "mean, cls, last or max") }
    }
    guard chosen.count == 1 else {
      throw config.failure("pooling_mode_*", "\(chosen.count) modes at once", "exactly one")
    }
    self = chosen[0]
  }

  /// Pools rows `range` of `states` (`tokens × width`); zeros for an empty range.
  package func callAsFunction(_ states: Span<Float>, _ range: Range<Int>, width: Int) -> ContiguousArray<Float> {
    var pooled = ContiguousArray<Float>(repeating: 0, count: width)
    guard !range.isEmpty else { return pooled }
    switch self {
    case .first: for column in 0..<width { pooled[column] = states[range.lowerBound * width + column] }
    case .last: for column in 0..<width { pooled[column] = states[(range.upperBound - 1) * width + column] }
    case .mean:
      for row in range { for column in 0..<width { pooled[column] += states[row * width + column] } }
      let factor = 1 / Float(range.count)
      for column in 0..<width { pooled[column] *= factor }
    case .maximum:
      for column in 0..<width { pooled[column] = states[range.lowerBound * width + column] }
      for row in range.dropFirst() {
        for column in 0..<width { pooled[column] = max(pooled[column], states[row * width + column]) }
      }
    }
    return pooled
  }
}
