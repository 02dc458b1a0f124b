import Quantizers
import TensorMath
import TestSupport
import Testing

private typealias Parameters = ResidualQuantizer.Parameters

/// Groups whose sizes fall like 1/rank, as catalogues do.
private func skewed(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
  var random = RandomSource(seed: seed)
  let centers = normalMatrix(60, columns, using: &random)
  var result = Matrix(rows: rows, columns: columns)
  for row in 0..<rows {
    let center = min(59, Int(1 / (random.nextUniform() + 1 / 60)))
    for column in 0..<columns { result[row, column] = centers[center, column] + 0.5 * random.nextNormal() }
  }
  return result
}

@Suite struct BalancedTests {
  @Test(arguments: [1, 2, 3] as [UInt64]) func noClusterHoldsMoreThanItsShareAndTheSlack(seed: UInt64) throws {
    let x = skewed(3000, 12, seed: seed)
    let result = try ResidualQuantizer.train(
      x, parameters: Parameters(method: .balanced, sizes: [20, 20], iterations: 20, seed: seed, capacitySlack: 0.05))
    for level in 0..<2 {
      let counts = result.statistics[level].occupancy
      #expect(
        counts.allSatisfy { $0 <= 162 },
        "3000 / 20 × 1.05, and rows that no price settles; \(counts.max() ?? 0) at level \(level)")
      #expect(counts.allSatisfy { $0 > 15 }, "\(counts.min() ?? 0) at level \(level)")
    }
  }

  @Test func trainingCodesAreTheServingCodes() throws {
    let x = skewed(3000, 12, seed: 4)
    let result = try ResidualQuantizer.train(
      x, parameters: Parameters(method: .balanced, sizes: [20, 20, 20], iterations: 12))
    let encoding = try result.quantizer.encode(x)
    for level in 0..<3 {
      #expect(occupancy(encoding.codes, level: level, size: 20) == result.statistics[level].occupancy)
    }
    let reloaded = ResidualQuantizer(codebooks: try ResidualCodebooks(levels: result.quantizer.codebooks.levels))
    #expect(try reloaded.encode(x) == encoding, "codebooks and prices are all that encoding needs")
  }

  @Test func pricesMakeCodesMoreEvenThanPlainKMeans() throws {
    let x = skewed(3000, 12, seed: 5)
    func largest(_ method: ResidualQuantizer.Method) throws -> Int {
      let result = try ResidualQuantizer.train(x, parameters: Parameters(method: method, sizes: [30], iterations: 15))
      return result.statistics[0].occupancy.max() ?? 0
    }
    #expect(try largest(.balanced) <= 110)
    #expect(try largest(.kMeans) > 150)
  }

  @Test func pricesCostLessErrorThanTheGreedyAlgorithm() throws {
    let x = skewed(3000, 12, seed: 6)
    func error(_ method: ResidualQuantizer.Method) throws -> Double {
      try ResidualQuantizer.train(x, parameters: Parameters(method: method, sizes: [30, 30], iterations: 15))
        .quantizer.encode(x).meanSquaredError
    }
    let plain = try error(.kMeans), balanced = try error(.balanced), greedy = try error(.balancedGreedy)
    #expect(plain < balanced)
    #expect(balanced < greedy)
  }

  @Test func codebooksHavePricesOnlyWhereBalanced() throws {
    let x = skewed(500, 6, seed: 7)
    for method in ResidualQuantizer.Method.allCases {
      let result = try ResidualQuantizer.train(x, parameters: Parameters(method: method, sizes: [8], iterations: 4))
      #expect((result.quantizer.codebooks.levels[0].prices != nil) == (method == .balanced))
    }
  }
}

@Suite struct BalancedGreedyTests {
  private func greedy(_ points: [Float], start: [Float]) -> BalancedGreedy {
    let x = Matrix(rows: points.count, columns: 1, elements: ContiguousArray(points))
    return BalancedGreedy(
      PreparedRows(x, computePath: .preferred(dimensions: 1)),
      from: Matrix(rows: start.count, columns: 1, elements: ContiguousArray(start)))
  }

  /// w = 6 / 3 = 2. From (0, 1, 10): the first takes {0, 1}, the second of {2, 9, 10, 11} takes {2, 9}, the third gets
  /// {10, 11}: means 0.5, 5.5, 10.5. The next round changes nothing: {0, 1}, then |9 − 5.5| = |2 − 5.5| = 3.5, {10, 11}.
  @Test func followsAlgorithmOneByHand() {
    var algorithm = greedy([0, 1, 2, 9, 10, 11], start: [0, 1, 10])
    algorithm.train(iterations: 10)
    #expect(algorithm.centroids.elements == [0.5, 5.5, 10.5])
    #expect(algorithm.iterations.map(\.moved) == [6, 0])
    // 0 + 1, 1 + 64, 0 + 1; then 4 × 0.25 and 2 × 12.25.
    #expect(algorithm.iterations.map(\.objective) == [67.0 / 6, 25.5 / 6])
  }

  /// Order matters: with the same centroids the other way round, the first cluster served takes what it likes.
  @Test func earlierClustersChooseFirst() {
    var algorithm = greedy([0, 1, 2, 9, 10, 11], start: [10, 1, 0])
    algorithm.train(iterations: 1)
    #expect(algorithm.centroids.elements == [9.5, 0.5, 6.5])
  }

  @Test func sharesDifferByAtMostOneWhenRowsDoNotDivide() {
    var algorithm = greedy([0, 1, 2, 3, 4, 5, 6], start: [0, 3, 6])
    algorithm.train(iterations: 1)
    // Two of seven, then two of five, then three.
    #expect(algorithm.centroids.elements == [0.5, 2.5, 5])
  }

  @Test(arguments: [1, 2, 3, 10, 64, 1000]) func selectionPutsTheSmallestFirst(count: Int) {
    var random = RandomSource(seed: UInt64(count))
    let original = (0..<count).map { _ in UInt64.random(in: 0..<50, using: &random) }
    for share in Set([0, 1, count / 3, count / 2, count - 1, count]) {
      var keys = original
      moveSmallest(share, ofKeys: &keys)
      #expect(keys.prefix(share).sorted() == Array(original.sorted().prefix(share)))
      #expect(keys.sorted() == original.sorted())
    }
  }
}
