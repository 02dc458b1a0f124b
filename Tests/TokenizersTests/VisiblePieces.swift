import Testing
import Tokenizers

/// A text, the JSON of the pre-tokenizer that cuts it, and the pieces that come out.
struct PieceCase: Sendable, CustomTestStringConvertible {
  let component: String
  let text: String
  let expected: [String]

  init(_ component: String, _ text: String, _ expected: [String]) {
    self.component = component
    self.text = text
    self.expected = expected
  }

  var testDescription: String { "\(text.debugDescription) by \(component)" }
}

/// A text, the JSON of the normalizer that rewrites it, and what it becomes.
struct TextCase: Sendable, CustomTestStringConvertible {
  let component: String
  let text: String
  let expected: String

  init(_ component: String, _ text: String, _ expected: String) {
    self.component = component
    self.text = text
    self.expected = expected
  }

  var testDescription: String { "\(text.debugDescription) by \(component)" }
}

/// The mark of a scalar that continues a piece: a private-use scalar that no text of the tests holds.
private let continuationMark = "\u{F8FF}"

/// A tokenizer with a token per scalar of `alphabet`, marked where the scalar continues a piece, so that ids show how
/// text was rewritten and cut.
func scalarTokenizer(
  alphabet: String, normalizer: String = "null", preTokenizer: String = "null", added: String = "[]"
) throws -> Tokenizer {
  var entries = ["\"\\u0000?\": 0"]
  for scalar in Set(alphabet.unicodeScalars).sorted() {
    let digits = String(scalar.value, radix: 16)
    let text =
      scalar.value < 0x80 ? "\\u" + String(repeating: "0", count: 4 - digits.count) + digits : String(scalar)
    entries.append("\"\(text)\": \(entries.count)")
    entries.append("\"\(continuationMark)\(text)\": \(entries.count)")
  }
  let model = """
    {"type": "WordPiece", "unk_token": "\\u0000?", "continuing_subword_prefix": "\(continuationMark)",
     "max_input_chars_per_word": 1000000, "vocab": {\(entries.joined(separator: ", "))}}
    """
  return try tinyTokenizer(normalizer: normalizer, preTokenizer: preTokenizer, added: added, model: model)
}

/// The pieces that a tokenizer of ``scalarTokenizer(alphabet:normalizer:preTokenizer:added:)`` cuts `text` into.
func visiblePieces(_ tokenizer: Tokenizer, _ text: String) -> [String] {
  var pieces: [String.UnicodeScalarView] = []
  for token in tokenizer.tokens(text) {
    let scalars = token.unicodeScalars
    if scalars.first == continuationMark.unicodeScalars.first {
      pieces[pieces.count - 1].append(contentsOf: scalars.dropFirst())
    } else {
      pieces.append(scalars)
    }
  }
  return pieces.map { String($0) }
}

func visiblePieces(_ example: PieceCase) throws -> [String] {
  let alphabet = example.text + example.expected.joined()
  let tokenizer = try scalarTokenizer(alphabet: alphabet, preTokenizer: example.component)
  return visiblePieces(tokenizer, example.text)
}

/// Compares scalar by scalar: strings that differ in their normal form only are equal to Swift.
func expectNormalized(_ example: TextCase, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let alphabet = example.text + example.expected
  let tokenizer = try scalarTokenizer(alphabet: alphabet, normalizer: example.component)
  let found = visiblePieces(tokenizer, example.text).joined()
  #expect(
    Array(found.unicodeScalars) == Array(example.expected.unicodeScalars), "\(found.debugDescription)",
    sourceLocation: sourceLocation)
}
