import Testing
import Tokenizers

@Suite("Components of tokenizer.json")
struct TokenizerComponentTests {
  @Test func mergesComeInOrderOfRankNotOfPlace() throws {
    #expect(try tinyTokenizer().tokens("abc") == ["a", "bc"])
    #expect(try tinyTokenizer().tokens("abab") == ["ab", "ab"])
  }

  @Test func unknownCharactersAreTheUnknownTokenEach() throws {
    #expect(try tinyTokenizer().tokens("a漢字b") == ["a", "?", "?", "b"])
  }

  @Test func longWordsMergeLikeShortOnes() throws {
    let tokenizer = try tinyTokenizer()
    let short = tokenizer.tokens("abcabx")
    let long = tokenizer.tokens(String(repeating: "abcabx", count: 50))
    #expect(long == Array(repeating: short, count: 50).flatMap { $0 })
  }

  @Test(arguments: [
    ("removed", ["a", "b", "c"]), ("isolated", ["a", "▁", "b", "▁", "▁", "c"]),
    ("merged_with_previous", ["a", "▁", "b", "▁", "▁", "c"]), ("contiguous", ["a", "▁", "b", "▁", "▁", "c"]),
  ])
  func splitBehaviorsKeepOrDropWhatMatches(behavior: String, expected: [String]) throws {
    let names = [
      "removed": "Removed", "isolated": "Isolated", "merged_with_previous": "MergedWithPrevious",
      "contiguous": "Contiguous",
    ]
    let split = """
      {"type": "Split", "pattern": {"String": "▁"}, "behavior": "\(names[behavior]!)", "invert": false}
      """
    #expect(try tinyTokenizer(preTokenizer: split).tokens("a▁b▁▁c") == expected)
  }

  @Test(arguments: [
    ("\"prepend_scheme\": \"always\"", ["▁", "a", "▁", "ab"]), ("\"prepend_scheme\": \"never\"", ["a", "▁", "ab"]),
    ("\"prepend_scheme\": \"first\"", ["▁", "a", "▁", "ab"]), ("\"add_prefix_space\": true", ["▁", "a", "▁", "ab"]),
    ("\"add_prefix_space\": false", ["a", "▁", "ab"]),
  ])
  func metaspaceSchemesOldAndNew(scheme: String, expected: [String]) throws {
    let metaspace = "{\"type\": \"Metaspace\", \"replacement\": \"▁\", \(scheme)}"
    #expect(try tinyTokenizer(preTokenizer: metaspace).tokens("a ab") == expected)
  }

  @Test func schemeFirstMarksNothingAfterAnAddedToken() throws {
    let tokenizer = try tinyTokenizer(
      preTokenizer: "{\"type\": \"Metaspace\", \"replacement\": \"▁\", \"prepend_scheme\": \"first\"}",
      added: "[{\"id\": 32, \"content\": \"<x>\", \"special\": true}]")
    #expect(tokenizer.tokens("a<x>b") == ["▁", "a", "<x>", "b"])
    #expect(tokenizer.tokens("<x>b") == ["<x>", "b"])
  }

  @Test func addedTokensStripAndStandAlone() throws {
    let tokenizer = try tinyTokenizer(
      added: """
        [{"id": 32, "content": "<l>", "lstrip": true, "special": true},
         {"id": 33, "content": "<r>", "rstrip": true, "special": true},
         {"id": 34, "content": "one", "single_word": true, "normalized": false},
         {"id": 35, "content": "<l>x", "special": true}]
        """)
    #expect(tokenizer.tokens("a  <l> b") == ["a", "<l>", " ", "b"])
    #expect(tokenizer.tokens("a <r>  b") == ["a", " ", "<r>", "b"])
    #expect(tokenizer.tokens("one") == ["one"])
    #expect(tokenizer.tokens("a one b").contains("one"))
    #expect(!tokenizer.tokens("bone").contains("one"))
    #expect(!tokenizer.tokens("ones").contains("one"))
    #expect(tokenizer.tokens("<l>x") == ["<l>x"])
    #expect(tokenizer.vocabularySize == 36)
  }

  @Test func normalizedAddedTokensAreFoundInNormalizedText() throws {
    let tokenizer = try tinyTokenizer(
      normalizer: "{\"type\": \"Lowercase\"}", added: "[{\"id\": 32, \"content\": \"New\", \"normalized\": true}]")
    #expect(tokenizer.tokens("aNEWb") == ["a", "New", "b"])
  }

  @Test(arguments: [
    ("{\"type\": \"Lowercase\"}", "AB", ["ab"]),
    ("{\"type\": \"Strip\", \"strip_left\": true, \"strip_right\": false}", "\u{3000} a ", ["a", " "]),
    ("{\"type\": \"Replace\", \"pattern\": {\"String\": \"xx\"}, \"content\": \"ab\"}", "xxx", ["ab", "x"]),
    ("{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"[0-9]+|漢\"}, \"content\": \"b\"}", "12漢c", ["b", "bc"]),
    ("{\"type\": \"Prepend\", \"prepend\": \"▁\"}", "a", ["▁", "a"]),
    ("{\"type\": \"NFKD\"}", "ﬁ", ["f", "i"]),
    ("{\"type\": \"Nmt\"}", "a\u{1}\u{200B}b", ["a", " ", "b"]),
    ("{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFD\"}, {\"type\": \"StripAccents\"}]}", "é", ["e"]),
    ("{\"type\": \"BertNormalizer\", \"lowercase\": true, \"strip_accents\": null}", "\u{1}É", ["e"]),
    ("{\"type\": \"BertNormalizer\", \"lowercase\": true, \"strip_accents\": false}", "É", ["?"]),
  ])
  func normalizers(normalizer: String, text: String, expected: [String]) throws {
    #expect(try tinyTokenizer(normalizer: normalizer).tokens(text) == expected)
  }

  @Test func templatesSurroundTheTextAndAreNeverCut() throws {
    let template = """
      {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "s", "type_id": 0}},
       {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "e", "type_id": 0}}], "pair": [],
       "special_tokens": {"s": {"id": "s", "ids": [1, 2], "tokens": []}, "e": {"id": "e", "ids": [3], "tokens": []}}}
      """
    let tokenizer = try tinyTokenizer(processor: template)
    #expect(tokenizer.encode("x") == [1, 2, 24, 3])
    #expect(tokenizer.encode("xyzxyz", maximumLength: 5) == [1, 2, 24, 25, 3])
    #expect(tokenizer.encode("") == [1, 2, 3])
    #expect(tokenizer.encode("x", maximumLength: 2) == [1, 2])
  }

  @Test func wordPieceTakesTheLongestPieceOrNothing() throws {
    let model = """
      {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "max_input_chars_per_word": 5,
       "vocab": {"?": 0, "a": 1, "ab": 2, "##b": 3, "##bc": 4, "##c": 5}}
      """
    let tokenizer = try tinyTokenizer(model: model)
    #expect(tokenizer.tokens("abbc") == ["ab", "##bc"])
    #expect(tokenizer.tokens("abcb") == ["ab", "##c", "##b"])
    #expect(tokenizer.tokens("abx") == ["?"])
    #expect(tokenizer.tokens("abbbb") == ["ab", "##b", "##b", "##b"])
    #expect(tokenizer.tokens("abbbbb") == ["?"])
  }

  @Test func unigramTakesTheBestSumAndJoinsUnknowns() throws {
    let model = """
      {"type": "Unigram", "unk_id": 0,
       "vocab": [["<u>", 0], ["a", 0], ["b", 0], ["c", 0], ["d", 0], ["cd", 1], ["ab", 2], ["abc", 5], ["abcd", 10]]}
      """
    let tokenizer = try tinyTokenizer(model: model)
    #expect(tokenizer.tokens("abcdacdxx") == ["abcd", "a", "cd", "<u>"])
    #expect(tokenizer.tokens("xé漢a") == ["<u>", "a"])
  }

  @Test func composedAndDecomposedTokensStayApart() throws {
    let model = """
      {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9,
       "vocab": {"?": 0, "\u{E9}": 1, "e\u{301}": 2}}
      """
    let tokenizer = try tinyTokenizer(model: model)
    #expect(tokenizer.encode("\u{E9}") == [1])
    #expect(tokenizer.encode("e\u{301}") == [2])
  }
}
