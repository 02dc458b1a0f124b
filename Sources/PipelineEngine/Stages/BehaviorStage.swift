internal import BehaviorAlignment
internal import SemanticIDStore
internal import TensorMath

/// Trains a sequential model on the training window and keeps its item vectors by item id, once; later nights keep
/// them, as they keep codebooks.
struct BehaviorStage: Stage {
  /// What a generation calls its file of behavior vectors.
  static let role = "behavior"

  let name = StageName.behavior
  let codeVersion = StageCodeVersions.behavior

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.behavior?.trainingInputs ?? [] }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    if let fingerprint = try Self.frozen(context) { return [StageInput(name: "behavior vectors", value: fingerprint)] }
    return [
      StageInput(name: "interactions", value: try BehaviorLog.signature(context.configuration.catalog)),
      StageInput(name: "pairs", value: try context.manifest(.pairs).digest),
    ]
  }

  /// The vectors of the generation that tonight builds on, where they stay.
  private static func frozen(_ context: RunContext) throws -> String? {
    let night = try context.requireNight()
    guard night.representation == .frozen, let base = night.base else { return nil }
    return try context.generation(base)?.artifacts[role]
  }

  func run(_ context: RunContext) throws -> StageResult {
    guard let settings = context.configuration.behavior, let pairs = context.configuration.pairs else {
      throw PipelineError(.internalFault, "stage behavior runs without its section")
    }
    if let fingerprint = try Self.frozen(context) {
      var result = Self.result(fingerprint, context)
      result.summary = "the behavior vectors stay as they are"
      return result
    }
    let folder = context.workspace.stage(.behavior)
    try FileSystem.makeDirectory(folder)
    let (history, items) = try BehaviorLog.read(
      context, name, maximumEventsPerUser: pairs.maximumEventsPerUser,
      rejectedTo: folder + "/rejected-interactions.jsonl")
    let split = try TrainingSplit(history, window: pairs.window)
    let trained = try train(settings, split, context)
    let vectors = BehaviorVectors(
      ids: trained.model.vocabulary.rows.map { items.known[Int($0)] }, vectors: trained.model.itemVectors)
    try context.workspace.keepModel(vectors.fingerprint) { try vectors.write(to: $0) }
    return result(trained, vectors, context)
  }

  private func train(
    _ settings: PipelineConfiguration.Behavior, _ split: TrainingSplit, _ context: RunContext
  ) throws -> SequentialTraining.Result {
    let interruption = Interruption.current
    return try SequentialTraining(settings.shape, parameters: settings.training).train(
      split, validation: split.nextItemQueries(place: 1, maximumHistory: settings.shape.maximumHistory),
      isCancelled: { interruption.isRequested },
      observe: { measurement in
        context.progress(.behavior, "training", measurement.epoch, of: settings.training.epochs, unit: "epochs")
      })
  }

  private func result(
    _ trained: SequentialTraining.Result, _ vectors: BehaviorVectors, _ context: RunContext
  ) -> StageResult {
    var result = Self.result(vectors.fingerprint, context)
    result.metrics = [
      "items": Double(vectors.ids.count), "epochs": Double(trained.measurements.count),
      "positionsPerSecond": trained.positionsPerSecond.rounded(),
    ]
    let best = trained.measurements.max { $0.gain < $1.gain }
    if let best, best.gain > 0 {
      result.metrics["validation.recall@10"] = best.recall
      result.metrics["validation.ndcg@10"] = best.gain
    }
    result.summary =
      "\(vectors.ids.count) items have vectors of \(vectors.dimensions) after \(trained.measurements.count) epochs"
      + (best.map { $0.gain > 0 ? "; \(rounded($0.recall * 100)) % of held-out events among 10 items" : "" } ?? "")
      + (trained.stopReason.map { "; stopped: \($0)" } ?? "")
    return result
  }

  private static func result(_ fingerprint: String, _ context: RunContext) -> StageResult {
    var result = StageResult()
    result.outputs = [context.workspace.model(fingerprint)]
    result.digest = fingerprint
    result.values = [role: fingerprint]
    return result
  }
}
