/// What a next-item model is asked: after these items, in this order, which comes next?
public struct NextItemQuery: Sendable, Equatable {
  /// As the history numbers users.
  public var user: Int
  /// Rows of the item table, the earliest first; may be empty.
  public var history: ContiguousArray<UInt32>
  /// The row of the item that did come next.
  public var target: UInt32
  /// Of each event of the history; empty where they are not known, or nobody asks.
  public var times: ContiguousArray<Double> = []
  /// Whether each event of the history is positive feedback; empty where all are, or nobody asks.
  public var positives: ContiguousArray<Bool> = []

  public init(user: Int, history: ContiguousArray<UInt32>, target: UInt32) {
    self.user = user
    self.history = history
    self.target = target
  }

  /// What comes after all that is known of some events?
  public init(user: Int, after events: UserEvents, target: UInt32 = 0) {
    self.init(user: user, history: events.items, target: target)
    (times, positives) = (events.times, events.positives)
  }
}

extension TrainingSplit {
  /// One question per user who has an event held out at a place: what comes there, after all before it, the earlier
  /// held-out events included. Of `leaveLast: 2`, place 1 validates and place 2 tests.
  /// - Parameters:
  ///   - place: among the user's held-out events, from 1.
  ///   - maximumHistory: only the latest that many items of the history.
  ///   - withFeedback: whether queries hold the times and the feedback of their events too.
  /// - Returns: by user, ascending. A user whose target is the first event of all is left out.
  /// - Complexity: O(users · maximumHistory).
  public func nextItemQueries(
    place: Int, maximumHistory: Int = .max, withFeedback: Bool = false
  ) -> [NextItemQuery] {
    precondition(place > 0 && maximumHistory > 0, "places count from 1, and a history has room for an item")
    return (0..<history.userCount).compactMap { user in
      let held = heldOutRange(ofUser: user)
      let target = held.lowerBound + place - 1
      guard target < held.upperBound, target > history.offsets[user] else { return nil }
      let before = (history.offsets[user]..<target).suffix(maximumHistory)
      if withFeedback { return NextItemQuery(user: user, after: history.events(before), target: history.items[target]) }
      return NextItemQuery(
        user: user, history: ContiguousArray(history.items[before]), target: history.items[target])
    }
  }
}
