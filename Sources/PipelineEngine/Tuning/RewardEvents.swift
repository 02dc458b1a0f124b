internal import BehaviorAlignment
internal import ItemCatalog
internal import Recommenders

/// The log as reward models read it: all events of the training window, those below `minimumRating` too, which the
/// recommender leaves out. What comes after a user's training window is left out.
struct RewardEvents {
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

  /// - Parameter sessionItems: the longest session that a model is to score.
  func split(_ part: UserPart, sessionItems: Int) throws -> RewardSplit {
    let included = Set(isOfPart.lazy.filter { part.contains($0.id) }.map(\.user))
    var parameters = RewardSplit.Parameters()
    parameters.historyRating = historyRating
    parameters.maximumSession = sessionItems
    return try RewardSplit(
      events.filter { included.contains($0.user) }, itemCount: itemCount, objectives: objectives,
      parameters: parameters)
  }
}
