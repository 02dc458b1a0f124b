/// What a scalar counts as, in the Unicode version that each part of the reference library was built with.
///
/// Hugging Face's `tokenizers` mixes versions: its punctuation, control characters and accents come from Unicode 8
/// tables, its combining marks and normal forms from Unicode 9, `\p{L}`, `\p{N}` and `\w` from Unicode 16, white space
/// and numerals from the newest. A younger scalar is therefore not yet punctuation there. Ids must be equal, so each
/// class is cut at its own version's age; the few scalars that changed class since then are listed.
package struct ScalarClass: OptionSet, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// `\p{L}`
  package static let letter = ScalarClass(rawValue: 1)
  /// `\p{N}`
  package static let number = ScalarClass(rawValue: 2)
  /// `\s`
  package static let whitespace = ScalarClass(rawValue: 4)
  /// Punctuation of the BERT and Punctuation pre-tokenizers, ASCII symbols included.
  package static let punctuation = ScalarClass(rawValue: 8)
  /// Control, format and private-use characters, which BERT's cleaning removes.
  package static let other = ScalarClass(rawValue: 16)
  /// Non-spacing marks, which BERT calls accents.
  package static let nonspacingMark = ScalarClass(rawValue: 32)
  /// All marks, which StripAccents removes.
  package static let combiningMark = ScalarClass(rawValue: 64)
  /// `\w`
  package static let word = ScalarClass(rawValue: 128)
  /// Numerals of the Digits pre-tokenizer.
  package static let numeral = ScalarClass(rawValue: 256)
  /// The blocks that BERT calls Chinese.
  package static let ideograph = ScalarClass(rawValue: 512)

  private static let frequent = ContiguousArray((0..<UInt32(0x800)).map { classify($0) })

  /// The classes of a scalar. O(1).
  @inline(__always)
  package static func of(_ scalar: UInt32) -> ScalarClass {
    scalar < 0x800 ? frequent[Int(scalar)] : ofRare(scalar)
  }

  private static func ofRare(_ scalar: UInt32) -> ScalarClass {
    switch scalar {
    case 0x4E00...0x9FA5: [.letter, .word, .ideograph]
    case 0x3041...0x3094, 0x30A1...0x30FA, 0xAC00...0xD7A3: [.letter, .word]
    default: classify(scalar)
    }
  }

  private static func classify(_ value: UInt32) -> ScalarClass {
    guard let scalar = Unicode.Scalar(value) else { return [] }
    let properties = scalar.properties
    let age = properties.age.map { $0.major * 10 + $0.minor } ?? .max
    var result = classes(of: properties.generalCategory, age: age)
    if properties.isWhitespace { result.insert(.whitespace) }
    if age <= 160, properties.isAlphabetic || properties.isJoinControl { result.insert(.word) }
    if isIdeograph(value) { result.insert(.ideograph) }
    return value < 0x80 ? ascii(value, result) : reclassified(value, result)
  }

  private static func classes(of category: Unicode.GeneralCategory, age: Int) -> ScalarClass {
    switch category {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      age <= 160 ? .letter : []
    case .decimalNumber: age <= 160 ? [.number, .numeral, .word] : .numeral
    case .letterNumber, .otherNumber: age <= 160 ? [.number, .numeral] : .numeral
    case .connectorPunctuation: age <= 80 ? [.punctuation, .word] : age <= 160 ? .word : []
    case .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
      .otherPunctuation:
      age <= 80 ? .punctuation : []
    case .control, .format, .privateUse: age <= 80 ? .other : []
    case .nonspacingMark: marks([.nonspacingMark, .combiningMark, .word], age: age)
    case .spacingMark, .enclosingMark: marks([.combiningMark, .word], age: age)
    default: []
    }
  }

  private static func marks(_ all: ScalarClass, age: Int) -> ScalarClass {
    switch age {
    case ...80: all
    case ...90: all.subtracting(.nonspacingMark)
    case ...160: .word
    default: []
    }
  }

  private static func ascii(_ value: UInt32, _ classes: ScalarClass) -> ScalarClass {
    switch value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: classes.union(.punctuation)
    default: classes
    }
  }

  /// The scalars whose category changed after the version that the library uses.
  private static func reclassified(_ value: UInt32, _ classes: ScalarClass) -> ScalarClass {
    switch value {
    case 0x166D: classes.union(.punctuation)
    case 0x111C9: [.punctuation, .word]
    case 0x1CF2, 0x1CF3: classes.union(.combiningMark)
    case 0x1734, 0x1171E: classes.union(.nonspacingMark)
    case 0x1885, 0x1886, 0xA9BD: classes.subtracting(.nonspacingMark)
    default: classes
    }
  }

  private static func isIdeograph(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
