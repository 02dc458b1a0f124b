internal import ItemCatalog
internal import ItemEncoders
internal import SemanticIDStore

/// Decides what a night keeps of the generation that is served.
struct NightDecision {
  let context: RunContext

  private var recordPath: String { context.workspace.nightRecord }

  /// Tonight's record: the one a run before left for the same catalogue and configuration, or a new one.
  func decide() throws -> NightRecord {
    let keys = ModelKeys(context.configuration)
    let runKey = keys.runKey(
      catalogDigest: try context.manifest(.catalog).digest, configuration: context.configuration,
      encoders: try context.knownFingerprints().map { "\($0.role.name) \($0.fingerprint)" })
    let current = try context.currentGeneration()
    if !forcesCodes, let earlier = NightRecord.read(recordPath), earlier.runKey == runKey, continues(earlier, current) {
      return earlier
    }
    return try record(runKey, keys, current)
  }

  /// Whether an earlier record still describes the night: nothing was published since by anyone else, nor rolled back.
  private func continues(_ record: NightRecord, _ current: GenerationManifest?) -> Bool {
    guard let current else { return record.base == nil && record.published == nil }
    return current.generation == record.base || current.generation == record.published
      || (current.properties["runKey"] == record.runKey && current.parent == record.base)
  }

  private var forcesCodes: Bool {
    guard let forced = context.forced else { return false }
    return forced > .catalog && forced < .publish && forced != .pairs
  }

  private func record(
    _ runKey: String, _ keys: ModelKeys, _ current: GenerationManifest?
  ) throws -> NightRecord {
    var night = NightRecord(
      runKey: runKey, base: current?.generation, published: nil, text: keys.text == nil ? nil : .fit,
      representation: .fit, codebooks: .fit, neighbors: keys.neighbors == nil ? nil : .fit, carriesIDs: false,
      reason: "there is no generation to build on")
    guard let base = current else { return night }
    if let reason = try encoderChange(keys, base) {
      night.reason = reason
      return night
    }
    if keys.text != nil { night.text = .frozen }
    if let reason = try representationChange(keys, base) {
      night.reason = reason
      return night
    }
    night.representation = .frozen
    guard base.properties["quantize"] == keys.quantize else {
      night.reason = "the quantizer's configuration changed"
      return night
    }
    if let reason = try quantizerChange(base) {
      night.reason = reason
      return night
    }
    if context.forced == .quantize || context.configuration.quantize?.refit == .always {
      night.codebooks = .refit
      night.reason = context.forced == .quantize ? "quantize is forced" : "quantize.refit is always"
      return night
    }
    night.codebooks = .frozen
    if keys.neighbors != nil, base.properties["neighbors"] == keys.neighbors, hasModel(ItemSetFile.role, base) {
      night.neighbors = .frozen
    }
    guard base.properties["resolve"] == keys.resolve, context.forced != .resolve else {
      night.reason = context.forced == .resolve ? "resolve is forced" : "the collision policy's configuration changed"
      return night
    }
    night.carriesIDs = true
    night.reason = "unchanged items keep their IDs"
    return night
  }

  private func encoderChange(_ keys: ModelKeys, _ base: GenerationManifest) throws -> String? {
    if context.forced == .encode { return "encode is forced" }
    if let reason = keys.textChange(since: base.properties["encode.text"]) { return reason }
    if base.properties["encode.image"] != keys.image { return "the image encoder's configuration changed" }
    for (role, known) in try context.knownFingerprints() where base.artifacts["encoder.\(role.name)"] != known {
      return "the \(role.title) encoder's code or weights changed"
    }
    for role in EncoderRole.all(context.configuration) where role.modality == .text {
      guard context.configuration.encode?.text?.route(role).source == .builtin else { continue }
      if let reason = try missingModel("encoder.\(role.name)", "\(role.title) encoder", base) { return reason }
    }
    return nil
  }

  private func representationChange(_ keys: ModelKeys, _ base: GenerationManifest) throws -> String? {
    if let forced = context.forced, [.align, .behavior, .represent].contains(forced) {
      return "\(forced.rawValue) is forced"
    }
    if base.properties["represent"] != keys.represent { return "the representation's configuration changed" }
    if context.configuration.align?.tunedDepth != nil,
      let reason = try missingModel(TunedTexts.role, "tuned text encoder", base)
    {
      return reason
    }
    let hasBehavior = context.configuration.behavior != nil
    let joinsContent = context.configuration.align?.joinsContent == true
    if hasBehavior, let reason = try missingModel(BehaviorStage.role, "file of behavior vectors", base) {
      return reason
    }
    if joinsContent, let reason = try missingModel(RepresentStage.untrainedRole, "untrained representation model", base)
    {
      return reason
    }
    if hasBehavior || joinsContent,
      let reason = try missingModel(RepresentStage.jointRole, "joint representation model", base)
    {
      return reason
    }
    return try missingModel("representation", "representation model", base)
  }

  /// The encoder that the base generation's codebooks go with has to be there.
  private func quantizerChange(_ base: GenerationManifest) throws -> String? {
    guard context.configuration.quantize?.autoencoder != nil else { return nil }
    if context.forced == .quantize, !hasModel("quantizer", base) { return "the quantizer's encoder is missing" }
    return try missingModel("quantizer", "quantizer's encoder", base)
  }

  private func hasModel(_ role: String, _ base: GenerationManifest) -> Bool {
    base.artifacts[role].map { FileSystem.exists(context.workspace.model($0)) } ?? false
  }

  /// A model that the base generation names and the workspace lacks: an error where codes are to stay as they are.
  private func missingModel(_ role: String, _ name: String, _ base: GenerationManifest) throws -> String? {
    let fingerprint = base.artifacts[role] ?? ""
    let path = context.workspace.model(fingerprint)
    if !fingerprint.isEmpty, FileSystem.exists(path) { return nil }
    guard context.configuration.quantize?.refit != .never else {
      let stage =
        [
          "representation": "represent", "quantizer": "quantize", BehaviorStage.role: "behavior",
          RepresentStage.jointRole: "represent", RepresentStage.untrainedRole: "represent",
          TunedTexts.role: "align",
        ][role] ?? "encode"
      throw PipelineError(
        .inputMissing,
        "the \(name) of generation \(base.generation), '\(path)', is missing, and quantize.refit is never; "
          + "restore the file, or fit everything anew with --force \(stage), which changes all IDs")
    }
    context.observer.observe(.warning("the \(name) '\(path)' is missing; it is fitted anew"))
    return "the \(name) is missing"
  }

  /// Writes the record down, so that a run that goes on after a crash decides the same.
  func save(_ record: NightRecord) throws(PipelineError) {
    guard NightRecord.read(recordPath) != record else { return }
    try record.write(to: recordPath)
  }
}
