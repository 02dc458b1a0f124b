import Foundation
import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

private func words(_ text: String, limit: Int = 1_000) -> [String] {
  var scanner = WordScanner(maximumWords: limit)
  scanner.scan(text)
  return scanner.ends.indices.map { word in
    String(String.UnicodeScalarView(scanner.scalars[scanner.range(ofWord: word)].compactMap { Unicode.Scalar($0) }))
  }
}

/// Pieces of many scripts; none begins with a mark that would join the piece before.
private let pieces = [
  "lamp", "Lamp", "ÉCOLE", "straße", "ΟΔΟΣ", "Ёлка", "كتاب", "مُحَمَّد", "日本", "カ", "ｶﾞ", "한국어", "हिन्दी", "x²", "½", "🎬", "42",
  "٤٢",
  "e\u{301}", "-", "…", "!", "ﬁn", "\u{200D}", "C++",
]

@Suite struct WordScannerPropertyTests {
  private func text(_ count: Int, using random: inout RandomSource) -> [String] {
    (0..<count).map { _ in pieces.randomElement(using: &random)! }
  }

  @Test func textsBesideEachOtherHaveTheWordsOfBoth() {
    var random = RandomSource(seed: 31)
    for _ in 0..<400 {
      let left = text(Int.random(in: 0...6, using: &random), using: &random).joined(separator: " ")
      let right = text(Int.random(in: 0...6, using: &random), using: &random).joined(separator: ", ")
      #expect(words(left + " " + right) == words(left) + words(right), "\(left) | \(right)")
    }
  }

  @Test func caseMakesNoDifference() {
    for piece in pieces {
      let expected = words(piece)
      #expect(words(piece.lowercased()) == expected && words(piece.uppercased()) == expected, "\(piece)")
    }
  }

  @Test(arguments: ["x", "я", "ب", "한"]) func wordsAreCutAtTheirLongest(letter: String) {
    let longest = WordScanner.maximumWordLength
    for count in [1, longest - 1, longest, longest + 1, 3 * longest] {
      let found = words("a \(String(repeating: letter, count: count)) b")
      #expect(found.map { $0.unicodeScalars.count } == [1, min(count, longest), 1])
      #expect(found.first == "a" && found.last == "b", "what follows a cut word is its own")
    }
  }

  @Test func foldedWordsFoldToThemselves() {
    var random = RandomSource(seed: 33)
    for _ in 0..<200 {
      let once = words(text(8, using: &random).joined(separator: " "))
      #expect(words(once.joined(separator: " ")) == once)
    }
  }
}

@Suite struct ArabicAffixPropertyTests {
  private func stem(_ word: String) -> String {
    String(
      String.UnicodeScalarView(
        ArabicAffixes.stem(word.unicodeScalars.map(\.value)[...]).compactMap { Unicode.Scalar($0) }))
  }

  @Test(arguments: ["وال", "بال", "كال", "فال", "ال", "لل"]) func everyArticleComesOffWhereTwoLettersStay(
    article: String
  ) {
    #expect(stem(article + "كتب") == "كتب")
    #expect(stem(article + "كت") == "كت")
    // Of one letter nothing would be left to tell words by.
    #expect(stem(article + "ك").unicodeScalars.count > 1)
  }

  @Test(arguments: ["ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي"]) func everySuffixComesOffWhereTwoLettersStay(
    suffix: String
  ) {
    #expect(stem("كتب" + suffix) == "كتب")
    let two = "كت" + suffix
    #expect(stem(two) == (two.unicodeScalars.count > 3 ? "كت" : two))
  }

  @Test func aStemIsAPartOfItsWordAndNeverShorterThanTwo() {
    var random = RandomSource(seed: 34)
    let letters = Array("والبكفتنهيرسم".unicodeScalars)
    for _ in 0..<5_000 {
      let word = (0..<Int.random(in: 1...9, using: &random)).map { _ in letters.randomElement(using: &random)!.value }
      let found = ArabicAffixes.stem(word[...])
      #expect(found.count >= min(2, word.count) && found.count <= word.count)
      #expect(found.elementsEqual(word[found.startIndex..<found.endIndex]))
      if word.count <= 3 { #expect(found.elementsEqual(word)) }
      // Another script in it makes it no Arabic word.
      #expect(ArabicAffixes.stem((word + [0x61])[...]).count == word.count + 1)
    }
  }
}

@Suite struct FeatureHashTests {
  /// The finalizer of MurmurHash3 and FNV-1a's prime, computed elsewhere.
  @Test func hashesAreThoseOfTheirSources() {
    #expect(FeatureHash.mixed(0) == 0)
    #expect(FeatureHash.mixed(1) == 0xB456_BCFC_34C2_CB2C)
    #expect(FeatureHash.mixed(.max) == 0x64B5_720B_4B82_5F21)
    // FNV-1a of the byte "a".
    #expect(FeatureHash.appending(0x61, to: FeatureHash.basis) == 0xAF63_DC4C_8601_EC8C)
  }

  @Test func inverseDocumentFrequencyFallsWithTheFrequency() {
    let items = 500
    var frequencies = ContiguousArray<UInt32>(repeating: 0, count: InverseDocumentFrequency.bucketCount)
    for bucket in 0..<600 { frequencies[bucket] = UInt32(bucket) }
    let weights = InverseDocumentFrequency(frequencies: frequencies, items: items).weights
    #expect(weights.count == InverseDocumentFrequency.bucketCount && weights.allSatisfy { $0 > 0 && $0.isFinite })
    for bucket in 1..<600 { #expect(weights[bucket] < weights[bucket - 1] || bucket > items) }
    #expect(weights[500] == weights[599], "a feature counts in no more items than there are")
    #expect(weights[InverseDocumentFrequency.bucketCount - 1] == weights[0])
  }
}

@Suite struct TextTemplatePropertyTests {
  @Test func literalsWithEscapedBracesComeOutAsTheyWere() throws {
    var random = RandomSource(seed: 35)
    let item = Item(id: "1", title: "T{", text: "}x{", attributes: ["a": .string("{title}"), "b c": .boolean(false)])
    for _ in 0..<500 {
      var (source, expected) = ("", "")
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: (source, expected) = (source + "{{", expected + "{")
        case 1: (source, expected) = (source + "}}", expected + "}")
        case 2: (source, expected) = (source + "{title} ", expected + "T{ ")
        case 3: (source, expected) = (source + " {text}", expected + " }x{")
        case 4: (source, expected) = (source + " {attributes.a}|{attributes.b c} ", expected + " {title}|false ")
        default: (source, expected) = (source + "é ", expected + "é ")
        }
        // A brace of its own next to an escaped pair would be read from the left.
        (source, expected) = (source + ".", expected + ".")
      }
      #expect(try TextTemplate(source)(item) == expected, "\(source)")
    }
  }

  @Test func mistakesAreExplained() {
    let cases = [
      ("a {title", "template \"a {title\": a { without its }; write {{ for a brace"),
      ("a } b", "template \"a } b\": a } without its {; write }} for a brace"),
      ("{Title}", "template \"{Title}\": no field {Title}; use {title}, {text} or {attributes.NAME}"),
      ("{attributes.}", "template \"{attributes.}\": no field {attributes.}; use {title}, {text} or {attributes.NAME}"),
      ("{id}", "template \"{id}\": no field {id}; use {title}, {text} or {attributes.NAME}"),
    ]
    for (template, message) in cases {
      #expect(encoderError { _ = try TextTemplate(template) } == EncoderError(.invalidTemplate, message))
    }
  }

  @Test(arguments: [
    (AttributeValue.number(1e15), "1000000000000000"), (.number(-0.0), "0"), (.number(0.1), "0.1"),
    (.number(1e300), "1e+300"), (.number(-9_223_372_036_854_775_808), "-9223372036854775808"),
    (.number(1.5e-7), "1.5e-07"), (.string(""), ""), (.boolean(true), "true"),
  ])
  func attributesAreShownPlainly(value: AttributeValue, text: String) throws {
    #expect(try TextTemplate("{attributes.x}")(Item(id: "1", attributes: ["x": value])) == text)
  }

  @Test func whatIsBlankIsASCIISpaceAlone() {
    for blank in ["", " ", "\t\n\u{B}\u{C}\r "] {
      #expect(TextTemplate.textOrTitle(Item(id: "1", title: "title", text: blank)) == "title")
    }
    for text in ["\u{A0}", "\u{0}", ".", "\u{200B}"] {
      #expect(TextTemplate.textOrTitle(Item(id: "1", title: "title", text: text)) == text)
    }
  }
}

@Suite struct TextEncoderParameterTests {
  private func refusal(_ change: (inout BuiltinTextEncoder.Parameters) -> Void) -> String? {
    var parameters = BuiltinTextEncoder.Parameters()
    change(&parameters)
    return encoderError { _ = try BuiltinTextEncoder.Fitting(parameters: parameters) }?.message
  }

  @Test func everyBoundIsSaidAndKept() {
    let cases: [(String?, (inout BuiltinTextEncoder.Parameters) -> Void)] = [
      ("sketchDimensions is 0, expected a multiple of 4 up to 8192", { $0.sketchDimensions = 0 }),
      ("sketchDimensions is 8196, expected a multiple of 4 up to 8192", { $0.sketchDimensions = 8_196 }),
      ("sketchDimensions is 2046, expected a multiple of 4 up to 8192", { $0.sketchDimensions = 2_046 }),
      (nil, { $0.sketchDimensions = 8_192 }), (nil, { ($0.sketchDimensions, $0.dimensions) = (4, 4) }),
      ("dimensions is 5, expected 1 to sketchDimensions (4)", { ($0.sketchDimensions, $0.dimensions) = (4, 5) }),
      ("dimensions is 0, expected 1 to sketchDimensions (2048)", { $0.dimensions = 0 }), (nil, { $0.dimensions = 1 }),
      ("titleWeight is 101, expected 0 to 100", { $0.titleWeight = 101 }), (nil, { $0.titleWeight = 100 }),
      ("titleWeight is -1, expected 0 to 100", { $0.titleWeight = -1 }), (nil, { $0.titleWeight = 0 }),
      ("maximumWords is 0, expected 1 to 1,000,000", { $0.maximumWords = 0 }),
      ("maximumWords is 1000001, expected 1 to 1,000,000", { $0.maximumWords = 1_000_001 }),
      (nil, { $0.maximumWords = 1_000_000 }), ("sampleLimit is 0, expected at least 1", { $0.sampleLimit = 0 }),
      (nil, { $0.sampleLimit = 1 }),
      ("the family weights are [-1.0, 0.5, 0.5], expected none negative and one above zero", { $0.wordWeight = -1 }),
      (
        "the family weights are [1.0, inf, 0.5], expected none negative and one above zero",
        { $0.wordPairWeight = .infinity }
      ),
      (nil, { ($0.wordWeight, $0.wordPairWeight, $0.characterWeight) = (0, 0, 1e-30) }),
    ]
    for (message, change) in cases { #expect(refusal(change) == message.map { "built-in text encoder: \($0)" }) }
  }

  private func items(_ count: Int) -> [Item] {
    let words = ["red", "lamp", "oak", "table", "كتاب", "книга", "日本", "silk", "42"]
    return (0..<count).map { index in
      Item(
        id: "\(index)", title: index % 4 == 0 ? "" : words[index % words.count],
        text: index % 11 == 5
          ? " " : (0..<6).map { words[(index * ($0 + 3) + $0) % words.count] }.joined(separator: " "))
    }
  }

  private func parameters() -> BuiltinTextEncoder.Parameters {
    var parameters = BuiltinTextEncoder.Parameters()
    (parameters.dimensions, parameters.sketchDimensions, parameters.sampleLimit) = (8, 64, 50)
    return parameters
  }

  /// The sample is drawn from a stream that is longer than it; cuts and threads must not show.
  @Test func theFitDependsOnItemsAndOrderAlone() throws {
    var random = RandomSource(seed: 36)
    let items = items(300)
    let whole = try BuiltinTextEncoder.fit([items], parameters: parameters())
    for threads in [1, 3] {
      var batches: [[Item]] = []
      var start = 0
      while start < items.count {
        let end = min(items.count, start + Int.random(in: 0...90, using: &random))
        batches.append(Array(items[start..<end]))
        start = end
      }
      let cut = try withThreads(threads) { try BuiltinTextEncoder.fit(batches, parameters: parameters()) }
      #expect(cut.fingerprint == whole.fingerprint)
    }
    #expect(try BuiltinTextEncoder.fit([items.reversed()], parameters: parameters()).fingerprint != whole.fingerprint)
    var other = parameters()
    other.seed = 2
    #expect(try BuiltinTextEncoder.fit([items], parameters: other).fingerprint != whole.fingerprint)
  }

  @Test func everyParameterIsPartOfTheFingerprint() throws {
    let items = items(40)
    let changes: [(inout BuiltinTextEncoder.Parameters) -> Void] = [
      { _ in }, { $0.dimensions = 7 }, { $0.sketchDimensions = 68 }, { $0.titleWeight = 2 }, { $0.wordWeight = 2 },
      { $0.wordPairWeight = 0.25 }, { $0.characterWeight = 0 }, { $0.maximumWords = 2_047 }, { $0.sampleLimit = 51 },
      { $0.seed = 9 },
    ]
    let fingerprints = try changes.map { change in
      var parameters = parameters()
      change(&parameters)
      return try BuiltinTextEncoder.fit([items], parameters: parameters).fingerprint
    }
    #expect(Set(fingerprints).count == changes.count)
  }

  @Test func theEncoderKeepsWhatEveryEncoderKeeps() throws {
    let items = items(150)
    let encoder = try BuiltinTextEncoder.fit([items], parameters: parameters())
    let absent = Set(items.indices.filter { items[$0].text == " " && items[$0].title.isEmpty })
    #expect(!absent.isEmpty)
    try checkConformance(encoder, items: items, absent: absent)
  }
}
