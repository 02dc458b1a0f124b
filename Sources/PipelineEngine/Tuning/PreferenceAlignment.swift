internal import BehaviorAlignment
internal import ItemCatalog
public import Recommenders
internal import SemanticIDStore
internal import TensorMath

/// What aligning the recommender with a reward came to.
public struct PreferenceOutcome: Sendable, Codable {
  /// Whose codes the recommender reads.
  public var generation: UInt64
  /// Of the model that is learned from and of the one that judges, on events that neither learned from.
  public var reward: RewardQuality
  public var judge: RewardQuality
  /// The first is the recommender as it came.
  public var measurements: [PreferenceOptimization.Measurement]
  /// The epoch that is served now; 0 where the recommender stays as it was.
  public var epoch: Int
  public var stopReason: String?
  public var seconds: Double
}

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
        return try align()
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
    let models = try [UserPart.firstHalf, .secondHalf].enumerated().map { index, part in
      try rewardModel(events, part, data, index == 0 ? "reward model" : "judge", seed: UInt64(index))
    }
    let queries = data.queries(maximumHistory: train.shape.queryHistory)
    var byBeam = generator
    byBeam.beamWidth = train.beam
    let interruption = Interruption.current
    let result = try PreferenceOptimization(settings.parameters).optimize(
      byBeam, reward: models[0], judge: models[1], split: data.split, validation: queries.validation,
      isCancelled: { interruption.isRequested },
      observe: { progress in
        guard case .epoch(let epoch) = progress else { return }
        report("aligning", epoch.epoch, settings.parameters.training.epochs, "epochs")
      })
    if result.epoch > 0 {
      try pipeline.workspace.keepModel(result.generator.fingerprint) { try result.generator.write(to: $0) }
      try shelf.put(.init(generation: current, fingerprint: result.generator.fingerprint, key: entry.key))
    }
    return PreferenceOutcome(
      generation: current, reward: models[0].quality, judge: models[1].quality, measurements: result.measurements,
      epoch: result.epoch, stopReason: result.stopReason, seconds: (ContinuousClock.now - begin).seconds)
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
      try events.split(users), tokens: data.tokens, isCancelled: { interruption.isRequested },
      observe: { report("training the \(name)", $0.epoch, parameters.epochs, "epochs") }
    ).model
  }

  private func report(_ step: String, _ completed: Int, _ total: Int, _ unit: String) {
    observer.observe(.progress(.train, step: step, completed: completed, total: total, unit: unit))
  }
}

/// The log as reward models read it: all events of the training window, those below `minimumRating` too, which the
/// recommender leaves out. What comes after a user's training window is left out.
private struct RewardEvents {
  private let events: [RewardEvent]
  private let isOfPart: [(id: String, user: Int32)]
  private let itemCount: Int
  private let objectives: [RewardObjective]
  private let historyRating: Float?

  init(_ catalog: PipelineConfiguration.Catalog, _ data: RecommenderData, ratings: [Float]) throws {
    var all = catalog
    all.minimumRating = nil
    let log = try BehaviorLog.log(all, rejectedTo: nil)
    guard log.ordering == .timestamp else {
      throw PipelineError(
        .invalidData,
        "the behavior log is ordered by \(log.ordering.rawValue), but a reward model is cut by time: give every event a "
          + "timestamp")
    }
    let hasRatings = (0..<log.count).contains { log.ratings[$0] != nil }
    objectives =
      hasRatings && !ratings.isEmpty
      ? ratings.map { RewardObjective("rating>=\($0)", .rating(atLeast: $0)) } : [.met]
    historyRating = hasRatings ? catalog.minimumRating.map { Float($0) } : nil
    itemCount = data.ids.count
    let rows = log.rows(in: data.ids)
    let ends = Self.ends(log, rows, data, minimumRating: catalog.minimumRating)
    events = (0..<log.count).compactMap { row in
      let (item, user, time) = (rows[Int(log.itemIndices[row])], log.userIndices[row], log.timestamps[row] ?? 0)
      guard item >= 0, time < ends[Int(user)] else { return nil }
      return RewardEvent(user: user, item: UInt32(item), time: time, rating: log.ratings[row])
    }
    isOfPart = (0..<log.users.count).map { (log.users[$0], Int32($0)) }
  }

  /// By user of the log the time from which on nothing may be learned: that of the first event that the recommender is
  /// measured on, or where a time cuts the window, that time for all.
  private static func ends(
    _ log: InteractionLog, _ rows: [Int32], _ data: RecommenderData, minimumRating: Double?
  ) -> [Double] {
    var times = [[Double]](repeating: [], count: log.users.count)
    for row in 0..<log.count where rows[Int(log.itemIndices[row])] >= 0 {
      if let minimumRating, let rating = log.ratings[row], Double(rating) < minimumRating { continue }
      times[Int(log.userIndices[row])].append(log.timestamps[row] ?? 0)
    }
    let users = Dictionary(data.users.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let cut = data.split.summary.cut ?? .infinity
    return (0..<log.users.count).map { user in
      let heldOut = users[log.users[user]].map { data.split.heldOutItems(ofUser: $0).count } ?? 0
      guard heldOut > 0, heldOut <= times[user].count else { return cut }
      // What is held out are a user's last events.
      return min(cut, times[user].sorted()[times[user].count - heldOut])
    }
  }

  func split(_ part: UserPart) throws -> RewardSplit {
    let included = Set(isOfPart.lazy.filter { part.contains($0.id) }.map(\.user))
    var parameters = RewardSplit.Parameters()
    parameters.historyRating = historyRating
    return try RewardSplit(
      events.filter { included.contains($0.user) }, itemCount: itemCount, objectives: objectives,
      parameters: parameters)
  }
}

extension PreferenceOutcome {
  /// As a command prints it.
  public func plainText() -> String {
    func figure(_ value: Double?) -> String { value.map { "\(($0 * 10_000).rounded() / 10_000)" } ?? "-" }
    var table = TextTable(
      ["epoch", "reward", "judge", "NDCG@10", "recall@10", "legality", "loss"].map { (name: $0, alignment: .right) })
    for row in measurements {
      table.append([
        "\(row.epoch)", figure(row.reward), figure(row.judgeReward), figure(row.ndcg), figure(row.recall),
        figure(row.legality), figure(row.loss),
      ])
    }
    func quality(_ name: String, _ quality: RewardQuality) -> String {
      "\(name): area under the curve on held-out events "
        + quality.objectives.map { "\($0.name) \(figure($0.auc))" }.joined(separator: ", ")
    }
    return [
      table.text() + quality("reward model", reward), quality("judge", judge),
      stopReason.map { "stopped: \($0)" } ?? "all epochs were made",
      epoch > 0
        ? "the recommender of epoch \(epoch) answers for generation \(generation) now"
        : "the recommender of generation \(generation) stays as it was",
    ].joined(separator: "\n")
  }
}
