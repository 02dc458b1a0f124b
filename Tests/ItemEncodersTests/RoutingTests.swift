import Foundation
import ItemCatalog
import ItemEncoders
import TestSupport
import Testing

@Suite struct ScriptDetectorTests {
  static let texts: [(String, Script?)] = [
    ("A red wool scarf, 100 % merino", .latin), ("كتاب الطبخ العربي", .arabic), ("Война и мир", .cyrillic),
    ("Οδύσσεια", .greek), ("תנ״ך", .hebrew), ("战争与和平", .han), ("戦争と平和", .japanese), ("カタカナ", .japanese),
    ("전쟁과 평화", .hangul), ("युद्ध और शांति", .devanagari), ("สงครามและสันติภาพ", .thai), ("ზღაპარი", .georgian),
    ("", nil), ("2001: 100 % — 42!", nil), ("\u{1F600}\u{1F468}\u{200D}\u{1F469}", nil), ("\u{0301}\u{064B}", nil),
    ("iPhone 15 حافظة هاتف سيليكون", .arabic), ("Samsung Galaxy ها", .latin),
    ("中文商品标题很长很长很长很长很长很长の新款", .han), ("ｆｕｌｌ", .latin),
  ]

  @Test(arguments: texts)
  func theScriptOfMostLettersIsTheTexts(text: String, script: Script?) {
    #expect(ScriptDetector.dominantScript(of: text) == script)
  }

  @Test func equalSharesGoToTheScriptThatComesFirst() {
    #expect(ScriptDetector.dominantScript(of: "abc где") == .latin)
    #expect(ScriptDetector.dominantScript(of: "где abc") == .cyrillic)
  }

  @Test func lettersBeyondTheLimitDoNotCount() {
    let text = String(repeating: "я", count: 3000) + String(repeating: "a", count: 100_000)
    #expect(ScriptDetector.dominantScript(of: text) == .cyrillic)
  }

  /// `tools/fixtures/unicode_scripts.py` wrote the expectations from the Unicode character database.
  @Test func everyScriptsLettersAreKnown() throws {
    let url = try #require(Bundle.module.url(forResource: "scripts", withExtension: "json", subdirectory: "Fixtures"))
    let expected = try JSONDecoder().decode([String: [UInt32]].self, from: Data(contentsOf: url))
    #expect(expected.count == 32)
    for (name, letters) in expected {
      let script = Script(named: name)
      #expect((script == nil) == (name == "other"))
      for letter in letters {
        let text = String(try #require(Unicode.Scalar(letter)))
        #expect(ScriptDetector.dominantScript(of: text) == script, "U+\(String(letter, radix: 16)), \(name)")
      }
    }
  }
}

@Suite struct TextRouterTests {
  private func condition(_ names: String...) throws -> TextRouter.Condition {
    try TextRouter.Condition(scriptNames: names)
  }

  private func router(_ conditions: [TextRouter.Condition?]) throws -> TextRouter {
    try TextRouter(conditions.map { TextRouter.Rule($0) })
  }

  @Test func theFirstRuleThatMatchesWinsAndTheLastTakesTheRest() throws {
    let router = try router([condition("Arabic"), condition("arabic", "Hebrew"), condition("Katakana"), nil])
    let texts = ["كتاب", "ספר", "本だな", "book", "", "123", "книга"]
    #expect(texts.map { router.route(of: Item(id: "a", text: $0)) } == [0, 1, 2, 3, 3, 3, 3])
  }

  @Test func withoutADefaultAnItemCanHaveNoRoute() throws {
    let router = try router([condition("Arabic"), condition("Greek")])
    #expect(["كتاب", "Οδύσσεια", "book", ""].map { router.route(of: Item(id: "a", text: $0)) } == [0, 1, nil, nil])
  }

  @Test func aRuleLooksAtWhatItsOwnEncoderWouldSee() throws {
    let items = [
      Item(id: "a", title: "book", text: "كتاب"), Item(id: "b", title: "كتاب", text: " "), Item(id: "c", text: "book"),
    ]
    let byText = try router([condition("Arabic"), nil])
    #expect(items.map { byText.route(of: $0) } == [0, 0, 1])
    let title = try TextTemplate("{title}")
    let byTitle = try TextRouter([
      TextRouter.Rule(condition("Arabic"), template: title), TextRouter.Rule(condition("Arabic", "Latin")),
    ])
    #expect(items.map { byTitle.route(of: $0) } == [1, 0, 1])
  }

  @Test func oneModelTakesEverything() throws {
    #expect(try router([nil]).route(of: Item(id: "a", text: "كتاب")) == 0)
  }

  @Test func rulesThatCannotWorkAreRefused() throws {
    let arabic = try condition("Arabic"), hebrew = try condition("Hebrew"), both = try condition("Arabic", "Hebrew")
    let lists: [([TextRouter.Condition?], String)] = [
      ([], "at least one"), ([nil, nil], "text model 1 of 2: has no 'when'"),
      ([arabic, arabic, nil], "text model 2 of 3: is never used: rules before it take Arabic"),
      ([arabic, hebrew, both, nil], "text model 3 of 4: is never used: rules before it take Arabic, Hebrew"),
      ([TextRouter.Condition(scripts: []), nil], "names no script"),
    ]
    for (conditions, words) in lists {
      let error = encoderError { _ = try router(conditions) }
      #expect(error?.code == .invalidParameter && error?.message.contains(words) == true, "\(words)")
    }
    #expect(try router([both, nil]).rules.count == 2)
    let unknown = encoderError { _ = try condition("Klingon") }
    #expect(unknown?.message.contains("\"Klingon\"") == true && unknown?.message.contains("Arabic, ") == true)
  }
}
