public import TensorMath

/// `tessera bench quantizers`: what RQ-VAE and residual k-means of the same sizes make of the same vectors, by the measures
/// of OneRec's technical report (2506.13695, table 11). One value per method and seed.
public struct QuantizerComparison: Sendable, Codable {
  public let method: String
  public let seed: UInt64
  public let rows: Int
  public let dimensions: Int
  public let sizes: [Int]

  /// Mean of `‖x − decoded‖²` over the mean of `‖x − mean‖²`: the share of the variance that the codes lose.
  public let reconstruction: Double

  /// Used codes of each level over its size.
  public let utilization: [Double]

  /// Of each level's code, in nats.
  public let entropy: [Double]

  /// Share of items whose codes another item has too, and `1 − distinct / items`.
  public let collisionRate: Double
  public let duplicateRate: Double
  public let fitSeconds: Double
  /// Epochs of an RQ-VAE; nil for residual k-means.
  public let epochs: Int?

  enum CodingKeys: String, CodingKey {
    case method, seed, sizes, reconstruction, utilization, entropy, epochs
    case rows = "n"
    case dimensions = "d"
    case collisionRate = "collision_rate"
    case duplicateRate = "duplicate_rate"
    case fitSeconds = "fit_s"
  }

  /// Trains both on all rows of `x` and encodes all of them.
  /// - Parameter parameters: of the RQ-VAE; the k-means takes sizes and seed from it.
  public static func run(
    _ x: Matrix, parameters: ResidualAutoencoder.Parameters, iterations: Int = 20
  ) throws -> [QuantizerComparison] {
    let clock = ContinuousClock()
    var start = clock.now
    let means = try ResidualQuantizer.train(
      x,
      parameters: ResidualQuantizer.Parameters(
        sizes: parameters.sizes, iterations: iterations, seed: parameters.seed, sampleLimit: max(1, x.rows)))
    let meansSeconds = (clock.now - start) / .seconds(1)
    start = clock.now
    let trained = try ResidualAutoencoder.train(x, parameters: parameters)
    let trainedSeconds = (clock.now - start) / .seconds(1)
    return [
      try QuantizerComparison("residual-kmeans", means.quantizer, x, parameters, seconds: meansSeconds),
      try QuantizerComparison(
        "rq-vae", trained.quantizer, x, parameters, seconds: trainedSeconds, epochs: trained.epochs.count),
    ]
  }

  private init(
    _ method: String, _ quantizer: some Quantizer, _ x: Matrix, _ parameters: ResidualAutoencoder.Parameters,
    seconds: Double, epochs: Int? = nil
  ) throws(QuantizerError) {
    let encoding = try quantizer.encode(x)
    let metrics = CodeMetrics(encoding.codes, sizes: parameters.sizes)
    var centered = x
    centered.subtractFromRows(x.columnMeans())
    let variance = centered.rowSquaredNorms().reduce(0.0) { $0 + Double($1) } / Double(x.rows)
    self.method = method
    seed = parameters.seed
    rows = x.rows
    dimensions = x.columns
    sizes = parameters.sizes
    reconstruction = variance > 0 ? encoding.meanSquaredError / variance : 0
    utilization = metrics.levels.map(\.utilization)
    entropy = metrics.levels.map(\.entropy)
    collisionRate = metrics.buckets.collisionRate
    duplicateRate = metrics.buckets.duplicateRate
    fitSeconds = seconds
    self.epochs = epochs
  }
}
