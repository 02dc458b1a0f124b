import Testing
import Tokenizers

/// Expected pieces are those of the `tokenizers` package, release 0.23.
@Suite("Split behaviors")
struct SplitBehaviorTests {
  private func expectPieces(
    _ behavior: String, of text: String, at pattern: String, invert: Bool = false, _ expected: [String]
  ) throws {
    let split = """
      {"type": "Split", "pattern": \(pattern), "behavior": "\(behavior)", "invert": \(invert)}
      """
    #expect(try visiblePieces(PieceCase(split, text, expected)) == expected)
  }

  @Test(arguments: [
    ("Removed", ["a", "b", "c"]),
    ("Isolated", ["-", "-", "a", "-", "b", "-", "-", "c", "-"]),
    ("MergedWithPrevious", ["-", "-", "a-", "b-", "-", "c-"]),
    ("MergedWithNext", ["-", "-a", "-b", "-", "-c", "-"]),
    ("Contiguous", ["--", "a", "-", "b", "--", "c", "-"]),
  ])
  func matchesAtBothEndsAndInARow(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "--a-b--c-", at: #"{"String": "-"}"#, expected)
  }

  @Test(arguments: [
    ("Removed", []),
    ("Isolated", ["-", "-", "-"]),
    ("MergedWithPrevious", ["-", "-", "-"]),
    ("MergedWithNext", ["-", "-", "-"]),
    ("Contiguous", ["---"]),
  ])
  func textThatIsAllMatches(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "---", at: #"{"String": "-"}"#, expected)
  }

  @Test(arguments: [
    ("Removed", ["abc"]),
    ("Isolated", ["abc"]),
    ("MergedWithPrevious", ["abc"]),
    ("MergedWithNext", ["abc"]),
    ("Contiguous", ["abc"]),
  ])
  func textWithoutMatchesStaysWhole(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "abc", at: #"{"String": "-"}"#, expected)
  }

  @Test(arguments: [
    ("Removed", ["-", "-", "-", "-", "-", "-"]),
    ("Isolated", ["-", "-", "a", "-", "b", "-", "-", "c", "-"]),
    ("MergedWithPrevious", ["-", "-a", "-b", "-", "-c", "-"]),
    ("MergedWithNext", ["-", "-", "a-", "b-", "-", "c-"]),
    ("Contiguous", ["--", "a", "-", "b", "--", "c", "-"]),
  ])
  func invertedMatchesAtBothEndsAndInARow(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "--a-b--c-", at: #"{"String": "-"}"#, invert: true, expected)
  }

  @Test(arguments: [
    ("Removed", ["-", "-", "-"]),
    ("Isolated", ["-", "-", "-"]),
    ("MergedWithPrevious", ["-", "-", "-"]),
    ("MergedWithNext", ["-", "-", "-"]),
    ("Contiguous", ["---"]),
  ])
  func invertedTextThatIsAllMatches(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "---", at: #"{"String": "-"}"#, invert: true, expected)
  }

  @Test(arguments: [
    ("Removed", []),
    ("Isolated", ["abc"]),
    ("MergedWithPrevious", ["abc"]),
    ("MergedWithNext", ["abc"]),
    ("Contiguous", ["abc"]),
  ])
  func invertedTextWithoutMatchesIsOneMatch(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "abc", at: #"{"String": "-"}"#, invert: true, expected)
  }

  @Test(arguments: [
    ("Removed", ["😀", "x", "é"]),
    ("Isolated", ["😀", "12", "漢", "漢", "x", "3", "é"]),
    ("MergedWithPrevious", ["😀12", "漢", "漢", "x3", "é"]),
    ("MergedWithNext", ["😀", "12", "漢", "漢x", "3é"]),
    ("Contiguous", ["😀", "12漢漢", "x", "3", "é"]),
  ])
  func runsOfAnExpressionAcrossWideScalars(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "😀12漢漢x3é", at: #"{"Regex": "[0-9]+|漢"}"#, expected)
  }

  @Test(arguments: [
    ("Removed", ["12", "漢", "漢", "3"]),
    ("Isolated", ["😀", "12", "漢", "漢", "x", "3", "é"]),
    ("MergedWithPrevious", ["😀", "12", "漢", "漢x", "3é"]),
    ("MergedWithNext", ["😀12", "漢", "漢", "x3", "é"]),
    ("Contiguous", ["😀", "12漢漢", "x", "3", "é"]),
  ])
  func invertedRunsOfAnExpressionAcrossWideScalars(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "😀12漢漢x3é", at: #"{"Regex": "[0-9]+|漢"}"#, invert: true, expected)
  }

  @Test(arguments: [
    ("Removed", ["baxab"]),
    ("Isolated", ["aba", "baxab"]),
    ("MergedWithPrevious", ["aba", "baxab"]),
    ("MergedWithNext", ["ababaxab"]),
    ("Contiguous", ["aba", "baxab"]),
  ])
  func literalsOfSeveralScalarsDoNotOverlap(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "ababaxab", at: #"{"String": "aba"}"#, expected)
  }

  @Test(arguments: [
    ("Removed", ["ab", "1c"]),
    ("Isolated", ["ab", "1c"]),
    ("MergedWithPrevious", ["ab", "1c"]),
    ("MergedWithNext", ["ab", "1c"]),
    ("Contiguous", ["ab", "1c"]),
  ])
  func matchesOfNoWidthCutBetweenScalars(behavior: String, expected: [String]) throws {
    try expectPieces(behavior, of: "ab1c", at: #"{"Regex": "(?=1)"}"#, expected)
  }
}
