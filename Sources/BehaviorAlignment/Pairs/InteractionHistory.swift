/// A behavior log by user: what each met, in the order in which it happened, in compressed rows.
///
/// Users are numbered by a hash of their ids, so that nothing which is made of a history depends on where the events
/// stood in their files. Items are numbered as in the catalogue.
///
/// Memory: 4 bytes per event for its item, 8 more where the log has timestamps, 1 more where feedback is told apart, and 8
/// per user.
public struct InteractionHistory: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// Of one user, only the latest this many events are kept: a robot's million tells of the robot.
    public var maximumEventsPerUser = 4096
    /// Which events are positive feedback; nil where all are.
    public var positive: PositiveFeedback?

    public init() {}
  }

  /// What was kept of a log and what was not. Every event of the log is counted in exactly one of ``events``,
  /// ``unknownItemEvents``, ``repeatedEvents`` and ``eventsBeyondMaximum``.
  public struct Summary: Sendable, Equatable {
    /// Events kept.
    public internal(set) var events = 0
    /// Events on items that the catalogue does not have.
    public internal(set) var unknownItemEvents = 0
    /// Events of a user on the item of the same user's event just before: delivered twice, or looked at twice.
    public internal(set) var repeatedEvents = 0
    /// Events of users with more than ``Parameters/maximumEventsPerUser``.
    public internal(set) var eventsBeyondMaximum = 0
    /// Such users.
    public internal(set) var usersBeyondMaximum = 0
    /// Users with at least one event kept.
    public internal(set) var users = 0
    /// Items with at least one event kept.
    public internal(set) var items = 0
  }

  /// Rows of the catalogue's item table.
  public let itemCount: Int
  public internal(set) var summary = Summary()
  /// Where each user's events begin and the last user's end.
  var offsets: [Int]
  /// Rows of the item table.
  var items: ContiguousArray<UInt32>
  /// Timestamps, ascending within a user; empty where the log is not ordered by them.
  var times: ContiguousArray<Double>
  /// Whether each event is positive feedback; empty where all are.
  var positives: ContiguousArray<Bool> = []

  /// Users of the log, with or without events here.
  public var userCount: Int { offsets.count - 1 }

  /// Events.
  public var count: Int { items.count }

  /// Whether every event has a time that can be compared between users.
  public var hasTimes: Bool { !times.isEmpty }

  /// Whether events are told apart by ``PositiveFeedback``; otherwise each is positive.
  public var hasFeedback: Bool { !positives.isEmpty }

  /// A user's items, the earliest first.
  public func items(ofUser user: Int) -> ArraySlice<UInt32> {
    ArraySlice(items[offsets[user]..<offsets[user + 1]])
  }

  /// A user's events, the earliest first.
  public func events(ofUser user: Int) -> UserEvents { events(offsets[user]..<offsets[user + 1]) }

  /// - Parameter range: of positions, all of one user.
  func events(_ range: Range<Int>) -> UserEvents {
    UserEvents(
      items: ContiguousArray(items[range]), times: hasTimes ? ContiguousArray(times[range]) : [],
      positives: hasFeedback ? ContiguousArray(positives[range]) : [])
  }
}
