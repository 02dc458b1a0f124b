internal import BehaviorAlignment
internal import ItemCatalog
public import Recommenders
internal import SemanticIDStore
internal import TensorMath

/// `tessera bench ranker`: what codes and vectors of a generation add to a ranker over item numbers alone, on a log that is
/// cut by time. QARM's comparison (2411.11739): frozen vectors, VQ codes, RQ codes, and both codes.
public struct RankerStudy {
  /// Where likes and dislikes come from.
  public enum Labels: String, Sendable, Codable, CaseIterable {
    /// Ratings, those below `catalog.interactions.minimumRating` too, which the pipeline itself leaves out.
    case ratings
    /// Every event is a like; dislikes are drawn from what others liked at the time.
    case drawn
  }

  public struct Result: Sendable, Equatable, Codable {
    public var generation: UInt64
    public var labels: Labels
    public var items: Int
    public var trainingExamples: Int
    public var validationExamples: Int
    public var testExamples: Int
    /// The share of the test's examples that were liked.
    public var likedShare: Double
    /// Training is before the first time, validation before the second; in the log's unit.
    public var cuts: [Double]
    /// What a reader of the table has to know.
    public var notes: [String]
    public var table: RankerTable
  }

  /// Dislikes that are drawn for each like.
  private static let drawnPerLike = 1
  /// What counts as a like where the pipeline does not say.
  private static let standardRating: Float = 4

  private let generation: UInt64
  private let labels: Labels
  private let items: RankerItems
  private let split: RankingSplit
  private var notes: [String]

  /// Loads the generation that is served, what the represent stage left, and the log.
  /// - Parameter labels: nil for ratings where the log has some below a like, and drawn dislikes otherwise.
  /// - Throws: ``PipelineError`` where nothing is published, or the log cannot be cut by time.
  public init(_ pipeline: Pipeline, labels: Labels? = nil) throws {
    let configuration = pipeline.configuration
    guard !configuration.catalog.interactions.isEmpty else {
      throw PipelineError(.invalidData, "a ranker needs a behavior log: name one with 'catalog.interactions'")
    }
    let store = try pipeline.workspace.publishedStore()
    let found = try GenerationItems(store)
    let features = RankerFeatures(RunContext(configuration: configuration, observer: SilentObserver()), found)
    (items, notes) = try features.items(store)
    generation = found.manifest.generation

    // Dislikes are what the pipeline leaves out.
    var catalog = configuration.catalog
    catalog.minimumRating = nil
    let log = try BehaviorLog.log(catalog, rejectedTo: nil)
    let positive = configuration.catalog.minimumRating.map { Float($0) }
    self.labels = labels ?? (Self.hasDislikes(log, below: positive ?? Self.standardRating) ? .ratings : .drawn)
    var parameters = RankingSplit.Parameters()
    switch self.labels {
    case .ratings: parameters.positiveRating = positive ?? Self.standardRating
    case .drawn:
      parameters.positiveRating = positive ?? -Float.greatestFiniteMagnitude
      parameters.dislikes = .drawn(perLike: Self.drawnPerLike, seed: configuration.seed)
    }
    if case .fraction(let share) = configuration.pairs?.window {
      parameters.trainingShare = share
      parameters.validationShare = min(parameters.validationShare, (1 - share) / 2)
    }
    split = try RankingSplit(log, catalog: found.ids, parameters: parameters)
    notes += Self.windowNotes(configuration, cut: split.summary.cuts.first ?? 0)
  }

  private static func hasDislikes(_ log: InteractionLog, below positive: Float) -> Bool {
    (0..<log.count).contains { row in log.ratings[row].map { $0 < positive } ?? false }
  }

  /// Codes that learned from what the ranker is tested on flatter it.
  private static func windowNotes(_ configuration: PipelineConfiguration, cut: Double) -> [String] {
    guard configuration.align != nil || configuration.behavior != nil, let pairs = configuration.pairs else {
      return []
    }
    switch pairs.window {
    case .fraction: return []
    case .until(let time) where time <= cut: return []
    default:
      return [
        "vectors and codes learned from pairs with the window \(pairs.window), which reaches into the time that is "
          + "tested; for figures to quote, set pairs.window to { fraction: 0.8 } and run the pipeline again"
      ]
    }
  }

  /// Variants that the generation has the inputs of.
  public var variants: [RankerVariant] { RankerVariant.allCases.filter { $0.isPossible(with: items) } }

  /// Trains and tests every variant with every seed.
  /// - Parameters:
  ///   - seeds: counted from 1.
  ///   - variants: nil for ``variants``.
  ///   - experts: of AW-MoE's gate; 0 for none.
  ///   - observer: told of every training.
  public func run(
    seeds: Int, variants chosen: [RankerVariant]? = nil, experts: Int = 0,
    training parameters: RankerTraining.Parameters = RankerTraining.Parameters(),
    observer: any RunObserver = SilentObserver()
  ) throws -> Result {
    let variants = chosen ?? variants
    let counts = split.training.countsByItem()
    let interruption = Interruption.current
    var results: [RankerResult] = []
    for variant in variants {
      var configuration = RankerConfiguration(variant)
      if experts > 0 {
        var gate = RankerConfiguration.Experts()
        gate.count = experts
        configuration.experts = gate
      }
      for seed in 1...max(1, seeds) {
        observer.observe(
          .progress(
            .train, step: "ranking by \(variant.title)", completed: seed - 1, total: seeds, unit: "seeds"))
        var training = parameters
        training.seed = UInt64(seed)
        let trained = try RankerTraining(configuration, parameters: training).train(
          split.training, validation: split.validation, items: items, isCancelled: { interruption.isRequested })
        let logits = try trained.ranker.logits(of: split.test, isCancelled: { interruption.isRequested })
        results.append(RankerResult(variant.title, logits: logits, of: split.test, trainingCounts: counts))
      }
    }
    return Result(
      generation: generation, labels: labels, items: items.itemCount, trainingExamples: split.training.count,
      validationExamples: split.validation.count, testExamples: split.test.count,
      likedShare: split.test.positiveShare ?? 0, cuts: split.summary.cuts, notes: notes, table: try RankerTable(results)
    )
  }
}

extension RankerStudy.Result {
  public func plainText() -> String {
    let labelled = labels == .ratings ? "labels from ratings" : "dislikes drawn"
    let head =
      "generation \(generation): \(trainingExamples) examples to train on, \(validationExamples) to stop by, "
      + "\(testExamples) to test on (\(percent(likedShare)) liked), \(labelled)\n"
    return head + notes.map { "note: \($0)\n" }.joined() + "\n" + table.plainText()
  }
}
