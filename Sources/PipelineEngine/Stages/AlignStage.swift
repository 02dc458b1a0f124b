internal import BehaviorAlignment
internal import ItemCatalog
internal import ItemEncoders
internal import SemanticIDStore
internal import TensorMath

/// Trains the aligner on pairs that behavior ties, once; later nights keep it, as they keep codebooks.
struct AlignStage: Stage {
  let name = StageName.align
  let codeVersion = StageCodeVersions.align

  /// Held-out pairs that representations are compared on.
  private static let comparedPairs = 20_000

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] {
    (configuration.align?.stageInputs ?? [])
      + (configuration.represent.map { [StageInput(name: "represent.dimensions", value: "\($0.dimensions)")] } ?? [])
  }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    let night = try context.requireNight()
    if night.representation == .frozen, let fingerprint = try Self.frozen(context) {
      guard let tuned = try TunedTexts.frozen(context) else {
        return [StageInput(name: "aligner", value: fingerprint)]
      }
      return [
        StageInput(name: "aligner", value: fingerprint), StageInput(name: "tuned text encoder", value: tuned),
        StageInput(name: "embeddings", value: try context.manifest(.encode).digest),
      ]
    }
    return [
      StageInput(name: "embeddings", value: try context.manifest(.encode).digest),
      StageInput(name: "pairs", value: try context.manifest(.pairs).digest),
    ]
  }

  /// The aligner of the generation that tonight builds on.
  private static func frozen(_ context: RunContext) throws -> String? {
    guard let base = try context.requireNight().base else { return nil }
    return try context.generation(base)?.artifacts["representation"]
  }

  func run(_ context: RunContext) throws -> StageResult {
    guard let settings = context.configuration.align, let represent = context.configuration.represent else {
      throw PipelineError(.internalFault, "stage align runs without its section")
    }
    if try context.requireNight().representation == .frozen, let fingerprint = try Self.frozen(context) {
      var result = Self.result(fingerprint, context)
      if let tuned = try TunedTexts.frozen(context) { try TunedTexts(tuned, context).encode(into: &result) }
      result.summary = "the aligner stays as it is"
      StageCheckpoint.removeAll(of: name, context)
      return result
    }
    try FileSystem.makeDirectory(context.workspace.stage(.align))
    let (mined, heldOut) = try PairFiles(context).load(try context.table())
    let data = try AlignmentData(context, pairs: mined, heldOut: heldOut, itemLimit: settings.itemLimit)
    let trained = try train(data, settings, dimensions: represent.dimensions, context)
    let comparison = try compare(data, trained, represent, context)
    try context.workspace.keepModel(trained.aligner.fingerprint) { try trained.aligner.write(to: $0) }
    var result = try result(trained, comparison, data, context)
    if let tuned = trained.tuned {
      try context.workspace.keepModel(tuned.weights.fingerprint) { try tuned.weights.write(to: $0) }
      try TunedTexts(tuned.weights.fingerprint, context).encode(into: &result)
      result.metrics["tunedTensors"] = Double(tuned.weights.changedTensors)
    }
    StageCheckpoint.removeAll(of: name, context)
    return result
  }

  private func train(
    _ data: AlignmentData, _ settings: PipelineConfiguration.Align, dimensions: Int, _ context: RunContext
  ) throws -> AlignerTraining.Result {
    let shape = settings.shape(for: data.modalities, dimensions: dimensions)
    let (training, validation) = data.pairs.splittingValidation(
      share: settings.validationShare, seed: settings.training.seed)
    let interruption = Interruption.current
    let tuning = try TunedTexts.tuning(of: data.tableRows, context)
    return try StageCheckpoint(self, context).goingOn(context) { checkpoint in
      try AlignerTraining(shape, parameters: settings.training).train(
        data.modalities, pairs: training, validation: validation, tuning: tuning, checkpoint: checkpoint,
        isCancelled: { interruption.isRequested },
        didStep: { context.progress(.align, "training", $0, of: settings.training.steps, unit: "steps") })
    }
  }

  private func compare(
    _ data: AlignmentData, _ trained: AlignerTraining.Result, _ represent: PipelineConfiguration.Represent,
    _ context: RunContext
  ) throws -> RepresentationComparison {
    try Interruption.check()
    context.progress(.align, "comparing", 0, of: 1, unit: "steps")
    var parameters = RepresentStage.parameters(represent, context)
    parameters.sampleLimit = min(parameters.sampleLimit, 50_000)
    let untrained = try RepresentationModel.fit(data.modalities, parameters: parameters)
    let tuned = data.modalities.map { batch in
      batch.name == trained.tuned?.vectors.name ? trained.tuned?.vectors : batch
    }
    return RepresentationComparison(
      data.modalities, untrained: untrained, aligner: trained.aligner, tuned: tuned.compactMap { $0 },
      pairs: data.heldOut.thinned(to: Self.comparedPairs))
  }

  private func result(
    _ trained: AlignerTraining.Result, _ comparison: RepresentationComparison, _ data: AlignmentData,
    _ context: RunContext
  ) throws -> StageResult {
    let table = try context.table()
    func ids(_ items: [Int]) throws -> [String] { try items.map { try table.id(at: Int(data.tableRows[$0])) } }
    let record = AlignmentRecord(
      items: data.modalities.first?.vectors.rows ?? 0, heldOutPairs: comparison.rows.first?.recall.pairs ?? 0,
      comparison: comparison.rows,
      examples: try comparison.examples.map {
        .init(item: try ids([$0.item])[0], before: try ids($0.before), after: try ids($0.after))
      }, measurements: trained.measurements, stopReason: trained.stopReason)
    try record.write(to: AlignmentRecord.path(context))
    var result = Self.result(trained.aligner.fingerprint, context)
    result.outputs.append(AlignmentRecord.path(context))
    result.metrics = [
      "steps": Double(trained.steps), "pairsPerSecond": trained.pairsPerSecond.rounded(),
      "items": Double(record.items),
    ]
    for row in comparison.rows {
      for (cutoff, recall) in row.recall.recall { result.metrics["\(row.name).recall@\(cutoff)"] = recall }
    }
    let aligned = comparison.rows.first { $0.name == "aligned" }?.recall.recall[10] ?? 0
    result.summary =
      "\(trained.steps) steps, \(rounded(aligned * 100)) % of held-out pairs found among 10 items"
      + (trained.stopReason.map { "; stopped: \($0)" } ?? "")
    return result
  }

  private static func result(_ fingerprint: String, _ context: RunContext) -> StageResult {
    var result = StageResult()
    result.outputs = [context.workspace.model(fingerprint)]
    result.digest = fingerprint
    result.values = ["aligner": fingerprint]
    return result
  }
}

/// What a night's training of the aligner found, for the report.
struct AlignmentRecord: StageRecord, Equatable {
  /// What is near an item before and after alignment, by id.
  struct Example: Codable, Equatable {
    var item: String
    var before: [String]
    var after: [String]
  }

  /// That targets were looked for among.
  var items: Int
  var heldOutPairs: Int
  var comparison: [RepresentationComparison.Row]
  var examples: [Example]
  var measurements: [AlignerTraining.Measurement]
  var stopReason: String?

  static func path(_ context: RunContext) -> String { context.workspace.stage(.align) + "/alignment.json" }
}
