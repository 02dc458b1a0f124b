public import ItemCatalog

/// A log with ratings or clicks as examples for a ranker, cut by time: what comes first trains, what comes next says when
/// to stop, and the rest tests. A temporal cut is the only one that a ranker meets in life.
///
/// The history of an example is what its user liked strictly before it, whatever part that was in: by the time an item is
/// shown, what happened before it is known. Events at the same time are not in one another's history, whose order among
/// them would be arbitrary.
public struct RankingSplit: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// A rating of that or more is a like, one below it a dislike; MovieLens's stars stand in for the papers' clicks.
    public var positiveRating: Float = 4
    /// The first share of all events by time.
    public var trainingShare = 0.8
    /// The share behind it that says when to stop.
    public var validationShare = 0.1
    /// The latest likes that a history keeps.
    public var maximumHistory = 200

    public init() {}
  }

  public struct Summary: Sendable, Equatable {
    /// Events on items that the catalogue does not have.
    public internal(set) var unknownItemEvents = 0
    /// Events without a rating: neither liked nor disliked.
    public internal(set) var unratedEvents = 0
    /// Training is before the first time, validation before the second.
    public internal(set) var cuts: [Double] = []
  }

  public private(set) var training: RankingExamples
  public private(set) var validation: RankingExamples
  public private(set) var test: RankingExamples
  public private(set) var summary = Summary()

  /// Makes examples of a log's ratings.
  /// - Parameter catalog: the catalogue's items by row.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for a log that has not a time for every event, and
  ///   ``RecommenderError/Code/nothingToLearn`` for one without a rating on a known item, or where training or test has
  ///   no like or no dislike.
  /// - Complexity: O(events · log(events)).
  public init(
    _ log: InteractionLog, catalog: IdentifierTable, parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    guard log.ordering == .timestamp else {
      throw RecommenderError(
        .invalidParameter,
        "the log is ordered by \(log.ordering.rawValue), expected a timestamp for every event: a ranker's split is by "
          + "time")
    }
    guard parameters.positiveRating.isFinite else {
      throw RecommenderError(.invalidParameter, "positiveRating is \(parameters.positiveRating), expected a number")
    }
    let rows = log.rows(in: catalog)
    var events: [Event] = []
    var summary = Summary()
    for row in 0..<log.count {
      let item = rows[Int(log.itemIndices[row])]
      guard item >= 0 else {
        summary.unknownItemEvents += 1
        continue
      }
      guard let rating = log.ratings[row] else {
        summary.unratedEvents += 1
        continue
      }
      events.append(
        Event(
          user: log.userIndices[row], item: UInt32(item), time: log.timestamps[row] ?? 0,
          label: rating >= parameters.positiveRating ? 1 : 0))
    }
    guard !events.isEmpty else {
      throw RecommenderError(
        .nothingToLearn,
        "none of the \(log.count) interactions is a rating of an item of the catalogue; a ranker needs a rating column")
    }
    try self.init(events, userCount: log.users.count, itemCount: catalog.count, parameters: parameters)
    self.summary.unknownItemEvents = summary.unknownItemEvents
    self.summary.unratedEvents = summary.unratedEvents
  }

  /// One impression.
  public struct Event: Sendable, Equatable {
    public var user: Int32
    public var item: UInt32
    public var time: Double
    /// 1 or 0.
    public var label: Float

    public init(user: Int32, item: UInt32, time: Double, label: Float) {
      self.user = user
      self.item = item
      self.time = time
      self.label = label
    }
  }

  /// Makes examples of impressions in any order; those of one user and time stay in the order given.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for a label other than 0 and 1, a time that is no number, and
  ///   users and items out of range; else as the other.
  public init(
    _ events: [Event], userCount: Int, itemCount: Int, parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    try parameters.validate()
    try Self.check(events, userCount, itemCount)
    let times = events.map(\.time).sorted()
    let cuts = [parameters.trainingShare, parameters.trainingShare + parameters.validationShare].map { share in
      times.isEmpty ? 0 : times[min(times.count - 1, Int(share * Double(times.count)))]
    }
    summary.cuts = cuts
    let order = events.indices.sorted {
      (events[$0].user, events[$0].time, $0) < (events[$1].user, events[$1].time, $1)
    }
    let liked = ContiguousArray(order.lazy.filter { events[$0].label > 0.5 }.map { events[$0].item })
    let empty = RankingExamples(itemCount: itemCount, userCount: userCount, liked: liked)
    (training, validation, test) = (empty, empty, empty)
    // Of the user at hand: where the likes begin, and where those end that come before the time at hand.
    var (start, before, end) = (0, 0, 0)
    var last: Event?
    for index in order {
      let event = events[index]
      if event.user != last?.user { (start, before) = (end, end) } else if event.time != last?.time { before = end }
      let history = max(start, before - parameters.maximumHistory)..<before
      let part = event.time < cuts[0] ? \Self.training : event.time < cuts[1] ? \Self.validation : \Self.test
      self[keyPath: part].append(user: event.user, item: event.item, label: event.label, history: history)
      if event.label > 0.5 { end += 1 }
      last = event
    }
    try training.requireBothLabels("training")
    try test.requireBothLabels("test")
  }

  private static func check(_ events: [Event], _ userCount: Int, _ itemCount: Int) throws(RecommenderError) {
    for (index, event) in events.enumerated() {
      guard event.label == 0 || event.label == 1 else {
        throw RecommenderError(.invalidParameter, "event \(index) has the label \(event.label), expected 0 or 1")
      }
      guard event.time.isFinite else {
        throw RecommenderError(.invalidParameter, "event \(index) has the time \(event.time), expected a number")
      }
      guard (0..<userCount).contains(Int(event.user)), Int(event.item) < itemCount else {
        throw RecommenderError(
          .unknown,
          "event \(index) is of user \(event.user) and item \(event.item), of \(userCount) users and \(itemCount) items"
        )
      }
    }
  }
}

extension RankingSplit.Parameters {
  func validate() throws(RecommenderError) {
    guard trainingShare > 0, validationShare >= 0, trainingShare + validationShare < 1 else {
      throw RecommenderError(
        .invalidParameter,
        "trainingShare is \(trainingShare) and validationShare \(validationShare), expected a positive number, one of at "
          + "least 0, and both together below 1")
    }
    guard (1...100_000).contains(maximumHistory) else {
      throw RecommenderError(.invalidParameter, "maximumHistory is \(maximumHistory), expected 1 to 100,000")
    }
  }
}

extension RankingExamples {
  fileprivate func requireBothLabels(_ part: String) throws(RecommenderError) {
    guard let share = positiveShare, share > 0, share < 1 else {
      throw RecommenderError(
        .nothingToLearn,
        "the \(part) part has \(count) examples, \(positiveShare == 1 ? "all" : "none") of them liked; both kinds are "
          + "needed: move the cuts or positiveRating")
    }
  }
}
