import Testing
import Tokenizers

/// Expected tokens are those of the `tokenizers` package, release 0.23.
@Suite("WordPiece and Unigram choose the tokens of the reference")
struct WordModelTests {
  @Test(arguments: [
    ("unaffable", ["una", "##ffable"]),
    ("unable", ["?"]),
    ("una", ["una"]),
    ("ab", ["ab"]),
    ("abc", ["ab", "##c"]),
    ("abx", ["?"]),
  ])
  func theLongestPieceWinsEvenWhenItLeadsNowhere(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
       "vocab": {"?": 0, "un": 1, "una": 2, "##aff": 3, "##able": 4, "##ffable": 5, "##a": 6, "##b": 7, "a": 8, "ab": 9, "##c": 10, "é": 11}}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("aaa", ["a", "##a", "##a"]),
    ("aaaa", ["?"]),
    ("ééé", ["é", "##é", "##é"]),
    ("éééé", ["?"]),
    ("éaé", ["é", "##a", "##é"]),
  ])
  func pastTheLimitOfCharactersAWordIsUnknown(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "max_input_chars_per_word": 3,
       "vocab": {"?": 0, "a": 1, "##a": 2, "é": 3, "##é": 4}}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("a", ["?"]),
    ("aa", ["?"]),
  ])
  func aLimitOfNoneRefusesEveryWord(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "max_input_chars_per_word": 0,
       "vocab": {"?": 0, "a": 1}}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("ab", ["a", "_b"]),
    ("abb", ["a", "_b", "_b"]),
    ("b", ["b"]),
    ("ba", ["?"]),
  ])
  func otherPrefixesContinueWords(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "_", "max_input_chars_per_word": 100,
       "vocab": {"?": 0, "a": 1, "_b": 2, "##b": 3, "b": 4}}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("abab", ["ab", "ab"]),
    ("ba", ["b", "a"]),
    ("abc", ["?"]),
  ])
  func anEmptyPrefixLetsEveryTokenContinue(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "", "max_input_chars_per_word": 100,
       "vocab": {"?": 0, "a": 1, "ab": 2, "b": 3}}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("ab", ["ab"]),
    ("abc", ["ab", "c"]),
    ("bca", ["b", "c", "a"]),
    ("cab", ["c", "ab"]),
  ])
  func theHighestSumOfScoresWins(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
       "vocab": [["<u>", 0.0], ["a", -1.0], ["b", -1.5], ["ab", -2.0], ["abc", -4.0], ["c", -1.0], ["bc", -3.5]]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("ab", ["ab"]),
    ("abc", ["a", "bc"]),
    ("bc", ["bc"]),
    ("abab", ["ab", "ab"]),
  ])
  func aTieKeepsThePathFoundFirst(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
       "vocab": [["<u>", 0.0], ["a", -1.0], ["b", -1.0], ["c", -1.0], ["ab", -2.0], ["bc", -2.0]]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("xa", ["xa"]),
    ("ya", ["ya"]),
    ("aq", ["aq"]),
    ("aaq", ["a", "aq"]),
    ("za", ["za"]),
  ])
  func anUnknownCostsTenMoreThanTheLowestScore(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
       "vocab": [["<u>", 0.0], ["a", -1.0], ["xa", -9.5], ["ya", -13.0], ["aq", -8.0], ["za", -11.0]]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("xx", ["<u>"]),
    ("axyb", ["a", "<u>", "b"]),
    ("xaz", ["<u>", "a", "<u>"]),
    ("漢字", ["<u>"]),
  ])
  func neighboringUnknownsJoin(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
       "vocab": [["<u>", 0.0], ["a", -1.0], ["b", -2.0]]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("aé", ["a", "<0xC3>", "<0xA9>"]),
    ("é漢a", ["<0xC3>", "<0xA9>", "<0xE6>", "<0xBC>", "<0xA2>", "a"]),
    ("éx", ["<u>"]),
    ("xaé", ["<u>", "a", "<0xC3>", "<0xA9>"]),
  ])
  func joinedUnknownsFallBackToTheirBytes(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "Unigram", "unk_id": 0, "byte_fallback": true,
       "vocab": [["<u>", 0.0], ["a", -1.0], ["<0xC3>", -5.0], ["<0xA9>", -5.0], ["<0xE6>", -5.0], ["<0xBC>", -5.0], ["<0xA2>", -5.0]]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("ab", ["ab"]),
    ("ba", ["b", "a"]),
  ])
  func aRepeatedTokenHasItsLastIdAndScore(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
       "vocab": [["<u>", 0.0], ["ab", -9.0], ["a", -1.0], ["b", -1.0], ["ab", -0.5]]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }
}
