internal import NeuralNetworks
internal import RealModule
public import TensorMath

extension ResidualAutoencoder {
  /// Trains encoder, codebooks and decoder together, keeps the epoch with the lowest held-out error (with a pair term, the
  /// lowest sum of that and the term), and then settles: with the encoder as it is, the centroids are fitted to its latent
  /// vectors and the decoder to the centroids.
  ///
  /// Every level starts from k-means over the latent vectors that the fresh encoder makes of a sample. One thread or
  /// many, a seed gives the same quantiser bit for bit.
  /// - Parameters:
  ///   - x: `n × dimensions`; at most `sampleLimit` rows are used.
  ///   - pairs: rows of `x` that behaviour ties, for the pair term; those with a row outside the sample are left out.
  ///   - start: a quantiser of the same shape and sizes to start from (a refit).
  ///   - progress: called on the calling thread after every epoch, with the number of epochs there are at most.
  /// - Throws: `emptyInput`, `notFinite` naming the row, `invalidParameters`, `dimensionMismatch`; `diverged` naming the
  ///   epoch.
  /// - Complexity: O(epochs · rows · (weights + Σ sizes · latent dimensions)) time.
  public static func train(
    _ x: Matrix, parameters: Parameters, pairs: [RowPair] = [], startingFrom start: ResidualAutoencoder? = nil,
    progress: (EpochStatistics, Int) throws -> Void = { _, _ in }
  ) throws -> TrainingResult {
    try requireTrainable(x, sizes: parameters.sizes, iterations: 1)
    try parameters.validate()
    let shape = parameters.shape(dimensions: x.columns)
    if let start, start.shape != shape || start.codebooks.sizes != parameters.sizes {
      throw QuantizerError(
        .dimensionMismatch,
        "a start of \(start.shape) and sizes \(start.codebooks.sizes) for \(shape) and \(parameters.sizes)")
    }
    if let pair = pairs.first(where: { !x.hasRows($0) }) {
      throw QuantizerError(.invalidParameters, "the pair \(pair) names a row outside 0..<\(x.rows)")
    }
    let rows = TrainingRows(x, parameters, pairs: pairs)
    var trainer = try AutoencoderTrainer(rows, parameters, shape: shape, start: start)
    try FreedMemory.keeping { try trainer.run(progress) }
    return try trainer.result()
  }
}

extension Matrix {
  fileprivate func hasRows(_ pair: RowPair) -> Bool {
    (0..<rows).contains(pair.first) && (0..<rows).contains(pair.second)
  }
}

/// The sample, split and scaled.
struct TrainingRows {
  /// All rows of the sample, times `scale`.
  let scaled: Matrix
  /// Positions in `scaled`.
  let training: [Int]
  /// The held-out rows, times `scale`; the training rows where none are held out.
  let heldOut: Matrix
  /// Positions in `scaled` of pairs of training rows.
  let pairs: [RowPair]
  /// A power of two that brings elements near one, where weights learn alike for short vectors and long.
  let scale: Float
  /// Mean of `‖x‖²`, unscaled.
  let meanSquaredNorm: Double

  init(_ x: Matrix, _ parameters: ResidualAutoencoder.Parameters, pairs: [RowPair]) {
    var random = RandomSource(seed: parameters.seed, stream: 0x524F_5753)
    let chosen = sampledIndices(of: x.rows, limit: parameters.sampleLimit, using: &random)
    var sample = chosen.count == x.rows ? x : x.selectingRows(chosen)
    let squares = sample.rowSquaredNorms().reduce(0.0) { $0 + Double($1) }
    meanSquaredNorm = squares / Double(sample.rows)
    let root = (meanSquaredNorm / Double(x.columns)).squareRoot()
    let exponent = root > 0 && root.isFinite ? -Double.log2(root).rounded() : 0
    scale = Float(Double.exp2(min(60, max(-60, exponent))))
    sample.scale(by: scale)
    scaled = sample
    let held = Int(Double(sample.rows) * parameters.heldOutShare)
    let heldRows = sampledIndices(of: sample.rows, limit: held, using: &random)
    var isHeld = [Bool](repeating: false, count: sample.rows)
    if held > 0 { for row in heldRows { isHeld[row] = true } }
    training = isHeld.indices.filter { !isHeld[$0] }
    heldOut = sample.selectingRows(held > 0 ? heldRows : training)
    var position = [Int](repeating: -1, count: x.rows)
    for (place, row) in chosen.enumerated() where !isHeld[place] { position[row] = place }
    self.pairs = pairs.lazy.map { RowPair(position[$0.first], position[$0.second]) }
      .filter { $0.first >= 0 && $0.second >= 0 }
  }
}
