import TensorMath
import Testing
import Tokenizers

/// Mistakes in tokenizer.json are named by their place, and sound files keep what holds for every tokenizer.
@Suite("Places in tokenizer.json")
struct TokenizerPlaceTests {
  private static func message(_ make: () throws -> Tokenizer) -> String? {
    do { _ = try make() } catch { return (error as? TokenizerError)?.message }
    return nil
  }

  private static func json(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test(arguments: [
    (#"[{"id": 32}]"#, "added_tokens[0].content: found null, expected a string"),
    (
      #"[{"content": "x"}, {"content": "y", "lstrip": 1}]"#,
      "added_tokens[1].lstrip: found a number, expected true or false"
    ),
    (#"{"content": "x"}"#, "added_tokens: found an object, expected an array"),
    (
      #"[{"content": "<x>"}, {"content": "  "}]"#,
      #"added_tokens[1]: nothing is left of the added token "  " after normalization"#
    ),
    (
      #"[{"content": "AB"}, {"content": "ab"}]"#,
      #"added_tokens[0]: the added token "AB" reads like another one after normalization"#
    ),
  ])
  func addedTokens(added: String, expected: String) {
    let normalizer = #"{"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"type": "Strip"}]}"#
    #expect(Self.message { try tinyTokenizer(normalizer: normalizer, added: added) } == "tokenizer.json, " + expected)
  }

  /// New tokens are numbered on from the number of entries, whatever ids the file states for them.
  @Test func gapsOfTheVocabularyAreRefusedWhereATokenFallsIntoOne() throws {
    let model = #"{"type": "BPE", "vocab": {"a": 0, "b": 1, "e": 4}, "merges": []}"#
    let one = try tinyTokenizer(added: #"[{"id": 77, "content": "<x>"}]"#, model: model)
    #expect(one.id(of: "<x>") == 3 && one.token(3) == "<x>" && one.token(2) == nil && one.vocabularySize == 5)
    let message = Self.message {
      try tinyTokenizer(added: #"[{"content": "<x>"}, {"content": "a"}, {"content": "<y>"}]"#, model: model)
    }
    #expect(
      message
        == #"tokenizer.json, added_tokens[2]: the next free id, 4, already belongs to "e"; the vocabulary has gaps"#)
  }

  @Test(arguments: [
    ("\"2.0\"", "version: found \"2.0\", expected \"1.0\""), ("2", "version: found a number, expected a string"),
  ])
  func otherVersions(version: String, expected: String) {
    let text = "{\"version\": \(version), \"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}}"
    #expect(Self.message { try Tokenizer(json: Self.json(text)) } == "tokenizer.json, " + expected)
  }

  @Test(arguments: [
    ("-1", "found -1, expected 0 to 1073741824"), ("1073741825", "found 1073741825, expected 0 to 1073741824"),
    ("1.5", "found a number, expected an integer"), ("true", "found a boolean, expected an integer"),
    ("[]", "found an array, expected an integer"),
  ])
  func lengthsOfWords(limit: String, expected: String) {
    let model = #"{"type": "WordPiece", "vocab": {"[UNK]": 0}, "max_input_chars_per_word": \#(limit)}"#
    #expect(
      Self.message { try tinyTokenizer(model: model) }
        == "tokenizer.json, model.max_input_chars_per_word: " + expected)
  }

  @Test func patternsAreBounded() throws {
    func split(_ pattern: String) -> String {
      #"{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": \#(pattern), "behavior": "Removed"}]}"#
    }
    let place = "tokenizer.json, pre_tokenizer.pretokenizers[0].pattern"
    for count in [0, 4097] {
      let pattern = "{\"Regex\": \"\(String(repeating: "a", count: count))\"}"
      #expect(
        Self.message { try tinyTokenizer(preTokenizer: split(pattern)) }
          == place + ": the pattern has \(count) bytes, expected 1 to 4096")
    }
    let longest = "{\"Regex\": \"\(String(repeating: "a", count: 4095))|b\"}"
    #expect(
      Self.message { try tinyTokenizer(preTokenizer: split(longest)) }
        == place + ": the pattern has 4097 bytes, expected 1 to 4096")
    let kept = "{\"Regex\": \"\(String(repeating: "a", count: 4094))|b\"}"
    #expect(try tinyTokenizer(preTokenizer: split(kept)).tokens("abc") == ["a", "c"])
    #expect(
      Self.message { try tinyTokenizer(preTokenizer: split("{}")) } == place + ".Regex: found null, expected a string")
  }

  // MARK: What holds for every tokenizer

  private static func text(using random: inout RandomSource) -> String {
    let parts = ["the", " ", "Toy", "story", " 1995", "é", "漢字", "🙂", "\n", "ing", ".", "<s>", "'s", "▁", "e\u{301}"]
    return (0..<Int.random(in: 0...25, using: &random)).map { _ in parts.randomElement(using: &random)! }.joined()
  }

  /// A limit cuts the text's ids at their end; those of the post-processor stay around it.
  @Test(arguments: TokenizerFixtures.names) func aLimitTakesIdsFromTheEndOfTheText(name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(name)
    var random = RandomSource(seed: 51)
    let added = tokenizer.encode("").count
    for _ in 0..<60 {
      let text = Self.text(using: &random)
      let whole = tokenizer.encode(text)
      for limit in [added, added + 1, added + 3, whole.count - 1, whole.count, whole.count + 1] where limit >= added {
        let cut = tokenizer.encode(text, maximumLength: limit)
        #expect(cut.count == min(limit, whole.count))
        let isCutInside = (0...added).contains { tail in
          cut.prefix(max(0, cut.count - tail)) == whole.prefix(max(0, cut.count - tail))
            && cut.suffix(tail) == whole.suffix(tail)
        }
        #expect(isCutInside, "\(limit) of \(whole.count) ids of \(text.debugDescription)")
      }
    }
  }
}
