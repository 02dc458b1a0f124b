import BehaviorAlignment
import TensorMath
import TestSupport
import Testing

/// Swing as its formula reads, for logs that no cap touches.
private func slowSwing(_ rows: [[Int]], items: Int, alpha: Float) -> [[Int]: (score: Float, support: Int)] {
  let sets = rows.map(Set.init)
  var result: [[Int]: (Float, Int)] = [:]
  for i in 0..<items {
    for j in 0..<items where i != j {
      let common = sets.indices.filter { sets[$0].contains(i) && sets[$0].contains(j) }
      var score: Float = 0
      for (index, u) in common.enumerated() {
        for v in common[(index + 1)...] {
          let weight = 1 / (Float(sets[u].count) * Float(sets[v].count)).squareRoot()
          score += weight / (alpha + Float(sets[u].intersection(sets[v]).count))
        }
      }
      if common.count > 1 { result[[i, j]] = (score, common.count) }
    }
  }
  return result
}

@Suite("Swing")
struct SwingTests {
  private func miner(_ change: (inout SwingMiner.Parameters) -> Void = { _ in }) throws -> SwingMiner {
    var parameters = SwingMiner.Parameters()
    change(&parameters)
    return try SwingMiner(parameters: parameters)
  }

  @Test func aSmallLogScoresAsComputedByHand() throws {
    let mined = try miner { $0.alpha = 1 }.mine(try everything([[0, 1, 2], [0, 1], [0, 1, 3]], itemCount: 4))
    // Three pairs of users, all of whom share {0, 1}: (1/√3·1/√2 + 1/√3·1/√3 + 1/√2·1/√3) / (1 + 2).
    let score: Float = (0.408248 + 0.333333 + 0.408248) / 3
    #expect(mined.table.count == 2 && mined.candidates == 2)
    #expect(Array(mined.table.triggers) == [0, 1] && Array(mined.table.targets) == [1, 0])
    #expect(Array(mined.table.supports) == [3, 3])
    expectClose(mined.table.weights, [score, score], tolerance: 1e-6)
  }

  @Test func usersWhoShareMuchElseCountLess() throws {
    let mined = try miner().mine(
      try everything([[0, 1, 4, 5, 6], [0, 1, 4, 5, 6], [0, 2, 7, 8, 9], [0, 2, 10, 11, 12]], itemCount: 13))
    let scores = mined.table.rows(of: .swing).filter { mined.table.triggers[$0] == 0 }
    let toOne = scores.first { mined.table.targets[$0] == 1 }, toTwo = scores.first { mined.table.targets[$0] == 2 }
    #expect(mined.table.weights[try #require(toOne)] < mined.table.weights[try #require(toTwo)])
  }

  @Test(arguments: [UInt64](1...12))
  func randomLogsScoreAsTheFormulaReads(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    let items = Int.random(in: 2...25, using: &random)
    let rows = randomRows(users: Int.random(in: 1...40, using: &random), items: items, using: &random) + [[0, 1]]
    let expected = slowSwing(rows, items: items, alpha: 2.5)
    let mined = try miner {
      $0.alpha = 2.5
      $0.neighbors = 1000
    }.mine(try everything(rows, itemCount: items))
    #expect(mined.table.count == expected.count && mined.candidates == expected.count)
    #expect(mined.itemsBeyondCap == 0 && mined.usersBeyondCap == 0)
    for row in 0..<mined.table.count {
      let pair = mined.table[row]
      let wanted = try #require(expected[[Int(pair.trigger), Int(pair.target)]])
      #expect(abs(pair.weight - wanted.score) <= 1e-5 * wanted.score && Int(pair.support) == wanted.support)
    }
  }

  @Test func theTopOfEachTriggerIsKept() throws {
    var random = RandomSource(seed: 4)
    let rows = randomRows(users: 80, items: 20, using: &random)
    let split = try everything(rows, itemCount: 20)
    let all = try miner { $0.neighbors = 1000 }.mine(split)
    let top = try miner { $0.neighbors = 3 }.mine(split)
    #expect(top.candidates == all.candidates && top.limit.dropped == all.table.count - top.table.count)
    #expect(top.limit.kept == top.table.count)
    for item in UInt32(0)..<20 {
      let mine = (0..<all.table.count).map { all.table[$0] }.filter { $0.trigger == item }
        .sorted { ($1.weight, $0.target) < ($0.weight, $1.target) }.prefix(3)
      let kept = (0..<top.table.count).map { top.table[$0] }.filter { $0.trigger == item }
      #expect(kept == mine.sorted { $0.target < $1.target })
    }
  }

  @Test func capsAreCountedExactly() throws {
    // 10 users with items 0, 1 and three of their own.
    let rows = (0..<10).map { [2 + $0 * 3, 3 + $0 * 3, 4 + $0 * 3, 0, 1] }
    let split = try everything(rows, itemCount: 32)
    let mined = try miner {
      $0.itemsPerUser = 2
      $0.usersPerItem = 4
    }.mine(split)
    #expect(mined.itemsBeyondCap == 30 && mined.usersBeyondCap == 12)
    // The latest two of each user are left, and four users of each item: six pairs of weight 1/5, sharing two.
    #expect(Array(mined.table.supports) == [4, 4])
    expectClose(mined.table.weights, [6.0 / 35, 6.0 / 35], tolerance: 1e-6)
  }

  @Test func theDrawOfUsersFollowsTheSeed() throws {
    var random = RandomSource(seed: 6)
    let split = try everything(randomRows(users: 300, items: 12, using: &random), itemCount: 12)
    func table(_ seed: UInt64) throws -> PairTable {
      try miner {
        $0.usersPerItem = 20
        $0.seed = seed
      }.mine(split).table
    }
    #expect(try table(1) == table(1))
    #expect(try table(1) != table(2))
  }

  @Test func theThreadCountChangesNothing() throws {
    var random = RandomSource(seed: 7)
    let split = try everything(randomRows(users: 900, items: 400, longest: 30, using: &random), itemCount: 400)
    let miner = try miner { $0.usersPerItem = 25 }
    let one = try withThreads(1) { try miner.mine(split) }
    let many = try withThreads(7) { try miner.mine(split) }
    #expect(one.table == many.table && one.candidates == many.candidates && !one.table.isEmpty)
  }

  @Test func miningStopsWhenAsked() throws {
    let split = try everything([[0, 1], [0, 1]], itemCount: 2)
    expectAlignmentError(.cancelled, "stopped") { _ = try miner().mine(split) { true } }
    expectAlignmentError(.cancelled) { _ = try NearbyMiner().mine(split) { true } }
    expectAlignmentError(.cancelled) {
      _ = try UserToItemMiner().mine(split, embeddings: Matrix(rows: 2, columns: 1)) { true }
    }
  }

  @Test func parametersOutOfRangeAreRefused() {
    expectAlignmentError(.invalidParameter, "alpha") { _ = try miner { $0.alpha = -1 } }
    expectAlignmentError(.invalidParameter, "alpha") { _ = try miner { $0.alpha = .nan } }
    expectAlignmentError(.invalidParameter, "neighbors, found 0") { _ = try miner { $0.neighbors = 0 } }
    expectAlignmentError(.invalidParameter, "itemsPerUser, found 1") { _ = try miner { $0.itemsPerUser = 1 } }
    expectAlignmentError(.invalidParameter, "usersPerItem, found 5000") { _ = try miner { $0.usersPerItem = 5000 } }
  }
}

@Suite("The pair benchmark")
struct PairBenchmarkTests {
  @Test func figuresAreOfTheLogThatWasAskedFor() throws {
    let result = try PairBenchmark.run(interactions: 5000, users: 300, items: 200, parameters: .init())
    #expect(result.interactions == 5000 && result.users == 300 && result.items == 200)
    #expect(result.pairs > 200 && result.pairs <= 200 * 20 && result.candidates >= result.pairs)
    #expect(result.pairs_per_s > 0 && result.interactions_per_s > 0 && result.peak_mib > 0)
  }
}
