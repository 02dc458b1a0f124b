public import ItemCatalog

extension InteractionHistory {
  /// Groups a log by user.
  ///
  /// An event on the item of the event just before is dropped; the earlier one stays. An item that a user comes back
  /// to after another one is kept each time.
  ///
  /// - Parameters:
  ///   - log: in order, as a reader leaves it.
  ///   - catalog: the catalogue's items by row.
  /// - Throws: ``AlignmentError/Code/noInteractions`` for a log without an event, or with none on a known item, and
  ///   ``AlignmentError/Code/invalidParameter`` for criteria of positive feedback that no event meets.
  /// - Complexity: O(events + users · log(users)).
  public init(
    _ log: InteractionLog, catalog: IdentifierTable, parameters: Parameters = Parameters()
  ) throws(AlignmentError) {
    let order = Self.order(ofUsers: log)
    let isTimed = log.ordering == .timestamp
    try self.init(
      users: log.userIndices, items: log.itemIndices, itemRows: log.rows(in: catalog), userOrder: order,
      itemCount: catalog.count, time: isTimed ? { log.timestamps[$0] ?? 0 } : nil,
      positives: try parameters.positive?.marks(log) ?? [], parameters: parameters)
  }

  private static func order(ofUsers log: InteractionLog) -> [Int] {
    let names = (0..<log.users.count).map { log.users[$0] }
    let keys = names.map(stableHash)
    return names.indices.sorted { (keys[$0], names[$0]) < (keys[$1], names[$1]) }
  }

  /// The ids of a log's users in the order in which a history of it numbers them.
  public static func users(of log: InteractionLog) -> [String] { order(ofUsers: log).map { log.users[$0] } }

  /// Groups numbered events by user, in the order given but for times, which are put in order within a user; equal
  /// times stay in the order given.
  ///
  /// - Parameters:
  ///   - users: each event's user, below `userCount`.
  ///   - items: each event's row in the catalogue, below `itemCount`; -1 for an item that is not there.
  ///   - times: empty, or each event's time.
  ///   - positives: empty, or whether each event is positive feedback.
  public init(
    users: [Int32], items: [Int32], times: [Double] = [], positives: ContiguousArray<Bool> = [], userCount: Int,
    itemCount: Int, parameters: Parameters = Parameters()
  ) throws(AlignmentError) {
    precondition(
      users.count == items.count && (times.isEmpty || times.count == users.count)
        && (positives.isEmpty || positives.count == users.count), "columns of one length")
    try self.init(
      users: users, items: items, itemRows: nil, userOrder: Array(0..<userCount), itemCount: itemCount,
      time: times.isEmpty ? nil : { times[$0] }, positives: positives, parameters: parameters)
  }

  private init(
    users: [Int32], items numbers: [Int32], itemRows: [Int32]?, userOrder: [Int], itemCount: Int,
    time: ((Int) -> Double)?, positives marks: ContiguousArray<Bool>, parameters: Parameters
  ) throws(AlignmentError) {
    guard parameters.maximumEventsPerUser > 0 else {
      throw AlignmentError(
        .invalidParameter, "maximumEventsPerUser is \(parameters.maximumEventsPerUser), expected at least 1")
    }
    guard !users.isEmpty else {
      throw AlignmentError(
        .noInteractions,
        "the behavior log has no interactions; name a log that has some, lower its minimumRating, or remove 'pairs'")
    }
    var rank = [Int32](repeating: 0, count: userOrder.count)
    for (place, user) in userOrder.enumerated() { rank[user] = Int32(place) }
    self.itemCount = itemCount
    offsets = Array(repeating: 0, count: userOrder.count + 1)
    for index in users.indices where Self.row(numbers[index], itemRows) >= 0 {
      offsets[Int(rank[Int(users[index])]) + 1] += 1
    }
    for user in 0..<userOrder.count { offsets[user + 1] += offsets[user] }
    items = ContiguousArray(repeating: 0, count: offsets[userOrder.count])
    times = ContiguousArray(repeating: 0, count: time == nil ? 0 : items.count)
    positives = ContiguousArray(repeating: false, count: marks.isEmpty ? 0 : items.count)
    var next = offsets
    for index in users.indices {
      let row = Self.row(numbers[index], itemRows), user = Int(rank[Int(users[index])])
      guard row >= 0 else { continue }
      items[next[user]] = UInt32(row)
      if let time { times[next[user]] = time(index) }
      if !marks.isEmpty { positives[next[user]] = marks[index] }
      next[user] += 1
    }
    summary.unknownItemEvents = users.count - items.count
    guard !items.isEmpty else {
      throw AlignmentError(
        .noInteractions,
        "none of the \(users.count) interactions is on an item of the catalogue; the log's item_id must hold "
          + "the catalogue's ids")
    }
    orderByTime()
    compact(parameters.maximumEventsPerUser)
  }

  private static func row(_ number: Int32, _ rows: [Int32]?) -> Int32 {
    guard let rows else { return number }
    return rows[Int(number)]
  }

  /// Puts each user's events in the order of their times; a log that comes in order is only checked.
  private mutating func orderByTime() {
    guard hasTimes else { return }
    for user in 0..<userCount {
      let range = offsets[user]..<offsets[user + 1]
      guard range.count > 1, range.dropFirst().contains(where: { times[$0] < times[$0 - 1] }) else { continue }
      let order = range.sorted { (times[$0], $0) < (times[$1], $1) }
      let sortedItems = order.map { items[$0] }, sortedTimes = order.map { times[$0] }
      let sortedMarks = hasFeedback ? order.map { positives[$0] } : []
      for (index, position) in range.enumerated() {
        items[position] = sortedItems[index]
        times[position] = sortedTimes[index]
        if hasFeedback { positives[position] = sortedMarks[index] }
      }
    }
  }

  /// Drops repeats, then the oldest events beyond the maximum, and closes the gaps.
  private mutating func compact(_ maximum: Int) {
    var seen = [Bool](repeating: false, count: itemCount)
    var end = 0, first = 0
    for user in 0..<userCount {
      let last = offsets[user + 1], start = end
      for position in first..<last {
        if end > start, items[end - 1] == items[position] {
          mergeFeedback(of: position, into: end - 1)
        } else {
          move(position, to: end)
          end += 1
        }
      }
      summary.repeatedEvents += last - first - (end - start)
      let excess = end - start - maximum
      if excess > 0 {
        for position in start..<start + maximum { move(position + excess, to: position) }
        end -= excess
        summary.eventsBeyondMaximum += excess
        summary.usersBeyondMaximum += 1
      }
      for position in start..<end { seen[Int(items[position])] = true }
      if end > start { summary.users += 1 }
      first = last
      offsets[user + 1] = end
    }
    items.removeLast(items.count - end)
    if hasTimes { times.removeLast(times.count - end) }
    if hasFeedback { positives.removeLast(positives.count - end) }
    summary.events = end
    summary.items = seen.count { $0 }
  }

  private mutating func move(_ position: Int, to place: Int) {
    items[place] = items[position]
    if hasTimes { times[place] = times[position] }
    if hasFeedback { positives[place] = positives[position] }
  }

  /// A view and a like of one moment, or in a log without times, are one event that is positive. Of a later like nothing
  /// is taken: it may lie behind the time at which a window ends, and the event that stays before it.
  private mutating func mergeFeedback(of repeated: Int, into place: Int) {
    guard hasFeedback, positives[repeated], !hasTimes || times[repeated] == times[place] else { return }
    positives[place] = true
  }
}

/// A hash of an id that is the same on every machine (FNV-1a, then SplitMix64's finalizer).
private func stableHash(_ text: String) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
  hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
  hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
  return hash ^ (hash >> 31)
}
