import Testing
import Tokenizers

/// Expected texts are those of the `tokenizers` package, release 0.23.
@Suite("Normalizers rewrite text as the reference does")
struct NormalizerTests {
  @Test(arguments: [
    TextCase(#"{"type": "NFC"}"#, "e\u{301}", "é"),
    TextCase(#"{"type": "NFC"}"#, "각", "각"),
    TextCase(#"{"type": "NFC"}"#, "Å", "Å"),
    TextCase(#"{"type": "NFC"}"#, "a\u{323}\u{301}", "ạ\u{301}"),
    TextCase(#"{"type": "NFC"}"#, "a\u{301}\u{323}", "ạ\u{301}"),
    TextCase(#"{"type": "NFC"}"#, "क़", "क\u{93C}"),
  ])
  func composesCanonically(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "NFD"}"#, "é", "e\u{301}"),
    TextCase(#"{"type": "NFD"}"#, "각", "각"),
    TextCase(#"{"type": "NFD"}"#, "Å", "A\u{30A}"),
    TextCase(#"{"type": "NFD"}"#, "ệ", "e\u{323}\u{302}"),
    TextCase(#"{"type": "NFD"}"#, "ẛ\u{323}", "ſ\u{323}\u{307}"),
    TextCase(#"{"type": "NFD"}"#, "ﬁ", "ﬁ"),
  ])
  func decomposesCanonically(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "NFKC"}"#, "ﬁ", "fi"),
    TextCase(#"{"type": "NFKC"}"#, "①½", "11⁄2"),
    TextCase(#"{"type": "NFKC"}"#, "ｱﾞ", "ア\u{3099}"),
    TextCase(#"{"type": "NFKC"}"#, "ẛ\u{323}", "ṩ"),
    TextCase(#"{"type": "NFKC"}"#, "ﷺ", "صلى الله عليه وسلم"),
    TextCase(#"{"type": "NFKC"}"#, "x²", "x2"),
  ])
  func composesByCompatibility(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "NFKD"}"#, "ﬁ", "fi"),
    TextCase(#"{"type": "NFKD"}"#, "①½", "11⁄2"),
    TextCase(#"{"type": "NFKD"}"#, "ｶﾞ", "カ\u{3099}"),
    TextCase(#"{"type": "NFKD"}"#, "ẛ\u{323}", "s\u{323}\u{307}"),
    TextCase(#"{"type": "NFKD"}"#, "Å", "A\u{30A}"),
    TextCase(#"{"type": "NFKD"}"#, "™", "TM"),
  ])
  func decomposesByCompatibility(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "Strip", "strip_left": true, "strip_right": true}"#, "\u{3000}\t a b \n", "a b"),
    TextCase(#"{"type": "Strip", "strip_left": true, "strip_right": false}"#, "\u{3000}\t a b \n", "a b \n"),
    TextCase(#"{"type": "Strip", "strip_left": false, "strip_right": true}"#, "\u{3000}\t a b \n", "\u{3000}\t a b"),
    TextCase(
      #"{"type": "Strip", "strip_left": false, "strip_right": false}"#, "\u{3000}\t a b \n", "\u{3000}\t a b \n"),
    TextCase(#"{"type": "Strip", "strip_left": true, "strip_right": true}"#, "\u{200B}x\u{200B}", "\u{200B}x\u{200B}"),
    TextCase(#"{"type": "Strip", "strip_left": true, "strip_right": true}"#, "abc", "abc"),
  ])
  func stripRemovesWhiteSpaceAtTheChosenEnds(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "Replace", "pattern": {"String": "aa"}, "content": "b"}"#, "aaaaa", "bba"),
    TextCase(#"{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}"#, "a  b", "a▁▁b"),
    TextCase(#"{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "_"}"#, "a b  c    d", "a b_c_d"),
    TextCase(#"{"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": ""}"#, "a \t\n b", "ab"),
    TextCase(#"{"type": "Replace", "pattern": {"Regex": "[éè]"}, "content": "e"}"#, "été 😀è", "ete 😀e"),
    TextCase(#"{"type": "Replace", "pattern": {"String": "."}, "content": "$0"}"#, "a.b", "a$0b"),
    TextCase(#"{"type": "Replace", "pattern": {"String": "x"}, "content": "xx"}"#, "xyx", "xxyxx"),
  ])
  func replaceChangesEveryMatchFromLeftToRight(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "Prepend", "prepend": "▁"}"#, "a b", "▁a b"),
    TextCase(#"{"type": "Prepend", "prepend": "ab"}"#, "▁", "ab▁"),
    TextCase(#"{"type": "Prepend", "prepend": "▁"}"#, "▁x", "▁▁x"),
  ])
  func prependSkipsEmptyTextOnly(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "Lowercase"}"#, "ABC", "abc"),
    TextCase(#"{"type": "Lowercase"}"#, "ÀÉ", "àé"),
    TextCase(#"{"type": "Lowercase"}"#, "ΑΣ", "ασ"),
    TextCase(#"{"type": "Lowercase"}"#, "İI", "i\u{307}i"),
    TextCase(#"{"type": "Lowercase"}"#, "ǅ", "ǆ"),
    TextCase(#"{"type": "Lowercase"}"#, "ẞ", "ß"),
    TextCase(#"{"type": "Lowercase"}"#, "Ⅷ", "ⅷ"),
    TextCase(#"{"type": "Lowercase"}"#, "𐐀", "𐐨"),
  ])
  func lowercaseGoesScalarByScalar(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "StripAccents"}"#, "é", "é"),
    TextCase(#"{"type": "StripAccents"}"#, "e\u{301}", "e"),
    TextCase(#"{"type": "StripAccents"}"#, "a\u{323}\u{301}b", "ab"),
    TextCase(#"{"type": "StripAccents"}"#, "\u{93F}", ""),
    TextCase(#"{"type": "StripAccents"}"#, "x\u{20DD}", "x"),
  ])
  func stripAccentsRemovesMarksThatStandApart(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(
      #"{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": false, "strip_accents": false, "lowercase": false}"#,
      "a\u{0}b\tc\u{200D}d�\u{A0}e", "ab cd e"),
    TextCase(
      #"{"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": false, "strip_accents": false, "lowercase": false}"#,
      "a\tbÉ漢", "a\tbÉ漢"),
    TextCase(
      #"{"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": true, "strip_accents": false, "lowercase": false}"#,
      "a漢字b、あ", "a 漢  字 b、あ"),
    TextCase(
      #"{"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": true, "strip_accents": false, "lowercase": false}"#,
      "𠀀x", " 𠀀 x"),
    TextCase(
      #"{"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": false, "strip_accents": true, "lowercase": false}"#,
      "Éa\u{301}ñ", "Ean"),
    TextCase(
      #"{"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": false, "strip_accents": false, "lowercase": true}"#,
      "ÉAñ", "éañ"),
    TextCase(
      #"{"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": false, "strip_accents": null, "lowercase": false}"#,
      "É", "É"),
    TextCase(
      #"{"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": false, "strip_accents": null, "lowercase": true}"#,
      "ÉÅ", "ea"),
    TextCase(
      #"{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": true, "lowercase": true}"#,
      "\u{301}É 漢\u{301} İ\r\n", "e  漢  i  "),
  ])
  func bertFlagsActAlone(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "Nmt"}"#, "a\u{1}b\u{B}c\u{7F}", "abc"),
    TextCase(#"{"type": "Nmt"}"#, "a\tb\u{200B}c\u{FEFF}d", "a b c d"),
    TextCase(#"{"type": "Nmt"}"#, "a\u{2028}b", "a b"),
  ])
  func nmtMapsControlsToSpaceOrNothing(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(#"{"type": "ByteLevel"}"#, "a b", "aĠb"),
    TextCase(#"{"type": "ByteLevel"}"#, "é", "Ã©"),
    TextCase(#"{"type": "ByteLevel"}"#, "\n漢", "Ċæ¼¢"),
  ])
  func byteLevelSpellsEveryByte(example: TextCase) throws {
    try expectNormalized(example)
  }

  @Test(arguments: [
    TextCase(
      #"{"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]}"#, "ÉÀ",
      "ea"),
    TextCase(#"{"type": "Sequence", "normalizers": [{"type": "StripAccents"}, {"type": "NFD"}]}"#, "É", "E\u{301}"),
    TextCase(
      #"{"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}"#,
      "a b", "▁a▁b"),
    TextCase(
      #"{"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, {"type": "Prepend", "prepend": " "}]}"#,
      "a b", " a▁b"),
    TextCase(#"{"type": "Sequence", "normalizers": []}"#, "A b", "A b"),
  ])
  func sequencesApplyInOrder(example: TextCase) throws {
    try expectNormalized(example)
  }
}
