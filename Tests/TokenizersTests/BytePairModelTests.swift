import Testing
import Tokenizers

/// Expected tokens are those of the `tokenizers` package, release 0.23.
@Suite("Byte pairs merge as in the reference")
struct BytePairModelTests {
  @Test(arguments: [
    ("abcd", ["abcd"]),
    ("abc", ["abc"]),
    ("bcd", ["b", "cd"]),
    ("dcba", ["d", "c", "b", "a"]),
    ("ababcd", ["ab", "abcd"]),
  ])
  func theMergeLearnedFirstWinsWhereverItStands(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "BPE",
       "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "ab": 4, "bc": 5, "cd": 6, "abc": 7, "abcd": 8}, "merges": ["c d", "a b", "b c", "ab cd", "ab c"]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("a", ["a"]),
    ("aa", ["aa"]),
    ("aaa", ["aa", "a"]),
    ("aaaa", ["aaaa"]),
    ("aaaaaaa", ["aaaa", "aa", "a"]),
    ("baaa", ["b", "aa", "a"]),
  ])
  func equalMergesGoFromLeftToRight(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "BPE",
       "vocab": {"a": 0, "b": 1, "aa": 2, "aaa": 3, "aaaa": 4, "ba": 5}, "merges": ["a a", "b a", "aa aa"]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("xyz", ["xyz"]),
    ("xyzxy", ["xyzxy"]),
    ("zxyz", ["z", "xyz"]),
    ("xyxyz", ["xy", "xyz"]),
  ])
  func mergesMakeTokensThatMergeEarlierPairs(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "BPE",
       "vocab": {"x": 0, "y": 1, "z": 2, "xy": 3, "xyz": 4, "zx": 5, "xyzxy": 6}, "merges": ["xy z", "x y", "z x", "xyz xy"]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("abc", ["abc"]),
    ("cab", ["cab"]),
    ("abca", ["ab", "c", "a"]),
    ("ab", ["ab"]),
  ])
  func withIgnoredMergesWholeWordsComeFirst(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "BPE", "ignore_merges": true,
       "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "cab": 5}, "merges": ["a b"]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("abc", ["ab", "c"]),
    ("cab", ["c", "ab"]),
  ])
  func withoutIgnoredMergesUnreachableTokensStayUnused(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "BPE", "ignore_merges": false,
       "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "cab": 5}, "merges": ["a b"]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("axxb", ["a", "?", "?", "b"]),
    ("xé漢", ["?", "?", "?"]),
    ("a😀", ["a", "?"]),
  ])
  func unknownsStandAloneUnlessTheyFuse(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "BPE", "unk_token": "?", "fuse_unk": false,
       "vocab": {"?": 0, "a": 1, "b": 2}, "merges": []}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("axxb", ["a", "?", "b"]),
    ("xé漢", ["?"]),
    ("xaxx", ["?", "a", "?"]),
  ])
  func fusedUnknownsAreOne(text: String, expected: [String]) throws {
    let model = #"{"type": "BPE", "unk_token": "?", "fuse_unk": true, "vocab": {"?": 0, "a": 1, "b": 2}, "merges": []}"#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("axb", ["ab"]),
    ("x", []),
    ("axxb", ["ab"]),
  ])
  func withoutUnknownTokenCharactersVanish(text: String, expected: [String]) throws {
    let model = #"{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}"#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("aéa", ["a", "<0xC3>", "<0xA9>", "a"]),
    ("é漢", ["<0xC3>", "<0xA9>", "?"]),
    ("ééx", ["<0xC3>", "<0xA9>", "<0xC3>", "<0xA9>", "?"]),
  ])
  func bytesStandForCharactersWhenAllAreKnown(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "BPE", "unk_token": "?", "byte_fallback": true,
       "vocab": {"?": 0, "a": 1, "<0xC3>": 2, "<0xA9>": 3, "<0xE6>": 4, "<0xBC>": 6}, "merges": []}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("xyéz", ["<0xC3>", "<0xA9>", "?"]),
    ("aé漢xx", ["a", "<0xC3>", "<0xA9>", "<0xE6>", "<0xBC>", "<0xA2>", "?"]),
    ("xéxa", ["<0xC3>", "<0xA9>", "?", "a"]),
  ])
  func bytesAndFusedUnknownsTakeTurns(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "BPE", "unk_token": "?", "byte_fallback": true, "fuse_unk": true,
       "vocab": {"?": 0, "a": 1, "<0xC3>": 2, "<0xA9>": 3, "<0xE6>": 4, "<0xBC>": 5, "<0xA2>": 6}, "merges": []}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }

  @Test(arguments: [
    ("ab", ["ab</w>"]),
    ("aab", ["a", "##ab</w>"]),
    ("a", ["a</w>"]),
    ("b", ["b</w>"]),
    ("aba", ["a", "##b", "?"]),
  ])
  func affixesMarkContinuationsAndTheEndOfAWord(text: String, expected: [String]) throws {
    let model = #"""
      {"type": "BPE", "unk_token": "?", "continuing_subword_prefix": "##", "end_of_word_suffix": "</w>",
       "vocab": {"?": 0, "a": 1, "##a": 2, "b</w>": 3, "##b</w>": 4, "ab</w>": 5, "##ab</w>": 6, "##b": 7, "a</w>": 8}, "merges": ["a ##b</w>", "##a ##b</w>"]}
      """#
    #expect(try tinyTokenizer(model: model).tokens(text) == expected)
  }
}
