internal import BehaviorAlignment
internal import Foundation
internal import NeuralNetworks
internal import Recommenders
internal import TensorMath

/// Trains a recommender on the codes that are served, and measures it on what training did not see.
struct TrainStage: Stage {
  /// What the stage's manifest calls the recommender.
  static let role = "recommender"

  let name = StageName.train
  let codeVersion = StageCodeVersions.train

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.train?.stageInputs ?? [] }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    try inputs(context.configuration, publication: context.manifest(.publish).digest)
  }

  private func inputs(_ configuration: PipelineConfiguration, publication digest: String) throws -> [StageInput] {
    [
      StageInput(name: "generation", value: digest),
      StageInput(name: "interactions", value: try BehaviorLog.signature(configuration)),
    ]
  }

  /// Of the training on a generation.
  /// - Parameter digest: of the stage that published it.
  func fingerprint(_ configuration: PipelineConfiguration, publication digest: String) throws -> StageFingerprint {
    StageFingerprint(
      codeVersion: codeVersion, configuration: settings(configuration),
      inputs: try inputs(configuration, publication: digest))
  }

  func run(_ context: RunContext) throws -> StageResult {
    guard let settings = context.configuration.train else {
      throw PipelineError(.internalFault, "stage train runs without its section")
    }
    let folder = context.workspace.stage(.train)
    try FileSystem.makeDirectory(folder)
    context.progress(.train, "reading interactions", 0, of: 1, unit: "steps")
    let generation = UInt64(try context.manifest(.publish).values["generation"] ?? "")
    let data = try RecommenderData(
      context.store(), generation: generation, configuration: context.configuration,
      rejectedTo: folder + "/rejected-interactions.jsonl")
    let shelf = RecommenderShelf(context.workspace)
    let key = try fingerprint(context).digest
    if context.forced != name, let entry = shelf.entry(data.generation), entry.key == key {
      let path = context.workspace.model(entry.fingerprint)
      if let generator = try? Generator(contentsOf: path, tokens: data.tokens) {
        return try reuse(generator, data, settings, context)
      }
      context.observer.observe(.warning("the recommender '\(path)' cannot be read; it is trained anew"))
      FileSystem.remove(path)
    }
    let trained = try train(data, settings, context)
    try context.workspace.keepModel(trained.result.generator.fingerprint) { try trained.result.generator.write(to: $0) }
    let results = try measure(trained.result.generator, data, settings, context)
    try shelf.put(
      .init(generation: data.generation, fingerprint: trained.result.generator.fingerprint, key: key))
    let record = TrainingRecord(
      generation: data.generation, parameters: trained.result.generator.parameterCount,
      steps: trained.log, measurements: trained.result.measurements, stopReason: trained.result.stopReason,
      sessions: trained.result.sessions,
      table: results.isEmpty ? nil : try EvaluationTable(results))
    try record.write(to: TrainingRecord.path(context.workspace))
    StageCheckpoint.removeAll(of: name, context)
    return result(trained.result, record, context.workspace)
  }

  private func measure(
    _ generator: Generator, _ data: RecommenderData, _ settings: PipelineConfiguration.Train, _ context: RunContext
  ) throws -> [EvaluationResult] {
    var comparison = RecommenderComparison(data, settings)
    comparison.isCancelled = { Interruption.current.isRequested }
    comparison.observe = { context.progress(.train, $0, $1, of: $2, unit: $3) }
    return try comparison.measure(settings.rows(of: generator))
  }

  /// What fine-tuning trained along with the codes, or aligned with a reward, is not trained again, only measured.
  private func reuse(
    _ generator: Generator, _ data: RecommenderData, _ settings: PipelineConfiguration.Train, _ context: RunContext
  ) throws -> StageResult {
    let results = try measure(generator, data, settings, context)
    // One that was aligned with a reward was trained before, on the same codes.
    let former = TrainingRecord.read(TrainingRecord.path(context.workspace)).flatMap {
      $0.generation == data.generation && $0.parameters == generator.parameterCount ? $0 : nil
    }
    let record = TrainingRecord(
      generation: data.generation, parameters: generator.parameterCount, steps: former?.steps ?? [],
      measurements: former?.measurements ?? [], stopReason: former?.stopReason,
      table: results.isEmpty ? nil : try EvaluationTable(results))
    try record.write(to: TrainingRecord.path(context.workspace))
    StageCheckpoint.removeAll(of: name, context)
    var result = self.result(generator, record, context.workspace)
    result.summary = "the recommender of this generation is there already" + Self.headline(record)
    return result
  }

  /// - Returns: the result, and the log of a step in every `1 / 200` of them.
  private func train(
    _ data: RecommenderData, _ settings: PipelineConfiguration.Train, _ context: RunContext
  ) throws -> (result: GeneratorTraining.Result, log: [TrainingEvent]) {
    let queries = data.queries(maximumHistory: settings.shape.queryHistory)
    if settings.training.sessions != nil, !data.split.history.hasTimes {
      context.observer.observe(.warning("train.sessions: " + SessionSummary().text))
    }
    let interruption = Interruption.current
    let checkpoint = try StageCheckpoint(self, context)
    checkpoint.removeOthers(context)
    var log = TrainingLog(peak: ProductPeak.measure(settings.training.precision))
    let result = try GeneratorTraining(settings.shape, parameters: settings.training).train(
      data.tokens, split: data.split, validation: queries.validation, checkpoint: checkpoint.path,
      isCancelled: { interruption.isRequested },
      observe: { progress in
        guard let event = log.note(progress) else { return }
        context.progress(
          .train, "training", event.step, of: log.plannedSteps, unit: "steps", detail: event.progressText)
      })
    return (result, log.kept)
  }

  private func result(_ trained: GeneratorTraining.Result, _ record: TrainingRecord, _ workspace: Workspace)
    -> StageResult
  {
    var result = self.result(trained.generator, record, workspace)
    result.metrics["steps"] = Double(trained.steps)
    result.metrics["epoch"] = Double(trained.epoch)
    result.metrics["tokensPerSecond"] = trained.tokensPerSecond.rounded()
    result.metrics["gigaflopsPerSecond"] = (trained.productOperations / max(trained.seconds, 1e-9) / 1e9).rounded()
    if let sessions = trained.sessions { result.metrics.merge(Self.metrics(sessions)) { $1 } }
    let shares = record.steps.compactMap(\.peakShare).sorted()
    if !shares.isEmpty { result.metrics["peakShare"] = shares[shares.count / 2] }
    result.summary =
      "\(trained.steps) steps" + Self.headline(record) + (trained.sessions.map { "; \($0.text)" } ?? "")
      + (trained.stopReason.map { "; stopped: \($0)" } ?? "")
    return result
  }

  private static func metrics(_ sessions: SessionSummary) -> [String: Double] {
    guard sessions.isTimed else { return [:] }
    return [
      "sessions": sessions.sessions, "sessions.kept": sessions.kept, "sessions.tooFewItems": sessions.tooFewItems,
      "sessions.tooManyItems": sessions.tooManyItems, "sessions.tooBrief": sessions.tooBrief,
      "sessions.tooFewPositives": sessions.tooFewPositives, "sessions.shortened": sessions.shortened,
      "sessions.items": sessions.items, "sessions.usersWithout": sessions.usersWithout,
    ].mapValues { Double($0) }
  }

  private static func headline(_ record: TrainingRecord) -> String {
    guard let own = record.table?.rows.last?.accuracy(at: 10) else { return "" }
    return "; \(rounded(own.recall.mean * 100)) % of held-out items among 10 recommended"
  }

  private func result(_ generator: Generator, _ record: TrainingRecord, _ workspace: Workspace) -> StageResult {
    var result = StageResult()
    result.outputs = [workspace.model(generator.fingerprint)]
    result.digest = generator.fingerprint
    result.values = [Self.role: generator.fingerprint, "generation": "\(record.generation)"]
    result.metrics = ["parameters": Double(record.parameters)]
    for row in record.table?.rows ?? [] {
      let name = row.recommender.replacing(", ", with: "-")
      for cutoff in [10, 50] {
        guard let accuracy = row.accuracy(at: cutoff) else { continue }
        result.metrics["\(name).recall@\(cutoff)"] = accuracy.recall.mean
        result.metrics["\(name).ndcg@\(cutoff)"] = accuracy.ndcg.mean
      }
    }
    return result
  }
}
