import Testing
import Tokenizers

/// Expected tokens are those of the `tokenizers` package, release 0.23.
@Suite("Added tokens are found as in the reference")
struct AddedTokenTests {
  @Test(arguments: [
    ("<a>b", ["<a>b"]),
    ("<a>c", ["<a>", "c"]),
    ("x<a><a>b>b", ["x", "<a>", "<a>b", ">b"]),
    ("<a", ["?", "a"]),
  ])
  func theLeftmostLongestTokenWins(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "<a>", "normalized": false, "special": true},
        {"id": 33, "content": "<a>b", "normalized": false, "special": true},
        {"id": 34, "content": ">b", "normalized": false, "special": true}
      ]
      """#
    #expect(try tinyTokenizer(added: added).tokens(text) == expected)
  }

  @Test(arguments: [
    ("abcd", ["a", "bc", "d"]),
    ("bcbc", ["bc", "bc"]),
    ("b c", ["b", " ", "c"]),
  ])
  func aTokenInsideALongerTextIsCutOut(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "bc", "normalized": false, "special": true}
      ]
      """#
    #expect(try tinyTokenizer(added: added).tokens(text) == expected)
  }

  @Test(arguments: [
    ("a  <l> b", ["a", "<l>", " ", "b"]),
    (" <l>", ["<l>"]),
    ("a\t\n<l>", ["a", "<l>"]),
    ("<l> <l>", ["<l>", "<l>"]),
    ("\u{3000}<l>", ["<l>"]),
  ])
  func strippingLeftTakesTheSpacesBefore(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "<l>", "lstrip": true, "normalized": false, "special": true}
      ]
      """#
    #expect(try tinyTokenizer(added: added).tokens(text) == expected)
  }

  @Test(arguments: [
    ("a <r>  b", ["a", " ", "<r>", "b"]),
    ("<r> ", ["<r>"]),
    ("<r> <r> a", ["<r>", "<r>", "a"]),
    ("<r>\u{A0}b", ["<r>", "b"]),
  ])
  func strippingRightTakesTheSpacesAfter(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "<r>", "rstrip": true, "normalized": false, "special": true}
      ]
      """#
    #expect(try tinyTokenizer(added: added).tokens(text) == expected)
  }

  @Test(arguments: [
    ("a <m> b", ["a", "<m>", "b"]),
    (" <m> <m> ", ["<m>", "<m>"]),
    ("a <n> <m> b", ["a", " ", "<n>", "<m>", "b"]),
    ("<m> <n>", ["<m>", "<n>"]),
  ])
  func strippingBothSidesTakesAllSpaces(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "<m>", "lstrip": true, "rstrip": true, "normalized": false, "special": true},
        {"id": 33, "content": "<n>", "normalized": false, "special": true}
      ]
      """#
    #expect(try tinyTokenizer(added: added).tokens(text) == expected)
  }

  @Test(arguments: [
    ("one", ["one"]),
    ("a one b", ["a", " ", "one", " ", "b"]),
    ("bone", ["b", "o", "n", "e"]),
    ("ones", ["o", "n", "e", "s"]),
    ("one.one", ["one", "?", "one"]),
    ("éone", ["?", "o", "n", "e"]),
    ("one漢", ["o", "n", "e", "?"]),
    ("(one)", ["?", "one", "?"]),
    ("one_", ["o", "n", "e", "?"]),
  ])
  func singleWordsNeedWordBoundaries(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "one", "single_word": true, "normalized": false, "special": true}
      ]
      """#
    #expect(try tinyTokenizer(added: added).tokens(text) == expected)
  }

  @Test(arguments: [
    ("onexy", ["o", "n", "e", "x", "y"]),
    ("onex", ["onex"]),
    ("ne onexy", ["ne", " ", "o", "n", "e", "x", "y"]),
  ])
  func aRejectedMatchHidesWhatItCovers(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "onex", "single_word": true, "normalized": false, "special": true},
        {"id": 33, "content": "ne", "normalized": false, "special": true}
      ]
      """#
    #expect(try tinyTokenizer(added: added).tokens(text) == expected)
  }

  @Test(arguments: [
    ("aNEWb", ["a", "n", "e", "w", "b"]),
    ("aNewb", ["a", "New", "b"]),
    ("OLD old New", ["old", " ", "old", " ", "New"]),
    ("new", ["n", "e", "w"]),
  ])
  func rawTokensAreFoundBeforeNormalization(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "New", "normalized": false, "special": true},
        {"id": 33, "content": "old", "normalized": true}
      ]
      """#
    #expect(try tinyTokenizer(normalizer: #"{"type": "Lowercase"}"#, added: added).tokens(text) == expected)
  }

  @Test(arguments: [
    ("é", ["É"]),
    ("É", ["É"]),
    ("aÉb", ["a", "É", "b"]),
    ("e", ["e"]),
  ])
  func normalizedTokensAreNormalizedThemselves(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "É", "normalized": true}
      ]
      """#
    #expect(try tinyTokenizer(normalizer: #"{"type": "Lowercase"}"#, added: added).tokens(text) == expected)
  }

  @Test(arguments: [
    ("a b", ["a b"]),
    ("xa by", ["x", "a b", "y"]),
    ("a▁b", ["a b"]),
  ])
  func normalizedSpacesBecomePartOfTokens(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "a b", "normalized": true}
      ]
      """#
    #expect(
      try tinyTokenizer(normalizer: #"{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}"#, added: added)
        .tokens(text) == expected)
  }

  @Test(arguments: [
    ("a-b", ["a-b"]),
    ("xa-b-c", ["x", "a-b", "c"]),
    ("a-c", ["a", "c"]),
  ])
  func addedTokensEscapeThePreTokenizer(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "a-b", "normalized": false, "special": true}
      ]
      """#
    #expect(
      try tinyTokenizer(preTokenizer: #"{"type": "Punctuation", "behavior": "Removed"}"#, added: added).tokens(text)
        == expected)
  }

  @Test(arguments: [
    ("abc", ["abc"]),
    ("<x>abc", ["<x>", "abc"]),
    ("aabcc", ["a", "abc", "c"]),
  ])
  func aTokenOfTheModelKeepsItsId(text: String, expected: [String]) throws {
    let added = #"""
      [
        {"id": 32, "content": "abc", "normalized": false, "special": true},
        {"id": 33, "content": "<x>", "normalized": false, "special": true}
      ]
      """#
    #expect(try tinyTokenizer(added: added).tokens(text) == expected)
  }
}
