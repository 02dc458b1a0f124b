internal import Foundation

/// What a scalar means for cutting text into words.
enum CharacterClass: UInt32 {
  /// Ends a word.
  case separator
  /// Part of a word.
  case word
  /// A word of its own: ideographs and kana, which are written without spaces, and pictographs.
  case standalone
  /// Leaves no trace: diacritics, tatweel, invisible characters.
  case dropped
  /// Part of a word that may combine with its neighbours under NFKC, so that the whole string must be normalized
  /// first.
  case composing
}

/// A folded scalar and its class, in one word.
struct FoldedScalar: Equatable {
  let bits: UInt32

  init(_ scalar: UInt32, _ characterClass: CharacterClass) { bits = scalar | characterClass.rawValue << 24 }

  var scalar: UInt32 { bits & 0xFF_FFFF }
  var characterClass: CharacterClass { CharacterClass(rawValue: bits >> 24) ?? .separator }
}

/// Folds characters that readers take for the same: compatibility forms (NFKC), case, accents, and for Arabic
/// diacritics, tatweel, the forms of alef, hamza, ya and ta marbuta, presentation forms; decimal digits of every
/// script become ASCII.
///
/// One table look-up per scalar, so that text of any script costs about what ASCII does. Two strings of equal NFKC
/// fold alike: marks that are dropped are dropped whether composed or not, and text with other combining characters
/// is normalized as a whole before it is folded.
struct CharacterFolding: Sendable {
  // Each table is made when the first character of its kind is met, at about a millisecond for 256 scalars: a night of
  // few items should not pay for scripts that they do not have.

  /// Latin with the accents of Western Europe.
  private static let latin = CharacterFolding(pages: [0x00])
  private static let moreLatin = CharacterFolding(pages: [0x01, 0x02])
  private static let greekAndCyrillic = CharacterFolding(pages: [0x03, 0x04])
  private static let hebrewAndArabic = CharacterFolding(pages: [0x05, 0x06, 0x07])
  private static let composedLatinAndGreek = CharacterFolding(pages: [0x1E, 0x1F])
  private static let punctuation = CharacterFolding(pages: [0x20])
  private static let symbols = CharacterFolding(pages: [0x21, 0x22])

  /// Every other script: some 27,000 scalars, tens of milliseconds.
  private static let rest = CharacterFolding(
    pages: Array(0x08...0x1D) + Array(0x23...0x33) + Array(0xA0...0xD7) + Array(0xF9...0xFF)
      + Array(0x1D4...0x1D7) + [0x1EE, 0x1F1, 0x1F2] + Array(0x2F8...0x2FA))

  /// By `scalar >> 8`; the page's number in `entries`, or -1 where a page is computed or is all ideographs.
  private var pages: [Int16] = Array(repeating: -1, count: 0x1100)
  /// 256 per page: a folded scalar, or with the top bit set the position in `expansions` of a longer mapping.
  private var entries: [UInt32] = []
  /// A count, then as many folded scalars.
  private var expansions: [UInt32] = []

  private static let expansionFlag: UInt32 = 1 << 31

  private init(pages numbers: [Int]) {
    for (number, page) in numbers.enumerated() {
      pages[page] = Int16(number)
      for low in 0..<256 { append(Self.fold(UInt32(page << 8 | low))) }
    }
  }

  private mutating func append(_ folded: [FoldedScalar]) {
    if folded.count == 1 {
      entries.append(folded[0].bits)
    } else {
      entries.append(Self.expansionFlag | UInt32(expansions.count))
      expansions.append(UInt32(folded.count))
      expansions.append(contentsOf: folded.map(\.bits))
    }
  }

  /// Calls `body` with each scalar that `scalar` folds to.
  static func forEachFolded(_ scalar: UInt32, _ body: (FoldedScalar) -> Void) {
    switch scalar >> 8 {
    case 0x00: latin.forEachFolded(scalar, body)
    case 0x01, 0x02: moreLatin.forEachFolded(scalar, body)
    case 0x03, 0x04: greekAndCyrillic.forEachFolded(scalar, body)
    case 0x05, 0x06, 0x07: hebrewAndArabic.forEachFolded(scalar, body)
    case 0x1E, 0x1F: composedLatinAndGreek.forEachFolded(scalar, body)
    case 0x20: punctuation.forEachFolded(scalar, body)
    case 0x21, 0x22: symbols.forEachFolded(scalar, body)
    default: rest.forEachFolded(scalar, body)
    }
  }

  private func forEachFolded(_ scalar: UInt32, _ body: (FoldedScalar) -> Void) {
    let page = pages[Int(scalar >> 8)]
    guard page >= 0 else {
      if isIdeograph(scalar) {
        body(FoldedScalar(scalar, .standalone))
      } else {
        Self.fold(scalar).forEach(body)
      }
      return
    }
    let entry = entries[Int(page) << 8 | Int(scalar & 0xFF)]
    guard entry & Self.expansionFlag != 0 else { return body(FoldedScalar(bits: entry)) }
    let start = Int(entry & ~Self.expansionFlag)
    for index in start + 1..<start + 1 + Int(expansions[start]) { body(FoldedScalar(bits: expansions[index])) }
  }

  /// What one scalar folds to, from the Unicode data that Swift carries.
  static func fold(_ value: UInt32) -> [FoldedScalar] {
    guard let scalar = Unicode.Scalar(value) else { return [FoldedScalar(value, .separator)] }
    let decomposed = folded(scalar, \.decomposedStringWithCompatibilityMapping)
    guard decomposed.contains(where: { $0.characterClass == .composing }) else { return decomposed }
    return folded(scalar, \.precomposedStringWithCompatibilityMapping)
  }

  private static func folded(_ scalar: Unicode.Scalar, _ normal: (String) -> String) -> [FoldedScalar] {
    let caseless = normal(normal(String(Character(scalar))).uppercased().lowercased())
    let folded = caseless.unicodeScalars.map(classified).filter { $0.characterClass != .dropped }
    return folded.isEmpty ? [FoldedScalar(scalar.value, .dropped)] : folded
  }

  private static func classified(_ scalar: Unicode.Scalar) -> FoldedScalar {
    let properties = scalar.properties
    if scalar == "\u{640}" || properties.isDefaultIgnorableCodePoint || isDroppedMark(scalar.value) {
      return FoldedScalar(scalar.value, .dropped)
    }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      if isIdeograph(scalar.value) { return FoldedScalar(scalar.value, .standalone) }
      let isCombiningJamo = (0x1160...0x11FF).contains(scalar.value)
      return FoldedScalar(arabicForm(scalar.value), isCombiningJamo ? .composing : .word)
    case .nonspacingMark, .spacingMark, .enclosingMark: return FoldedScalar(scalar.value, .composing)
    case .decimalNumber: return FoldedScalar(0x30 + UInt32(properties.numericValue ?? 0), .word)
    case .letterNumber, .otherNumber: return FoldedScalar(scalar.value, .word)
    case .otherSymbol: return FoldedScalar(scalar.value, .standalone)
    default: return FoldedScalar(scalar.value, .separator)
    }
  }
}

extension FoldedScalar {
  fileprivate init(bits: UInt32) { self.bits = bits }
}

/// Letters that Arabic and Persian writers use for one another, folded to one. Forms with a hamza or madda need no
/// entry: they decompose, and the mark is dropped.
private func arabicForm(_ scalar: UInt32) -> UInt32 {
  switch scalar {
  case 0x671: 0x627  // alef wasla → alef
  case 0x649, 0x6CC, 0x6D2: 0x64A  // alef maksura, Farsi yeh, yeh barree → yeh
  case 0x629, 0x6C1, 0x6D5, 0x6BE: 0x647  // ta marbuta, heh goal, ae, heh doachashmee → heh
  case 0x6A9: 0x643  // keheh → kaf
  default: scalar
  }
}

/// Combining marks that are left out: accents of European scripts, points of Hebrew and Arabic.
private func isDroppedMark(_ scalar: UInt32) -> Bool {
  switch scalar {
  case 0x300...0x36F, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x20D0...0x20FF, 0xFE20...0xFE2F: true
  case 0x591...0x5BD, 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7: true
  case 0x610...0x61A, 0x64B...0x65F, 0x670, 0x6D6...0x6DC, 0x6DF...0x6E4, 0x6E7, 0x6E8, 0x6EA...0x6ED: true
  case 0x8CA...0x8E1, 0x8E3...0x8FF: true
  default: false
  }
}

/// Han, hiragana and katakana.
private func isIdeograph(_ scalar: UInt32) -> Bool {
  switch scalar {
  case 0x3041...0x30FF, 0x31F0...0x31FF, 0x3400...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true
  default: false
  }
}
