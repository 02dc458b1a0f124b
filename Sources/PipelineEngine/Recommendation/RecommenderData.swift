internal import BehaviorAlignment
internal import ItemCatalog
internal import Recommenders
internal import SemanticIDStore

/// What recommenders learn from and are asked about: one generation's codes, and the behavior log on its items, which
/// are numbered as the generation orders them.
struct RecommenderData {
  let generation: UInt64
  let ids: IdentifierTable
  var tokens: ItemTokens
  let split: TrainingSplit
  /// The log's users, as ``split`` numbers them.
  let users: [String]
  /// Whether questions tell of times and feedback too: the recommender has pathways that read them.
  private let withFeedback: Bool

  /// - Parameters:
  ///   - generation: nil for the one that is served.
  ///   - rejected: where records of the log that cannot be read are written; nil for nowhere.
  init(
    _ store: SemanticIDStore, generation: UInt64? = nil, configuration: PipelineConfiguration,
    rejectedTo rejected: String? = nil
  ) throws {
    try self.init(
      GenerationItems(store, generation: generation), configuration: configuration, rejectedTo: rejected)
  }

  /// - Parameter items: of a generation that is loaded already.
  init(
    _ items: GenerationItems, configuration: PipelineConfiguration,
    rejectedTo rejected: String? = nil
  ) throws {
    guard let train = configuration.train else {
      throw PipelineError(
        .invalidData, "the pipeline has no section 'train', so there is no recommender; add 'train: {}'")
    }
    (ids, tokens, generation) = (items.ids, items.tokens, items.manifest.generation)
    let log = try BehaviorLog.log(configuration.catalog, rejectedTo: rejected)
    let history = try BehaviorLog.history(
      log, items: ids, maximumEventsPerUser: train.maximumEventsPerUser, positive: train.positive)
    withFeedback = train.shape.pathways != nil
    users = InteractionHistory.users(of: log)
    split = try TrainingSplit(history, window: train.window)
  }

  /// Questions to choose by and to measure on, none in both: of `leaveLast: 2` or more, each user's first and second
  /// held-out event; of other windows, every other user's first.
  func queries(maximumHistory: Int) -> (validation: [NextItemQuery], test: [NextItemQuery]) {
    func queries(_ place: Int) -> [NextItemQuery] {
      split.nextItemQueries(place: place, maximumHistory: maximumHistory, withFeedback: withFeedback)
    }
    let first = queries(1)
    if case .leaveLast(let count) = split.window, count > 1 {
      return (first, queries(2))
    }
    return (first.filter { $0.user % 2 == 0 }, first.filter { $0.user % 2 == 1 })
  }
}
