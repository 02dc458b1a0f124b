internal import TensorMath

/// One item's users, what else they met, and the scores that follow: scratch memory that a thread uses item by item.
struct SwingNeighborhood {
  private let parameters: SwingMiner.Parameters
  /// `1 / (α + n)`.
  private let reciprocals: ContiguousArray<Float>
  private var users: ContiguousArray<UInt32> = []
  private var userWeights: ContiguousArray<Float> = []
  private var slots = ItemSlots()
  /// Per neighboring item, how many of the users have it.
  private var counts: ContiguousArray<UInt32> = []
  /// Where each neighbor's members begin in `members`.
  private var starts: ContiguousArray<Int> = []
  /// Places in `users`, ascending within a neighbor.
  private var members: ContiguousArray<UInt16> = []
  /// Items that each pair of users shares beside the item itself: row u, column v for u < v.
  private var shared: ContiguousArray<UInt16> = []

  /// Neighbors that at least two of the users have.
  private(set) var candidates = 0
  /// Users of the item that were not drawn.
  private(set) var usersBeyondCap = 0
  private(set) var best: BestItems

  init(_ parameters: SwingMiner.Parameters) {
    self.parameters = parameters
    reciprocals = ContiguousArray((0...parameters.itemsPerUser).map { 1 / (parameters.alpha + Float($0)) })
    best = BestItems(limit: parameters.neighbors)
  }

  mutating func collect(_ item: Int, _ sets: borrowing UserItemSets, _ weights: ContiguousArray<Float>) {
    candidates = 0
    best.removeAll()
    draw(item, sets)
    guard users.count > 1 else { return }
    userWeights.removeAll(keepingCapacity: true)
    for user in users { userWeights.append(weights[Int(user)]) }
    listMembers(item, sets)
    countShared()
    score()
  }

  /// Draws the item's users without replacement where they are too many (Knuth, volume 2, algorithm S).
  private mutating func draw(_ item: Int, _ sets: borrowing UserItemSets) {
    let range = sets.itemOffsets[item]..<sets.itemOffsets[item + 1]
    users.removeAll(keepingCapacity: true)
    usersBeyondCap = max(0, range.count - parameters.usersPerItem)
    guard usersBeyondCap > 0 else {
      users.append(contentsOf: sets.users[range])
      return
    }
    var random = RandomSource(seed: parameters.seed, stream: UInt64(item))
    for position in range {
      let wanted = parameters.usersPerItem - users.count
      guard wanted > 0 else { break }
      if Int.random(in: 0..<range.upperBound - position, using: &random) < wanted { users.append(sets.users[position]) }
    }
  }

  /// Lists, for each other item that the users have, which of them have it.
  private mutating func listMembers(_ item: Int, _ sets: borrowing UserItemSets) {
    slots.removeAll()
    counts.removeAll(keepingCapacity: true)
    for user in users {
      for position in sets.userOffsets[Int(user)]..<sets.userOffsets[Int(user) + 1] {
        let neighbor = sets.items[position]
        guard Int(neighbor) != item else { continue }
        let number = slots.number(of: neighbor)
        if number == counts.count { counts.append(1) } else { counts[number] += 1 }
      }
    }
    starts.removeAll(keepingCapacity: true)
    var total = 0
    for count in counts {
      starts.append(total)
      // An item that one user alone has scores nothing, and is in no intersection.
      total += count > 1 ? Int(count) : 0
    }
    members.removeAll(keepingCapacity: true)
    members.append(contentsOf: repeatElement(0, count: total))
    for (place, user) in users.enumerated() {
      for position in sets.userOffsets[Int(user)]..<sets.userOffsets[Int(user) + 1] {
        let neighbor = sets.items[position]
        guard Int(neighbor) != item else { continue }
        let number = slots.number(of: neighbor)
        guard counts[number] > 1 else { continue }
        members[starts[number]] = UInt16(place)
        starts[number] += 1
      }
    }
    for number in counts.indices where counts[number] > 1 { starts[number] -= Int(counts[number]) }
  }

  /// Counts the intersections of all pairs of users at once: every item that two users share adds one to theirs.
  private mutating func countShared() {
    let width = users.count
    // All of them share the item itself.
    for index in 0..<min(shared.count, width * width) { shared[index] = 1 }
    if shared.count < width * width {
      shared.append(contentsOf: repeatElement(1, count: width * width - shared.count))
    }
    for number in counts.indices where counts[number] > 1 {
      let end = starts[number] + Int(counts[number])
      for first in starts[number]..<end - 1 {
        let row = Int(members[first]) * width
        for second in first + 1..<end { shared[row + Int(members[second])] += 1 }
      }
    }
  }

  private mutating func score() {
    let width = users.count
    for number in counts.indices where counts[number] > 1 {
      let end = starts[number] + Int(counts[number])
      var total: Float = 0
      for first in starts[number]..<end - 1 {
        let row = Int(members[first]) * width
        var sum: Float = 0
        for second in first + 1..<end {
          let other = Int(members[second])
          sum += userWeights[other] * reciprocals[Int(shared[row + other])]
        }
        total += userWeights[Int(members[first])] * sum
      }
      candidates += 1
      best.add(BestItems.Entry(item: slots.items[number], score: total, support: counts[number]))
    }
  }
}
