internal import Foundation
internal import Quantizers
internal import TensorMath

/// A pipeline that can be planned and run.
public struct Pipeline: Sendable {
  public let configuration: PipelineConfiguration
  public let workspace: Workspace

  public init(_ configuration: PipelineConfiguration) {
    self.configuration = configuration
    workspace = Workspace(root: configuration.workspace)
  }

  public struct RunOptions: Sendable {
    /// The last stage to run; nil runs all.
    public var until: StageName?
    /// A stage to run again whatever its state. Forcing encode, represent or quantize makes anew what is otherwise
    /// kept from night to night.
    public var force: StageName?
    /// Runs only this stage and those it needs; with `until` set to the same.
    public init(until: StageName? = nil, force: StageName? = nil) {
      self.until = until
      self.force = force
    }
  }

  /// The stages that the configuration has, in order.
  func stages(until: StageName?) -> [any Stage] {
    var stages: [any Stage] = [CatalogStage()]
    if configuration.encode != nil { stages.append(EncodeStage()) }
    if configuration.pairs != nil { stages.append(PairsStage()) }
    if configuration.align != nil { stages.append(AlignStage()) }
    if configuration.behavior != nil { stages.append(BehaviorStage()) }
    if configuration.represent != nil { stages.append(RepresentStage()) }
    if configuration.quantize != nil { stages.append(QuantizeStage()) }
    if configuration.resolve != nil { stages.append(ResolveStage()) }
    if configuration.publish != nil { stages.append(PublishStage()) }
    if !configuration.export.isEmpty { stages.append(ExportStage()) }
    if configuration.train != nil { stages.append(TrainStage()) }
    if configuration.report != nil { stages.append(WriteReportStage()) }
    return stages.filter { $0.name <= until ?? .report }
  }

  /// Whether the pipeline file has the section of a stage.
  public func has(_ stage: StageName) -> Bool { stages(until: nil).contains { $0.name == stage } }

  /// What the configuration says that decides about a stage; nil for a stage that the pipeline does not have.
  package func settings(of stage: StageName) -> [StageInput]? {
    stages(until: nil).first { $0.name == stage }?.settings(configuration)
  }

  /// What `run` would do. Writes nothing.
  public func plan(_ options: RunOptions = RunOptions()) throws -> [PlanEntry] {
    let context = RunContext(
      configuration: configuration, forced: options.force, runNumber: 0, observer: SilentObserver())
    var entries: [PlanEntry] = []
    var changed: StageName?
    let stages = stages(until: options.until)
    for stage in stages {
      if let changed {
        entries.append(later(stage, context, after: changed))
        continue
      }
      if stage.name == .encode { context.night = try NightDecision(context: context).decide() }
      let state = try StageState(stage, context)
      if let reason = state.reason {
        entries.append(PlanEntry(stage: stage.name, action: .run, reason: reason))
        changed = stage.name
      } else {
        context.finished[stage.name] = state.manifest
        entries.append(PlanEntry(stage: stage.name, action: .skip, reason: "up to date"))
      }
    }
    let present = Set(stages.map(\.name))
    for name in StageName.allCases where !present.contains(name) && name <= options.until ?? .report {
      entries.append(PlanEntry(stage: name, action: .absent, reason: "the pipeline has no section '\(name.rawValue)'"))
    }
    return entries.sorted { $0.stage < $1.stage }
  }

  /// A stage behind one that runs: its own configuration can already say that it runs too.
  private func later(_ stage: any Stage, _ context: RunContext, after changed: StageName) -> PlanEntry {
    guard let manifest = StageManifest.read(workspace.stageManifest(stage.name)) else {
      return PlanEntry(stage: stage.name, action: .run, reason: "it has not run yet")
    }
    if context.forced == stage.name { return PlanEntry(stage: stage.name, action: .run, reason: "it is forced") }
    let own = StageFingerprint(
      codeVersion: stage.codeVersion, configuration: stage.settings(configuration),
      inputs: manifest.fingerprint.inputs)
    if let difference = own.difference(from: manifest.fingerprint) {
      return PlanEntry(stage: stage.name, action: .run, reason: difference)
    }
    return PlanEntry(stage: stage.name, action: .mayRun, reason: "depends on what \(changed.rawValue) makes")
  }

  /// Sets the threads that the configuration asks for; where it asks for none, they stay as they are.
  func applyThreads() { if configuration.threads > 0 { RunThreads.set(configuration.threads) } }

  /// Runs what is not up to date.
  ///
  /// - Returns: What was done.
  /// - Throws: ``PipelineError`` of any kind; finished stages stay finished.
  public func run(_ options: RunOptions = RunOptions(), observer: any RunObserver) throws(PipelineError) -> RunSummary {
    applyThreads()
    try workspace.create()
    let lock = try RunLock(workspace: workspace.root)
    return try withExtendedLifetime(lock) { () throws(PipelineError) in
      let number = (workspace.runNumbers.last ?? 0) + 1
      let context = RunContext(
        configuration: configuration, forced: options.force, runNumber: number, observer: observer)
      var recorder = RunRecorder(context, options: options)
      do {
        try runStages(context, options, &recorder)
      } catch {
        let failure = PipelineError(wrapping: error)
        try? recorder.finish(context, failure: failure)
        throw failure
      }
      try recorder.finish(context, failure: nil)
      return recorder.summary
    }
  }

  func runStages(_ context: RunContext, _ options: RunOptions, _ recorder: inout RunRecorder) throws {
    if configuration.compute == "bfloat16" {
      context.observer.observe(.note("the stages of this version compute in float32, whatever 'compute' says"))
    }
    let stages = stages(until: options.until)
    var index = 0
    while index < stages.count {
      try Interruption.check()
      let stage = stages[index]
      if stage.name == .encode, context.night == nil { try decideNight(context) }
      do {
        try runStage(stage, context, &recorder)
        index += 1
      } catch let drift as DriftDetected {
        try restart(context, drift)
        index = 1
      }
    }
  }

  private func decideNight(_ context: RunContext) throws {
    let decision = NightDecision(context: context)
    let night = try decision.decide()
    try decision.save(night)
    context.night = night
  }

  /// Begins the night again with all items and codebooks that are trained anew from the old ones.
  private func restart(_ context: RunContext, _ drift: DriftDetected) throws {
    var night = try context.requireNight()
    night.codebooks = .refit
    night.carriesIDs = false
    night.reason = "the new items' error is \(rounded(drift.ratio)) times the training error"
    try NightDecision(context: context).save(night)
    context.night = night
    for stage in [StageName.encode, .align, .behavior, .represent, .quantize] { context.finished[stage] = nil }
    context.observer.observe(.note("\(night.reason); the codebooks are refitted"))
  }

  func runStage(_ stage: any Stage, _ context: RunContext, _ recorder: inout RunRecorder) throws {
    let state = try StageState(stage, context)
    guard let reason = state.reason else {
      context.finished[stage.name] = state.manifest
      context.observer.observe(.skipped(stage.name))
      recorder.skipped(stage.name)
      context.account = recorder.summary.stages
      return
    }
    context.observer.observe(.started(stage.name, reason: reason))
    FileSystem.remove(workspace.stageManifest(stage.name))
    FaultInjection.reach("before \(stage.name.rawValue)")
    let start = ContinuousClock.now
    let isCheap = stage.name == .catalog || context.night?.needsAllItems == false
    let result = try SystemStart.writing(cheap: isCheap) { try stage.run(context) }
    let seconds = start.duration(to: .now).seconds
    FaultInjection.reach("after \(stage.name.rawValue)")
    var fingerprint = state.fingerprint
    if let inputs = result.inputs { fingerprint.inputs = inputs }
    var manifest = StageManifest(
      stage: stage.name, fingerprint: fingerprint, outputs: outputs(result),
      digest: result.digest ?? fingerprint.digest,
      values: result.values, metrics: result.metrics, seconds: seconds)
    try SystemStart.writing(cheap: isCheap) {
      manifest.systemStart = SystemStart.neededIdentity
      try manifest.write(to: workspace.stageManifest(stage.name))
    }
    context.finished[stage.name] = manifest
    if stage.name == .publish { try recordPublication(manifest, context) }
    recorder.ran(manifest, reason: reason, summary: result.summary)
    context.account = recorder.summary.stages
    context.observer.observe(.finished(stage.name, seconds: seconds, summary: result.summary))
  }

  private func outputs(_ result: StageResult) -> [StageManifest.Output] {
    result.outputs.map { path in
      let isOurs = path.hasPrefix(workspace.root + "/")
      return StageManifest.Output(
        path: isOurs ? String(path.dropFirst(workspace.root.count + 1)) : path, bytes: FileSystem.size(of: path) ?? 0)
    }
  }

  private func recordPublication(_ manifest: StageManifest, _ context: RunContext) throws {
    guard var night = context.night else { return }
    night.published = manifest.values["generation"].flatMap { UInt64($0) }
    context.night = night
    try NightDecision(context: context).save(night)
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// Ends the process at a named point where a test asks for it by the environment: the only way to try a crash between
/// two steps for certain.
enum FaultInjection {
  private static let point = ProcessInfo.processInfo.environment["TESSERA_CRASH_AT"]

  static func reach(_ name: String) {
    guard let point, point == name else { return }
    _exit(137)
  }
}
