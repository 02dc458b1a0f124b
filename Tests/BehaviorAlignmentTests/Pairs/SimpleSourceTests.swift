import BehaviorAlignment
import TensorMath
import TestSupport
import Testing

@Suite("Nearby pairs")
struct NearbyTests {
  private func miner(_ steps: Int, neighbors: Int = 1000) throws -> NearbyMiner {
    var parameters = NearbyMiner.Parameters()
    parameters.steps = steps
    parameters.neighbors = neighbors
    return try NearbyMiner(parameters: parameters)
  }

  @Test func aSmallLogWeighsAsComputedByHand() throws {
    let mined = try miner(2).mine(try everything([[0, 1, 2], [0, 2, 1, 0]], itemCount: 3))
    let found = (0..<mined.table.count).map { mined.table[$0] }
    #expect(
      found == [
        // User 0: one step; user 1: two steps.
        pair(0, 1, .nearby, weight: 1.5, support: 2), pair(0, 2, .nearby, weight: 1.5, support: 2),
        pair(1, 0, .nearby, weight: 1, support: 1), pair(1, 2, .nearby, weight: 1, support: 1),
        pair(2, 0, .nearby, weight: 0.5, support: 1), pair(2, 1, .nearby, weight: 1, support: 1),
      ])
    #expect(mined.candidates == 6 && mined.limit.dropped == 0)
  }

  @Test(arguments: [UInt64](1...8))
  func randomLogsWeighAsTheDefinitionReads(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    let rows = randomRows(users: 40, items: 15, using: &random) + [[0, 1]]
    let split = try everything(rows, itemCount: 15)
    let steps = Int.random(in: 1...5, using: &random)
    var weights: [[UInt32]: Float] = [:], users: [[UInt32]: Set<Int>] = [:]
    for user in 0..<split.history.userCount {
      let items = Array(split.trainingItems(ofUser: user))
      for (first, trigger) in items.enumerated() {
        for second in first + 1..<max(first + 1, min(items.count, first + steps + 1)) where items[second] != trigger {
          weights[[trigger, items[second]], default: 0] += 1 / Float(second - first)
          users[[trigger, items[second]], default: []].insert(user)
        }
      }
    }
    let mined = try miner(steps).mine(split)
    #expect(mined.table.count == weights.count)
    for row in 0..<mined.table.count {
      let pair = mined.table[row]
      let key = [pair.trigger, pair.target]
      #expect(abs(pair.weight - (weights[key] ?? 0)) < 1e-4 && Int(pair.support) == users[key]?.count)
    }
  }

  @Test func theHeaviestTargetsAreKept() throws {
    let mined = try miner(1, neighbors: 1).mine(try everything([[0, 1], [0, 2], [0, 2], [0, 3]], itemCount: 4))
    #expect((0..<mined.table.count).map { mined.table[$0] } == [pair(0, 2, .nearby, weight: 2, support: 2)])
    #expect(mined.candidates == 3 && mined.limit.dropped == 2)
  }

  @Test func theThreadCountChangesNothing() throws {
    var random = RandomSource(seed: 17)
    let split = try everything(randomRows(users: 500, items: 900, longest: 40, using: &random), itemCount: 900)
    let miner = try miner(3, neighbors: 10)
    #expect(try withThreads(1) { try miner.mine(split).table } == withThreads(5) { try miner.mine(split).table })
  }

  @Test func parametersOutOfRangeAreRefused() {
    expectAlignmentError(.invalidParameter, "1 to 50 steps, found 0") { _ = try miner(0) }
    expectAlignmentError(.invalidParameter, "neighbors, found 1001") { _ = try miner(1, neighbors: 1001) }
  }
}

@Suite("User-to-item pairs")
struct UserToItemTests {
  private func miner(history: Int = 50, minimum: Float = -1) throws -> UserToItemMiner {
    var parameters = UserToItemMiner.Parameters()
    parameters.history = history
    parameters.minimumSimilarity = minimum
    return try UserToItemMiner(parameters: parameters)
  }

  /// Items around the unit circle, of different lengths.
  private func circle(_ degrees: [Float]) -> Matrix {
    var result = Matrix(rows: degrees.count, columns: 2)
    let cosines: [Float: (Float, Float)] = [0: (1, 0), 10: (0.984808, 0.173648), 90: (0, 1), 80: (0.173648, 0.984808)]
    for (row, angle) in degrees.enumerated() {
      let point = cosines[angle] ?? (0, 0)
      result[row, 0] = point.0 * Float(row + 1)
      result[row, 1] = point.1 * Float(row + 1)
    }
    return result
  }

  @Test func theMostSimilarEarlierItemIsTheTrigger() throws {
    // Two near 0 degrees (items 0, 2), two near 90 (items 1, 3).
    let mined = try miner().mine(
      try everything([[0, 1, 2, 3], [1, 0, 3]], itemCount: 4), embeddings: circle([0, 90, 10, 80]))
    let found = (0..<mined.table.count).map { mined.table[$0] }
    #expect(
      found == [
        pair(0, 1, .userToItem, weight: 1, support: 1), pair(0, 2, .userToItem, weight: 1, support: 1),
        pair(1, 0, .userToItem, weight: 1, support: 1), pair(1, 3, .userToItem, weight: 2, support: 2),
      ])
    #expect(mined.candidates == 4 && mined.limit.filter == .similarity && mined.limit.dropped == 0)
  }

  @Test func onlyTheLatestOfTheHistoryCount() throws {
    let embeddings = circle([0, 90, 10, 80])
    let split = try everything([[0, 1, 3, 2]], itemCount: 4)
    let narrow = try miner(history: 1).mine(split, embeddings: embeddings).table
    #expect(zip(narrow.triggers, narrow.targets).map { [$0, $1] } == [[0, 1], [1, 3], [3, 2]])
    let wide = try miner(history: 3).mine(split, embeddings: embeddings).table
    #expect(zip(wide.triggers, wide.targets).map { [$0, $1] } == [[0, 1], [0, 2], [1, 3]])
  }

  @Test func itemsWithoutAnEmbeddingTakeNoPart() throws {
    var embeddings = circle([0, 90, 10, 80])
    for column in 0..<2 { embeddings[1, column] = 0 }
    let mined = try miner().mine(try everything([[0, 1, 2], [1, 3]], itemCount: 4), embeddings: embeddings)
    #expect((0..<mined.table.count).map { mined.table[$0] } == [pair(0, 2, .userToItem, weight: 1, support: 1)])
  }

  @Test func dissimilarTriggersAreNoPair() throws {
    let split = try everything([[0, 1], [0, 2]], itemCount: 4)
    let mined = try miner(minimum: 0.9).mine(split, embeddings: circle([0, 90, 10, 80]))
    #expect(Array(mined.table.targets) == [2] && mined.candidates == 2)
    #expect(mined.limit.kept == 1 && mined.limit.dropped == 1)
  }

  @Test(arguments: [1, 7, 50])
  func longHistoriesChooseAsTheDefinitionReads(length: Int) throws {
    var random = RandomSource(seed: UInt64(length))
    let embeddings = normalMatrix(60, 6, using: &random)
    let rows = (0..<20).map { _ in
      (0..<Int.random(in: 1...300, using: &random)).map { _ in Int.random(in: 0..<60, using: &random) }
    }
    let split = try everything(rows, itemCount: 60)
    func cosine(_ a: UInt32, _ b: UInt32) -> Float {
      let left = embeddings.row(Int(a)), right = embeddings.row(Int(b))
      func dot(_ x: ArraySlice<Float>, _ y: ArraySlice<Float>) -> Float { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
      return dot(left, right) / (dot(left, left) * dot(right, right)).squareRoot()
    }
    var users: [[UInt32]: Set<Int>] = [:]
    for user in 0..<20 {
      let items = Array(split.trainingItems(ofUser: user))
      for (place, target) in items.enumerated() {
        let before = Set(items[max(0, place - length)..<place]).subtracting([target])
        guard let trigger = before.max(by: { cosine($0, target) < cosine($1, target) }) else { continue }
        users[[trigger, target], default: []].insert(user)
      }
    }
    let miner = try miner(history: length)
    let mined = try miner.mine(split, embeddings: embeddings)
    #expect(mined.table.count == users.count)
    for row in 0..<mined.table.count {
      #expect(users[[mined.table.triggers[row], mined.table.targets[row]]]?.count == Int(mined.table.supports[row]))
    }
    #expect(try withThreads(3) { try miner.mine(split, embeddings: embeddings).table } == mined.table)
  }

  @Test func embeddingsThatDoNotFitAreRefused() throws {
    let split = try everything([[0, 1]], itemCount: 2)
    expectAlignmentError(.invalidParameter, "3 embeddings for 2 items") {
      _ = try miner().mine(split, embeddings: Matrix(rows: 3, columns: 2))
    }
    expectAlignmentError(.invalidParameter, "item 1", "not finite") {
      _ = try miner().mine(split, embeddings: Matrix(rows: 2, columns: 1, elements: [1, .nan]))
    }
    expectAlignmentError(.invalidParameter, "history of 1 to 1000, found 0") { _ = try miner(history: 0) }
    expectAlignmentError(.invalidParameter, "minimumSimilarity") { _ = try miner(minimum: 2) }
  }
}
