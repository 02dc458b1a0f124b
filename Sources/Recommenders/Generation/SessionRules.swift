/// How a user's events fall into sessions, and which sessions are good enough to be learned to write.
///
/// OneRec learns from sessions of high quality: enough items that were really watched, for long enough, and some of them
/// liked (2502.18965, whose log has requests; here a pause ends a session). A session that is left out is still read: its
/// events stand in the histories of those behind it.
public struct SessionRules: Sendable, Equatable, Codable {
  /// The longest time between two events of one session, in the log's unit: 30 minutes where that is seconds.
  public var gap = 1800.0
  /// Different items with codes.
  public var minimumItems = 2
  /// Likewise; nil for any number. Robots have long sessions.
  public var maximumItems: Int?
  /// From the first event to the last, in the log's unit.
  public var minimumDuration = 0.0
  /// Events with codes that are positive feedback; see `PositiveFeedback`.
  public var minimumPositives = 0

  public init() {}

  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "sessions: \(expectation)") }
    }
    try check(gap >= 0 && gap.isFinite, "gap is \(gap), expected at least 0")
    try check((1...65_536).contains(minimumItems), "minimumItems is \(minimumItems), expected 1 to 65,536")
    try check(
      maximumItems.map { $0 >= minimumItems } ?? true,
      "maximumItems is \(maximumItems ?? 0), expected at least minimumItems, \(minimumItems)")
    try check(
      minimumDuration >= 0 && minimumDuration.isFinite, "minimumDuration is \(minimumDuration), expected at least 0")
    try check(minimumPositives >= 0, "minimumPositives is \(minimumPositives), expected at least 0")
  }

  /// Where sessions lie: an event belongs to the session of the one before unless more than ``gap`` lies between.
  /// - Parameter times: ascending.
  /// - Returns: ranges that follow one another and cover all places.
  /// - Complexity: O(events).
  package func sessions(at times: ContiguousArray<Double>) -> [Range<Int>] {
    var (sessions, start): ([Range<Int>], Int) = ([], 0)
    for place in times.indices.dropFirst() where times[place] - times[place - 1] > gap {
      sessions.append(start..<place)
      start = place
    }
    if !times.isEmpty { sessions.append(start..<times.count) }
    return sessions
  }
}

/// What became of the sessions of a training window. Each is counted once: as kept, or by the first rule that it breaks.
public struct SessionSummary: Sendable, Equatable, Codable {
  /// Whether the log has times; sessions are not told apart without, and nothing else here is counted.
  public internal(set) var isTimed = false
  public internal(set) var sessions = 0
  public internal(set) var kept = 0
  /// With fewer items than ``SessionRules/minimumItems``; the others likewise, in the order in which they are asked.
  public internal(set) var tooFewItems = 0
  public internal(set) var tooManyItems = 0
  public internal(set) var tooBrief = 0
  public internal(set) var tooFewPositives = 0
  /// Of those that are kept: with more items than are learned to be written, of which the first are.
  public internal(set) var shortened = 0
  /// Items to write in all sessions that are kept.
  public internal(set) var items = 0
  /// Users without a session that is kept.
  public internal(set) var usersWithout = 0

  public init() {}

  /// `812 of 1,000 sessions are kept; left out: 120 of too few items, …`.
  public var text: String {
    guard isTimed else { return "the log has no times, so the items behind each cut stand for a session" }
    let dropped = [
      (tooFewItems, "of too few items"), (tooManyItems, "of too many"), (tooBrief, "too brief"),
      (tooFewPositives, "without enough positive feedback"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return "\(kept) of \(sessions) sessions are kept"
      + (dropped.isEmpty ? "" : "; left out: " + dropped.joined(separator: ", "))
  }
}

extension SessionRules {
  /// What a session has.
  package struct Traits: Sendable {
    /// Different ones with codes.
    package var items: Int
    package var positives: Int
    package var duration: Double

    package init(items: Int, positives: Int, duration: Double) {
      (self.items, self.positives, self.duration) = (items, positives, duration)
    }
  }

  /// Whether a session is kept; counts it.
  package func keeps(_ session: Traits, _ summary: inout SessionSummary) -> Bool {
    summary.sessions += 1
    if session.items < minimumItems {
      summary.tooFewItems += 1
    } else if let maximumItems, session.items > maximumItems {
      summary.tooManyItems += 1
    } else if session.duration < minimumDuration {
      summary.tooBrief += 1
    } else if session.positives < minimumPositives {
      summary.tooFewPositives += 1
    } else {
      summary.kept += 1
      return true
    }
    return false
  }
}
