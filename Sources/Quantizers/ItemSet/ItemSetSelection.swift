internal import TensorMath

/// Which items of a catalogue become the VQ codebook.
public enum ItemSetSelection: Sendable, Equatable {
  /// Every item.
  case all

  /// At most `limit` items, drawn without replacement.
  case sample(limit: Int, seed: UInt64)

  /// The `limit` items with the most interactions; ties to the lower row. Popular items are those whose neighbourhoods
  /// a ranker can learn, but a set of them alone covers the catalogue's rare corners badly.
  case mostInteracted(limit: Int, counts: [Int])

  /// The chosen rows of a catalogue of `count` items, ascending.
  /// - Throws: `invalidParameters` for a limit below one or counts that do not fit.
  public func rows(of count: Int) throws(QuantizerError) -> [Int] {
    switch self {
    case .all: return Array(0..<count)
    case .sample(let limit, let seed):
      try Self.check(limit)
      var random = RandomSource(seed: seed, stream: 0x4954_454D)
      return sampledIndices(of: count, limit: limit, using: &random)
    case .mostInteracted(let limit, let counts):
      try Self.check(limit)
      guard counts.count == count else {
        throw QuantizerError(
          .invalidParameters, "\(counts.count) interaction counts for \(count) items; one each is needed")
      }
      return (0..<count).sorted { (counts[$1], $0) < (counts[$0], $1) }.prefix(limit).sorted()
    }
  }

  private static func check(_ limit: Int) throws(QuantizerError) {
    guard limit > 0 else {
      throw QuantizerError(.invalidParameters, "an item set of \(limit) items; at least one is needed")
    }
  }
}
