/// A log with ratings or clicks as examples for a ranker, cut by time: what comes first trains, what comes next says when
/// to stop, and the rest tests. A temporal cut is the only one that a ranker meets in life.
///
/// The history of an example is what its user liked strictly before it, whatever part that was in: by the time an item is
/// shown, what happened before it is known. Events at the same time are not in one another's history, whose order among
/// them would be arbitrary.
public struct RankingSplit: Sendable {
  /// Where a log's dislikes come from.
  public enum Dislikes: Sendable, Equatable {
    /// Ratings below ``Parameters/positiveRating``. They must be as complete as the likes.
    case rated
    /// For logs of likes alone: for every like, items drawn from what others liked in the same part of the log and the
    /// user never did. Popular items are drawn as often as they are liked, so that popularity alone tells nothing.
    /// Ratings below are left out, and events without a rating are likes.
    case drawn(perLike: Int, seed: UInt64)
  }

  public struct Parameters: Sendable, Equatable {
    /// A rating of that or more is a like, one below it a dislike; MovieLens's stars stand in for the papers' clicks.
    public var positiveRating: Float = 4
    public var dislikes = Dislikes.rated
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
    /// Events without a rating that are left out: neither liked nor disliked.
    public internal(set) var unratedEvents = 0
    /// Ratings below that are left out, because dislikes are drawn.
    public internal(set) var dislikesLeftOut = 0
    /// Training is before the first time, validation before the second.
    public internal(set) var cuts: [Double] = []
  }

  public private(set) var training: RankingExamples
  public private(set) var validation: RankingExamples
  public private(set) var test: RankingExamples
  public internal(set) var summary = Summary()

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
  ///   shares out of range, ``RecommenderError/Code/unknown`` for users and items out of range, and
  ///   ``RecommenderError/Code/nothingToLearn`` where training or test has no like or no dislike.
  /// - Complexity: O(events · log(events)).
  public init(
    _ events: [Event], userCount: Int, itemCount: Int, parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    try parameters.validate()
    try self.init(
      events, cuts: Self.cuts(events, parameters), userCount: userCount, itemCount: itemCount, parameters: parameters)
  }

  /// The times at which validation and test begin.
  static func cuts(_ events: [Event], _ parameters: Parameters) -> [Double] {
    let times = events.map(\.time).sorted()
    return [parameters.trainingShare, parameters.trainingShare + parameters.validationShare].map { share in
      times.isEmpty ? 0 : times[min(times.count - 1, Int(share * Double(times.count)))]
    }
  }

  init(
    _ events: [Event], cuts: [Double], userCount: Int, itemCount: Int, parameters: Parameters
  ) throws(RecommenderError) {
    try Self.check(events, userCount, itemCount)
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
    if case .drawn(let count, _) = dislikes, !(1...100).contains(count) {
      throw RecommenderError(.invalidParameter, "\(count) dislikes drawn per like, expected 1 to 100")
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
