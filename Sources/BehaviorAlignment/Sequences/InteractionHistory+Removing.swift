extension InteractionHistory {
  /// The history as it would be had nobody ever met some items: for measuring what a model makes of new ones.
  /// - Parameter isRemoved: one a row of the item table.
  /// - Throws: ``AlignmentError/Code/noInteractions`` where no event is left.
  /// - Complexity: O(events + items).
  public func removing(_ isRemoved: [Bool]) throws(AlignmentError) -> InteractionHistory {
    precondition(isRemoved.count == itemCount, "\(isRemoved.count) marks for \(itemCount) items")
    var users: [Int32] = [], kept: [Int32] = [], keptTimes: [Double] = []
    var keptMarks: ContiguousArray<Bool> = []
    for user in 0..<userCount {
      for position in offsets[user]..<offsets[user + 1] where !isRemoved[Int(items[position])] {
        users.append(Int32(user))
        kept.append(Int32(items[position]))
        if hasTimes { keptTimes.append(times[position]) }
        if hasFeedback { keptMarks.append(positives[position]) }
      }
    }
    return try InteractionHistory(
      users: users, items: kept, times: keptTimes, positives: keptMarks, userCount: userCount, itemCount: itemCount)
  }

  /// Pairs to measure new items by: an event on one of them as target, and the user's event just before, on an item that
  /// is not new, as trigger. By user and then in order, all at place 1.
  public func pairs(leadingTo isNew: [Bool]) -> HeldOutPairs {
    precondition(isNew.count == itemCount, "\(isNew.count) marks for \(itemCount) items")
    var result = HeldOutPairs()
    for user in 0..<userCount {
      for position in (offsets[user]..<offsets[user + 1]).dropFirst()
      where isNew[Int(items[position])] && !isNew[Int(items[position - 1])] {
        result.append(items[position - 1], items[position], place: 1)
      }
    }
    return result
  }
}
