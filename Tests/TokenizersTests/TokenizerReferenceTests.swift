import Foundation
import Testing
import Tokenizers

@Suite("Ids equal those of the tokenizers package")
struct TokenizerReferenceTests {
  @Test(arguments: TokenizerFixtures.names)
  func idsOfDifficultTextsEqualTheReference(name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(name)
    let texts = try TokenizerFixtures.texts()
    for (kind, expected) in try TokenizerFixtures.ids(name) {
      #expect(expected.count == texts.count)
      for (text, ids) in zip(texts, expected) {
        #expect(tokenizer.encode(text, maximumLength: Int(kind)) == ids, "\(name), \(kind): \(text.debugDescription)")
      }
    }
  }

  @Test(arguments: TokenizerFixtures.names)
  func everyIDNamesATokenThatNamesTheID(name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(name)
    for id in 0..<Int32(tokenizer.vocabularySize) {
      let token = try #require(tokenizer.token(id))
      #expect(tokenizer.id(of: token) == id)
    }
    #expect(tokenizer.token(Int32(tokenizer.vocabularySize)) == nil)
    #expect(tokenizer.token(-1) == nil)
    #expect(tokenizer.id(of: "no such token") == nil)
  }

  @Test(arguments: TokenizerFixtures.names)
  func noLimitIsExceeded(name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(name)
    for maximum in [-1, 0, 1, 2, 3, 7] {
      for text in try TokenizerFixtures.texts() {
        let ids = tokenizer.encode(text, maximumLength: maximum)
        #expect(ids.count <= max(0, maximum))
        let whole = tokenizer.encode(text)
        if whole.count <= maximum { #expect(ids == whole) }
      }
    }
  }
}

private let realCases = ProcessInfo.processInfo.environment["TESSERA_TOKENIZER_CASES"]

/// Ids of real texts, written by tools/checks/tokenizers.py to the file that TESSERA_TOKENIZER_CASES names.
@Suite("Ids of real texts", .enabled(if: realCases != nil))
struct TokenizerRealTextTests {
  private struct Case: Decodable {
    let tokenizer: String
    let text: String
    let ids: [Int32]
    let maximum: Int?
  }

  @Test func idsOfRealTextsEqualTheReference() throws {
    let path = try #require(realCases)
    let lines = try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: 0x0A)
    var tokenizers: [String: Tokenizer] = [:]
    var mismatches = 0
    for line in lines {
      let expected = try JSONDecoder().decode(Case.self, from: Data(line))
      let tokenizer = try tokenizers[expected.tokenizer] ?? Tokenizer(contentsOf: expected.tokenizer)
      tokenizers[expected.tokenizer] = tokenizer
      if tokenizer.encode(expected.text, maximumLength: expected.maximum) != expected.ids {
        mismatches += 1
        if mismatches <= 10 { Issue.record("\(expected.tokenizer): \(expected.text.debugDescription)") }
      }
    }
    #expect(!lines.isEmpty)
    #expect(mismatches == 0, "of \(lines.count) cases")
  }
}
