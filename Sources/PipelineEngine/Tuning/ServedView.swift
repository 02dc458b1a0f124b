internal import SemanticIDStore

/// What shows a person or a program the codes and the recommender that are served: exports and report. After a command
/// that puts others in place they are made again at once, by the stages that make them nightly.
struct ServedView {
  private let pipeline: Pipeline
  private let observer: any RunObserver

  init(_ pipeline: Pipeline, _ observer: any RunObserver) { (self.pipeline, self.observer) = (pipeline, observer) }

  /// Exports a generation, measures its recommender and writes the report.
  /// - Parameters:
  ///   - published: with the models of the run's other stages.
  ///   - context: of a run whose stages up to the publication are up to date.
  func refresh(
    _ published: GenerationManifest, _ context: RunContext, _ recorder: inout RunRecorder
  ) throws {
    var manifest = try context.manifest(.publish)
    manifest.digest = PublishStage.digest(published)
    manifest.values["generation"] = "\(published.generation)"
    manifest.metrics = ["items": Double(published.items), "semanticIDs": Double(published.semanticIDs)]
    context.finished[.publish] = manifest
    try run([.export, .train, .report], context, &recorder)
  }

  /// Measures the recommender that is served and writes the report, as a run of its own.
  /// - Returns: whether it could: not where stages before are not up to date.
  func refreshRecommender() throws -> Bool {
    let number = (pipeline.workspace.runNumbers.last ?? 0) + 1
    let context = RunContext(configuration: pipeline.configuration, runNumber: number, observer: observer)
    for stage in pipeline.stages(until: .export) {
      if stage.name == .encode { context.night = try NightDecision(context: context).decide() }
      let state = try StageState(stage, context)
      guard state.reason == nil else { return false }
      context.finished[stage.name] = state.manifest
    }
    var recorder = RunRecorder(context, options: Pipeline.RunOptions())
    do {
      try run([.train, .report], context, &recorder)
    } catch {
      try? recorder.finish(context, failure: PipelineError(wrapping: error))
      throw error
    }
    try recorder.finish(context, failure: nil)
    return true
  }

  private func run(_ names: Set<StageName>, _ context: RunContext, _ recorder: inout RunRecorder) throws {
    for stage in pipeline.stages(until: nil) where names.contains(stage.name) {
      try Interruption.check()
      try pipeline.runStage(stage, context, &recorder)
    }
  }
}
