public import ItemCatalog
internal import TensorMath

extension RankingSplit {
  /// Makes examples of a log.
  /// - Parameter catalog: the catalogue's items by row.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for a log that has not a time for every event, and
  ///   ``RecommenderError/Code/nothingToLearn`` for one without a rating on a known item, or where training or test has
  ///   no like or no dislike.
  /// - Complexity: O(events · log(events)).
  public init(
    _ log: InteractionLog, catalog: IdentifierTable, parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    try parameters.validate()
    guard log.ordering == .timestamp else {
      throw RecommenderError(
        .invalidParameter,
        "the log is ordered by \(log.ordering.rawValue), expected a timestamp for every event: a ranker's split is by "
          + "time")
    }
    guard parameters.positiveRating.isFinite else {
      throw RecommenderError(.invalidParameter, "positiveRating is \(parameters.positiveRating), expected a number")
    }
    var counts = Summary()
    var events = Self.events(log, catalog, parameters, &counts)
    guard !events.isEmpty else {
      throw RecommenderError(
        .nothingToLearn,
        "none of the \(log.count) interactions is a rating of an item of the catalogue; a ranker needs a rating column, "
          + "or dislikes that are drawn")
    }
    let cuts = Self.cuts(events, parameters)
    if case .drawn(let count, let seed) = parameters.dislikes {
      events += Self.drawDislikes(events, cuts: cuts, userCount: log.users.count, perLike: count, seed: seed)
    }
    try self.init(events, cuts: cuts, userCount: log.users.count, itemCount: catalog.count, parameters: parameters)
    counts.cuts = cuts
    summary = counts
  }

  private static func events(
    _ log: InteractionLog, _ catalog: IdentifierTable, _ parameters: Parameters, _ summary: inout Summary
  ) -> [Event] {
    let rows = log.rows(in: catalog), isRated = parameters.dislikes == .rated
    var events: [Event] = []
    for row in 0..<log.count {
      let item = rows[Int(log.itemIndices[row])], rating = log.ratings[row]
      let likes = rating.map { $0 >= parameters.positiveRating } ?? true
      if item < 0 {
        summary.unknownItemEvents += 1
      } else if rating == nil, isRated {
        summary.unratedEvents += 1
      } else if !likes, !isRated {
        summary.dislikesLeftOut += 1
      } else {
        events.append(
          Event(
            user: log.userIndices[row], item: UInt32(item), time: log.timestamps[row] ?? 0, label: likes ? 1 : 0))
      }
    }
    return events
  }

  /// Draws for one dislike; where the user likes all of them, the like goes without.
  private static let attempts = 20

  /// - Parameter likes: in any order.
  /// - Returns: at most `perLike` dislikes for each, at its time; fewer where the user likes nearly all there is.
  package static func drawDislikes(
    _ likes: [Event], cuts: [Double], userCount: Int, perLike: Int, seed: UInt64
  ) -> [Event] {
    var liked = [Set<UInt32>](repeating: [], count: userCount)
    for like in likes { liked[Int(like.user)].insert(like.item) }
    var random = RandomSource(seed: seed)
    var dislikes: [Event] = []
    for part in parts(likes, cuts) {
      for like in part {
        for _ in 0..<perLike {
          for _ in 0..<attempts {
            let item = likes[part[Int.random(in: 0..<part.count, using: &random)]].item
            guard !liked[Int(likes[like].user)].contains(item) else { continue }
            dislikes.append(Event(user: likes[like].user, item: item, time: likes[like].time, label: 0))
            break
          }
        }
      }
    }
    return dislikes
  }

  /// Numbers of the likes before the first cut, between the two, and behind them.
  private static func parts(_ likes: [Event], _ cuts: [Double]) -> [[Int]] {
    var parts: [[Int]] = [[], [], []]
    for (index, like) in likes.enumerated() { parts[cuts.count { $0 <= like.time }].append(index) }
    return parts
  }
}
