extension Stage {
  /// What the stage would make its files of now.
  func fingerprint(_ context: RunContext) throws -> StageFingerprint {
    StageFingerprint(
      codeVersion: codeVersion, configuration: settings(context.configuration), inputs: try inputs(context))
  }
}

/// Whether a stage has to run, from its manifest and the files it vouches for.
struct StageState {
  let manifest: StageManifest?
  let fingerprint: StageFingerprint
  /// Nil where the stage is up to date.
  let reason: String?

  init(_ stage: any Stage, _ context: RunContext) throws {
    let fingerprint = try stage.fingerprint(context)
    let manifest = StageManifest.read(context.workspace.stageManifest(stage.name))
    self.fingerprint = fingerprint
    self.manifest = manifest
    reason = Self.reason(stage, context, manifest, fingerprint)
  }

  private static func reason(
    _ stage: any Stage, _ context: RunContext, _ manifest: StageManifest?, _ fingerprint: StageFingerprint
  ) -> String? {
    guard let manifest else { return "it has not run yet" }
    if context.forced == stage.name { return "it is forced" }
    if let difference = fingerprint.difference(from: manifest.fingerprint) { return difference }
    if let start = manifest.systemStart, start != SystemStart.identity {
      return "the system was started anew, its files may not have reached the disk"
    }
    for output in manifest.outputs {
      let path = output.path.hasPrefix("/") ? output.path : context.workspace.root + "/" + output.path
      guard let size = FileSystem.size(of: path) else { return "output \(output.path) is missing" }
      if size != output.bytes { return "output \(output.path) was changed" }
    }
    return nil
  }
}
