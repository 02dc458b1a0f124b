public import TensorMath

extension ResidualQuantizer {
  /// Trains level after level, each on the residuals that the serving rule leaves.
  ///
  /// - Parameters:
  ///   - x: `n × dimensions`; at most `sampleLimit` rows are used.
  ///   - start: codebooks of the same sizes and dimensions to start from instead of seeds from the data (a refit).
  ///   - progress: called on the calling thread after every iteration.
  /// - Throws: `emptyInput`, `notFinite` naming the row, `invalidParameters`, `dimensionMismatch`.
  /// - Complexity: O(iterations · rows · Σ sizes · dimensions) time; a copy of the sample and about a quarter as much again.
  public static func train(
    _ x: Matrix, parameters: Parameters, startingFrom start: ResidualCodebooks? = nil,
    progress: (TrainingProgress) -> Void = { _ in }
  ) throws(QuantizerError) -> TrainingResult {
    try requireTrainable(x, sizes: parameters.sizes, iterations: parameters.iterations)
    try parameters.validate(start: start, dimensions: x.columns)
    var random = RandomSource(seed: parameters.seed)
    var residuals = x
    if x.rows > parameters.sampleLimit {
      residuals = x.selectingRows(sampledIndices(of: x.rows, limit: parameters.sampleLimit, using: &random))
    }
    var codebooks: [Codebook] = []
    var statistics: [LevelStatistics] = []
    for (level, size) in parameters.sizes.enumerated() {
      var random = RandomSource(seed: parameters.seed, stream: UInt64(level))
      let trained = trainLevel(
        residuals, size: size, parameters: parameters, start: start?.levels[level], using: &random
      ) { iteration, objective in
        progress(
          TrainingProgress(
            level: level, levelCount: parameters.sizes.count, iteration: iteration,
            iterationCount: parameters.iterations, objective: objective))
      }
      let squaredNorms = residuals.subtractRows(of: trained.codebook.centroids, at: trained.codes)
      codebooks.append(trained.codebook)
      statistics.append(trained.statistics(squaredNorms))
    }
    let quantizer = ResidualQuantizer(codebooks: try ResidualCodebooks(levels: codebooks))
    return TrainingResult(quantizer: quantizer, statistics: statistics, sampleCount: residuals.rows)
  }
}

extension ResidualQuantizer.Parameters {
  fileprivate func validate(start: ResidualCodebooks?, dimensions: Int) throws(QuantizerError) {
    guard sampleLimit > 0 else {
      throw QuantizerError(.invalidParameters, "a sample of \(sampleLimit) rows; at least one is needed")
    }
    guard capacitySlack >= 0, capacitySlack.isFinite else {
      throw QuantizerError(.invalidParameters, "a capacity slack of \(capacitySlack); 0 or more is needed")
    }
    guard let start else { return }
    guard start.dimensions == dimensions, start.sizes == sizes else {
      throw QuantizerError(
        .dimensionMismatch,
        "a start of sizes \(start.sizes) × \(start.dimensions) for sizes \(sizes) × \(dimensions); they must agree")
    }
  }
}

/// One level's outcome: the codebook, and the training rows' codes by the serving rule.
private struct TrainedLevel {
  let codebook: Codebook
  let codes: ContiguousArray<UInt16>
  let iterations: [KMeansIteration]

  func statistics(_ squaredNorms: ContiguousArray<Float>) -> ResidualQuantizer.LevelStatistics {
    var occupancy = [Int](repeating: 0, count: codebook.size)
    for code in codes { occupancy[Int(code)] += 1 }
    return ResidualQuantizer.LevelStatistics(
      iterations: iterations,
      meanSquaredError: squaredNorms.reduce(0.0) { $0 + Double($1) } / Double(codes.count), occupancy: occupancy)
  }
}

private func trainLevel(
  _ residuals: Matrix, size: Int, parameters: ResidualQuantizer.Parameters, start: Codebook?,
  using random: inout RandomSource, progress: (Int, Double) -> Void
) -> TrainedLevel {
  let rows = PreparedRows(residuals, computePath: .preferred(dimensions: residuals.columns))
  var count = 0
  func report(_ iteration: KMeansIteration) {
    progress(count, iteration.objective)
    count += 1
  }
  let codebook: Codebook
  let iterations: [KMeansIteration]
  switch parameters.method {
  case .kMeans:
    var spread = BalancedKMeans(
      rows, from: start?.centroids ?? KMeansSeeding.seeds(in: rows, count: size, using: &random), prices: nil,
      capacitySlack: parameters.capacitySlack)
    if start == nil { spread.spread(iterations: parameters.iterations * 2 / 5, progress: report) }
    let trained = KMeans.fit(
      rows, from: spread.centroids, iterations: parameters.iterations - spread.iterations.count, progress: report)
    codebook = Codebook(centroids: trained.centroids)
    iterations = spread.iterations + trained.iterations
  case .balanced:
    let first = start?.centroids ?? KMeansSeeding.seeds(in: rows, count: size, using: &random)
    var trained = BalancedKMeans(rows, from: first, prices: start?.prices, capacitySlack: parameters.capacitySlack)
    trained.train(iterations: parameters.iterations, progress: report)
    codebook = Codebook(centroids: trained.centroids, prices: trained.prices)
    iterations = trained.iterations
  case .balancedGreedy:
    // Algorithm 1 starts from random rows.
    let drawn = (0..<size).map { _ in Int.random(in: 0..<rows.count, using: &random) }
    var trained = BalancedGreedy(rows, from: start?.centroids ?? residuals.selectingRows(drawn))
    trained.train(iterations: parameters.iterations, progress: report)
    codebook = Codebook(centroids: trained.centroids)
    iterations = trained.iterations
  }
  let codes = NearestCentroids(codebook.centroids, prices: codebook.prices).assign(rows).codes
  return TrainedLevel(codebook: codebook, codes: codes, iterations: iterations)
}
