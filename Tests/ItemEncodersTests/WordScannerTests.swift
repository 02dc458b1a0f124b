import Foundation
import ItemEncoders
import Testing

/// What `tools/fixtures/text_folding.py` prints: strings and their words.
// swift-format-ignore
private let folded: [(String, [String])] = [
  ("The Matrix (1999): Re-Loaded!", ["the", "matrix", "1999", "re", "loaded"]),
  ("Caf\u{E9} CAF\u{C9} cafe\u{301} na\u{EF}ve", ["cafe", "cafe", "cafe", "naive"]),
  ("Stra\u{DF}e STRASSE \u{17F}tra\u{DF}e", ["strasse", "strasse", "strasse"]),
  ("\u{1F48}\u{3B4}\u{3C5}\u{3C3}\u{3C3}\u{3B5}\u{3CD}\u{3C2} \u{39F}\u{394}\u{3A5}\u{3A3}\u{3A3}\u{395}\u{3A5}\u{3A3}", ["\u{3BF}\u{3B4}\u{3C5}\u{3C3}\u{3C3}\u{3B5}\u{3C5}\u{3C3}", "\u{3BF}\u{3B4}\u{3C5}\u{3C3}\u{3C3}\u{3B5}\u{3C5}\u{3C3}"]),
  ("\u{401}\u{43B}\u{43A}\u{430} \u{451}\u{43B}\u{43A}\u{430} \u{435}\u{308}\u{43B}\u{43A}\u{430}", ["\u{435}\u{43B}\u{43A}\u{430}", "\u{435}\u{43B}\u{43A}\u{430}", "\u{435}\u{43B}\u{43A}\u{430}"]),
  ("\u{FB01}ne \u{FB02}ow \u{2167} \u{BD} x\u{B2}", ["fine", "flow", "viii", "1", "2", "x2"]),
  ("\u{FF46}\u{FF55}\u{FF4C}\u{FF4C}\u{3000}\u{FF57}\u{FF49}\u{FF44}\u{FF54}\u{FF48} \u{FF11}\u{FF12}\u{FF13}", ["full", "width", "123"]),
  ("\u{645}\u{64F}\u{62D}\u{64E}\u{645}\u{64E}\u{651}\u{62F} \u{645}\u{62D}\u{645}\u{62F}", ["\u{645}\u{62D}\u{645}\u{62F}", "\u{645}\u{62D}\u{645}\u{62F}"]),
  ("\u{643}\u{62A}\u{640}\u{640}\u{640}\u{627}\u{628} \u{643}\u{62A}\u{627}\u{628}", ["\u{643}\u{62A}\u{627}\u{628}", "\u{643}\u{62A}\u{627}\u{628}"]),
  ("\u{623}\u{62D}\u{645}\u{62F} \u{625}\u{62D}\u{645}\u{62F} \u{622}\u{62D}\u{645}\u{62F} \u{671}\u{62D}\u{645}\u{62F} \u{627}\u{62D}\u{645}\u{62F}", ["\u{627}\u{62D}\u{645}\u{62F}", "\u{627}\u{62D}\u{645}\u{62F}", "\u{627}\u{62D}\u{645}\u{62F}", "\u{627}\u{62D}\u{645}\u{62F}", "\u{627}\u{62D}\u{645}\u{62F}"]),
  ("\u{645}\u{62F}\u{631}\u{633}\u{629} \u{645}\u{62F}\u{631}\u{633}\u{647}", ["\u{645}\u{62F}\u{631}\u{633}\u{647}", "\u{645}\u{62F}\u{631}\u{633}\u{647}"]),
  ("\u{639}\u{644}\u{649} \u{639}\u{644}\u{64A}", ["\u{639}\u{644}\u{64A}", "\u{639}\u{644}\u{64A}"]),
  ("\u{645}\u{624}\u{645}\u{646} \u{645}\u{633}\u{626}\u{648}\u{644}", ["\u{645}\u{648}\u{645}\u{646}", "\u{645}\u{633}\u{64A}\u{648}\u{644}"]),
  ("\u{661}\u{662}\u{663} \u{6F1}\u{6F2}\u{6F3} \u{664}\u{665}\u{666}", ["123", "123", "456"]),
  ("\u{FEDB}\u{FE98}\u{FE8E}\u{FE8F} \u{FEFB}", ["\u{643}\u{62A}\u{627}\u{628}", "\u{644}\u{627}"]),
  ("\u{6A9}\u{62A}\u{627}\u{628} \u{6CC}\u{6A9}", ["\u{643}\u{62A}\u{627}\u{628}", "\u{64A}\u{643}"]),
  ("\u{65E5}\u{672C}\u{8A9E} \u{30C6}\u{30B9}\u{30C8}", ["\u{65E5}", "\u{672C}", "\u{8A9E}", "\u{30C6}", "\u{30B9}", "\u{30C8}"]),
  ("\u{30AC}\u{30B9} \u{FF76}\u{FF9E}\u{FF7D} \u{30AB}\u{3099}\u{30B9}", ["\u{30AC}", "\u{30B9}", "\u{30AC}", "\u{30B9}", "\u{30AC}", "\u{30B9}"]),
  ("\u{D55C}\u{AD6D}\u{C5B4} \u{D55C}\u{AD6D}\u{C5B4}", ["\u{D55C}\u{AD6D}\u{C5B4}", "\u{D55C}\u{AD6D}\u{C5B4}"]),
  ("\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}\u{110B}\u{1165}", ["\u{D55C}\u{AD6D}\u{C5B4}"]),
  ("\u{939}\u{93F}\u{928}\u{94D}\u{926}\u{940} \u{915}\u{93C}\u{932}\u{92E}", ["\u{939}\u{93F}\u{928}\u{94D}\u{926}\u{940}", "\u{915}\u{93C}\u{932}\u{92E}"]),
  ("\u{5E9}\u{5B8}\u{5C1}\u{5DC}\u{5D5}\u{5B9}\u{5DD} \u{5E9}\u{5DC}\u{5D5}\u{5DD}", ["\u{5E9}\u{5DC}\u{5D5}\u{5DD}", "\u{5E9}\u{5DC}\u{5D5}\u{5DD}"]),
  ("a\u{200D}b c\u{AD}d e\u{FEFF}f", ["ab", "cd", "ef"]),
  ("rock'n'roll \u{2014} C++ & C#", ["rock", "n", "roll", "c", "c"]),
  ("I love \u{1F3AC} movies", ["i", "love", "\u{1F3AC}", "movies"]),
  ("\u{130}stanbul", ["istanbul"]),
  ("", []),
  ("  ... !!! ", []),
]

private func words(_ text: String, limit: Int = 1000) -> [String] {
  var scanner = WordScanner(maximumWords: limit)
  scanner.scan(text)
  return scanner.ends.indices.map { word in
    String(String.UnicodeScalarView(scanner.scalars[scanner.range(ofWord: word)].compactMap { Unicode.Scalar($0) }))
  }
}

@Suite struct WordScannerTests {
  @Test(arguments: folded)
  func foldsAndCutsAsTheUnicodeTablesSay(text: String, expected: [String]) {
    #expect(words(text) == expected)
  }

  @Test(arguments: folded)
  func normalizationFormsMakeNoDifference(text: String, expected: [String]) {
    let forms = [
      text.precomposedStringWithCanonicalMapping, text.decomposedStringWithCanonicalMapping,
      text.precomposedStringWithCompatibilityMapping, text.decomposedStringWithCompatibilityMapping,
    ]
    for form in forms { #expect(words(form) == expected) }
  }

  @Test func everyScalarCanBeScanned() {
    var scanned = 0
    for value in stride(from: UInt32(0), through: 0x10FFFF, by: 97) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      scanned += words("a\(Character(scalar))b").isEmpty ? 0 : 1
    }
    #expect(scanned > 11_000)
  }

  @Test func wordsBeyondTheLimitAreNotRead() {
    #expect(words("one two three four", limit: 2) == ["one", "two"])
    #expect(words("one", limit: 1) == ["one"])
  }

  @Test func overlongWordsAreCut() {
    let long = String(repeating: "x", count: 1000)
    #expect(words("a \(long) b").map(\.count) == [1, WordScanner.maximumWordLength, 1])
  }

  @Test func scanningAgainForgetsTheLastText() {
    var scanner = WordScanner(maximumWords: 10)
    scanner.scan("one two")
    scanner.scan("three")
    #expect(scanner.ends == [5])
  }

  @Test(arguments: [
    ("الكتاب", "كتاب"), ("والكتاب", "كتاب"), ("بالكتاب", "كتاب"), ("للكتاب", "كتاب"), ("وكتاب", "كتاب"),
    ("كتاب", "كتاب"), ("المدرسون", "مدرس"), ("مدرسات", "مدرس"), ("كتابها", "كتاب"), ("ولد", "ولد"), ("book", "book"),
  ])
  func commonArabicAffixesComeOff(word: String, stem: String) {
    let stripped = ArabicAffixes.stem(word.unicodeScalars.map(\.value)[...])
    #expect(stripped.elementsEqual(stem.unicodeScalars.map(\.value)))
  }
}
