import SemanticIDStore
import Testing

@Suite struct SemanticIDTests {
  @Test(arguments: ["0", "12-7-255", "12-7-255+3", "65535-0+65535"])
  func writtenFormReadsBack(_ text: String) throws {
    #expect(try #require(SemanticID(text)).description == text)
  }

  @Test(arguments: ["", "-", "1-", "-1", "+1", "1+", "1++2", "1+2+3", "65536", "1 2", "a", "1-2+65536", "1-+2", "٣"])
  func malformedTextIsNotAnID(_ text: String) {
    #expect(SemanticID(text) == nil)
  }

  @Test func zeroSuffixIsNotWritten() {
    #expect(SemanticID(codes: [1, 2], suffix: 0).description == "1-2")
    #expect(SemanticID("1-2+0") == SemanticID(codes: [1, 2]))
  }

  @Test func moreLevelsThanAKeyHoldsAreRefused() {
    #expect(SemanticID(Array(repeating: "1", count: StoreLimits.levels).joined(separator: "-")) != nil)
    #expect(SemanticID(Array(repeating: "1", count: StoreLimits.levels + 1).joined(separator: "-")) == nil)
  }

  @Test func orderIsByLevelThenSuffix() {
    let sorted = ["0-9", "1-0", "1-0+1", "1-256", "2-1"].compactMap(SemanticID.init)
    #expect(sorted.reversed().sorted() == sorted)
  }
}
