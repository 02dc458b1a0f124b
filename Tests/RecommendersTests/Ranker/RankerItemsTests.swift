import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct RankerItemsTests {
  @Test func vectorsGetTheLengthOfTheirDimensionsRoot() throws {
    var random = RandomSource(seed: 1)
    var vectors = normalMatrix(5, 9, using: &random)
    for column in 0..<9 { vectors[3, column] = 0 }
    let scaled = try #require(try RankerItems(itemCount: 5, vectors: vectors).vectors)
    for row in 0..<5 {
      let square = scaled.row(row).reduce(0) { $0 + $1 * $1 }
      #expect(abs(square - (row == 3 ? 0 : 9)) < 1e-4)
    }
  }

  @Test func vectorsThatAreNoNumbersAreNamed() {
    var vectors = Matrix(rows: 4, columns: 3)
    vectors[2, 1] = .nan
    let error = #expect(throws: RecommenderError.self) { try RankerItems(itemCount: 4, vectors: vectors) }
    #expect(error?.code == .invalidParameter && error?.message.contains("item 2") == true)
  }

  @Test func partsOfAnotherCatalogueAreRefused() throws {
    let tokens = try ItemTokens(sizes: [2], codes: [0, 1], isPresent: [true, true])
    let nearest = try RankerItems.NearestCodes(setSize: 2, perItem: 1, rows: [0, 1], isPresent: [true, true])
    let vectors = Matrix(rows: 2, columns: 2)
    #expect(try RankerItems(itemCount: 2, vectors: vectors, nearest: nearest, tokens: tokens).itemCount == 2)
    #expect(throws: RecommenderError.self) { try RankerItems(itemCount: 3, vectors: vectors) }
    #expect(throws: RecommenderError.self) { try RankerItems(itemCount: 3, nearest: nearest) }
    #expect(throws: RecommenderError.self) { try RankerItems(itemCount: 3, tokens: tokens) }
  }

  @Test func rowsBeyondTheItemSetAreRefused() throws {
    let error = #expect(throws: RecommenderError.self) {
      try RankerItems.NearestCodes(setSize: 2, perItem: 2, rows: [0, 1, 2, 0], isPresent: [true, true])
    }
    #expect(error?.message.contains("item 1 has row 2 of an item set of 2") == true)
    // What stands in the row of an item without codes does not matter.
    _ = try RankerItems.NearestCodes(setSize: 2, perItem: 2, rows: [0, 1, 2, 0], isPresent: [true, false])
    #expect(throws: RecommenderError.self) {
      try RankerItems.NearestCodes(setSize: 2, perItem: 2, rows: [0, 1, 1], isPresent: [true, true])
    }
  }
}
