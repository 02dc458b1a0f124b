import Foundation
import Quantizers
import TensorMath
import Testing

/// The best relocation of one prefix by trying everything: the most items placed, then the least added cost.
private struct Exhaustive {
  let items: [Int]
  let own: [Int]
  let free: [Int]
  let squared: Matrix
  let budget: Float?

  func best() -> (placed: Int, added: Double) { search(0, Set(free)) }

  private func search(_ index: Int, _ free: Set<Int>) -> (placed: Int, added: Double) {
    guard index < items.count else { return (0, 0) }
    var best = search(index + 1, free)
    for code in free {
      let distance = squared[items[index], code], ownDistance = squared[items[index], own[index]]
      if let budget, code != own[index], distance > budget * budget * ownDistance { continue }
      let rest = search(index + 1, free.subtracting([code]))
      let candidate = (placed: rest.placed + 1, added: rest.added + Double(distance - ownDistance))
      if candidate.placed > best.placed || (candidate.placed == best.placed && candidate.added < best.added) {
        best = candidate
      }
    }
    return best
  }
}

private func addedCost(_ sample: CollisionCase, _ moves: [CodeMove]) -> Double {
  moves.reduce(0) {
    $0 + Double(sample.squared[$1.row, Int($1.to)] - sample.squared[$1.row, Int($1.from)])
  }
}

@Suite struct RelocationTests {
  @Test(arguments: [nil, 1.5, 3] as [Float?])
  func isOptimalWithinAPrefix(budget: Float?) throws {
    var source = RandomSource(seed: 11)
    for trial in 0..<60 {
      let sample = CollisionCase(
        items: 1 + trial % 6, prefixes: 1, size: 3 + trial % 4, fixedShare: Double(trial % 2) * 0.3, &source)
      let resolved = try sample.resolve(.init(policy: .relocate, distanceBudget: budget))
      let movable = (0..<sample.codes.count).filter { !sample.fixed.isFixed[$0] }
      let taken = Set((0..<sample.codes.count).filter { sample.fixed.isFixed[$0] }.map { Int(sample.codes[$0, 1]) })
      let best = Exhaustive(
        items: movable, own: movable.map { Int(sample.codes[$0, 1]) },
        free: (0..<sample.squared.columns).filter { !taken.contains($0) }, squared: sample.squared, budget: budget
      ).best()
      #expect(movable.count - resolved.report.fallbackItems == best.placed)
      #expect(abs(addedCost(sample, resolved.moves) - best.added) < 1e-5)
    }
  }

  @Test func pickingCandidatesLosesNothing() throws {
    // Few items and many codes, so that only each item's cheapest codes enter the assignment.
    var source = RandomSource(seed: 12)
    for _ in 0..<40 {
      var sample = CollisionCase(items: 4, prefixes: 1, size: 40, fixedShare: 0, &source)
      for row in 0..<4 { sample.codes[row, 1] = 5 }
      let resolved = try sample.resolve(.init(policy: .relocate))
      let added = addedCost(sample, resolved.moves)
      let all = LinearAssignment(sample.squared)
      let own = (0..<4).reduce(0.0) { $0 + Double(sample.squared[$1, 5]) }
      #expect(abs(added - (all.cost - own)) < 1e-5)
    }
  }

  @Test func makesIDsUniqueAndNeverMovesFixedItems() throws {
    var source = RandomSource(seed: 13)
    for trial in 0..<30 {
      let sample = CollisionCase(items: 150, prefixes: 5, size: 24 + trial % 20, fixedShare: 0.5, &source)
      let resolved = try sample.resolve(.init(policy: .relocate))
      #expect(uniqueIDs(resolved) == 150)
      sample.expectFixedRowsUntouched(resolved)
      #expect(resolved.report.after.collidingItems <= resolved.report.before.collidingItems)
      for row in 0..<150 {
        #expect(resolved.codes[row, 0] == sample.codes[row, 0])
        #expect(resolved.moved[row] == (resolved.codes[row, 1] != sample.codes[row, 1]))
        let squared = sample.squared[row, Int(resolved.codes[row, 1])]
        if resolved.moved[row] { #expect(resolved.distances[row] == squared.squareRoot()) }
      }
    }
  }

  @Test func leavesPrefixesWithoutCollisionAlone() throws {
    let codes = CodeMatrix(count: 5, levels: 2, elements: [0, 1, 0, 2, 1, 3, 1, 3, 2, 0])
    let squared = Matrix(
      rows: 5, columns: 4,
      elements: [9, 1, 0, 9, 9, 9, 1, 9, 9, 9, 3, 1, 9, 2, 4, 1, 1, 0, 0, 0])
    let lastLevel = LastLevelDistances(size: 4) { rows in
      #expect(rows == [2, 3])
      return squared.selectingRows(rows)
    }
    let resolved = try CollisionResolver(.init(policy: .relocate)).resolve(
      codes: codes, distances: [1, 1, 1, 1, 1], fixed: .none(count: 5), lastLevel: lastLevel)
    #expect(resolved.codes.elements == [0, 1, 0, 2, 1, 3, 1, 1, 2, 0])
    #expect(
      resolved.moves == [
        CodeMove(row: 3, from: 3, to: 1, distanceBefore: 1, distanceAfter: Float(2).squareRoot())
      ])
    #expect(resolved.report.touchedPrefixes == 1)
    #expect(abs(resolved.report.totalDistanceAdded - (2.0.squareRoot() - 1)) < 1e-6)
  }

  @Test func identicalItemsKeepTheirCodeByRow() throws {
    var codes = CodeMatrix(count: 6, levels: 1)
    for row in 0..<6 { codes[row, 0] = 2 }
    let lastLevel = LastLevelDistances(size: 8) { rows in
      Matrix(
        rows: rows.count, columns: 8,
        elements: ContiguousArray(rows.flatMap { _ in [7, 6, 0, 1, 2, 3, 4, 5] as [Float] }))
    }
    let resolved = try CollisionResolver(.init(policy: .relocate)).resolve(
      codes: codes, distances: ContiguousArray(repeating: 0, count: 6), fixed: .none(count: 6), lastLevel: lastLevel)
    #expect(resolved.codes[0, 0] == 2)
    #expect(Set(resolved.codes.elements) == [2, 3, 4, 5, 6, 7])
  }

  @Test func aFullPrefixAndABudgetFallBackToSuffixes() throws {
    var source = RandomSource(seed: 14)
    let crowded = CollisionCase(items: 40, prefixes: 1, size: 6, fixedShare: 0.2, &source)
    let resolved = try crowded.resolve(.init(policy: .relocate))
    #expect(uniqueIDs(resolved) == 40)
    #expect(resolved.report.fallbackItems > 0 && resolved.report.sharedIDItems == 0)
    crowded.expectFixedRowsUntouched(resolved)

    let sample = CollisionCase(items: 60, prefixes: 4, size: 64, fixedShare: 0, &source)
    let free = try sample.resolve(.init(policy: .relocate))
    #expect(free.report.fallbackItems == 0 && free.report.after.collidingItems == 0)
    let strict = try sample.resolve(.init(policy: .relocate, distanceBudget: 1.2))
    #expect(strict.report.fallbackItems > 0 && uniqueIDs(strict) == 60)
    #expect(strict.moves.allSatisfy { $0.distanceAfter <= 1.2001 * $0.distanceBefore })
  }

  @Test func assignedItemsHaveNoSuffixAndFallbacksKeepTheirOwnCode() throws {
    var source = RandomSource(seed: 15)
    let sample = CollisionCase(items: 30, prefixes: 1, size: 8, fixedShare: 0, &source)
    let resolved = try sample.resolve(.init(policy: .relocate))
    #expect(resolved.suffixes.count { $0 == 0 } == 8)
    for row in 0..<30 where resolved.suffixes[row] > 0 { #expect(resolved.codes[row, 1] == sample.codes[row, 1]) }
  }

  @Test func largePrefixesAreResolvedGreedilyAndStayUnique() throws {
    var source = RandomSource(seed: 16)
    let sample = CollisionCase(items: 700, prefixes: 1, size: 500, fixedShare: 0.1, &source)
    var parameters = CollisionResolver.Parameters(policy: .relocate)
    let exact = try sample.resolve(parameters)
    parameters.exactEntries = 1000
    let greedy = try sample.resolve(parameters)
    #expect(greedy.report.greedyPrefixes == 1 && exact.report.greedyPrefixes == 0)
    #expect(uniqueIDs(greedy) == 700 && uniqueIDs(exact) == 700)
    sample.expectFixedRowsUntouched(greedy)
    #expect(greedy.report.fallbackItems == exact.report.fallbackItems)
    #expect(addedCost(sample, exact.moves) <= addedCost(sample, greedy.moves) + 1e-4)
  }

  @Test func pricesOfABalancedCodebookCount() throws {
    let codes = CodeMatrix(count: 2, levels: 1, elements: [0, 0])
    let resolver = try CollisionResolver(.init(policy: .relocate))
    func resolve(_ prices: [Float]?) throws -> UInt16 {
      let lastLevel = LastLevelDistances(size: 3, prices: prices) { rows in
        Matrix(rows: rows.count, columns: 3, elements: ContiguousArray(rows.flatMap { _ in [1, 2, 3] as [Float] }))
      }
      return try resolver.resolve(codes: codes, distances: [1, 1], fixed: .none(count: 2), lastLevel: lastLevel).codes[
        1, 0]
    }
    #expect(try resolve(nil) == 1)
    #expect(try resolve([0, 5, 1]) == 2)
  }

  @Test func vectorsThatAreNotFiniteFallBackInsteadOfTrapping() throws {
    let codes = CodeMatrix(count: 3, levels: 1, elements: [0, 0, 0])
    let lastLevel = LastLevelDistances(size: 4) { rows in
      Matrix(rows: rows.count, columns: 4, elements: ContiguousArray(repeating: .nan, count: rows.count * 4))
    }
    let resolved = try CollisionResolver(.init(policy: .relocate)).resolve(
      codes: codes, distances: [0, 0, 0], fixed: .none(count: 3), lastLevel: lastLevel)
    #expect(uniqueIDs(resolved) == 3 && resolved.report.fallbackItems == 2)
  }

  @Test func distancesComeFromResidualCodebooks() throws {
    var source = RandomSource(seed: 17)
    func random(_ rows: Int) -> Matrix {
      Matrix(rows: rows, columns: 5, elements: ContiguousArray((0..<rows * 5).map { _ in source.nextNormal() }))
    }
    let first = random(4), second = random(7), vectors = random(10)
    let codebooks = try ResidualCodebooks(levels: [Codebook(centroids: first), Codebook(centroids: second)])
    var codes = CodeMatrix(count: 10, levels: 2)
    for row in 0..<10 { codes[row, 0] = UInt16(row % 4) }
    let lastLevel = LastLevelDistances(codebooks: codebooks, codes: codes) { vectors.selectingRows($0) }
    var sample = try CollisionResolver(.init(policy: .relocate)).resolve(
      codes: codes, distances: ContiguousArray(repeating: 1, count: 10), fixed: .none(count: 10), lastLevel: lastLevel)
    #expect(uniqueIDs(sample) == 10)
    for move in sample.moves {
      var squared: Float = 0
      for column in 0..<5 {
        let difference = vectors[move.row, column] - first[move.row % 4, column] - second[Int(move.to), column]
        squared += difference * difference
      }
      #expect(abs(move.distanceAfter - squared.squareRoot()) < 1e-4)
    }
    sample = try CollisionResolver(.init(policy: .relocate, distanceBudget: 1)).resolve(
      codes: codes, distances: ContiguousArray(repeating: 1, count: 10), fixed: .none(count: 10), lastLevel: lastLevel)
    #expect(sample.moves.allSatisfy { $0.distanceAfter <= $0.distanceBefore })
  }

  @Test func resultsDoNotDependOnThreadsOrHashing() throws {
    var source = RandomSource(seed: 18)
    let sample = CollisionCase(items: 4000, prefixes: 40, size: 128, fixedShare: 0.2, &source)
    let before = Parallelism.threadCount
    Parallelism.threadCount = 1
    let one = try sample.resolve(.init(policy: .relocate))
    Parallelism.threadCount = 2
    let two = try sample.resolve(.init(policy: .relocate))
    Parallelism.threadCount = before
    #expect(one == two)
  }

  @Test func resolvesTwoHundredThousandRows() throws {
    var source = RandomSource(seed: 19)
    let size = 256
    let centroids = Matrix(
      rows: size, columns: 8, elements: ContiguousArray((0..<size * 8).map { _ in source.nextNormal() }))
    let prefixes = 60_000
    var codes = CodeMatrix(count: 200_000, levels: 3)
    for row in 0..<codes.count {
      let prefix = Int.random(in: 0..<prefixes, using: &source)
      codes[row, 0] = UInt16(prefix / 256)
      codes[row, 1] = UInt16(prefix % 256)
      codes[row, 2] = UInt16(Int.random(in: 0..<32, using: &source))
    }
    let squares = (0..<size).map { code in centroids.row(code).reduce(Float(0)) { $0 + $1 * $1 } }
    let zero = codes
    let lastLevel = LastLevelDistances(size: size) { rows in
      // Every item lies on its centroid: distances are those between centroids.
      let own = centroids.selectingRows(rows.map { Int(zero[$0, 2]) })
      var result = matrixProduct(own, centroids, transposingRight: true)
      for row in 0..<rows.count {
        let norm = squares[Int(zero[rows[row], 2])]
        for code in 0..<size {
          result.elements[row * size + code] = max(0, norm + squares[code] - 2 * result.elements[row * size + code])
        }
      }
      return result
    }
    let resolved = try CollisionResolver(.init(policy: .relocate)).resolve(
      codes: codes, distances: ContiguousArray(repeating: 0, count: codes.count), fixed: .none(count: codes.count),
      lastLevel: lastLevel)
    #expect(resolved.report.before.collidingItems > 10_000)
    #expect(resolved.report.after.collidingItems == 0 && resolved.report.fallbackItems == 0)
    #expect(CodeMetrics(resolved.codes, sizes: [256, 256, 256]).buckets == resolved.report.after)
  }
}
