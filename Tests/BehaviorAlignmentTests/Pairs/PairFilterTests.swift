import BehaviorAlignment
import TensorMath
import Testing

@Suite("Pair filters")
struct PairFilterTests {
  private let table = PairTable(
    itemCount: 5,
    [
      pair(0, 1, weight: 3, support: 1), pair(1, 4, weight: 2, support: 2), pair(2, 4, weight: 5, support: 3),
      pair(3, 4, weight: 5, support: 4), pair(3, 4, .nearby, weight: 1, support: 1),
    ])
  private let popularity: [UInt32] = [1, 2, 3, 4, 9]

  private func filtered(_ change: (inout PairFilters) -> Void) throws -> FilteredPairs {
    var filters = PairFilters()
    change(&filters)
    return try filters.apply(to: table, popularity: popularity)
  }

  private func counts(_ pairs: FilteredPairs) -> [String] {
    pairs.counts.map { "\($0.filter) \($0.source) \($0.kept) \($0.dropped)" }
  }

  private func rows(_ pairs: FilteredPairs) -> [[UInt32]] {
    (0..<pairs.table.count).map { [pairs.table.triggers[$0], pairs.table.targets[$0]] }
  }

  @Test func noFilterKeepsAll() throws {
    let all = try filtered { _ in }
    #expect(all.table == table && all.counts.isEmpty)
  }

  @Test func supportAsksForUsers() throws {
    let left = try filtered { $0.minimumSupport = 2 }
    #expect(rows(left) == [[1, 4], [2, 4], [3, 4]] && counts(left) == ["support swing 3 1", "support nearby 0 1"])
  }

  @Test func popularityDropsPairsOfTheMostPopularItems() throws {
    let left = try filtered { $0.popularityQuantile = 0.8 }
    #expect(rows(left) == [[0, 1]] && counts(left) == ["popularity swing 1 3", "popularity nearby 0 1"])
    let none = try filtered { $0.popularityQuantile = 0.2 }
    #expect(none.table.isEmpty)
  }

  @Test func categoriesMustAgreeWhereBothAreKnown() throws {
    let left = try filtered { $0.categories = [1, 1, 2, 0, 3] }
    #expect(rows(left) == [[0, 1], [3, 4], [3, 4]])
    #expect(counts(left) == ["category swing 2 2", "category nearby 1 0"])
  }

  @Test func aTargetsHeaviestPairsAreKeptPerSource() throws {
    let left = try filtered { $0.pairsPerTarget = 1 }
    // Of two equal weights the smaller trigger stays.
    #expect(rows(left) == [[0, 1], [2, 4], [3, 4]] && counts(left) == ["itemCap swing 2 2", "itemCap nearby 1 0"])
  }

  @Test func filtersFollowEachOtherAndCountsAddUp() throws {
    var random = RandomSource(seed: 9)
    for _ in 0..<30 {
      let table = randomTable(200, items: 40, using: &random)
      let popularity = (0..<40).map { _ in UInt32.random(in: 0...50, using: &random) }
      var filters = PairFilters()
      filters.minimumSupport = Int.random(in: 2...5, using: &random)
      filters.popularityQuantile = Double.random(in: 0.5..<1, using: &random)
      filters.categories = (0..<40).map { _ in UInt32.random(in: 0...2, using: &random) }
      filters.pairsPerTarget = Int.random(in: 1...3, using: &random)
      let left = try filters.apply(to: table, popularity: popularity)
      for source in PairSource.allCases {
        let own = left.counts.filter { $0.source == source.name }
        var remaining = table.rows(of: source).count
        for count in own {
          #expect(count.kept + count.dropped == remaining)
          remaining = count.kept
        }
        #expect(remaining == left.table.rows(of: source).count)
      }
      for row in 0..<left.table.count {
        let pair = left.table[row]
        #expect(pair.support >= filters.minimumSupport)
        #expect((0..<table.count).contains { table[$0] == pair })
      }
    }
  }

  @Test func usersOfAnItemCountOnce() throws {
    let split = try everything([[0, 1, 0], [0, 2], [2, 1, 2]], itemCount: 4)
    #expect(split.itemUserCounts() == [2, 2, 2, 0])
  }

  @Test func settingsOutOfRangeAreRefused() {
    expectAlignmentError(.invalidParameter, "minimumSupport of at least 1") {
      _ = try filtered { $0.minimumSupport = 0 }
    }
    expectAlignmentError(.invalidParameter, "popularityQuantile") { _ = try filtered { $0.popularityQuantile = 0 } }
    expectAlignmentError(.invalidParameter, "popularityQuantile") { _ = try filtered { $0.popularityQuantile = .nan } }
    expectAlignmentError(.invalidParameter, "2 categories for 5 items") { _ = try filtered { $0.categories = [1, 2] } }
    expectAlignmentError(.invalidParameter, "pairsPerTarget") { _ = try filtered { $0.pairsPerTarget = 0 } }
    expectAlignmentError(.invalidParameter, "1 user counts") {
      _ = try PairFilters().apply(to: table, popularity: [1])
    }
  }
}
