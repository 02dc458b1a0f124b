internal import BehaviorAlignment
internal import ItemCatalog
public import Recommenders
internal import SemanticIDStore

/// The recommender of a pipeline's current generation, with the log that it answers from.
public struct ServedRecommender {
  /// An item that is recommended.
  public struct Recommendation: Sendable, Equatable, Codable {
    public var item: String
    public var score: Float
    /// Its codes, level by level.
    public var codes: [UInt16]
  }

  private let configuration: PipelineConfiguration
  private let settings: PipelineConfiguration.Train
  let data: RecommenderData
  let generator: Generator

  /// Loads what the `train` stage left.
  /// - Throws: ``PipelineError`` with code `inputMissing` where nothing was trained, or for another generation than the
  ///   one that is served: codes of one generation mean nothing to a recommender of another.
  public init(_ pipeline: Pipeline) throws {
    configuration = pipeline.configuration
    guard let settings = configuration.train else {
      throw PipelineError(
        .invalidData, "the pipeline has no section 'train', so there is no recommender; add 'train: {}'")
    }
    self.settings = settings
    let workspace = pipeline.workspace
    let trained = StageManifest.read(workspace.stageManifest(.train))?.values["generation"]
    let store = try workspace.publishedStore(hint: "tessera train")
    let current = try store.currentGeneration()
    guard let entry = current.flatMap({ RecommenderShelf(workspace).entry($0) }) else {
      guard let trained else {
        throw PipelineError(.inputMissing, "no recommender is trained yet; run 'tessera train' on the pipeline first")
      }
      if let current, trained == "\(current)" {
        throw PipelineError(
          .inputMissing, "the recommender of generation \(current) is gone; run 'tessera train' again")
      }
      throw PipelineError(
        .inputMissing,
        "the recommender reads the codes of generation \(trained), but generation "
          + "\(current.map { "\($0)" } ?? "none") is served; run 'tessera train' again, or roll back")
    }
    data = try RecommenderData(store, generation: entry.generation, configuration: configuration)
    let generator = try Generator(contentsOf: workspace.model(entry.fingerprint), tokens: data.tokens)
    self.generator = settings.rows(of: generator).last ?? generator
  }

  /// Recommends to a user of the log, after all that the log has of them.
  public func recommend(user: String, count: Int, excludesHistory: Bool = true) throws -> [Recommendation] {
    try recommend(query(ofUser: user), count: count, excludesHistory: excludesHistory)
  }

  /// Recommends after items, the earliest first.
  public func recommend(history: [String], count: Int, excludesHistory: Bool = true) throws -> [Recommendation] {
    try recommend(query(behind: history), count: count, excludesHistory: excludesHistory)
  }

  /// Writes a session for a user of the log: items that follow one another, none twice.
  /// - Throws: for more items than the recommender learned to write one behind another.
  public func session(user: String, items: Int, excludesHistory: Bool = true) throws -> [Recommendation] {
    try session(query(ofUser: user), items: items, excludesHistory: excludesHistory)
  }

  /// The same behind items, the earliest first.
  public func session(history: [String], items: Int, excludesHistory: Bool = true) throws -> [Recommendation] {
    try session(query(behind: history), items: items, excludesHistory: excludesHistory)
  }

  private func query(ofUser user: String) throws -> NextItemQuery {
    guard let number = data.users.firstIndex(of: user) else {
      throw PipelineError(
        .inputMissing,
        "the log has no user \"\(user)\"; give the items that they met instead, with --history id,id,…")
    }
    return NextItemQuery(user: number, after: data.split.history.events(ofUser: number))
  }

  private func query(behind history: [String]) throws -> NextItemQuery {
    let rows = try history.map { id in
      guard let row = data.ids.index(of: id) else {
        throw PipelineError(
          .inputMissing, "generation \(data.generation) has no item \"\(id)\"; leave it out of the history")
      }
      return UInt32(row)
    }
    return NextItemQuery(user: 0, history: ContiguousArray(rows), target: 0)
  }

  private func recommend(
    _ query: NextItemQuery, count: Int, excludesHistory: Bool
  ) throws -> [Recommendation] {
    let answer = try generator.recommend(
      [query], count: count, filter: RecommendationFilter(excludesHistory: excludesHistory))
    return recommendations(answer.first ?? [])
  }

  private func session(_ query: NextItemQuery, items: Int, excludesHistory: Bool) throws -> [Recommendation] {
    let filter = RecommendationFilter(excludesHistory: excludesHistory)
    return recommendations(try generator.generateSessions([query], items: items, filter: filter)[0])
  }

  private func recommendations(_ answer: [ScoredItem]) -> [Recommendation] {
    answer.map { scored in
      Recommendation(
        item: data.ids[Int(scored.item)], score: scored.score, codes: Array(data.tokens.codes(ofItem: scored.item)))
    }
  }

  /// Measures the recommender beside baselines.
  /// - Parameters:
  ///   - seeds: runs of the recommender; all but the first are trained now, with other seeds.
  ///   - baselines: nil for those of the pipeline.
  public func evaluate(
    seeds: Int = 1, baselines: [PipelineConfiguration.Train.Baseline]? = nil, excludesHistory: Bool? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false },
    observe: @escaping (_ step: String, _ completed: Int, _ total: Int, _ unit: String) -> Void = { _, _, _, _ in }
  ) throws -> EvaluationTable {
    var settings = settings
    if let baselines { settings.baselines = baselines }
    if let excludesHistory { settings.excludesHistory = excludesHistory }
    var generators = settings.rows(of: generator)
    for run in 1..<max(1, seeds) {
      var parameters = settings.training
      parameters.seed &+= UInt64(run)
      let queries = data.queries(maximumHistory: settings.shape.queryHistory)
      let trained = try GeneratorTraining(settings.shape, parameters: parameters).train(
        data.tokens, split: data.split, validation: queries.validation, isCancelled: isCancelled,
        observe: { progress in
          guard case .epoch(let epoch) = progress else { return }
          observe("training seed \(parameters.seed)", epoch.epoch, parameters.epochs, "epochs")
        })
      generators += settings.rows(of: trained.generator)
    }
    var comparison = RecommenderComparison(data, settings)
    comparison.isCancelled = isCancelled
    comparison.observe = observe
    let results = try comparison.measure(generators)
    guard !results.isEmpty else {
      throw PipelineError(
        .invalidData, "the window of 'train' holds nothing out to measure on; set train.window to { leaveLast: 2 }")
    }
    return try EvaluationTable(results)
  }
}
