import Testing
import Tokenizers

/// Expected pieces are those of the `tokenizers` package, release 0.23.
@Suite("Pre-tokenizers cut text as the reference does")
struct PreTokenizerTests {
  @Test(arguments: [
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}"#, "a b", ["▁a", "▁b"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}"#, " a  b ",
      ["▁a", "▁", "▁b", "▁"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": false}"#, "a b", ["▁a▁b"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": false}"#, " a  b ", ["▁a▁▁b▁"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}"#, "a b", ["▁a", "▁b"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}"#, " a  b ",
      ["▁a", "▁", "▁b", "▁"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}"#, "a b", ["▁a▁b"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}"#, " a  b ", ["▁a▁▁b▁"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": true}"#, "a b", ["a", "▁b"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": true}"#, " a  b ",
      ["▁a", "▁", "▁b", "▁"]),
    PieceCase(#"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": false}"#, "a b", ["a▁b"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": false}"#, " a  b ", ["▁a▁▁b▁"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}"#, "▁a▁▁b",
      ["▁a", "▁", "▁b"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": true}"#, "▁a▁▁b",
      ["▁a", "▁", "▁b"]),
    PieceCase(
      #"{"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": true}"#, "x_y z",
      ["_x", "_y", "_z"]),
  ])
  func metaspaceMarksSpacesByScheme(example: PieceCase) throws {
    #expect(try visiblePieces(example) == example.expected)
  }

  @Test(arguments: [
    PieceCase(#"{"type": "Digits", "individual_digits": true}"#, "a12b3", ["a", "1", "2", "b", "3"]),
    PieceCase(#"{"type": "Digits", "individual_digits": true}"#, "123", ["1", "2", "3"]),
    PieceCase(#"{"type": "Digits", "individual_digits": true}"#, "½x٣٤", ["½", "x", "٣", "٤"]),
    PieceCase(#"{"type": "Digits", "individual_digits": true}"#, "no digits", ["no digits"]),
    PieceCase(#"{"type": "Digits", "individual_digits": false}"#, "a12b3", ["a", "12", "b", "3"]),
    PieceCase(#"{"type": "Digits", "individual_digits": false}"#, "123", ["123"]),
    PieceCase(#"{"type": "Digits", "individual_digits": false}"#, "½x٣٤", ["½", "x", "٣٤"]),
    PieceCase(#"{"type": "Digits", "individual_digits": false}"#, "no digits", ["no digits"]),
  ])
  func digitsStandAloneOrInRuns(example: PieceCase) throws {
    #expect(try visiblePieces(example) == example.expected)
  }

  @Test(arguments: [
    PieceCase(#"{"type": "Punctuation", "behavior": "Removed"}"#, "Hi!! (you)…", ["Hi", " ", "you"]),
    PieceCase(
      #"{"type": "Punctuation", "behavior": "Isolated"}"#, "Hi!! (you)…", ["Hi", "!", "!", " ", "(", "you", ")", "…"]),
    PieceCase(
      #"{"type": "Punctuation", "behavior": "MergedWithPrevious"}"#, "Hi!! (you)…", ["Hi!", "!", " (", "you)", "…"]),
    PieceCase(
      #"{"type": "Punctuation", "behavior": "MergedWithNext"}"#, "Hi!! (you)…", ["Hi", "!", "! ", "(you", ")", "…"]),
    PieceCase(
      #"{"type": "Punctuation", "behavior": "Contiguous"}"#, "Hi!! (you)…", ["Hi", "!!", " ", "(", "you", ")…"]),
    PieceCase(
      #"{"type": "Punctuation", "behavior": "Isolated"}"#, "a$b+c`d«e»",
      ["a", "$", "b", "+", "c", "`", "d", "«", "e", "»"]),
  ])
  func punctuationFollowsItsBehavior(example: PieceCase) throws {
    #expect(try visiblePieces(example) == example.expected)
  }

  @Test(arguments: [
    PieceCase(#"{"type": "Whitespace"}"#, "It's 12.5% of_it", ["It", "'", "s", "12", ".", "5", "%", "of_it"]),
    PieceCase(#"{"type": "Whitespace"}"#, "\u{3000}a\u{A0}b\t\n", ["a", "b"]),
    PieceCase(#"{"type": "Whitespace"}"#, "日本語!?x", ["日本語", "!?", "x"]),
    PieceCase(#"{"type": "Whitespace"}"#, "e\u{301}x-", ["e\u{301}x", "-"]),
    PieceCase(#"{"type": "WhitespaceSplit"}"#, " It's  12.5%\n of", ["It's", "12.5%", "of"]),
    PieceCase(#"{"type": "WhitespaceSplit"}"#, "\u{2003}a\u{2028}b", ["a", "b"]),
  ])
  func whitespaceSeparatesWordsFromSymbols(example: PieceCase) throws {
    #expect(try visiblePieces(example) == example.expected)
  }

  @Test(arguments: [
    PieceCase(
      #"{"type": "BertPreTokenizer"}"#, "Hey friend!     How are you?!?",
      ["Hey", "friend", "!", "How", "are", "you", "?", "!", "?"]),
    PieceCase(#"{"type": "BertPreTokenizer"}"#, "a$b", ["a", "$", "b"]),
    PieceCase(#"{"type": "BertPreTokenizer"}"#, "(x)", ["(", "x", ")"]),
    PieceCase(#"{"type": "BertPreTokenizer"}"#, "  ", []),
  ])
  func bertDropsSpacesAndIsolatesPunctuation(example: PieceCase) throws {
    #expect(try visiblePieces(example) == example.expected)
  }

  @Test(arguments: [
    PieceCase(#"{"type": "CharDelimiterSplit", "delimiter": "|"}"#, "a||b|", ["a", "b"]),
    PieceCase(#"{"type": "CharDelimiterSplit", "delimiter": "é"}"#, "xéyez", ["x", "yez"]),
  ])
  func delimitersVanish(example: PieceCase) throws {
    #expect(try visiblePieces(example) == example.expected)
  }

  @Test(arguments: [
    PieceCase(
      #"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"#, "I'll  go 12!",
      ["ĠI", "'ll", "Ġ", "Ġgo", "Ġ12", "!"]),
    PieceCase(
      #"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"#, "é\n", ["ĠÃ©", "Ċ"]),
    PieceCase(
      #"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": false}"#, "I'll  go 12!",
      ["ĠI'llĠĠgoĠ12!"]),
    PieceCase(
      #"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": false}"#, "é\n", ["ĠÃ©Ċ"]),
    PieceCase(
      #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}"#, "I'll  go 12!",
      ["I", "'ll", "Ġ", "Ġgo", "Ġ12", "!"]),
    PieceCase(
      #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}"#, "é\n", ["Ã©", "Ċ"]),
    PieceCase(
      #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}"#, "I'll  go 12!",
      ["I'llĠĠgoĠ12!"]),
    PieceCase(
      #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}"#, "é\n", ["Ã©Ċ"]),
    PieceCase(
      #"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"#, " a", ["Ġa"]),
  ])
  func byteLevelSpellsBytesWithStandIns(example: PieceCase) throws {
    #expect(try visiblePieces(example) == example.expected)
  }

  @Test(arguments: [
    PieceCase(
      #"{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Digits", "individual_digits": true}]}"#,
      "ab12 3c", ["ab", "1", "2", "3", "c"]),
    PieceCase(
      #"{"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": false}, {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": false}]}"#,
      "ab12 3c", ["Ġab", "Ġ12", "Ġ", "Ġ3", "Ġc"]),
    PieceCase(#"{"type": "Sequence", "pretokenizers": []}"#, "a b", ["a b"]),
    PieceCase(
      #"{"type": "Sequence", "pretokenizers": [{"type": "Punctuation", "behavior": "MergedWithPrevious"}, {"type": "WhitespaceSplit"}]}"#,
      "a, b. c", ["a,", "b.", "c"]),
  ])
  func sequencesHandPiecesOn(example: PieceCase) throws {
    #expect(try visiblePieces(example) == example.expected)
  }
}
