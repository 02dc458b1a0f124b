import Foundation
import Quantizers
import TensorMath
import TestSupport
import Testing

/// Changes from one generation to the next, item by item.
@Suite struct ChurnPropertyTests {
  private struct Item {
    var codes: [UInt16]
    var suffix: UInt16
    var hash: UInt64
  }

  private func columns(_ items: [Item], levels: Int) -> Churn.Columns {
    Churn.Columns(
      codes: CodeMatrix(count: items.count, levels: levels, elements: ContiguousArray(items.flatMap(\.codes))),
      suffixes: ContiguousArray(items.map(\.suffix)), contentHashes: ContiguousArray(items.map(\.hash)))
  }

  /// Levels before and after; where they differ, a level that only one has is a change.
  @Test(arguments: [(3, 3), (2, 3), (3, 1), (1, 1)], 0..<5 as Range<UInt64>)
  func countsAreThoseOfAComparisonItemByItem(levels: (Int, Int), seed: UInt64) {
    var random = RandomSource(seed: seed)
    func item(_ levels: Int) -> Item {
      Item(
        codes: (0..<levels).map { _ in UInt16.random(in: 0...1, using: &random) },
        suffix: UInt16.random(in: 0...1, using: &random), hash: UInt64.random(in: 0...1, using: &random))
    }
    let before = (0..<80).map { _ in item(levels.0) }, after = (0..<70).map { _ in item(levels.1) }
    var free = Array(0..<80).shuffled(using: &random)
    let matches = ContiguousArray((0..<70).map { _ in Bool.random(using: &random) ? free.removeLast() : -1 })
    let churn = Churn(
      from: columns(before, levels: levels.0), to: columns(after, levels: levels.1), previousRow: matches)

    var same = Churn.Counts(levels: max(levels.0, levels.1)), changed = same
    for (row, match) in matches.enumerated() where match >= 0 {
      let (old, new) = (before[match], after[row])
      func note(_ counts: inout Churn.Counts) {
        counts.items += 1
        if let level = (0..<max(levels.0, levels.1)).first(where: { level in
          level >= levels.0 || level >= levels.1 || old.codes[level] != new.codes[level]
        }) {
          counts.firstChangeByLevel[level] += 1
        } else if old.suffix != new.suffix {
          counts.suffixChanged += 1
        } else {
          counts.unchanged += 1
        }
      }
      if old.hash == new.hash { note(&same) } else { note(&changed) }
    }
    #expect(churn.sameContent == same && churn.changedContent == changed)
    let matched = matches.count { $0 >= 0 }
    #expect(churn.added == 70 - matched && churn.removed == 80 - matched)
    #expect(churn.rate == Double(same.changed + changed.changed) / Double(max(1, matched)))
    #expect(same.changed == same.codesChanged + same.suffixChanged)
  }
}

/// Suffixes against the rule: the lowest that nobody of the bucket holds, to the nearest first.
@Suite struct SuffixRuleTests {
  @Test(arguments: 0..<25 as Range<UInt64>) func openItemsTakeTheLowestFreeSuffixes(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    let count = Int.random(in: 1...60, using: &random)
    var codes = CodeMatrix(count: count, levels: 2)
    var distances = ContiguousArray<Float>(), isFixed = ContiguousArray<Bool>(), held = ContiguousArray<UInt16>()
    for row in 0..<count {
      for level in 0..<2 { codes[row, level] = UInt16.random(in: 0...2, using: &random) }
      distances.append(Float(Int.random(in: 0...3, using: &random)))
      isFixed.append(Bool.random(using: &random))
      // Published under another policy, suffixes may repeat and have gaps.
      held.append(UInt16.random(in: 0...6, using: &random))
    }
    let resolver = try CollisionResolver(.init(policy: .suffix))
    let resolved = try resolver.resolve(
      codes: codes, distances: distances, fixed: FixedRows(isFixed: isFixed, suffixes: held))
    #expect(resolved.codes == codes && resolved.moves.isEmpty && resolved.distances == distances)
    for row in 0..<count {
      let bucket = (0..<count).filter { codes.row($0) == codes.row(row) }
      if isFixed[row] {
        #expect(resolved.suffixes[row] == held[row])
        continue
      }
      let taken = Set(bucket.filter { isFixed[$0] }.map { held[$0] })
      let open = bucket.filter { !isFixed[$0] }.sorted { (distances[$0], $0) < (distances[$1], $1) }
      let free = (0...UInt16(count + 10)).filter { bucket.count > 1 ? !taken.contains($0) : true }
      #expect(resolved.suffixes[row] == free[open.firstIndex(of: row)!], "row \(row)")
    }
    let shared = (0..<count).count { row in
      (0..<count).contains {
        $0 != row && codes.row($0) == codes.row(row) && resolved.suffixes[$0] == resolved.suffixes[row]
      }
    }
    #expect(resolved.report.sharedIDItems == shared)
    #expect(resolved.report.suffixedItems == resolved.suffixes.count { $0 > 0 })
    #expect(resolved.report.fixedItems == isFixed.count { $0 } && resolved.report.items == count)
  }

  /// As many as fit are told apart, and one more is an error.
  @Test(arguments: [1, 2, 5]) func aBucketHoldsAsManyAsTheCapacity(capacity: Int) throws {
    let resolver = try CollisionResolver(.init(policy: .suffix, suffixCapacity: capacity))
    func resolve(_ count: Int) throws -> ContiguousArray<UInt16> {
      try resolver.resolve(
        codes: CodeMatrix(count: count, levels: 1), distances: ContiguousArray(repeating: 0, count: count),
        fixed: .none(count: count)
      ).suffixes
    }
    #expect(try resolve(capacity) == ContiguousArray((0..<capacity).map { UInt16($0) }))
    let error = #expect(throws: QuantizerError.self) { try resolve(capacity + 1) }
    #expect(
      error?.code == .capacityExceeded && error?.message.contains("\(capacity + 1) items share the codes 0") == true)
  }
}

/// Figures of use against their definitions.
@Suite struct LevelMetricDefinitionTests {
  /// The mean difference of all pairs over twice the mean.
  @Test(arguments: 0..<12 as Range<UInt64>) func giniAndEntropyAreTheirDefinitions(seed: UInt64) {
    var random = RandomSource(seed: seed)
    let occupancy = (0..<Int.random(in: 1...30, using: &random)).map { _ in
      max(0, Int.random(in: -5...20, using: &random))
    }
    let metrics = LevelMetrics(occupancy: occupancy, overfullFactor: 1.5)
    let items = occupancy.reduce(0, +), size = Double(occupancy.count)
    var difference = 0.0
    for a in occupancy { for b in occupancy { difference += Double(abs(a - b)) } }
    let gini = items == 0 ? 0 : difference / (2 * size * Double(items))
    #expect(abs(metrics.gini - gini) < 1e-9)
    let entropy = occupancy.filter { $0 > 0 }.reduce(0.0) { sum, count in
      let share = Double(count) / Double(items)
      return sum - share * Foundation.log(share)
    }
    #expect(abs(metrics.entropy - entropy) < 1e-9 && abs(metrics.perplexity - exp(entropy)) < 1e-6)
    let mean = Double(items) / size
    #expect(Set(metrics.overfullCodes) == Set(occupancy.indices.filter { Double(occupancy[$0]) > 1.5 * mean }))
    #expect(metrics.deadCodes == occupancy.indices.filter { occupancy[$0] == 0 })
    #expect(metrics.used == occupancy.count { $0 > 0 } && metrics.occupancy == occupancy)
  }

  @Test func overfullCodesAreSortedByItemsThenByCode() {
    let metrics = LevelMetrics(occupancy: [0, 30, 1, 50, 30, 1, 0, 0, 0, 0], overfullFactor: 2)
    #expect(metrics.overfullCodes == [3, 1, 4])
    #expect(LevelMetrics(occupancy: [0, 30, 1, 50, 30, 1, 0, 0, 0, 0], overfullFactor: 4).overfullCodes == [3])
    // Exactly the limit is not over it.
    #expect(LevelMetrics(occupancy: [4, 0, 0, 0], overfullFactor: 4).overfullCodes == [])
  }

  @Test func agreementOfEncodingsIsThatOfTheirRows() {
    let first = CodeMatrix(count: 4, levels: 3, elements: [1, 2, 3, 1, 2, 3, 1, 2, 3, 9, 2, 3])
    let second = CodeMatrix(count: 4, levels: 3, elements: [1, 2, 3, 1, 2, 4, 1, 5, 3, 1, 2, 3])
    let agreement = ReencodeAgreement(first, second)
    #expect(agreement.sharedPrefix == [0.75, 0.5, 0.25] && agreement.identical == 0.25 && agreement.rows == 4)
    let none = ReencodeAgreement(CodeMatrix(count: 0, levels: 2), CodeMatrix(count: 0, levels: 2))
    #expect(none.identical == 1 && none.sharedPrefix == [1, 1])
  }

  /// Sixteen levels of the largest codebooks: keys of 256 bits.
  @Test func bucketsOfManyWideLevelsAreGroupedByAllOfThem() {
    var random = RandomSource(seed: 5)
    let patterns = (0..<40).map { _ in (0..<16).map { _ in UInt16.random(in: 0...UInt16.max, using: &random) } }
    var rows = (0..<300).map { _ in patterns.randomElement(using: &random)! }
    // Some that differ in the last code, or the first, alone.
    for row in 0..<50 { rows[row][row % 2 == 0 ? 15 : 0] ^= 1 }
    let codes = CodeMatrix(count: 300, levels: 16, elements: ContiguousArray(rows.joined()))
    let buckets = CodeBuckets(codes)
    let expected = Dictionary(grouping: 0..<300) { rows[$0] }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    #expect(buckets.count == expected.count)
    for (bucket, entry) in expected.enumerated() {
      #expect(
        buckets.rows[buckets.range(bucket)].map { Int($0) } == entry.value && buckets.size(bucket) == entry.value.count)
    }
    #expect(CodeBuckets(codes, levels: 0).count == 1 && CodeBuckets(CodeMatrix(count: 0, levels: 2)).count == 0)
  }
}

/// Encodings and codebooks as containers.
@Suite struct EncodingArithmeticTests {
  @Test func appendedBlocksOfUnequalLengthAreWeighedByTheirRows() {
    var whole = Encoding(levels: 2)
    whole.append(Encoding(levels: 2))
    #expect(whole.meanSquaredError == 0 && whole.levelErrors == [0, 0])
    whole.append(
      Encoding(codes: CodeMatrix(count: 1, levels: 2), distances: [1], levelErrors: [4, 2], meanSquaredError: 10))
    whole.append(Encoding(codes: CodeMatrix(count: 3, levels: 2), distances: [2, 3, 4], levelErrors: [8, 6]))
    #expect(whole.levelErrors == [7, 5] && whole.meanSquaredError == 7 && whole.distances == [1, 2, 3, 4])
    #expect(whole.codes.count == 4)
  }

  @Test func rowsAndColumnsAreThoseOfTheElements() {
    var codes = CodeMatrix(count: 3, levels: 2, elements: [1, 2, 3, 4, 5, 6])
    #expect(codes.column(1) == [2, 4, 6] && Array(codes.row(2)) == [5, 6] && codes.rows(1..<2).elements == [3, 4])
    codes[1, 0] = 9
    #expect(codes.elements == [1, 2, 9, 4, 5, 6] && codes.rows(3..<3).count == 0)
  }
}

/// OneRec's balanced clusters against the algorithm with plain sorts.
@Suite struct BalancedGreedyReferenceTests {
  @Test(arguments: [(10, 3), (23, 5), (40, 7), (6, 6), (7, 1), (4, 9)]) func iterationsFollowTheAlgorithm(
    rows: Int, clusters: Int
  ) {
    var random = RandomSource(seed: UInt64(rows))
    // Whole numbers, so that sums are exact and distances tie.
    let x = Matrix(
      rows: rows, columns: 2,
      elements: ContiguousArray((0..<rows * 2).map { _ in Float(Int.random(in: 0...6, using: &random)) }))
    let start = Matrix(
      rows: clusters, columns: 2,
      elements: ContiguousArray((0..<clusters * 2).map { _ in Float(Int.random(in: 0...6, using: &random)) }))
    var greedy = BalancedGreedy(PreparedRows(x, computePath: .float32), from: start)
    greedy.train(iterations: 1)
    var left = Array(0..<rows)
    var centroids = start
    var objective = 0.0
    for cluster in 0..<clusters {
      let share = (cluster + 1) * rows / clusters - cluster * rows / clusters
      func distance(_ row: Int) -> Float { squaredDistance(x.row(row), start.row(cluster)) }
      let taken = left.sorted { (distance($0), $0) < (distance($1), $1) }.prefix(share)
      left.removeAll { taken.contains($0) }
      objective += taken.reduce(0.0) { $0 + Double(distance($1)) }
      guard !taken.isEmpty else { continue }
      for column in 0..<2 {
        let sum = taken.reduce(0.0) { $0 + Double(x[$1, column]) }
        centroids[cluster, column] = Float(sum * (1 / Double(taken.count)))
      }
    }
    #expect(left.isEmpty && greedy.centroids == centroids)
    #expect(greedy.iterations.count == 1 && greedy.iterations[0].moved == rows)
    #expect(abs(greedy.iterations[0].objective - objective / Double(rows)) < 1e-9)
  }
}

/// New labels against all permutations.
@Suite struct LabelMatchingReferenceTests {
  private func permutations(_ count: Int) -> [[Int]] {
    guard count > 0 else { return [[]] }
    return permutations(count - 1).flatMap { shorter in
      (0...shorter.count).map { place in
        var longer = shorter
        longer.insert(count - 1, at: place)
        return longer
      }
    }
  }

  @Test(arguments: [(1, 1), (4, 4), (6, 6), (5, 3), (3, 5), (4, 1), (2, 0)], 0..<3 as Range<UInt64>)
  func theSumOfSquaredShiftsIsTheLeast(sizes: (new: Int, old: Int), seed: UInt64) {
    var random = RandomSource(seed: seed * 31 + UInt64(sizes.new))
    let new = normalMatrix(sizes.new, 3, using: &random), old = normalMatrix(sizes.old, 3, using: &random)
    let matching = LabelMatching(new: new, old: old)
    #expect(matching.isExact && matching.labels.sorted() == Array(0..<sizes.new))
    // Labels beyond the old ones, and old ones beyond the new size, are nobody's to keep.
    let kept = min(sizes.new, sizes.old)
    func total(_ labels: [Int]) -> Double {
      labels.enumerated().reduce(0) { sum, pair in
        pair.element < kept ? sum + Double(squaredDistance(new.row(pair.offset), old.row(pair.element))) : sum
      }
    }
    let least = permutations(sizes.new).map(total).min() ?? 0
    #expect(abs(total(matching.labels) - least) < 1e-4)
    #expect(abs(matching.meanSquaredShift * Double(max(1, kept)) - least) < 1e-4)
    // Prices go with their centroids.
    let prices = (0..<sizes.new).map { Float($0) }
    let renamed = matching.relabeled(Codebook(centroids: new, prices: prices))
    for (centroid, label) in matching.labels.enumerated() {
      #expect(
        Array(renamed.centroids.row(label)) == Array(new.row(centroid)) && renamed.prices?[label] == prices[centroid])
    }
  }

  /// Codes renamed are those that the renamed codebooks give.
  @Test func renamedCodesMeanWhatTheyMeant() throws {
    var random = RandomSource(seed: 77)
    func books() throws -> ResidualCodebooks {
      try ResidualCodebooks(levels: [5, 3].map { Codebook(centroids: normalMatrix($0, 4, using: &random)) })
    }
    let (new, old) = (try books(), try books())
    let renamed = try RelabeledCodebooks(new, like: old)
    let codes = CodeMatrix(
      count: 30, levels: 2,
      elements: ContiguousArray(
        (0..<30).flatMap { _ in [UInt16.random(in: 0..<5, using: &random), UInt16.random(in: 0..<3, using: &random)] }))
    let after = renamed.relabel(codes)
    for row in 0..<30 {
      for level in 0..<2 {
        #expect(
          new.levels[level].centroids.row(Int(codes[row, level]))
            .elementsEqual(renamed.codebooks.levels[level].centroids.row(Int(after[row, level]))))
      }
    }
  }
}
