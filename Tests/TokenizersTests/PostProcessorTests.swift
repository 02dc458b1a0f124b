import Testing
import Tokenizers

/// Expected ids are those of the `tokenizers` package, release 0.23.
@Suite("Post-processors and truncation")
struct PostProcessorTests {
  @Test(
    arguments: [
      ("xyzw", nil, [1, 24, 25, 26, 23, 2]),
      ("", nil, [1, 2]),
      ("xyzw", 2, [1, 2]),
      ("xyzw", 3, [1, 24, 2]),
      ("xyzw", 4, [1, 24, 25, 2]),
      ("xyzw", 5, [1, 24, 25, 26, 2]),
      ("xyzw", 6, [1, 24, 25, 26, 23, 2]),
      ("xyzw", 7, [1, 24, 25, 26, 23, 2]),
    ] as [(String, Int?, [Int32])])
  func templatesPutTokensAtBothEnds(text: String, maximum: Int?, expected: [Int32]) throws {
    let processor = #"""
      {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "s", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "e", "type_id": 0}}],
       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
       "special_tokens": {"s": {"id": "s", "ids": [1], "tokens": ["s"]}, "e": {"id": "e", "ids": [2], "tokens": ["e"]}}}
      """#
    #expect(try tinyTokenizer(processor: processor).encode(text, maximumLength: maximum) == expected)
  }

  @Test(
    arguments: [
      ("xyzw", nil, [24, 25, 26, 23, 2, 2, 3, 4]),
      ("", nil, [2, 2, 3, 4]),
      ("xyzw", 4, [2, 2, 3, 4]),
      ("xyzw", 5, [24, 2, 2, 3, 4]),
      ("xyzw", 6, [24, 25, 2, 2, 3, 4]),
      ("xyzw", 7, [24, 25, 26, 2, 2, 3, 4]),
      ("xyzw", 8, [24, 25, 26, 23, 2, 2, 3, 4]),
      ("xyzw", 9, [24, 25, 26, 23, 2, 2, 3, 4]),
    ] as [(String, Int?, [Int32])])
  func templatesMayEndInSeveralTokens(text: String, maximum: Int?, expected: [Int32]) throws {
    let processor = #"""
      {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "e", "type_id": 0}}, {"SpecialToken": {"id": "e", "type_id": 0}}, {"SpecialToken": {"id": "f", "type_id": 0}}],
       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
       "special_tokens": {"e": {"id": "e", "ids": [2], "tokens": ["e"]}, "f": {"id": "f", "ids": [3, 4], "tokens": ["f", "f"]}}}
      """#
    #expect(try tinyTokenizer(processor: processor).encode(text, maximumLength: maximum) == expected)
  }

  @Test(
    arguments: [
      ("xyzw", nil, [24, 25, 26, 23]),
      ("", nil, []),
      ("xyzw", 0, []),
      ("xyzw", 1, [24]),
      ("xyzw", 2, [24, 25]),
      ("xyzw", 3, [24, 25, 26]),
      ("xyzw", 4, [24, 25, 26, 23]),
      ("xyzw", 5, [24, 25, 26, 23]),
    ] as [(String, Int?, [Int32])])
  func templatesMayHoldTheTextAlone(text: String, maximum: Int?, expected: [Int32]) throws {
    let processor = #"""
      {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}],
       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
       "special_tokens": {}}
      """#
    #expect(try tinyTokenizer(processor: processor).encode(text, maximumLength: maximum) == expected)
  }

  @Test(
    arguments: [
      ("xyzw", 1, [9]),
      ("xyzw", 2, [9, 24]),
      ("xyzw", 3, [9, 24, 25]),
      ("xyzw", 4, [9, 24, 25, 26]),
      ("xyzw", 5, [9, 24, 25, 26, 23]),
      ("xyzw", 6, [9, 24, 25, 26, 23]),
    ] as [(String, Int?, [Int32])])
  func templatesMayStartWithATokenOnly(text: String, maximum: Int?, expected: [Int32]) throws {
    let processor = #"""
      {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "s", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
       "special_tokens": {"s": {"id": "s", "ids": [9], "tokens": ["s"]}}}
      """#
    #expect(try tinyTokenizer(processor: processor).encode(text, maximumLength: maximum) == expected)
  }

  @Test(
    arguments: [
      ("xyzw", nil, [1, 24, 25, 26, 23, 3]),
      ("", nil, [1, 3]),
      ("xyzw", 2, [1, 3]),
      ("xyzw", 3, [1, 24, 3]),
      ("xyzw", 4, [1, 24, 25, 3]),
      ("xyzw", 5, [1, 24, 25, 26, 3]),
      ("xyzw", 6, [1, 24, 25, 26, 23, 3]),
      ("xyzw", 7, [1, 24, 25, 26, 23, 3]),
    ] as [(String, Int?, [Int32])])
  func bertAddsItsTwoTokens(text: String, maximum: Int?, expected: [Int32]) throws {
    let processor = #"""
      {"type": "BertProcessing", "sep": ["c", 3], "cls": ["a", 1]}
      """#
    #expect(try tinyTokenizer(processor: processor).encode(text, maximumLength: maximum) == expected)
  }

  @Test(
    arguments: [
      ("xyzw", nil, [1, 24, 25, 26, 23, 3]),
      ("", nil, [1, 3]),
      ("xyzw", 2, [1, 3]),
      ("xyzw", 3, [1, 24, 3]),
      ("xyzw", 4, [1, 24, 25, 3]),
      ("xyzw", 5, [1, 24, 25, 26, 3]),
      ("xyzw", 6, [1, 24, 25, 26, 23, 3]),
      ("xyzw", 7, [1, 24, 25, 26, 23, 3]),
    ] as [(String, Int?, [Int32])])
  func robertaAddsItsTwoTokens(text: String, maximum: Int?, expected: [Int32]) throws {
    let processor = #"""
      {"type": "RobertaProcessing", "sep": ["c", 3], "cls": ["a", 1], "trim_offsets": true, "add_prefix_space": false}
      """#
    #expect(try tinyTokenizer(processor: processor).encode(text, maximumLength: maximum) == expected)
  }

  @Test(
    arguments: [
      ("xyzw", nil, [24, 25, 26, 23]),
      ("", nil, []),
      ("xyzw", 0, []),
      ("xyzw", 1, [24]),
      ("xyzw", 2, [24, 25]),
      ("xyzw", 3, [24, 25, 26]),
      ("xyzw", 4, [24, 25, 26, 23]),
      ("xyzw", 5, [24, 25, 26, 23]),
    ] as [(String, Int?, [Int32])])
  func byteLevelAddsNothing(text: String, maximum: Int?, expected: [Int32]) throws {
    let processor = #"""
      {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true}
      """#
    #expect(try tinyTokenizer(processor: processor).encode(text, maximumLength: maximum) == expected)
  }

  @Test(
    arguments: [
      ("xyzw", nil, [5, 24, 25, 26, 23]),
      ("xyzw", 1, [5]),
      ("xyzw", 3, [5, 24, 25]),
      ("", nil, [5]),
    ] as [(String, Int?, [Int32])])
  func sequencesApplyTheOneThatAdds(text: String, maximum: Int?, expected: [Int32]) throws {
    let processor = #"""
      {"type": "Sequence", "processors": [{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}, {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "s", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
       "special_tokens": {"s": {"id": "s", "ids": [5], "tokens": ["s"]}}}]}
      """#
    #expect(try tinyTokenizer(processor: processor).encode(text, maximumLength: maximum) == expected)
  }

  @Test(
    arguments: [
      ("abcabc", 1, [5]),
      ("abcabc", 2, [5, 1]),
      ("abcabc", 3, [5, 1, 31]),
      ("abcabc", 4, [5, 1, 31, 1]),
      ("abcabc", 5, [5, 1, 31, 1, 31]),
      ("abcabc", 6, [5, 1, 31, 1, 31]),
    ] as [(String, Int?, [Int32])])
  func truncationCountsMergedTokensNotCharacters(text: String, maximum: Int?, expected: [Int32]) throws {
    let processor = #"""
      {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "s", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
       "special_tokens": {"s": {"id": "s", "ids": [5], "tokens": ["s"]}}}
      """#
    #expect(try tinyTokenizer(processor: processor).encode(text, maximumLength: maximum) == expected)
  }

  /// The reference library refuses such lengths; here the special tokens are cut like the rest.
  @Test(arguments: [(-3, []), (0, []), (1, [1]), (2, [1, 3]), (3, [1, 24, 3])] as [(Int, [Int32])])
  func lengthsBelowTheSpecialTokensCutThemToo(maximum: Int, expected: [Int32]) throws {
    let processor = #"{"type": "BertProcessing", "sep": ["c", 3], "cls": ["a", 1]}"#
    #expect(try tinyTokenizer(processor: processor).encode("xyz", maximumLength: maximum) == expected)
  }

  @Test(arguments: [
    (#"{"type": "BertProcessing", "sep": ["c"], "cls": ["a", 1]}"#, "post_processor.sep"),
    (#"{"type": "BertProcessing", "sep": ["c", 3], "cls": null}"#, "post_processor.cls"),
    (#"{"type": "RobertaProcessing", "sep": ["c", -1], "cls": ["a", 1]}"#, "post_processor.sep[1]: found -1"),
    (#"{"type": "RobertaProcessing", "sep": ["c", 4194304], "cls": ["a", 1]}"#, "expected 0 to 4194303"),
    (#"{"type": "TemplateProcessing", "single": 3}"#, "post_processor.single: found a number"),
    (
      #"{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "B"}}], "special_tokens": {}}"#,
      "single[0].Sequence: found sequence \"B\", expected A"
    ),
    (
      #"{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "s"}}], "special_tokens": {}}"#,
      "\"special_tokens\" has no \"s\""
    ),
  ])
  func processorsThatAreWrongNameThePlace(processor: String, expected: String) {
    #expect {
      try tinyTokenizer(processor: processor)
    } throws: { error in
      (error as? TokenizerError)?.message.contains(expected) == true
    }
  }

  @Test func aSecondProcessorThatAddsTokensIsRefused() {
    let bert = #"{"type": "BertProcessing", "sep": ["c", 3], "cls": ["a", 1]}"#
    #expect {
      try tinyTokenizer(processor: #"{"type": "Sequence", "processors": [\#(bert), \#(bert)]}"#)
    } throws: { error in
      (error as? TokenizerError)?.message.contains("post_processor.processors[1]: a second") == true
    }
  }
}
