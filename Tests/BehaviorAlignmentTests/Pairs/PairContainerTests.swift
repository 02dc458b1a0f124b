import BehaviorAlignment
import TensorMath
import Testing

/// The containers that miners count in, against slow ones.
@Suite struct PairContainerTests {
  @Test(arguments: [1, 2, 7, 99, 100, 500])
  func theBestAreThoseOfASortWhateverTheirOrder(limit: Int) {
    var random = RandomSource(seed: UInt64(limit))
    // Few scores, so that many items have the same.
    let entries = (0..<100).map { item in
      BestItems.Entry(
        item: UInt32(item), score: Float(Int.random(in: -6..<6, using: &random)), support: UInt32(item + 7))
    }
    let expected = entries.sorted { $0.score == $1.score ? $0.item < $1.item : $0.score > $1.score }.prefix(limit)
    for _ in 0..<4 {
      var best = BestItems(limit: limit)
      for entry in entries.shuffled(using: &random) { best.add(entry) }
      #expect(best.entries.map(\.item) == expected.map(\.item))
      #expect(best.entries.map(\.score) == expected.map(\.score))
      #expect(best.entries.allSatisfy { $0.support == $0.item + 7 })
    }
  }

  @Test func scoresBelowTheLastAreNotAskedFor() {
    var best = BestItems(limit: 2)
    #expect(best.takes(-.infinity))
    best.add(BestItems.Entry(item: 4, score: 3, support: 1))
    #expect(best.takes(-.infinity))
    best.add(BestItems.Entry(item: 2, score: 1, support: 1))
    #expect(best.takes(2) && best.takes(1) && !best.takes(Float(1).nextDown))
    // Of equal scores the lower row is the better.
    best.add(BestItems.Entry(item: 3, score: 1, support: 1))
    #expect(best.entries.map(\.item) == [4, 2])
    best.add(BestItems.Entry(item: 0, score: 1, support: 1))
    #expect(best.entries.map(\.item) == [4, 0])
    best.removeAll()
    #expect(best.entries.isEmpty && best.takes(-.infinity))
  }

  /// How many items are asked for, and below which number they lie; tables grow, shrink and are used again.
  private static let rounds: [(count: Int, bound: UInt32)] = [
    (100, 10), (3000, 2000), (4000, .max), (20, 4), (10, .max), (2000, 300), (0, 1), (500, 100_000),
  ]

  @Test func itemsAreNumberedInTheOrderInWhichTheyCome() {
    var random = RandomSource(seed: 3), slots = ItemSlots()
    for (count, bound) in Self.rounds {
      var numbers: [UInt32: Int] = [:], order: [UInt32] = [], isRight = true
      for _ in 0..<count {
        let item = UInt32.random(in: 0..<bound, using: &random)
        if numbers[item] == nil {
          numbers[item] = order.count
          order.append(item)
        }
        isRight = isRight && slots.number(of: item) == numbers[item]
      }
      #expect(isRight && Array(slots.items) == order)
      slots.removeAll()
      #expect(slots.items.isEmpty)
    }
  }

  @Test(arguments: [1, 2, 5, 100])
  func setsHoldTheLatestDistinctItemsOfTheTrainingWindow(cap: Int) throws {
    var random = RandomSource(seed: 12)
    let rows = randomRows(users: 50, items: 20, longest: 15, using: &random)
    let split = try TrainingSplit(try history(rows, itemCount: 20), window: .leaveLast(2))
    let sets = UserItemSets(split, itemsPerUser: cap)
    var holders = [[UInt32]](repeating: [], count: 20), left = 0
    for user in 0..<split.history.userCount {
      var latest: [UInt32] = []
      for item in split.trainingItems(ofUser: user).reversed() where !latest.contains(item) { latest.append(item) }
      #expect(Array(sets.items[sets.userOffsets[user]..<sets.userOffsets[user + 1]]) == Array(latest.prefix(cap)))
      #expect(Int(sets.distinctCounts[user]) == latest.count)
      left += latest.dropFirst(cap).count
      for item in latest.prefix(cap) { holders[Int(item)].append(UInt32(user)) }
    }
    #expect(sets.beyondCap == left && (left > 0) == (cap < 10))
    for item in 0..<20 {
      #expect(Array(sets.users[sets.itemOffsets[item]..<sets.itemOffsets[item + 1]]) == holders[item])
    }
  }

  @Test func pairsInAnyOrderAreOneTable() {
    var random = RandomSource(seed: 5)
    let table = randomTable(200, items: 30, using: &random)
    let pairs = (0..<table.count).map { table[$0] }
    for _ in 0..<5 {
      let shuffled = PairTable(itemCount: 30, pairs.shuffled(using: &random))
      #expect(shuffled == table && shuffled.fingerprint == table.fingerprint)
    }
    // The sources' rows stand one behind the other and are all there is.
    let ranges = PairSource.allCases.map { table.rows(of: $0) }
    #expect(ranges.map(\.lowerBound) == [0, ranges[0].upperBound, ranges[1].upperBound])
    #expect(ranges.last?.upperBound == table.count)
  }

  @Test func tablesOfDifferentSourcesAreMergedInAnyOrder() {
    let parts = [
      PairTable(itemCount: 4, [pair(0, 1, .nearby), pair(3, 2, .nearby)]), PairTable(itemCount: 4),
      PairTable(itemCount: 4, [pair(2, 1, .userToItem)]), PairTable(itemCount: 4, [pair(0, 1, .swing)]),
    ]
    let whole = PairTable.merging(parts)
    #expect(whole.count == 4 && whole.presentSources == [.swing, .userToItem, .nearby])
    #expect(PairTable.merging(parts.reversed()) == whole)
    #expect(PairTable.merging([]) == PairTable(itemCount: 0))
    #expect(PairTable.merging([PairTable(itemCount: 4)]).presentSources == [])
  }

  @Test func everyColumnAndTheCatalogueAreInTheFingerprint() {
    let tables = [
      PairTable(itemCount: 5, [pair(0, 1), pair(2, 3)]), PairTable(itemCount: 6, [pair(0, 1), pair(2, 3)]),
      PairTable(itemCount: 5, [pair(1, 0), pair(2, 3)]), PairTable(itemCount: 5, [pair(0, 1), pair(2, 4)]),
      PairTable(itemCount: 5, [pair(0, 1), pair(2, 3, .nearby)]),
      PairTable(itemCount: 5, [pair(0, 1), pair(2, 3, weight: Float(1).nextUp)]),
      PairTable(itemCount: 5, [pair(0, 1), pair(2, 3, support: 3)]), PairTable(itemCount: 5, [pair(0, 1)]),
      PairTable(itemCount: 5),
    ]
    #expect(Set(tables.map(\.fingerprint)).count == tables.count)
  }

  @Test func exponentsOfZeroDrawAllPairsAlike() throws {
    let table = PairTable(itemCount: 4, [pair(0, 1, weight: 1000), pair(0, 2, weight: 0.001), pair(1, 2, weight: 1)])
    let sampler = try PairSampler(table, shares: [.swing: .init(1, weightExponent: 0)])
    var random = RandomSource(seed: 2)
    var counts = [0, 0, 0]
    for row in sampler.draw(3000, using: &random) { counts[row] += 1 }
    #expect(counts.allSatisfy { abs($0 - 1000) < 150 }, "\(counts)")
    // One pair alone is always drawn, and nothing where nothing is asked for.
    let one = try PairSampler(PairTable(itemCount: 2, [pair(0, 1)]), shares: [.swing: .init(1e-300)])
    #expect(one.draw(20, using: &random) == Array(repeating: 0, count: 20))
    #expect(one.draw(0, using: &random) == [])
  }

  @Test func whatCannotBeDrawnIsToldWithWhatIsThere() {
    let table = PairTable(itemCount: 4, [pair(0, 1), pair(0, 2, .nearby)])
    expectAlignmentError(
      .noPairs, "the table has 2 of [\"swing\", \"nearby\"]", "relax the filters or give another source a share"
    ) {
      _ = try PairSampler(table, shares: [.userToItem: .init(1), .swing: .init(0)])
    }
    expectAlignmentError(.invalidParameter, "expected at least 0, and an exponent from 0 to 4") {
      _ = try PairSampler(table, shares: [.swing: .init(1, weightExponent: 4.5)])
    }
    expectAlignmentError(.invalidParameter, "the share of nearby") {
      _ = try PairSampler(table, shares: [.nearby: .init(.infinity)])
    }
  }
}
