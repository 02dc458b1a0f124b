internal import Quantizers
internal import SemanticIDStore
internal import TensorMath

/// Gives tonight's vectors their codes, by codebooks that are trained once and then frozen, or refitted as configured.
struct QuantizeStage: Stage {
  static let blockRows = 65_536

  let name = StageName.quantize
  let codeVersion = StageCodeVersions.quantize

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.quantize?.stageInputs ?? [] }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    let night = try context.requireNight()
    var inputs = [
      StageInput(name: "representations", value: try context.manifest(.represent).digest),
      StageInput(name: "codebooks", value: night.codebooks.rawValue),
    ]
    if let neighbors = night.neighbors { inputs.append(StageInput(name: "item set", value: neighbors.rawValue)) }
    let pairWeight = context.configuration.quantize?.autoencoder?.pairWeight ?? 0
    if pairWeight > 0, night.codebooks != .frozen {
      inputs.append(StageInput(name: "pairs", value: try context.manifest(.pairs).digest))
    }
    return inputs
  }

  func run(_ context: RunContext) throws -> StageResult {
    guard let settings = context.configuration.quantize else {
      throw PipelineError(.internalFault, "quantize runs without its section")
    }
    try FileSystem.makeDirectory(context.workspace.stage(.quantize))
    let vectors = try ColumnFileReader<Float>(path: RepresentStage.path(context))
    let night = try context.requireNight()
    let files = QuantizeFiles(context)
    files.removeOptional()
    var trained = try codebooks(settings, night, vectors, context)
    let quantizer = try trained.quantizer(context)
    let (encoding, squaredNorm) = try encode(vectors, quantizer, files, context)
    try checkDrift(encoding, trained: trained, settings, night)
    if night.codebooks != .frozen { trained.trainingError = encoding.meanSquaredError }
    try files.write(encoding, trained)
    let neighbors = try NeighborPass(context, vectors, night)?.run(files)
    return result(encoding, trained, squaredNorm: squaredNorm, quantizer: quantizer, files: files, neighbors)
  }

  /// Codebooks and how they came about.
  struct Trained {
    var codebooks: ResidualCodebooks
    /// Mean squared error over the items that were there when the codebooks were trained.
    var trainingError: Double
    var metrics: [String: Double] = [:]
    /// The fingerprint of the encoder that comes before the codebooks; nil: none does.
    var encoder: String?

    func quantizer(_ context: RunContext) throws -> any Quantizer {
      guard let encoder else { return ResidualQuantizer(codebooks: codebooks) }
      return try QuantizerFile.read(encoder, codebooks: codebooks, context)
    }
  }

  private func codebooks(
    _ settings: PipelineConfiguration.Quantize, _ night: NightRecord, _ vectors: ColumnFileReader<Float>,
    _ context: RunContext
  ) throws -> Trained {
    var old: Trained?
    if night.codebooks != .fit, let base = night.base {
      let store = try context.store()
      let (codebooks, manifest) = try store.read(generation: base) { reader in
        (try CodebookConversion.codebooks(reader.codebooks()), reader.manifest)
      }
      let stored = Trained(
        codebooks: codebooks, trainingError: manifest.metrics["quantize.trainingError"] ?? 0,
        encoder: manifest.artifacts[QuantizerFile.role])
      guard night.codebooks == .refit else { return stored }
      old = stored
    }
    if let parameters = settings.autoencoder {
      return try AutoencoderTraining(context, parameters).run(vectors, startingFrom: old)
    }
    return try train(settings, vectors, startingFrom: old?.codebooks, context)
  }

  private func train(
    _ settings: PipelineConfiguration.Quantize, _ vectors: ColumnFileReader<Float>,
    startingFrom old: ResidualCodebooks?, _ context: RunContext
  ) throws -> Trained {
    guard let method = ResidualQuantizer.Method(rawValue: settings.method) else {
      throw PipelineError(.internalFault, "the method '\(settings.method)' passed the check but has no quantizer")
    }
    let parameters = ResidualQuantizer.Parameters(
      method: method, sizes: settings.sizes, iterations: settings.iterations, seed: settings.seed,
      sampleLimit: settings.sampleLimit)
    let sample = try TrainingSample.read(vectors, limit: settings.sampleLimit, seed: settings.seed)
    let training = try ResidualQuantizer.train(sample, parameters: parameters, startingFrom: old) { progress in
      let total = progress.levelCount * progress.iterationCount
      let done = progress.level * progress.iterationCount + progress.iteration + 1
      context.progress(.quantize, "training", done, of: total, unit: "iterations")
    }
    try Interruption.check()
    var trained = Trained(codebooks: training.quantizer.codebooks, trainingError: 0)
    for (level, statistics) in training.statistics.enumerated() {
      trained.metrics["trainingError.\(level)"] = statistics.meanSquaredError
      trained.metrics["iterations.\(level)"] = Double(statistics.iterations.count)
    }
    if let old {
      let relabeled = try RelabeledCodebooks(trained.codebooks, like: old)
      trained.codebooks = relabeled.codebooks
      for (level, matching) in relabeled.matchings.enumerated() {
        trained.metrics["refitShift.\(level)"] = matching.meanSquaredShift
      }
    }
    return trained
  }

  private func encode(
    _ vectors: ColumnFileReader<Float>, _ quantizer: any Quantizer, _ files: QuantizeFiles, _ context: RunContext
  ) throws -> (Encoding, squaredNorm: Double) {
    let latents =
      try quantizer.hasEncoder
      ? ColumnFileWriter<Float>(path: files.latents, columns: quantizer.codebooks.dimensions) : nil
    var encoding = Encoding(levels: quantizer.codebooks.levels.count)
    var squares = 0.0
    for start in stride(from: 0, to: vectors.rows, by: Self.blockRows) {
      try Interruption.check()
      let rows = start..<min(vectors.rows, start + Self.blockRows)
      let block = try vectors.matrix(rows)
      encoding.append(try quantizer.encode(block))
      if let latents {
        let coded = try quantizer.codedVectors(block)
        try latents.append(coded.elements.span)
      }
      squares += block.elements.reduce(0.0) { $0 + Double($1) * Double($1) }
      context.progress(.quantize, "assigning", rows.upperBound, of: vectors.rows)
    }
    try latents?.finish()
    return (encoding, vectors.rows == 0 ? 1 : squares / Double(vectors.rows))
  }

  /// Frozen codebooks serve until the items they meet are too unlike those they were trained on.
  private func checkDrift(
    _ encoding: Encoding, trained: Trained, _ settings: PipelineConfiguration.Quantize, _ night: NightRecord
  ) throws {
    guard settings.refit == .onDrift, night.codebooks == .frozen, encoding.codes.count >= DriftDetected.minimumItems,
      trained.trainingError > 0
    else { return }
    let ratio = encoding.meanSquaredError / trained.trainingError
    if ratio > settings.driftThreshold { throw DriftDetected(ratio: ratio) }
  }

  private func result(
    _ encoding: Encoding, _ trained: Trained, squaredNorm: Double, quantizer: any Quantizer, files: QuantizeFiles,
    _ neighbors: NeighborPass.Result?
  ) -> StageResult {
    var result = StageResult()
    result.outputs = files.all + files.optional
    result.values = ["compute": quantizer.computePath, "rows": "\(encoding.codes.count)"]
    result.metrics = trained.metrics
    result.metrics["rows"] = Double(encoding.codes.count)
    result.metrics["trainingError"] = trained.trainingError
    result.metrics["meanSquaredNorm"] = squaredNorm
    result.metrics["meanSquaredError"] = encoding.meanSquaredError
    result.values[QuantizerFile.role] = trained.encoder
    if let neighbors { neighbors.describe(in: &result) }
    for (level, error) in encoding.levelErrors.enumerated() { result.metrics["levelError.\(level)"] = error }
    result.summary = "\(encoding.codes.count) items, mean squared error \(rounded(encoding.meanSquaredError))"
    return result
  }
}

/// The new items fit the codebooks worse than allowed: the night has to begin again with all items.
struct DriftDetected: Error {
  /// Fewer new items than this say nothing about the codebooks.
  static let minimumItems = 20
  let ratio: Double
}

/// Four significant decimals, for people.
func rounded(_ value: Double) -> String {
  let scaled = (value * 10_000).rounded() / 10_000
  return "\(scaled)"
}
