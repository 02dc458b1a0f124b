internal import TensorMath

/// What training a residual quantiser yields: one codebook per level over vectors of the same length. Immutable, and
/// all that is needed to encode and decode.
public struct ResidualCodebooks: Sendable, Equatable {
  /// First level first; levels may differ in size.
  public let levels: [Codebook]

  /// Elements per vector.
  public let dimensions: Int

  /// Checks codebooks, which may come from a file: at least one level, equal dimensions, 1 to 65,536 centroids each,
  /// as many prices as centroids, and finite numbers only.
  public init(levels: [Codebook]) throws(QuantizerError) {
    guard let first = levels.first else {
      throw QuantizerError(.invalidCodebook, "there is no codebook; a quantizer needs at least one level")
    }
    for (index, codebook) in levels.enumerated() {
      try check(codebook, level: index + 1, dimensions: first.dimensions)
    }
    self.levels = levels
    dimensions = first.dimensions
  }

  /// Centroids per level.
  public var sizes: [Int] { levels.map(\.size) }
}

private func check(_ codebook: Codebook, level: Int, dimensions: Int) throws(QuantizerError) {
  guard codebook.dimensions == dimensions, dimensions > 0 else {
    throw QuantizerError(
      .invalidCodebook,
      "level \(level) has centroids of \(codebook.dimensions) dimensions, level 1 of \(dimensions); all must agree")
  }
  guard (1...Codebook.maximumSize).contains(codebook.size) else {
    throw QuantizerError(
      .invalidCodebook, "level \(level) has \(codebook.size) centroids; 1 to \(Codebook.maximumSize) are possible")
  }
  if let prices = codebook.prices, prices.count != codebook.size {
    throw QuantizerError(
      .invalidCodebook, "level \(level) has \(prices.count) prices for \(codebook.size) centroids; one each is needed")
  }
  guard codebook.centroids.elements.allSatisfy(\.isFinite), codebook.prices?.allSatisfy(\.isFinite) ?? true else {
    throw QuantizerError(.invalidCodebook, "level \(level) holds a number that is not finite; train the codebook anew")
  }
}
