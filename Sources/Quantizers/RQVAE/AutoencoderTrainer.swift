internal import NeuralNetworks
internal import TensorMath

/// Trains one ``ResidualAutoencoder``.
struct AutoencoderTrainer {
  private let rows: TrainingRows
  private let parameters: ResidualAutoencoder.Parameters
  private var model: AutoencoderModel
  private var codebooks: [LearningCodebook]
  private var optimizer: AdamW
  private var random: RandomSource
  private var schedule: LearningRateSchedule
  private var step = 0
  private var statistics: [ResidualAutoencoder.EpochStatistics] = []
  private var best: (score: Double, epoch: Int, model: AutoencoderModel, codebooks: [LearningCodebook])?

  /// Rows whose latent vectors the first centroids are fitted to, and those of settling.
  private static let clusteredRows = 65_536
  private static let clusteringIterations = 10
  private static let gradientLimit: Float = 1
  /// Pairs that epochs are compared by.
  private static let comparedPairs = 4096

  init(
    _ rows: TrainingRows, _ parameters: ResidualAutoencoder.Parameters, shape: AutoencoderShape,
    start: ResidualAutoencoder?
  ) throws(QuantizerError) {
    self.rows = rows
    self.parameters = parameters
    random = RandomSource(seed: parameters.seed, stream: 0x5251_5641)
    optimizer = AdamW(AdamW.Parameters(weightDecay: parameters.weightDecay))
    schedule = .constant(parameters.learningRate)
    codebooks = []
    if let start {
      model = start.model
      model.absorb(inputScale: 1 / rows.scale)
      codebooks = learning(start.codebooks.levels.map(\.centroids))
    } else {
      model = try AutoencoderModel(shape, ParameterScope(initializingWith: RandomSource(seed: parameters.seed)))
      codebooks = learning(try clusteredCentroids(from: nil))
    }
    schedule = schedule(epochs: parameters.epochs)
  }

  private var stepsPerEpoch: Int { (rows.training.count + parameters.batchSize - 1) / parameters.batchSize }

  private func schedule(epochs: Int) -> LearningRateSchedule {
    let steps = stepsPerEpoch * epochs
    return .warmupCosine(peak: parameters.learningRate, warmupSteps: steps / 20, steps: steps)
  }

  private func learning(_ centroids: [Matrix]) -> [LearningCodebook] {
    centroids.map { LearningCodebook($0, decay: parameters.centroidDecay, batchSize: parameters.batchSize) }
  }

  /// Centroids that k-means finds for the latent vectors of the training rows, level after level.
  private func clusteredCentroids(from start: ResidualCodebooks?) throws(QuantizerError) -> [Matrix] {
    var random = RandomSource(seed: parameters.seed, stream: 0x4B4D_4541)
    let places = sampledIndices(of: rows.training.count, limit: Self.clusteredRows, using: &random)
    let latents = model.encode(rows.scaled.selectingRows(places.map { rows.training[$0] }))
    try requireFinite(latents)
    let clustering = ResidualQuantizer.Parameters(
      sizes: parameters.sizes, iterations: Self.clusteringIterations, seed: parameters.seed)
    return try ResidualQuantizer.train(latents, parameters: clustering, startingFrom: start).quantizer.codebooks.levels
      .map(\.centroids)
  }

  // MARK: Epochs

  mutating func run(_ progress: (ResidualAutoencoder.EpochStatistics, Int) throws -> Void) throws {
    let total = parameters.epochs + parameters.settlingEpochs
    while statistics.count < parameters.epochs {
      // The last tenth leaves dead centroids dead: a fresh one would not find its place any more.
      let restarts = 10 * statistics.count < 9 * parameters.epochs
      try progress(try epoch(isSettling: false, restarts: restarts), total)
      if statistics.count - 1 - (best?.epoch ?? 0) >= parameters.patience { break }
    }
    try settle { try progress($0, total) }
  }

  private mutating func settle(_ progress: (ResidualAutoencoder.EpochStatistics) throws -> Void) throws {
    guard parameters.settlingEpochs > 0, let best else { return }
    (model, codebooks) = (best.model, best.codebooks)
    for (level, centroids) in try clusteredCentroids(from: serving(codebooks)).enumerated() {
      codebooks[level].settle(centroids)
    }
    model.parameters.setTrainable(false, below: "encoder")
    optimizer = AdamW(AdamW.Parameters(weightDecay: parameters.weightDecay))
    (step, schedule) = (0, schedule(epochs: parameters.settlingEpochs))
    for _ in 0..<parameters.settlingEpochs { try progress(try epoch(isSettling: true, restarts: false)) }
  }

  private mutating func epoch(
    isSettling: Bool, restarts: Bool
  ) throws(QuantizerError) -> ResidualAutoencoder.EpochStatistics {
    var order = rows.training
    order.shuffle(using: &random)
    var pairs = PairBatches(parameters.pairWeight > 0 && !isSettling ? rows.pairs : [], using: &random)
    var sums = StepFigures()
    var last: [Matrix] = []
    for start in stride(from: 0, to: order.count, by: parameters.batchSize) {
      let batch = Array(order[start..<min(order.count, start + parameters.batchSize)])
      let result = train(batch, pairs: pairs.next(parameters.batchSize / 4), isSettling: isSettling)
      guard result.figures.loss.isFinite else { throw diverged("the loss is \(result.figures.loss)") }
      sums.add(result.figures, rows: batch.count)
      last = result.residuals
    }
    var levels: [ResidualAutoencoder.EpochStatistics.Level] = []
    for level in codebooks.indices {
      levels.append(codebooks[level].endEpoch(restartingFrom: restarts ? last[level] : nil, using: &random))
    }
    return try finishEpoch(sums, levels, isSettling: isSettling)
  }

  private mutating func finishEpoch(
    _ sums: StepFigures, _ levels: [ResidualAutoencoder.EpochStatistics.Level], isSettling: Bool
  ) throws(QuantizerError) -> ResidualAutoencoder.EpochStatistics {
    let error = try heldOutError()
    guard error.isFinite, error <= 10 * rows.meanSquaredNorm || rows.meanSquaredNorm == 0 else {
      throw diverged("the held-out error is \(error), and the vectors' mean squared length \(rows.meanSquaredNorm)")
    }
    let unscaled = Double(rows.scale) * Double(rows.scale)
    let found = ResidualAutoencoder.EpochStatistics(
      epoch: statistics.count, isSettling: isSettling, trainingError: sums.reconstruction / unscaled,
      heldOutError: error, commitment: sums.commitment, pairDistance: sums.pairDistance, levels: levels)
    statistics.append(found)
    let score = score(error)
    if best.map({ score < $0.score }) ?? true { best = (score, found.epoch, model, codebooks) }
    return found
  }

  private func diverged(_ what: String) -> QuantizerError {
    QuantizerError(
      .diverged,
      "training diverged in epoch \(statistics.count + 1): \(what); lower the learning rate (now "
        + "\(parameters.learningRate)) or the commitment, and look for outliers among the vectors")
  }

  /// What epochs are compared by: the held-out error, and where there is a pair term that too, weighed as in the loss. By
  /// the error alone the best epoch would be one in which the term had done little yet.
  private func score(_ heldOutError: Double) -> Double {
    guard parameters.pairWeight > 0, !rows.pairs.isEmpty else { return heldOutError }
    let count = min(rows.pairs.count, Self.comparedPairs)
    let pairs = (0..<count).map { rows.pairs[$0 * rows.pairs.count / count] }
    guard let first = quantized(rows.scaled.selectingRows(pairs.map(\.first))),
      let second = quantized(rows.scaled.selectingRows(pairs.map(\.second)))
    else { return .infinity }
    let distance = (0..<count).reduce(0.0) { $0 + Double(squaredDistance(first.row($1), second.row($1))) }
    let scaledError = heldOutError * Double(rows.scale) * Double(rows.scale) / Double(rows.scaled.columns)
    return scaledError + Double(parameters.pairWeight) * distance / Double(count * first.columns)
  }

  /// Sums of the centroids that the serving rule chooses; nil where weights have left the finite numbers, which shows here
  /// before it reaches a search.
  private func quantized(_ x: Matrix) -> Matrix? {
    let latents = model.encode(x)
    guard latents.firstNonFiniteRow() == nil else { return nil }
    var residuals = latents
    for codebook in codebooks { _ = residuals.subtractRows(of: codebook.centroids, at: codebook.assign(residuals)) }
    var quantized = latents
    quantized.add(residuals, times: -1)
    return quantized
  }

  /// By the serving rule, in the original space.
  private func heldOutError() throws(QuantizerError) -> Double {
    guard let quantized = quantized(rows.heldOut) else { return .infinity }
    let decoded = model.decode(quantized)
    var total = 0.0
    for row in 0..<decoded.rows { total += Double(squaredDistance(rows.heldOut.row(row), decoded.row(row))) }
    return total / Double(max(1, decoded.rows)) / (Double(rows.scale) * Double(rows.scale))
  }

  // MARK: One step

  private mutating func train(
    _ batch: [Int], pairs: ArraySlice<RowPair>, isSettling: Bool
  ) -> (figures: StepFigures, residuals: [Matrix]) {
    let all = batch + pairs.map(\.first) + pairs.map(\.second)
    let input = rows.scaled.selectingRows(all)
    let pass = ModelPass(training: model.parameters, using: &random)
    let tape = pass.tape, target = tape.constant(input)
    let latent = model.encoded(target, in: pass)
    let chosen = quantize(latent.value, isMoving: !isSettling)
    let quantized = latent.quantized(to: chosen.sum, estimator: parameters.estimator)
    let inputShare = 1 / Float(input.columns), latentShare = 1 / Float(latent.columns)
    var figures = StepFigures()
    let reconstruction = model.decoded(quantized, in: pass).meanSquaredDistance(to: target)
    figures.reconstruction = Double(reconstruction.scalar)
    var loss = inputShare * reconstruction
    for prefix in chosen.prefixes {
      let distance = latentShare * latent.meanSquaredDistance(to: tape.constant(prefix))
      figures.commitment += Double(distance.scalar)
      loss = loss + parameters.commitment * distance
    }
    if !pairs.isEmpty {
      let sides = [batch.count, batch.count + pairs.count].map { start in
        quantized.selectingRows(ContiguousArray((start..<start + pairs.count).map { Int32($0) }))
      }
      let distance = latentShare * sides[0].meanSquaredDistance(to: sides[1])
      figures.pairDistance = Double(distance.scalar)
      loss = loss + parameters.pairWeight * distance
    }
    figures.loss = loss.scalar
    if figures.loss.isFinite { update(pass.backward(from: loss)) }
    return (figures, chosen.residuals)
  }

  private mutating func update(_ gradients: ParameterGradients) {
    let factor = ParameterGradients.clippingFactor(norm: gradients.norm(), limit: Self.gradientLimit)
    optimizer.update(&model.parameters, with: gradients, rate: schedule.rate(at: step), factor: factor)
    step += 1
  }

  /// Every level's choice for a batch of latent vectors, and the centroids' reaction to it.
  private mutating func quantize(_ latents: Matrix, isMoving: Bool) -> QuantizedBatch {
    var result = QuantizedBatch(sum: latents)
    // A weight that left the finite numbers makes the loss so too; nothing is to be searched then.
    guard latents.firstNonFiniteRow() == nil else { return result }
    var residuals = latents
    for level in codebooks.indices {
      let before = residuals
      let codes = codebooks[level].assign(residuals)
      _ = residuals.subtractRows(of: codebooks[level].centroids, at: codes)
      codebooks[level].observe(before, codes, isMoving: isMoving)
      var prefix = latents
      prefix.add(residuals, times: -1)
      result.residuals.append(before)
      result.prefixes.append(prefix)
    }
    result.sum = result.prefixes[result.prefixes.count - 1]
    return result
  }

  // MARK: Result

  private func serving(_ codebooks: [LearningCodebook]) throws(QuantizerError) -> ResidualCodebooks {
    var levels: [Codebook] = []
    for codebook in codebooks { levels.append(Codebook(centroids: codebook.centroids)) }
    return try ResidualCodebooks(levels: levels)
  }

  func result() throws(QuantizerError) -> ResidualAutoencoder.TrainingResult {
    guard let best else { throw diverged("no epoch ended") }
    var model = best.model
    model.absorb(inputScale: rows.scale)
    model.parameters.setTrainable(true, below: "")
    // Without an encoder the scaled vectors themselves were coded.
    let factor = model.shape.isIdentity ? 1 / rows.scale : 1
    var levels: [Codebook] = []
    for codebook in best.codebooks {
      var centroids = codebook.centroids
      centroids.scale(by: factor)
      levels.append(Codebook(centroids: centroids))
    }
    return ResidualAutoencoder.TrainingResult(
      quantizer: try ResidualAutoencoder(model: model, codebooks: try ResidualCodebooks(levels: levels)),
      epochs: statistics, bestEpoch: best.epoch, sampleCount: rows.training.count)
  }
}

/// The choice of every level for a batch.
private struct QuantizedBatch {
  /// Sums of the centroids of all levels.
  var sum: Matrix
  /// What each level was given.
  var residuals: [Matrix] = []
  /// Sums of the centroids up to each level.
  var prefixes: [Matrix] = []

  init(sum: Matrix) { self.sum = sum }
}

/// What steps measured, as means over rows.
private struct StepFigures {
  var loss: Float = 0
  var reconstruction = 0.0
  var commitment = 0.0
  var pairDistance: Double?
  private var rows = 0.0

  mutating func add(_ other: StepFigures, rows count: Int) {
    let share = Double(count) / (rows + Double(count))
    reconstruction += share * (other.reconstruction - reconstruction)
    commitment += share * (other.commitment - commitment)
    if let distance = other.pairDistance { pairDistance = (pairDistance ?? distance) * (1 - share) + share * distance }
    rows += Double(count)
  }
}

/// The pairs of an epoch in random order, beginning again when all were seen.
private struct PairBatches {
  private let order: [RowPair]
  private var place = 0

  init(_ pairs: [RowPair], using random: inout RandomSource) { order = pairs.shuffled(using: &random) }

  mutating func next(_ count: Int) -> ArraySlice<RowPair> {
    guard !order.isEmpty else { return [] }
    if place >= order.count { place = 0 }
    let range = place..<min(order.count, place + max(1, count))
    place = range.upperBound
    return order[range]
  }
}
