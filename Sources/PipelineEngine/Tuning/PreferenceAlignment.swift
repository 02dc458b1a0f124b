internal import BehaviorAlignment
internal import ItemCatalog
internal import Recommenders
internal import SemanticIDStore
internal import TensorMath

/// `tessera train --stage preference`: aligns the served recommender with a reward that is learned from the log, and puts
/// it in place if the guards let some epoch pass. Codes stay as they are.
///
/// Two reward models are trained on the events of the training window, each of one half of the users: one makes the
/// preferences, the other judges what came of them.
public struct PreferenceAlignment {
  private let pipeline: Pipeline
  private let settings: PipelineConfiguration.Preference
  private let train: PipelineConfiguration.Train
  private let observer: any RunObserver

  /// - Throws: ``PipelineError`` for a pipeline without the sections that it takes.
  public init(_ pipeline: Pipeline, observer: any RunObserver = SilentObserver()) throws {
    guard let settings = pipeline.configuration.preference, let train = pipeline.configuration.train else {
      throw PipelineError(
        .invalidData,
        "the pipeline does not say how its recommender is aligned; add the section 'preference: {}' to its file")
    }
    self.pipeline = pipeline
    self.settings = settings
    self.train = train
    self.observer = observer
  }

  public func run() throws(PipelineError) -> PreferenceOutcome {
    pipeline.applyThreads()
    try pipeline.workspace.create()
    let lock = try RunLock(workspace: pipeline.workspace.root)
    return try withExtendedLifetime(lock) { () throws(PipelineError) in
      do {
        let outcome = try align()
        refreshReport()
        return outcome
      } catch {
        throw PipelineError(wrapping: error)
      }
    }
  }

  private func align() throws -> PreferenceOutcome {
    let begin = ContinuousClock.now
    let shelf = RecommenderShelf(pipeline.workspace)
    let store = try pipeline.workspace.publishedStore(hint: "tessera train")
    guard let current = try store.currentGeneration(), let entry = shelf.entry(current) else {
      throw PipelineError(
        .inputMissing, "the served generation has no recommender yet; run 'tessera train' on the pipeline first")
    }
    let data = try RecommenderData(store, generation: current, configuration: pipeline.configuration)
    let generator = try Generator(contentsOf: pipeline.workspace.model(entry.fingerprint), tokens: data.tokens)
    let events = try RewardEvents(pipeline.configuration.catalog, data, ratings: settings.ratings)
    let work = try UnfinishedWork(
      .preference, in: pipeline.workspace, of: try fingerprint(store, entry), observer)
    // Where it is stopped too; nothing but the account of the time hangs on it.
    defer { try? work.keep(seconds: (ContinuousClock.now - begin).seconds) }
    let models = try [UserPart.firstHalf, .secondHalf].enumerated().map { index, part in
      let name = index == 0 ? "reward model" : "judge"
      return try rewardModel(work.part("reward-\(index).safetensors"), data, name) {
        try rewardModel(events, part, data, name, seed: UInt64(index))
      }
    }
    let queries = data.queries(maximumHistory: train.shape.queryHistory)
    var byBeam = generator
    byBeam.beamWidth = train.beam
    let result = try optimize(byBeam, models, data, queries.validation, work.part("alignment.safetensors"))
    let outcome = PreferenceOutcome(
      generation: current, reward: models[0].quality, judge: models[1].quality, measurements: result.measurements,
      epoch: result.epoch, stopReason: result.stopReason,
      seconds: work.formerSeconds + (ContinuousClock.now - begin).seconds)
    if result.epoch > 0 {
      try pipeline.workspace.keepModel(result.generator.fingerprint) { try result.generator.write(to: $0) }
      try shelf.put(.init(generation: current, fingerprint: result.generator.fingerprint, key: entry.key))
      // What it measured is of the recommender before.
      FileSystem.remove(pipeline.workspace.stageManifest(.train))
    }
    try PreferenceRecord(outcome: outcome, recommender: result.generator.fingerprint).write(to: shelf.record(current))
    work.remove()
    return outcome
  }

  /// Of everything that an alignment comes from.
  private func fingerprint(_ store: SemanticIDStore, _ recommender: RecommenderShelf.Entry) throws -> StageFingerprint {
    let configuration = pipeline.configuration
    let manifest = try store.read(generation: recommender.generation) { $0.manifest }
    return StageFingerprint(
      codeVersion: StageCodeVersions.preference, configuration: settings.stageInputs + train.stageInputs,
      inputs: [
        StageInput(name: "program", value: "\(Tessera.version), recommenders \(StageCodeVersions.train)"),
        StageInput(name: "generation", value: PublishStage.digest(manifest)),
        StageInput(name: "recommender", value: recommender.fingerprint),
        StageInput(name: "interactions", value: try BehaviorLog.signature(configuration)),
      ])
  }

  private func optimize(
    _ generator: Generator, _ models: [RewardModel], _ data: RecommenderData, _ validation: [NextItemQuery],
    _ checkpoint: String
  ) throws -> PreferenceOptimization.Result {
    let interruption = Interruption.current
    let parameters = settings.parameters { ItemPopularity(data.split, headShare: $0) }
    func run() throws -> PreferenceOptimization.Result {
      try PreferenceOptimization(parameters).optimize(
        generator, reward: models[0], judge: models[1], split: data.split, validation: validation,
        checkpoint: checkpoint, isCancelled: { interruption.isRequested },
        observe: { progress in
          guard case .epoch(let epoch) = progress else { return }
          report("aligning", epoch.epoch, settings.parameters.training.epochs, "epochs")
        })
    }
    do {
      return try run()
    } catch let error as RecommenderError where [.unreadableModel, .otherGeneration].contains(error.code) {
      discard(checkpoint, error)
      return try run()
    }
  }

  /// The reward model of an earlier run that was stopped, or one that is trained, and kept for a later run.
  private func rewardModel(
    _ path: String, _ data: RecommenderData, _ name: String, train: () throws -> RewardModel
  ) throws -> RewardModel {
    if FileSystem.exists(path) {
      do {
        return try RewardModel(contentsOf: path, tokens: data.tokens)
      } catch {
        discard(path, error)
      }
    }
    let model = try train()
    try model.write(to: path)
    return model
  }

  private func discard(_ path: String, _ error: RecommenderError) {
    observer.observe(.warning("what was kept of a run that was stopped is made again: \(error.message)"))
    FileSystem.remove(path)
  }

  /// What is served is in place, whether or not the report shows it already.
  private func refreshReport() {
    guard pipeline.has(.report) else { return }
    do {
      guard try ServedView(pipeline, observer).refreshRecommender() else {
        observer.observe(.note("the report is of the run before; 'tessera run' brings it up to date"))
        return
      }
    } catch {
      let message = PipelineError(wrapping: error).message
      observer.observe(
        .warning("the report is still of the recommender before, since it cannot be refreshed: \(message)"))
    }
  }

  private func rewardModel(
    _ events: RewardEvents, _ users: UserPart, _ data: RecommenderData, _ name: String, seed: UInt64
  ) throws -> RewardModel {
    var parameters = RewardTraining.Parameters()
    parameters.epochs = settings.rewardEpochs
    parameters.seed = settings.parameters.training.seed &+ seed
    var configuration = RewardConfiguration()
    configuration.maximumHistory = train.shape.maximumHistory
    let interruption = Interruption.current
    return try RewardTraining(configuration, parameters: parameters).train(
      try events.split(users, sessionItems: settings.parameters.sessionItems), tokens: data.tokens,
      isCancelled: { interruption.isRequested },
      observe: { report("training the \(name)", $0.epoch, parameters.epochs, "epochs") }
    ).model
  }

  private func report(_ step: String, _ completed: Int, _ total: Int, _ unit: String) {
    observer.observe(.progress(.train, step: step, completed: completed, total: total, unit: unit))
  }
}
