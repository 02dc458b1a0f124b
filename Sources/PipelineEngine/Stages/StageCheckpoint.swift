internal import BehaviorAlignment

/// Where a stage's training is kept on its way: a run that was stopped goes on from there, for the same inputs only.
struct StageCheckpoint {
  let path: String
  private let stage: StageName

  init(_ stage: some Stage, _ context: RunContext) throws {
    self.stage = stage.name
    let digest = try stage.fingerprint(context).digest
    path = context.workspace.stage(stage.name) + "/checkpoint-\(digest.prefix(16)).safetensors"
  }

  /// Once the training is done, or where there is nothing to train.
  static func removeAll(of stage: StageName, _ context: RunContext, except kept: String? = nil) {
    let folder = context.workspace.stage(stage)
    for name in FileSystem.contents(of: folder) where name.hasPrefix("checkpoint-") {
      let path = folder + "/" + name
      // What a training keeps beside its file is named after it.
      if let kept, path.hasPrefix(kept) { continue }
      FileSystem.remove(path)
    }
  }

  /// Those of other inputs than tonight's.
  func removeOthers(_ context: RunContext) { Self.removeAll(of: stage, context, except: path) }

  /// Trains on from the checkpoint where there is one. One that cannot be read costs the time that it would have saved, and
  /// not the night: training begins anew.
  /// - Parameter train: given the checkpoint's path.
  func goingOn<Result>(_ context: RunContext, _ train: (_ checkpoint: String) throws -> Result) throws -> Result {
    removeOthers(context)
    if FileSystem.exists(path) {
      context.observer.observe(.note("\(stage.rawValue) goes on with the training that was stopped"))
    }
    do {
      return try train(path)
    } catch let error as AlignmentError where error.code == .unreadableCheckpoint {
      context.observer.observe(.warning("\(stage.rawValue) trains anew: \(error.message)"))
      FileSystem.remove(path)
      return try train(path)
    }
  }
}
