/// Each user's distinct items of the training window, the latest first, and each item's users: what Swing and item neighbors count on.
///
/// Memory: 4 bytes per kept (user, item) in each direction, 12 per user, 8 per item.
package struct UserItemSets: Sendable {
  /// Where each user's items begin.
  package private(set) var userOffsets: [Int]
  package private(set) var items: ContiguousArray<UInt32> = []
  /// Distinct items of each user's whole training window, capped or not.
  package private(set) var distinctCounts: ContiguousArray<UInt32>
  /// Where each item's users begin.
  package private(set) var itemOffsets: [Int]
  /// Ascending within an item.
  package private(set) var users: ContiguousArray<UInt32>
  /// (user, item)s left out because the user has more items than the cap.
  package private(set) var beyondCap = 0

  /// - Complexity: O(events).
  package init(_ split: TrainingSplit, itemsPerUser: Int) {
    let history = split.history
    userOffsets = [0]
    userOffsets.reserveCapacity(history.userCount + 1)
    distinctCounts = ContiguousArray(repeating: 0, count: history.userCount)
    itemOffsets = Array(repeating: 0, count: history.itemCount + 1)
    var lastUser = ContiguousArray<UInt32>(repeating: .max, count: history.itemCount)
    for user in 0..<history.userCount {
      var distinct = 0
      for position in split.trainingRange(ofUser: user).reversed() {
        let item = history.items[position]
        guard lastUser[Int(item)] != UInt32(user) else { continue }
        lastUser[Int(item)] = UInt32(user)
        distinct += 1
        guard distinct <= itemsPerUser else { continue }
        items.append(item)
        itemOffsets[Int(item) + 1] += 1
      }
      distinctCounts[user] = UInt32(distinct)
      beyondCap += max(0, distinct - itemsPerUser)
      userOffsets.append(items.count)
    }
    for item in 0..<history.itemCount { itemOffsets[item + 1] += itemOffsets[item] }
    users = ContiguousArray(repeating: 0, count: items.count)
    var next = itemOffsets
    for user in 0..<history.userCount {
      for position in userOffsets[user]..<userOffsets[user + 1] {
        let item = Int(items[position])
        users[next[item]] = UInt32(user)
        next[item] += 1
      }
    }
  }
}
