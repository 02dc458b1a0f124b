public import ItemCatalog
internal import TensorMath

/// Some users' events as sessions for a ``RewardModel``, cut by time: what comes first trains, what comes next says when
/// to stop, and the rest measures how far the model can be trusted.
///
/// Training sessions have one item and up to ``Parameters/maximumSession``, so that the model reads any length; those
/// that measure have one, whose labels are true or false. The history of a session is what its user met strictly before
/// its first event, in whatever part.
public struct RewardSplit: Sendable {
  public struct Parameters: Sendable, Equatable, Codable {
    /// Whose events are looked at; the others may as well not be there.
    public var users = UserPart.all
    /// The first share of all events by time.
    public var trainingShare = 0.8
    /// The share behind it that says when to stop.
    public var validationShare = 0.1
    /// The longest session of the training part; lengths are drawn from 1 to that.
    public var maximumSession = 1
    /// Only the latest that many events of a history are kept.
    public var maximumHistory = 50
    /// Events rated below are left out of histories, as a recommender's log leaves them out; nil for none.
    public var historyRating: Float?
    /// For an objective of what was met: sessions of items that others met in the same part and the user never did, for
    /// each real one. Popular items are drawn as often as they are met, so that popularity alone tells nothing.
    public var drawnPerSession = 1
    public var seed: UInt64 = 1

    public init() {}
  }

  public private(set) var training: RewardSessions
  public private(set) var validation: RewardSessions
  public private(set) var test: RewardSessions
  /// Training is before the first time, validation before the second.
  public let cuts: [Double]

  /// - Parameters:
  ///   - log: with a time for every event.
  ///   - catalog: the catalogue's items by row; events on others are left out.
  /// - Throws: as ``init(_:itemCount:objectives:parameters:)``.
  public init(
    _ log: InteractionLog, catalog: IdentifierTable, objectives: [RewardObjective],
    parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    try parameters.validate()
    guard log.ordering == .timestamp else {
      throw RecommenderError(
        .invalidParameter,
        "the log is ordered by \(log.ordering.rawValue), expected a timestamp for every event: a reward model's split "
          + "is by time")
    }
    let rows = log.rows(in: catalog)
    let isIncluded = (0..<log.users.count).map { parameters.users.contains(log.users[$0]) }
    var events: [RewardEvent] = []
    for row in 0..<log.count where isIncluded[Int(log.userIndices[row])] {
      let item = rows[Int(log.itemIndices[row])]
      guard item >= 0 else { continue }
      events.append(
        RewardEvent(
          user: log.userIndices[row], item: UInt32(item), time: log.timestamps[row] ?? 0, rating: log.ratings[row],
          name: log.events[row].map { log.eventNames[Int($0)] }))
    }
    try self.init(events, itemCount: catalog.count, objectives: objectives, parameters: parameters)
  }

  /// Makes sessions of events in any order; those of one user and time stay in the order given. All users are looked at.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for parameters and objectives out of range and times that are no
  ///   numbers, ``RecommenderError/Code/unknown`` for items out of range, and ``RecommenderError/Code/nothingToLearn``
  ///   where no training session has a label of some objective.
  /// - Complexity: O(events · (log(events) + objectives)).
  public init(
    _ events: [RewardEvent], itemCount: Int, objectives: [RewardObjective], parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    try parameters.validate()
    try RewardObjective.validate(objectives)
    for (index, event) in events.enumerated() {
      guard event.time.isFinite else {
        throw RecommenderError(.invalidParameter, "event \(index) has the time \(event.time), expected a number")
      }
      guard event.user >= 0, Int(event.item) < itemCount else {
        throw RecommenderError(.unknown, "event \(index) is of item \(event.item), of \(itemCount) items")
      }
    }
    var builder = RewardSessionBuilder(events, itemCount: itemCount, objectives, parameters)
    builder.build()
    (training, validation, test, cuts) = (builder.parts[0], builder.parts[1], builder.parts[2], builder.cuts)
    for (place, objective) in objectives.enumerated() {
      let known = (0..<training.count).compactMap { training.label(of: $0, place) }
      guard known.contains(where: { $0 > 0 }), known.contains(where: { $0 < 1 }) else {
        throw RecommenderError(
          .nothingToLearn,
          "of \(training.count) training sessions none has, or all have, the label \"\(objective.name)\"; both kinds "
            + "are needed: choose another objective, or draw items for one of what was met")
      }
    }
  }
}

/// Cuts sessions.
private struct RewardSessionBuilder {
  private let events: [RewardEvent]
  private let order: [Int]
  private let objectives: [RewardObjective]
  private let parameters: RewardSplit.Parameters
  private var random: RandomSource
  let cuts: [Double]
  /// Training, validation, test.
  private(set) var parts: [RewardSessions]
  /// Of each event in `order`, how many events of histories come before it in the list of all.
  private var pastBefore: [Int] = []
  /// By part: where its events stand.
  private var places: [[Int]] = [[], [], []]

  init(
    _ events: [RewardEvent], itemCount: Int, _ objectives: [RewardObjective], _ parameters: RewardSplit.Parameters
  ) {
    (self.events, self.objectives, self.parameters) = (events, objectives, parameters)
    random = RandomSource(seed: parameters.seed)
    order = events.indices.sorted {
      (events[$0].user, events[$0].time, $0) < (events[$1].user, events[$1].time, $1)
    }
    let times = events.map(\.time).sorted()
    let cuts = [parameters.trainingShare, parameters.trainingShare + parameters.validationShare].map { share in
      times.isEmpty ? 0 : times[min(times.count - 1, Int(share * Double(times.count)))]
    }
    self.cuts = cuts
    var past = ContiguousArray<UInt32>()
    for (place, index) in order.enumerated() {
      pastBefore.append(past.count)
      let event = events[index]
      if event.rating.map({ $0 >= parameters.historyRating ?? -.infinity }) ?? true { past.append(event.item) }
      places[cuts.count { $0 <= event.time }].append(place)
    }
    parts = Array(
      repeating: RewardSessions(itemCount: itemCount, objectives: objectives, past: past), count: 3)
  }

  private func event(_ place: Int) -> RewardEvent { events[order[place]] }

  mutating func build() {
    let drawsItems = objectives.contains { $0.label == .met }
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, event(end).user == event(start).user { end += 1 }
      let met = drawsItems ? Set((start..<end).map { event($0).item }) : []
      cut(start..<end, met: met)
      start = end
    }
  }

  /// Cuts one user's events.
  private mutating func cut(_ user: Range<Int>, met: Set<UInt32>) {
    // Where the events begin that happened at the time at hand: none of them is in another's history.
    var (first, timeStart) = (user.lowerBound, user.lowerBound)
    while first < user.upperBound {
      while event(timeStart).time < event(first).time { timeStart += 1 }
      let part = cuts.count { $0 <= event(first).time }
      let length = part == 0 ? Int.random(in: 1...parameters.maximumSession, using: &random) : 1
      var end = first + 1
      while end < user.upperBound, end - first < length, cuts.count(where: { $0 <= event(end).time }) == part {
        end += 1
      }
      append(first..<end, to: part, before: timeStart, of: user, met)
      first = end
    }
  }

  private mutating func append(
    _ session: Range<Int>, to part: Int, before: Int, of user: Range<Int>, _ met: Set<UInt32>
  ) {
    let end = pastBefore[before]
    let history = max(pastBefore[user.lowerBound], end - parameters.maximumHistory)..<end
    let own = session.map { event($0) }
    let labels = objectives.map { objective in
      let known = own.map { objective.value(of: $0) }.filter { !$0.isNaN }
      return known.isEmpty ? .nan : known.reduce(0, +) / Float(known.count)
    }
    let number = event(user.lowerBound).user
    if labels.contains(where: { !$0.isNaN }) {
      parts[part].append(user: number, items: own.lazy.map(\.item), labels: labels, history: history)
    }
    guard !met.isEmpty else { return }
    for _ in 0..<parameters.drawnPerSession {
      let drawn = draw(session.count, from: part, without: met)
      guard !drawn.isEmpty else { return }
      parts[part].append(
        user: number, items: drawn, labels: objectives.map { $0.label == .met ? 0 : .nan }, history: history)
    }
  }

  /// Draws for one item; a user who met nearly all there is gets fewer.
  private static let attempts = 20

  private mutating func draw(_ count: Int, from part: Int, without met: Set<UInt32>) -> [UInt32] {
    var drawn: [UInt32] = []
    for _ in 0..<count {
      for _ in 0..<Self.attempts {
        let item = event(places[part][Int.random(in: 0..<places[part].count, using: &random)]).item
        guard !met.contains(item) else { continue }
        drawn.append(item)
        break
      }
    }
    return drawn
  }
}

extension RewardSplit.Parameters {
  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "reward: \(expectation)") }
    }
    try users.validate()
    try check(
      trainingShare > 0 && validationShare >= 0 && trainingShare + validationShare < 1,
      "trainingShare is \(trainingShare) and validationShare \(validationShare), expected a positive number, one of at "
        + "least 0, and both together below 1")
    try check((1...256).contains(maximumSession), "maximumSession is \(maximumSession), expected 1 to 256")
    try check((1...100_000).contains(maximumHistory), "maximumHistory is \(maximumHistory), expected 1 to 100,000")
    try check((1...100).contains(drawnPerSession), "drawnPerSession is \(drawnPerSession), expected 1 to 100")
    try check(historyRating?.isFinite ?? true, "historyRating is \(historyRating ?? 0), expected a number")
  }
}
