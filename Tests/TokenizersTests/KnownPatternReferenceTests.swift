import TensorMath
import Testing
import Tokenizers

/// The hand-written scanners against the platform's engine, which reads the same expressions once a group around them
/// hides that they are known.
@Suite("Known patterns match like the expressions they stand for")
struct KnownPatternReferenceTests {
  static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  static let clip = #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
  static let cl100kHead = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
  static let cl100kTail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  static let expressions = [
    gpt2, clip, #"<\|startoftext\|>|<\|endoftext\|>|"# + clip, cl100kHead + "{1,3}" + cl100kTail,
    cl100kHead + cl100kTail, #"\s+"#, " {2,}", " +",
  ]

  /// Scalars whose classes did not change between Unicode versions.
  static let units = [
    "a", "B", "s", "t", "re", "VE", "m", "ll", "D", "é", "漢", "ж", "\u{17F}", "'", "'", "'s", "'S", "'Re", "'ll", " ",
    " ", "  ", "\n", "\r\n", "\t", "\u{A0}", "\u{3000}", "1", "23", "4567", "½", "٣", ".", "!?", "-", "_", "😀",
    "\u{301}",
    "<|startoftext|>", "<|endoftext|>", "<|", "|>",
  ]

  private func splitter(
    _ expression: String, _ behavior: String, invert: Bool = false, alphabet: String = Self.units.joined()
  ) throws -> Tokenizer {
    let escaped = expression.map { $0 == "\\" ? "\\\\" : String($0) }.joined()
    let split = """
      {"type": "Split", "pattern": {"Regex": "\(escaped)"}, "behavior": "\(behavior)", "invert": \(invert)}
      """
    return try scalarTokenizer(alphabet: alphabet, preTokenizer: split)
  }

  private func text(using random: inout RandomSource) -> String {
    (0..<Int.random(in: 1...24, using: &random)).map { _ in Self.units.randomElement(using: &random)! }.joined()
  }

  @Test(arguments: expressions, [("Isolated", false), ("Removed", true), ("Removed", false)])
  func randomTextsAreCutAlike(expression: String, mode: (behavior: String, invert: Bool)) throws {
    let known = try splitter(expression, mode.behavior, invert: mode.invert)
    let reference = try splitter("(?:\(expression))", mode.behavior, invert: mode.invert)
    var random = RandomSource(seed: 41)
    for _ in 0..<1500 {
      let text = text(using: &random)
      let expected = visiblePieces(reference, text)
      let found = visiblePieces(known, text)
      #expect(found == expected, "\(text.debugDescription)")
      if mode.behavior == "Isolated" {
        #expect(Array(found.joined().utf8) == Array(text.utf8))
      }
    }
  }

  @Test(arguments: expressions)
  func everyPairOfUnitsIsCutAlike(expression: String) throws {
    let known = try splitter(expression, "Isolated")
    let reference = try splitter("(?:\(expression))", "Isolated")
    for first in Self.units {
      for second in Self.units {
        let text = first + second
        #expect(visiblePieces(known, text) == visiblePieces(reference, text), "\(text.debugDescription)")
      }
    }
  }

  /// Expected pieces are those of the `tokenizers` package, release 0.23.
  @Test(arguments: [
    (gpt2, "It's  we'LL 2024!?\n\n x", ["It", "'s", " ", " we", "'", "LL", " 2024", "!?", "\n\n", " x"]),
    (gpt2, "a   b  ", ["a", "  ", " b", "  "]),
    (
      #"<\|startoftext\|>|<\|endoftext\|>|"# + clip, "<|startoftext|>it's 12<|endoftext|> x",
      ["<|startoftext|>", "it", "'s", "1", "2", "<|endoftext|>", "x"]
    ),
    (
      cl100kHead + "{1,3}" + cl100kTail, "It'S 12345 .\n\n x\t\ty",
      ["It", "'S", " ", "123", "45", " .\n\n", " x", "\t", "\ty"]
    ),
    (cl100kHead + "{1,3}" + cl100kTail, "  \n  a'ſ", ["  \n", " ", " a", "'ſ"]),
    (cl100kHead + cl100kTail, "a 12'd !\r\n", ["a", " ", "1", "2", "'d", " !\r\n"]),
  ])
  func publishedExpressionsCutLikeTheReference(expression: String, text: String, expected: [String]) throws {
    #expect(try visiblePieces(splitter(expression, "Removed", invert: true, alphabet: text), text) == expected)
  }
}
