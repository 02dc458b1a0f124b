/// Which part of a behavior log may be learned from; the rest is held out to measure on.
public enum TrainingWindow: Sendable, Equatable {
  /// All of it; nothing is held out.
  case everything
  /// All but each user's last `n` events. A user with `n` events or fewer holds none out.
  case leaveLast(Int)
  /// What happened before a time, in the log's unit.
  case until(Double)
  /// The first share of all events by time; events at the time of the cut are held out, all of them.
  case fraction(Double)
}

/// A history cut into what may be learned from and what is held out. In every user's row the first is a prefix, so
/// the cut is one number per user.
public struct TrainingSplit: Sendable {
  public struct Summary: Sendable, Equatable {
    public internal(set) var trainingEvents = 0
    public internal(set) var heldOutEvents = 0
    /// Users with at least one event in the training window; likewise for the others.
    public internal(set) var trainingUsers = 0
    public internal(set) var heldOutUsers = 0
    public internal(set) var trainingItems = 0
    public internal(set) var heldOutItems = 0
    /// Users with too few events to hold any out; see ``TrainingWindow/leaveLast(_:)``.
    public internal(set) var usersTooShort = 0
    /// Events held out on items without an event in the training window.
    public internal(set) var heldOutEventsOfColdItems = 0
    /// The time before which events train; nil for a window that is not one of time.
    public internal(set) var cut: Double?
  }

  public let history: InteractionHistory
  public let window: TrainingWindow
  public private(set) var summary = Summary()
  /// Where each user's training events end.
  let ends: [Int]

  /// - Throws: ``AlignmentError/Code/invalidWindow`` for a window by time on a log without timestamps, for one that
  ///   leaves no event to learn from, and for a number out of range.
  /// - Complexity: O(events); `fraction` also sorts the times.
  public init(_ history: InteractionHistory, window: TrainingWindow) throws(AlignmentError) {
    self.history = history
    self.window = window
    switch window {
    case .everything:
      ends = Array(history.offsets.dropFirst())
    case .leaveLast(let count):
      guard count > 0 else { throw Self.invalid("leaveLast is \(count), expected at least 1") }
      ends = (0..<history.userCount).map { user in
        let start = history.offsets[user], end = history.offsets[user + 1]
        return end - start > count ? end - count : end
      }
      summary.usersTooShort = (0..<history.userCount).count {
        ends[$0] == history.offsets[$0 + 1] && ends[$0] > history.offsets[$0]
      }
    case .until(let cut):
      ends = try Self.ends(of: history, before: cut)
      summary.cut = cut
    case .fraction(let share):
      guard share > 0, share < 1 else { throw Self.invalid("fraction is \(share), expected a number between 0 and 1") }
      let times = history.times.sorted()
      let cut = times.isEmpty ? 0 : times[min(times.count - 1, Int(share * Double(times.count)))]
      ends = try Self.ends(of: history, before: cut)
      summary.cut = cut
    }
    count()
    guard summary.trainingEvents > 0 else {
      throw Self.invalid(
        "the training window \(window) holds none of the \(history.count) interactions; widen pairs.window")
    }
  }

  private static func invalid(_ message: String) -> AlignmentError { AlignmentError(.invalidWindow, message) }

  private static func ends(of history: InteractionHistory, before cut: Double) throws(AlignmentError) -> [Int] {
    guard history.hasTimes else {
      throw invalid("the log is not ordered by timestamps, so a time cannot cut it; use leaveLast for pairs.window")
    }
    return (0..<history.userCount).map { user in
      let range = history.offsets[user]..<history.offsets[user + 1]
      return range.first { history.times[$0] >= cut } ?? range.upperBound
    }
  }

  private mutating func count() {
    var inTraining = [Bool](repeating: false, count: history.itemCount), heldOut = inTraining
    for user in 0..<history.userCount {
      let training = trainingRange(ofUser: user), rest = heldOutRange(ofUser: user)
      for position in training { inTraining[Int(history.items[position])] = true }
      summary.trainingEvents += training.count
      summary.heldOutEvents += rest.count
      if !training.isEmpty { summary.trainingUsers += 1 }
      if !rest.isEmpty { summary.heldOutUsers += 1 }
    }
    for user in 0..<history.userCount {
      for position in heldOutRange(ofUser: user) {
        let item = Int(history.items[position])
        heldOut[item] = true
        if !inTraining[item] { summary.heldOutEventsOfColdItems += 1 }
      }
    }
    summary.trainingItems = inTraining.count { $0 }
    summary.heldOutItems = heldOut.count { $0 }
  }

  /// Positions in the history's items.
  func trainingRange(ofUser user: Int) -> Range<Int> { history.offsets[user]..<ends[user] }
  func heldOutRange(ofUser user: Int) -> Range<Int> { ends[user]..<history.offsets[user + 1] }

  /// A user's items in the training window, the earliest first.
  public func trainingItems(ofUser user: Int) -> ArraySlice<UInt32> {
    ArraySlice(history.items[trainingRange(ofUser: user)])
  }

  /// A user's events in the training window, the earliest first.
  public func trainingEvents(ofUser user: Int) -> UserEvents { history.events(trainingRange(ofUser: user)) }

  /// Events of each row of the item table in the training window.
  /// - Complexity: O(events + items).
  public func itemEventCounts() -> ContiguousArray<UInt32> {
    var counts = ContiguousArray<UInt32>(repeating: 0, count: history.itemCount)
    for user in 0..<history.userCount {
      for position in trainingRange(ofUser: user) { counts[Int(history.items[position])] += 1 }
    }
    return counts
  }

  /// A user's items that are held out, the earliest first.
  public func heldOutItems(ofUser user: Int) -> ArraySlice<UInt32> {
    ArraySlice(history.items[heldOutRange(ofUser: user)])
  }
}
