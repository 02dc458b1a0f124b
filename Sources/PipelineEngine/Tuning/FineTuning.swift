internal import BehaviorAlignment
internal import Foundation
internal import Quantizers
package import Recommenders
internal import SemanticIDStore

/// `tessera finetune`: moves the codebooks of the served generation by the recommender's gradients, trains the
/// recommender on along with them, and publishes both if the gate lets them pass. Otherwise nothing that is served changes.
///
/// The codes are tuned once, through the served recommender. Whether they are better is judged with several recommenders:
/// each seed's is trained on the served codes, goes on for as many steps on the served ones (the control, which is how
/// QARM deploys codes) and on the tuned ones, and both are measured on validation queries.
public struct FineTuning {
  private let pipeline: Pipeline
  private let settings: PipelineConfiguration.Finetune
  private let train: PipelineConfiguration.Train
  private let observer: any RunObserver

  /// - Throws: ``PipelineError`` for a pipeline without the sections that it takes.
  public init(_ pipeline: Pipeline, observer: any RunObserver = SilentObserver()) throws {
    guard let settings = pipeline.configuration.finetune else {
      throw PipelineError(
        .invalidData, "the pipeline does not say how codes are tuned; add the section 'finetune: {}' to its file")
    }
    guard let train = pipeline.configuration.train, pipeline.configuration.resolve != nil else {
      throw PipelineError(.internalFault, "a pipeline with 'finetune' and without 'train' passed the check")
    }
    // So that no mistake shows only after hours.
    do {
      _ = try CodeTuning(parameters: settings.tuning)
      _ = try TuningGate(settings.gate)
    } catch {
      throw PipelineError(wrapping: error)
    }
    self.pipeline = pipeline
    self.settings = settings
    self.train = train
    self.observer = observer
  }

  /// Brings the pipeline up to date, tunes, and publishes or not.
  /// - Parameter worsening: moves the tuned centroids at random, by that share of their length, before they are judged: a
  ///   drill that shows the gate refuse.
  public func run(worsening: Double = 0) throws(PipelineError) -> TuningOutcome {
    try run(worsening: worsening, judging: { try TuningGate(settings.gate).decide($0) })
  }

  /// The same with another judge in the gate's place.
  package func run(
    worsening: Double, judging decide: (TuningGate.Evidence) throws -> TuningGate.Decision
  ) throws(PipelineError) -> TuningOutcome {
    pipeline.applyThreads()
    try pipeline.workspace.create()
    let lock = try RunLock(workspace: pipeline.workspace.root)
    return try withExtendedLifetime(lock) { () throws(PipelineError) in
      let number = (pipeline.workspace.runNumbers.last ?? 0) + 1
      let context = RunContext(configuration: pipeline.configuration, runNumber: number, observer: observer)
      var recorder = RunRecorder(context, options: Pipeline.RunOptions())
      do {
        try pipeline.runStages(context, Pipeline.RunOptions(until: .train), &recorder)
        let outcome = try tune(context, &recorder, worsening: worsening, judging: decide)
        try recorder.finish(context, failure: nil)
        keep(outcome, in: context.workspace.run(number))
        return outcome
      } catch {
        let failure = PipelineError(wrapping: error)
        try? recorder.finish(context, failure: failure)
        throw failure
      }
    }
  }

  /// What is published stands, whether or not its account can be written.
  private func keep(_ outcome: TuningOutcome, in folder: String) {
    do {
      try outcome.write(to: folder + "/finetune.json")
    } catch {
      observer.observe(.warning("what fine-tuning came to is not kept: \(PipelineError(wrapping: error).message)"))
    }
  }

  private func tune(
    _ context: RunContext, _ recorder: inout RunRecorder, worsening: Double,
    judging decide: (TuningGate.Evidence) throws -> TuningGate.Decision
  ) throws -> TuningOutcome {
    let material = try TuningMaterial(pipeline, context, &recorder, tunesAligner: settings.tunesAligner)
    guard let entry = RecommenderShelf(context.workspace).entry(material.snapshot.manifest.generation) else {
      throw PipelineError(
        .inputMissing,
        "generation \(material.snapshot.manifest.generation) has no recommender, though the train stage is up to date; run "
          + "'tessera run --force train' first")
    }
    let served = try Generator(contentsOf: context.workspace.model(entry.fingerprint), tokens: material.data.tokens)
    let work = try UnfinishedWork(
      worsening > 0 ? .drill : .finetune, in: context.workspace,
      of: try fingerprint(material, entry, worsening: worsening), observer)
    var trial = try TuningTrial(
      material, train, settings, try resolver(context), worsening: worsening, work: work, observer: observer)
    try trial.run(from: served)
    var outcome = try trial.outcome()
    switch try decide(outcome.evidence) {
    case .keep(let reasons):
      outcome.reasons = reasons
      // A drill says nothing of the codes.
      if worsening == 0 { show(outcome, context) }
    case .publish:
      guard let revision = trial.revision, let tuned = trial.tuned, let recommender = tuned.generator else {
        throw PipelineError(.internalFault, "the gate passed codes that were not made")
      }
      let published = try TunedPublication(
        context: context, material: material, revision: revision, codebooks: tuned.codebooks,
        representation: tuned.representation, recommender: recommender, outcome: outcome
      ).publish()
      outcome.published = published.generation
      show(outcome, context)
      refresh(published, context, &recorder)
    }
    work.remove()
    return outcome
  }

  /// Keeps the outcome for the report.
  private func show(_ outcome: TuningOutcome, _ context: RunContext) {
    do {
      try RecommenderShelf(context.workspace).put(outcome)
    } catch {
      observer.observe(
        .warning("the report will not show what fine-tuning came to: \(PipelineError(wrapping: error).message)"))
    }
  }

  /// What is published stands, whether or not exports and report can be made of it now.
  private func refresh(_ published: GenerationManifest, _ context: RunContext, _ recorder: inout RunRecorder) {
    do {
      try ServedView(pipeline, observer).refresh(published, context, &recorder)
    } catch {
      observer.observe(
        .warning(
          "generation \(published.generation) is published, but exports and report are still of the one before: "
            + "\(PipelineError(wrapping: error).message); 'tessera run' brings them up to date"))
    }
  }

  /// Of everything that a trial's parts come from. What the gate asks for and how many seeds there are decide about no
  /// part.
  private func fingerprint(
    _ material: TuningMaterial, _ recommender: RecommenderShelf.Entry, worsening: Double
  ) throws -> StageFingerprint {
    let configuration = pipeline.configuration
    return StageFingerprint(
      codeVersion: StageCodeVersions.finetune,
      configuration: settings.stageInputs + train.stageInputs + (configuration.resolve?.stageInputs ?? [])
        + [StageInput(name: "--worsen", value: "\(worsening)")],
      inputs: [
        StageInput(name: "program", value: "\(Tessera.version), recommenders \(StageCodeVersions.train)"),
        StageInput(name: "generation", value: PublishStage.digest(material.snapshot.manifest)),
        StageInput(name: "recommender", value: recommender.fingerprint),
        StageInput(name: "interactions", value: try BehaviorLog.signature(configuration)),
        StageInput(name: "vectors", value: material.digest),
      ])
  }

  private func resolver(_ context: RunContext) throws -> CollisionResolver {
    guard let settings = context.configuration.resolve else {
      throw PipelineError(.internalFault, "fine-tuning without a collision policy passed the check")
    }
    return try CollisionResolver(settings.parameters)
  }
}

extension TuningOutcome: StageRecord {}
