import Quantizers
import TensorMath
import Testing

/// What the churn of random generations does not depend on.
@Suite struct ChurnSymmetryTests {
  private struct Entry: Hashable {
    let codes: [UInt16]
    let suffix: UInt16
    let hash: UInt64
  }

  private typealias Generation = [(name: Int, entry: Entry)]

  /// Few codes, suffixes and hashes, so that all kinds of change occur.
  private static func generation(_ names: [Int], levels: Int, using random: inout RandomSource) -> Generation {
    var result: Generation = []
    for name in names {
      let codes = (0..<levels).map { _ in UInt16.random(in: 0...1, using: &random) }
      let entry = Entry(
        codes: codes, suffix: UInt16.random(in: 0...1, using: &random), hash: UInt64.random(in: 0...1, using: &random))
      result.append((name, entry))
    }
    return result
  }

  private static func pair(seed: UInt64) -> (before: Generation, after: Generation) {
    var random = RandomSource(seed: seed)
    let first = (0..<120).shuffled(using: &random).prefix(Int.random(in: 0...90, using: &random))
    let second = (0..<120).shuffled(using: &random).prefix(Int.random(in: 0...90, using: &random))
    let levels = [1, 2, 3, 4]
    return (
      generation(Array(first), levels: levels.randomElement(using: &random)!, using: &random),
      generation(Array(second), levels: levels.randomElement(using: &random)!, using: &random)
    )
  }

  private static func columns(_ generation: Generation) -> Churn.Columns {
    let levels = generation.first?.entry.codes.count ?? 1
    return Churn.Columns(
      codes: CodeMatrix(
        count: generation.count, levels: levels, elements: ContiguousArray(generation.flatMap(\.entry.codes))),
      suffixes: ContiguousArray(generation.map(\.entry.suffix)),
      contentHashes: ContiguousArray(generation.map(\.entry.hash)))
  }

  private static func churn(_ before: Generation, _ after: Generation) -> Churn {
    let rows = Dictionary(uniqueKeysWithValues: before.enumerated().map { ($1.name, $0) })
    return Churn(
      from: columns(before), to: columns(after), previousRow: ContiguousArray(after.map { rows[$0.name] ?? -1 }))
  }

  @Test(arguments: 0..<10 as Range<UInt64>) func theWayBackHasTheSameChanges(seed: UInt64) {
    let (before, after) = Self.pair(seed: 100 + seed)
    let forth = Self.churn(before, after), back = Self.churn(after, before)
    #expect(forth.added == back.removed && forth.removed == back.added)
    #expect(forth.sameContent == back.sameContent && forth.changedContent == back.changedContent)
    #expect(forth.rate == back.rate && forth.rateOfSameContent == back.rateOfSameContent)
  }

  @Test(arguments: 0..<10 as Range<UInt64>) func theOrderOfRowsDoesNotMatter(seed: UInt64) {
    let (before, after) = Self.pair(seed: 200 + seed)
    var random = RandomSource(seed: seed)
    let other = Self.churn(before.shuffled(using: &random), after.shuffled(using: &random))
    #expect(other == Self.churn(before, after))
  }

  @Test func anItemsFirstDifferenceIsNamed() {
    let before = Self.columns([(0, Entry(codes: [1, 2, 3], suffix: 4, hash: 0))])
    for (codes, suffix, expected) in [
      ([1, 2, 3], 4, .none), ([1, 2, 3], 5, .suffix), ([1, 2, 4], 4, .code(level: 2)), ([2, 2, 4], 5, .code(level: 0)),
      ([1, 2], 4, .code(level: 2)), ([1, 2, 3, 0], 4, .code(level: 3)), ([1, 9], 4, .code(level: 1)),
    ] as [([UInt16], UInt16, Churn.Change)] {
      let after = Self.columns([(0, Entry(codes: codes, suffix: suffix, hash: 0))])
      #expect(Churn.change(from: before, row: 0, to: after, currentRow: 0) == expected)
    }
  }
}
