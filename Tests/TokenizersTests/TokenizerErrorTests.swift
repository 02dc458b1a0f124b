import Testing
import Tokenizers

@Suite("Errors of tokenizer.json")
struct TokenizerErrorTests {
  private func failure(_ make: () throws -> Tokenizer) -> TokenizerError? {
    do {
      _ = try make()
      return nil
    } catch { return error as? TokenizerError }
  }

  @Test func unknownComponentsAreNamedWithTheirPlace() {
    let normalizer = "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, {\"type\": \"Odd\"}]}"
    let first = failure { try tinyTokenizer(normalizer: normalizer) }
    #expect(first?.code == .unsupportedComponent)
    #expect(first?.message.contains("normalizer.normalizers[1]: unknown normalizer \"Odd\"") == true)
    let second = failure { try tinyTokenizer(preTokenizer: "{\"type\": \"UnicodeScripts\"}") }
    #expect(second?.message.contains("pre_tokenizer: unknown pre-tokenizer \"UnicodeScripts\"") == true)
    let third = failure { try tinyTokenizer(processor: "{\"type\": \"Odd\"}") }
    #expect(third?.message.contains("post_processor: unknown post-processor \"Odd\"") == true)
    let fourth = failure { try tinyTokenizer(model: "{\"type\": \"WordLevel\", \"vocab\": {}}") }
    #expect(fourth?.message.contains("model: unknown model \"WordLevel\"") == true)
  }

  @Test(arguments: [
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}", "share the id 0"),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"a\": 1}, \"merges\": []}", "appears twice"),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": -1}, \"merges\": []}", "is not between 0"),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 99999999}, \"merges\": []}", "is not between 0"),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 1.5}, \"merges\": []}", "is not an integer"),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}", "does not join known tokens"),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"aa\"]}", "is not a pair"),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [[\"a\"]]}", "is not a pair"),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": null}", "expected an array"),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [], \"unk_token\": \"u\"}", "no token \"u\""),
    ("{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [], \"dropout\": 0.1}", "dropout"),
    ("{\"type\": \"WordPiece\", \"vocab\": {\"a\": 0}}", "no token \"[UNK]\""),
    ("{\"type\": \"Unigram\", \"unk_id\": 3, \"vocab\": [[\"a\", 0]]}", "expected 0 to 0"),
    ("{\"type\": \"Unigram\", \"unk_id\": null, \"vocab\": [[\"a\", 0]]}", "needs an unknown token"),
    ("{\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\", \"x\"]]}", "finite number"),
    ("{\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\"]]}", "not a token with its score"),
    ("{\"vocab\": {\"a\": 0}}", "expected one of WordPiece"),
  ])
  func modelsThatContradictThemselves(model: String, expected: String) {
    let error = failure { try tinyTokenizer(model: model) }
    #expect(error?.code == .invalidTokenizer)
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "no error")")
  }

  @Test(arguments: [
    ("\"!\"", "base64"), ("\"AA==\"", "expected 4 or more"), ("\"CAAAAAAAAAA=\"", "states a trie of 8 bytes"),
    ("\"BAAAAAAAAAD/\"", "not UTF-8"), ("7", "expected a string"),
  ])
  func characterMapsThatAreCutOrFalse(map: String, expected: String) {
    let error = failure {
      try tinyTokenizer(normalizer: "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \(map)}")
    }
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "no error")")
  }

  @Test func fieldsOfTheWrongKind() {
    for (preTokenizer, expected) in [
      ("{\"type\": \"Metaspace\", \"replacement\": \"ab\"}", "expected one character"),
      ("{\"type\": \"Metaspace\", \"prepend_scheme\": \"odd\"}", "unknown scheme"),
      ("{\"type\": \"Metaspace\", \"add_prefix_space\": false, \"prepend_scheme\": \"always\"}", "contradicts"),
      ("{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Removed\"}", "regular expression"),
      ("{\"type\": \"Split\", \"pattern\": {\"String\": \"\"}, \"behavior\": \"Removed\"}", "is empty"),
      ("{\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"Odd\"}", "unknown behavior"),
      ("{\"type\": \"ByteLevel\", \"add_prefix_space\": 3}", "true or false"), ("[]", "expected a string"),
    ] {
      let error = failure { try tinyTokenizer(preTokenizer: preTokenizer) }
      #expect(error?.message.contains(expected) == true, "\(error?.message ?? "no error")")
    }
  }

  @Test func specialIdsWithoutTokens() {
    let error = failure {
      try tinyTokenizer(processor: "{\"type\": \"BertProcessing\", \"sep\": [\"x\", 500], \"cls\": [\"y\", 1]}")
    }
    #expect(error?.message.contains("no token has the special id 500") == true)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":}", "{\"a\" 1}", "nul", "\"\\ud800\"", "\"\\x\"", "\"", "01x", "1e999", "{} x",
    "\"\u{1}\"",
    String(repeating: "[", count: 100),
  ])
  func textThatIsNoJSON(text: String) {
    #expect(failure { try Tokenizer(json: Array(text.utf8)) }?.code == .invalidJSON)
  }

  @Test func filesThatAreMissingOrTooLarge() throws {
    #expect(failure { try Tokenizer(contentsOf: "/no/such/tokenizer.json") }?.code == .unreadableFile)
    let error = failure { try Tokenizer(contentsOf: #filePath, maximumBytes: 10) }
    #expect(error?.code == .unreadableFile)
    #expect(error?.message.contains("at most 10 are read") == true)
  }

  @Test func jsonKeepsBytesNumbersAndEscapes() throws {
    let text = "{\"\\u00e9\\ud83d\\ude00\\n\": [1, -2.5e1, true, null], \"e\u{301}\": \"\", \"\u{E9}\": {}}"
    guard case .object(let members) = try JSONReader.parse(Array(text.utf8)) else {
      Issue.record("not an object")
      return
    }
    #expect(members.map { Array($0.key.unicodeScalars).count } == [3, 2, 1])
    guard case .array(let values) = members[0].value, case .integer(1) = values[0], case .double(-25) = values[1] else {
      Issue.record("not the values")
      return
    }
  }
}
