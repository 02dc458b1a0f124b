internal import BehaviorAlignment
internal import SemanticIDStore
internal import TensorMath

/// Trains a model of who uses what on the training window and keeps its item vectors by item id, once; later nights
/// keep them, as they keep codebooks.
struct BehaviorStage: Stage {
  /// What a generation calls its file of behavior vectors.
  static let role = "behavior"

  let name = StageName.behavior
  let codeVersion = StageCodeVersions.behavior

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.behavior?.trainingInputs ?? [] }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    if let fingerprint = try Self.frozen(context) { return [StageInput(name: "behavior vectors", value: fingerprint)] }
    return [
      StageInput(name: "interactions", value: try BehaviorLog.signature(context.configuration)),
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
      StageCheckpoint.removeAll(of: name, context)
      return result
    }
    let folder = context.workspace.stage(.behavior)
    try FileSystem.makeDirectory(folder)
    let (history, items) = try BehaviorLog.read(
      context, name, maximumEventsPerUser: pairs.maximumEventsPerUser,
      rejectedTo: folder + "/rejected-interactions.jsonl")
    let split = try TrainingSplit(history, window: pairs.window)
    let interruption = Interruption.current
    let trained = try StageCheckpoint(self, context).goingOn(context) { checkpoint in
      try settings.train(
        split, checkpoint: checkpoint, isCancelled: { interruption.isRequested },
        observe: { context.progress(.behavior, "training", $0, of: $1, unit: "epochs") })
    }
    let vectors = trained.vectors(ids: items.known)
    try context.workspace.keepModel(vectors.fingerprint) { try vectors.write(to: $0) }
    StageCheckpoint.removeAll(of: name, context)
    return result(trained, vectors, context)
  }

  private func result(
    _ trained: BehaviorTraining, _ vectors: BehaviorVectors, _ context: RunContext
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
