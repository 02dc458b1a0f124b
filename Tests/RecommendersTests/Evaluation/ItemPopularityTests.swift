import BehaviorAlignment
import Recommenders
import TensorMath
import Testing

@Suite struct ItemPopularityTests {
  @Test func onlyTheTrainingWindowCounts() throws {
    let popularity = ItemPopularity(
      try split([[0, 1, 2], [0, 1, 3], [1]], itemCount: 5, window: .leaveLast(1)))
    #expect(Array(popularity.counts) == [2, 3, 0, 0, 0])
    #expect(popularity.isCold(2) && popularity.isCold(4) && !popularity.isCold(0))
    #expect(popularity.ranking() == [1, 0])
  }

  @Test func percentilesAreSharesOfLessPopularItemsWithHalfOfTies() {
    var random = RandomSource(seed: 5)
    let counts = ContiguousArray((0..<60).map { _ in UInt32.random(in: 0...9, using: &random) })
    let popularity = ItemPopularity(counts: counts)
    for item in counts.indices {
      let others = counts.indices.filter { $0 != item }
      let below = others.count { counts[$0] < counts[item] }, equal = others.count { counts[$0] == counts[item] }
      let expected = (Float(below) + Float(equal) / 2) / Float(others.count)
      #expect(abs(popularity.percentiles[item] - expected) < 1e-6)
    }
    #expect(abs(popularity.percentiles.reduce(0, +) / 60 - 0.5) < 1e-5)
  }

  @Test func theLongTailLacksTheHeadAndColdItems() {
    // The head of eight items is two, and a third that is as popular as the second.
    let popularity = ItemPopularity(counts: [0, 9, 7, 7, 3, 2, 1, 1, 1, 0], headShare: 0.25)
    #expect((0..<10).filter { popularity.isLongTail(UInt32($0)) } == [4, 5, 6, 7, 8])
    #expect(popularity.headThreshold == 7)
  }

  @Test func aHeadOfAllLeavesNoTailAndAHeadOfNoneLeavesAll() {
    let counts: ContiguousArray<UInt32> = [0, 4, 2, 1]
    let all = ItemPopularity(counts: counts, headShare: 1), none = ItemPopularity(counts: counts, headShare: 0)
    #expect(!(0..<4).contains { all.isLongTail(UInt32($0)) })
    #expect((0..<4).filter { none.isLongTail(UInt32($0)) } == [1, 2, 3])
  }

  @Test func oneItemIsInTheMiddle() {
    #expect(Array(ItemPopularity(counts: [3]).percentiles) == [0.5])
  }
}
