import BehaviorAlignment
import Testing

@Suite struct InteractionHistoryRemovingTests {
  private func marks(_ items: Set<Int>, of count: Int) -> [Bool] { (0..<count).map { items.contains($0) } }

  @Test func whatIsRemovedIsNowhereAndTheRestKeepsItsOrder() throws {
    let rest = try history([[1, 2, 3, 1], [3, 4], [2]], itemCount: 6).removing(marks([2, 4], of: 6))
    #expect(rest.userCount == 3)
    #expect(Array(rest.items(ofUser: 0)) == [1, 3, 1])
    #expect(Array(rest.items(ofUser: 1)) == [3])
    #expect(rest.items(ofUser: 2).isEmpty)
    #expect(rest.itemCount == 6)
  }

  @Test func timesAreKept() throws {
    let whole = try InteractionHistory(
      users: [0, 0, 0], items: [0, 1, 2], times: [5, 6, 7], userCount: 1, itemCount: 3)
    let split = try TrainingSplit(try whole.removing([false, true, false]), window: .until(7))
    #expect(Array(split.trainingItems(ofUser: 0)) == [0])
    #expect(Array(split.heldOutItems(ofUser: 0)) == [2])
  }

  @Test func removingEverythingLeavesNothingToLearnFrom() throws {
    let whole = try history([[1, 2]], itemCount: 3)
    expectAlignmentError(.noInteractions) { _ = try whole.removing([true, true, true]) }
  }

  @Test func pairsLeadFromKnownItemsToNewOnes() throws {
    let whole = try history([[1, 2, 3, 2], [2, 1], [4, 5]], itemCount: 6)
    let pairs = whole.pairs(leadingTo: marks([2, 5], of: 6))
    #expect(Array(pairs.triggers) == [1, 3, 4])
    #expect(Array(pairs.targets) == [2, 2, 5])
    // From a new item to a new one nothing can be looked up.
    #expect(whole.pairs(leadingTo: marks([2, 3], of: 6)).count == 1)
  }
}
