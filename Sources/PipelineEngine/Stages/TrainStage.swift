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
    [
      StageInput(name: "generation", value: try context.manifest(.publish).digest),
      StageInput(name: "interactions", value: try BehaviorLog.signature(context.configuration.catalog)),
    ]
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
    let trained = try train(data, settings, context)
    try context.workspace.keepModel(trained.result.generator.fingerprint) { try trained.result.generator.write(to: $0) }
    var comparison = RecommenderComparison(data, settings)
    comparison.isCancelled = { Interruption.current.isRequested }
    comparison.observe = { context.progress(.train, $0, $1, of: $2, unit: $3) }
    let results = try comparison.measure(settings.rows(of: trained.result.generator))
    let record = TrainingRecord(
      generation: data.generation, parameters: trained.result.generator.parameterCount,
      steps: trained.log, measurements: trained.result.measurements, stopReason: trained.result.stopReason,
      table: results.isEmpty ? nil : try EvaluationTable(results))
    try record.write(to: TrainingRecord.path(context.workspace))
    removeCheckpoints(folder)
    return result(trained.result, record, context.workspace)
  }

  /// - Returns: the result, and the log of a step in every `1 / 200` of them.
  private func train(
    _ data: RecommenderData, _ settings: PipelineConfiguration.Train, _ context: RunContext
  ) throws -> (result: GeneratorTraining.Result, log: [TrainingEvent]) {
    let queries = data.queries(maximumHistory: settings.shape.maximumHistory)
    let interruption = Interruption.current
    var log = TrainingLog(peak: ProductPeak.measure(settings.training.precision))
    let result = try GeneratorTraining(settings.shape, parameters: settings.training).train(
      data.tokens, split: data.split, validation: queries.validation, checkpoint: try checkpoint(context),
      isCancelled: { interruption.isRequested },
      observe: { progress in
        guard let event = log.note(progress) else { return }
        context.progress(
          .train, "training", event.step, of: log.plannedSteps, unit: "steps", detail: event.progressText)
      })
    return (result, log.kept)
  }

  /// Where training is kept after every epoch: a run that was stopped goes on from there, for the same inputs only.
  private func checkpoint(_ context: RunContext) throws -> String {
    let folder = context.workspace.stage(.train)
    let key = StageFingerprint(
      codeVersion: codeVersion, configuration: settings(context.configuration), inputs: try inputs(context))
    let name = "checkpoint-\(key.digest.prefix(16)).safetensors"
    removeCheckpoints(folder, except: name)
    return folder + "/" + name
  }

  private func removeCheckpoints(_ folder: String, except kept: String? = nil) {
    for name in FileSystem.contents(of: folder) where name.hasPrefix("checkpoint-") {
      if let kept, name.hasPrefix(kept) { continue }
      FileSystem.remove(folder + "/" + name)
    }
  }

  private func result(_ trained: GeneratorTraining.Result, _ record: TrainingRecord, _ workspace: Workspace)
    -> StageResult
  {
    var result = StageResult()
    result.outputs = [workspace.model(trained.generator.fingerprint)]
    result.digest = trained.generator.fingerprint
    result.values = [Self.role: trained.generator.fingerprint, "generation": "\(record.generation)"]
    result.metrics = [
      "parameters": Double(record.parameters), "steps": Double(trained.steps), "epoch": Double(trained.epoch),
      "tokensPerSecond": trained.tokensPerSecond.rounded(),
      "gigaflopsPerSecond": (trained.productOperations / max(trained.seconds, 1e-9) / 1e9).rounded(),
    ]
    let shares = record.steps.compactMap(\.peakShare).sorted()
    if !shares.isEmpty { result.metrics["peakShare"] = shares[shares.count / 2] }
    for row in record.table?.rows ?? [] {
      let name = row.recommender.replacing(", ", with: "-")
      for cutoff in [10, 50] {
        guard let accuracy = row.accuracy(at: cutoff) else { continue }
        result.metrics["\(name).recall@\(cutoff)"] = accuracy.recall.mean
        result.metrics["\(name).ndcg@\(cutoff)"] = accuracy.ndcg.mean
      }
    }
    let own = record.table?.rows.last?.accuracy(at: 10)
    result.summary =
      "\(trained.steps) steps"
      + (own.map { "; \(rounded($0.recall.mean * 100)) % of held-out items among 10 recommended" } ?? "")
      + (trained.stopReason.map { "; stopped: \($0)" } ?? "")
    return result
  }
}
