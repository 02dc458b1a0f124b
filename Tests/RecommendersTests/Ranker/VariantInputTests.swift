import Recommenders
import TensorMath
import Testing

/// Which variants of a ranker the parts of a catalogue allow.
@Suite struct VariantInputTests {
  private static func items(vectors: Bool, nearest: Bool, tokens: Bool) throws -> RankerItems {
    let isPresent = [true, true]
    return try RankerItems(
      itemCount: 2, vectors: vectors ? Matrix(rows: 2, columns: 3, elements: [1, 0, 0, 0, 1, 0]) : nil,
      nearest: nearest ? try .init(setSize: 2, perItem: 1, rows: [1, 0], isPresent: isPresent) : nil,
      tokens: tokens ? try ItemTokens(sizes: [4], codes: [1, 2], isPresent: isPresent) : nil)
  }

  @Test(arguments: [
    (false, false, false, [RankerVariant.ids]), (true, false, false, [.ids, .frozenVectors]),
    (false, true, false, [.ids, .itemSetCodes]), (false, false, true, [.ids, .residualCodes]),
    (false, true, true, [.ids, .itemSetCodes, .residualCodes, .allCodes]), (true, true, true, RankerVariant.allCases),
  ])
  func aVariantIsPossibleWhereItsInputsAre(
    vectors: Bool, nearest: Bool, tokens: Bool, expected: [RankerVariant]
  ) throws {
    let items = try Self.items(vectors: vectors, nearest: nearest, tokens: tokens)
    #expect(RankerVariant.allCases.filter { $0.isPossible(with: items) } == expected)
  }
}
