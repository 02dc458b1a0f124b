import Recommenders
import Testing

@Suite struct ItemTokensTests {
  @Test func anItemsCodesAreItsRow() throws {
    let tokens = try ItemTokens(sizes: [4, 8], codes: [1, 7, 0, 0, 3, 2], isPresent: [true, false, true])
    #expect(tokens.itemCount == 3)
    #expect(tokens.levels == 2)
    #expect(Array(tokens.codes(ofItem: 2)) == [3, 2])
  }

  @Test func aCodeBeyondItsCodebookIsNamed() {
    let error = #expect(throws: RecommenderError.self) {
      try ItemTokens(sizes: [4, 8], codes: [1, 7, 3, 8], isPresent: [true, true])
    }
    #expect(error?.code == .invalidParameter)
    #expect(error?.message.contains("item 1 has code 8 at level 2 of 8") == true)
  }

  @Test func codesThatDoNotFillTheRowsAreRefused() {
    let error = #expect(throws: RecommenderError.self) {
      try ItemTokens(sizes: [4, 8], codes: [1, 7, 3], isPresent: [true, true])
    }
    #expect(error?.code == .invalidParameter)
  }

  @Test func aCatalogueWithoutCodesSaysWhatToRun() {
    let error = #expect(throws: RecommenderError.self) {
      try ItemTokens(sizes: [4], codes: [0], isPresent: [false])
    }
    #expect(error?.code == .nothingToLearn)
    #expect(error?.message.contains("publish") == true)
  }
}
