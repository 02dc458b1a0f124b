/// The behavior log in memory, in the order in which things happened: one row per event, users and items numbered.
///
/// The order is by timestamp, then position, then place in the files. Timestamps order the log only when every event
/// has one, and positions likewise: an order that compared some events by one clock and some by another would be none.
public struct InteractionLog: Sendable {
  /// What the events are ordered by; ties fall to the next.
  public enum Ordering: String, Sendable {
    /// Every event has a timestamp.
    case timestamp
    /// Every event has a position, and some have no timestamp.
    case position
    /// Neither is complete: the order of the files.
    case file
  }

  public internal(set) var users = IdentifierTable()
  public internal(set) var items = IdentifierTable()
  public internal(set) var eventNames = IdentifierTable()
  /// Number of each event's user in ``users``.
  public internal(set) var userIndices: [Int32] = []
  /// Number of each event's item in ``items``.
  public internal(set) var itemIndices: [Int32] = []
  public internal(set) var timestamps = OptionalColumn<Double>()
  public internal(set) var positions = OptionalColumn<Double>()
  public internal(set) var ratings = OptionalColumn<Float>()
  public internal(set) var weights = OptionalColumn<Float>()
  /// Number of each event's name in ``eventNames``.
  public internal(set) var events = OptionalColumn<Float>()
  public internal(set) var ordering = Ordering.file
  public internal(set) var summary = InteractionSummary()

  init() {}

  /// Events.
  public var count: Int { userIndices.count }

  /// One event with its identifiers spelled out.
  public subscript(row: Int) -> Interaction {
    Interaction(
      userID: users[Int(userIndices[row])], itemID: items[Int(itemIndices[row])], timestamp: timestamps[row],
      position: positions[row], event: events[row].map { eventNames[Int($0)] }, rating: ratings[row],
      weight: weights[row])
  }

  /// For each of ``items``, its row in a table; -1 for items that the table does not have.
  public func rows(in table: IdentifierTable) -> [Int32] {
    (0..<items.count).map { index in table.index(of: items[index]).map { Int32($0) } ?? -1 }
  }

  /// Puts the events in order. `O(n log n)`; a log that comes in order is only checked.
  mutating func sort() {
    ordering = timestamps.isComplete ? .timestamp : positions.isComplete ? .position : .file
    let times = timestamps
    let places = positions
    let first = ordering == .timestamp ? times : places
    guard ordering != .file else { return }
    // Positions break ties only when all events have one, so that the comparison stays an order.
    let hasSecond = ordering == .timestamp && places.isComplete
    func precedes(_ left: Int, _ right: Int) -> Bool {
      if first.value(left) != first.value(right) { return first.value(left) < first.value(right) }
      if hasSecond, places.value(left) != places.value(right) { return places.value(left) < places.value(right) }
      return left < right
    }
    guard count > 1, (1..<count).contains(where: { !precedes($0 - 1, $0) }) else { return }
    let order = (0..<count).sorted(by: precedes)
    userIndices = order.map { userIndices[$0] }
    itemIndices = order.map { itemIndices[$0] }
    timestamps.reorder(order)
    positions.reorder(order)
    ratings.reorder(order)
    weights.reorder(order)
    events.reorder(order)
  }
}

/// A column of numbers of which some, or all, may be absent. A column without a value takes no memory.
public struct OptionalColumn<Value: BinaryFloatingPoint & Sendable>: Sendable {
  /// Empty, or one value per row, not a number where absent.
  private var values: [Value] = []
  private var presentCount = 0
  public private(set) var count = 0

  init() {}

  /// The value of a row; nil where absent.
  public subscript(row: Int) -> Value? {
    precondition(row >= 0 && row < count, "a row number lies within the column")
    guard !values.isEmpty, !values[row].isNaN else { return nil }
    return values[row]
  }

  /// Whether every row has a value; false for an empty column.
  public var isComplete: Bool { count > 0 && presentCount == count }

  /// Whether no row has a value.
  public var isEmpty: Bool { presentCount == 0 }

  func value(_ row: Int) -> Value { values[row] }

  /// - Parameter value: not a number where absent.
  mutating func append(_ value: Value) {
    if !value.isNaN {
      if values.isEmpty { values = Array(repeating: .nan, count: count) }
      presentCount += 1
    }
    count += 1
    if presentCount > 0 { values.append(value) }
  }

  mutating func reorder(_ order: [Int]) {
    guard !values.isEmpty else { return }
    values = order.map { values[$0] }
  }
}

/// What reading a behavior log met.
public struct InteractionSummary: Sendable, Hashable {
  /// Events kept.
  public internal(set) var interactions = 0
  /// Records left out because something is wrong with them.
  public internal(set) var rejected = 0
  /// Sound records below the minimum rating, or without a rating when one is required.
  public internal(set) var belowMinimumRating = 0
  public internal(set) var users = 0
  public internal(set) var items = 0
  /// Bytes of records read, after decompression.
  public internal(set) var bytes = 0
  public internal(set) var ordering = InteractionLog.Ordering.file
  /// Items that the log names and the catalogue does not have; see ``InteractionLog/check(against:)``.
  public internal(set) var unknownItems = 0
  /// Events on such items.
  public internal(set) var interactionsWithUnknownItems = 0
  /// Up to ten of their ids, in the order in which they came.
  public internal(set) var unknownItemExamples: [String] = []
  public internal(set) var files: [String] = []
  public internal(set) var reasons: [CatalogSummary.ReasonCount] = []
  public internal(set) var examples: [RejectedRecord] = []

  /// The share of records that were left out as wrong; 0 for an empty log.
  public var rejectedFraction: Double {
    let all = interactions + rejected + belowMinimumRating
    return all == 0 ? 0 : Double(rejected) / Double(all)
  }

  /// Throws ``CatalogError/Code/tooManyRejected`` when more than `maximum` of the records were left out as wrong.
  public func requireRejectedFraction(atMost maximum: Double, rejectedPath: String) throws(CatalogError) {
    guard rejectedFraction > maximum else { return }
    let example = examples.first.map { " The first: \($0)." } ?? ""
    throw CatalogError(
      .tooManyRejected,
      "\(rejected) of \(interactions + rejected + belowMinimumRating) interactions were rejected, more than "
        + "maxRejectedFraction \(maximum) allows.\(example) All are listed in \(rejectedPath). "
        + "Repair the records or raise maxRejectedFraction.")
  }
}

extension InteractionLog {
  /// The summary with what the log and a catalogue have in common.
  public func check(against catalog: IdentifierTable) -> InteractionSummary {
    var result = summary
    let rows = rows(in: catalog)
    for (index, row) in rows.enumerated() where row < 0 {
      result.unknownItems += 1
      if result.unknownItemExamples.count < 10 { result.unknownItemExamples.append(items[index]) }
    }
    for item in itemIndices where rows[Int(item)] < 0 { result.interactionsWithUnknownItems += 1 }
    return result
  }
}
