internal import ItemCatalog

/// Some consecutive events of a user, the earliest first, with what is known of them.
public struct UserEvents: Sendable, Equatable {
  /// Rows of the item table.
  public var items: ContiguousArray<UInt32>
  /// One an event, ascending; empty where the log is not ordered by them.
  public var times: ContiguousArray<Double>
  /// Whether each event is positive feedback; empty where all are.
  public var positives: ContiguousArray<Bool>

  public init(
    items: ContiguousArray<UInt32>, times: ContiguousArray<Double> = [], positives: ContiguousArray<Bool> = []
  ) {
    precondition(times.isEmpty || times.count == items.count, "\(times.count) times for \(items.count) events")
    precondition(
      positives.isEmpty || positives.count == items.count, "\(positives.count) marks for \(items.count) events")
    (self.items, self.times, self.positives) = (items, times, positives)
  }
}

/// Which events say that a user liked what they met: those that meet any of the criteria.
public struct PositiveFeedback: Sendable, Equatable {
  /// An event with at least this rating is positive.
  public var minimumRating: Float?
  /// Likewise with at least this weight.
  public var minimumWeight: Float?
  /// Likewise with one of these names.
  public var events: [String]

  public init(minimumRating: Float? = nil, minimumWeight: Float? = nil, events: [String] = []) {
    (self.minimumRating, self.minimumWeight, self.events) = (minimumRating, minimumWeight, events)
  }

  /// - Returns: one mark an event of the log.
  /// - Throws: ``AlignmentError/Code/invalidParameter`` where no event of the log is positive: a threshold that none
  ///   reaches, or a column that the log does not have.
  func marks(_ log: InteractionLog) throws(AlignmentError) -> ContiguousArray<Bool> {
    let names = (0..<log.eventNames.count).map { events.contains(log.eventNames[$0]) }
    let marks = ContiguousArray(
      (0..<log.count).lazy.map { row in
        if let minimumRating, let rating = log.ratings[row], rating >= minimumRating { return true }
        if let minimumWeight, let weight = log.weights[row], weight >= minimumWeight { return true }
        guard let name = log.events[row] else { return false }
        return names[Int(name)]
      })
    guard marks.isEmpty || marks.contains(true) else {
      throw AlignmentError(
        .invalidParameter,
        "no event of the log is positive feedback, with minimumRating \(minimumRating.map { "\($0)" } ?? "none"), "
          + "minimumWeight \(minimumWeight.map { "\($0)" } ?? "none") and events \(events); lower them, or leave them out "
          + "to count every event")
    }
    return marks
  }
}
