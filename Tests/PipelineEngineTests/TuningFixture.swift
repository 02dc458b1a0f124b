import PipelineEngine
import Recommenders
import SemanticIDStore
import Testing

/// A pipeline whose recommender and codes are trained within moments.
struct TuningFixture {
  var pairs: PairsFixture

  static let quick = "{ epochs: 1, steps: 20, seeds: 1 }"

  /// - Parameters:
  ///   - finetune: the section; nil for a pipeline without it.
  ///   - extra: more sections, a line each.
  init(_ folder: String, finetune: String? = quick, quantize: String? = nil, extra: String = "") {
    pairs = PairsFixture(folder: folder)
    if let quantize { pairs.pipeline.quantize = quantize }
    pairs.pipeline.extra = """
      pairs: { window: { leaveLast: 2 } }
      train: { epochs: 3, width: 16, layers: 1, heads: 2, hidden: 32, warmup: 5, positionsPerBatch: 128,
        baselines: [popularity] }
      \(finetune.map { "finetune: \($0)" } ?? "")
      \(extra)
      """
  }

  var folder: String { pairs.folder }

  @discardableResult
  func run(until: StageName? = nil, force: StageName? = nil) throws -> RunSummary {
    try pairs.run(until: until, force: force)
  }

  func tuning(observer: any RunObserver = SilentObserver()) throws -> FineTuning {
    try pairs.writeLog()
    return try FineTuning(try pairs.pipeline.pipeline(), observer: observer)
  }

  /// Publishes disturbed codes whatever the gate would say: whether a gate opens is a matter of luck with so little to
  /// learn from.
  @discardableResult
  func publish() throws -> TuningOutcome {
    try tuning().run(worsening: 0.5, judging: { _ in .publish })
  }

  func records(generation: UInt64? = nil) throws -> [String: ItemRecord] {
    try pairs.pipeline.records(generation: generation)
  }

  func generations() throws -> [UInt64] { try pairs.pipeline.generations() }

  /// A generation's VQ codes.
  struct Neighbors: Equatable {
    /// Rows of the set, by item.
    var rows: [String: [UInt32]] = [:]
    /// The ids of the set.
    var set: [String] = []

    /// The near items themselves.
    var names: [String: [String]] { rows.mapValues { $0.map { set[Int($0)] } } }
  }

  func neighbors(_ generation: UInt64) throws -> Neighbors {
    try store().read(generation: generation) { reader in
      var found = Neighbors()
      try reader.forEachItem { id, _ in found.rows[id] = try reader.neighbors(of: id) }
      while let id = try reader.itemSetItem(at: UInt32(found.set.count)) { found.set.append(id) }
      return found
    }
  }

  func store(_ mode: SemanticIDStore.Mode = .readOnly) throws -> SemanticIDStore {
    try SemanticIDStore.open(folder + "/work/store", mode: mode)
  }

  /// What the pipeline's recommender answers, with scores and codes.
  func answers() throws -> [[ServedRecommender.Recommendation]] {
    let served = try ServedRecommender(Pipeline(try PipelineConfiguration(contentsOf: folder + "/pipeline.yaml")))
    return [
      try served.recommend(user: "u7", count: 10), try served.recommend(history: ["item-1", "item-2"], count: 10),
      try served.recommend(history: [], count: 5),
    ]
  }

  /// Of the current generation, as the workspace has it.
  func shelved(_ generation: UInt64) -> RecommenderShelf.Entry? {
    RecommenderShelf(Workspace(root: folder + "/work")).entry(generation)
  }
}

/// The train stage's part of a run.
func trainStage(_ summary: RunSummary) throws -> RunSummary.Stage {
  try #require(summary.stages.first { $0.stage == .train })
}
