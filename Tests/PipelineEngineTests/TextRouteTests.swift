import Foundation
import ItemCatalog
import PipelineEngine
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// Nights of a catalogue in two scripts, whose texts go to an encoder each.
@Suite(.serialized) struct TextRouteTests {
  static let arabicWords = [
    "أحمر", "أخضر", "أزرق", "صوف", "قطن", "حرير", "قميص", "وشاح", "مصباح", "كرسي", "طاولة", "سكين", "ملعقة", "حديقة",
    "مطبخ", "شتاء", "صيف", "صغير", "كبير", "بلوط", "فولاذ", "زجاج",
  ]

  static func arabic(_ seed: Int) -> String {
    (0..<6).map { arabicWords[(seed * 7 + $0 * (seed % 5 + 3)) % arabicWords.count] }.joined(separator: " ")
  }

  static let rules = "[{ when: { script: Arabic }, dimensions: 16 }, { model: builtin, dimensions: 24 }]"

  private func fixture(_ folder: String, text: String = rules) -> PipelineFixture {
    var fixture = PipelineFixture(folder: folder, count: 40)
    for index in 0..<20 { fixture.set("arabic-\(index)", Self.arabic(index)) }
    // Titles are in Latin letters; only the texts decide.
    fixture.text = text
    return fixture
  }

  private func encode(_ summary: RunSummary) throws -> RunSummary.Stage {
    try #require(summary.stages.first { $0.stage == .encode })
  }

  @Test func everyItemsRouteIsRecordedAndCounted() throws {
    try withTemporaryDirectory { folder in
      var fixture = fixture(folder)
      fixture.extra = "report: {}"
      let summary = try fixture.run()
      let metrics = try encode(summary).metrics
      #expect(metrics["encoded.text.1"] == 20 && metrics["encoded.text.2"] == 40 && metrics["withoutRoute"] == 0)
      let records = try fixture.records()
      #expect(records.count == 60)
      for (id, record) in records {
        #expect(record.flags.textRoute == (id.hasPrefix("arabic") ? 1 : 2))
        #expect(!record.flags.contains(.textMissing))
      }
      let store = try SemanticIDStore.open(folder + "/work/store", mode: .readOnly)
      let manifest = try store.read { $0.manifest }
      #expect(manifest.artifacts["encoder.text.1"]?.count == 64 && manifest.artifacts["encoder.text"] == nil)
      #expect(manifest.artifacts["encoder.text.1"] != manifest.artifacts["encoder.text.2"])
      #expect(manifest.properties["encoder.text.1"] == "Arabic: builtin (words and characters, f32)")
      #expect(manifest.properties["encoder.text.2"]?.hasPrefix("default: ") == true)
      let item = try ItemInspection("arabic-3", GenerationSnapshot(store: store))
      #expect(item.plainText().contains("route     1, Arabic: builtin"))
      let report = try Data(contentsOf: URL(fileURLWithPath: summary.folder + "/report.json"))
      let encoders = try JSONDecoder().decode(ReportData.self, from: report).encoders
      #expect(encoders.map(\.role) == ["text route 1", "text route 2"])
      #expect(encoders.map(\.rule) == ["Arabic", "default"])
      #expect(encoders.map(\.items) == [20, 40] && encoders.map(\.dimensions) == [16, 24])
    }
  }

  @Test func anItemThatChangesItsScriptChangesItsRouteAlone() throws {
    try withTemporaryDirectory { folder in
      var fixture = fixture(folder)
      try fixture.run()
      let before = try fixture.records()
      fixture.set("item-5", Self.arabic(90))
      let second = try encode(fixture.run()).metrics
      #expect(second["rows"] == 1 && second["encoded.text.1"] == 1 && second["encoded.text.2"] == 0)
      let after = try fixture.records()
      #expect(after["item-5"]?.flags.textRoute == 1)
      for (id, record) in before where id != "item-5" { #expect(after[id] == record) }
      // Back again: the vector of the other encoder is still in the cache.
      fixture.set("item-5", PipelineFixture.sentence(5))
      let third = try encode(fixture.run()).metrics
      #expect(third["fromCache.text.2"] == 1 && third["encoded"] == 0)
      #expect(try fixture.records()["item-5"]?.semanticID == before["item-5"]?.semanticID)
    }
  }

  @Test func anItemThatNoRuleTakesIsCountedAndSaid() throws {
    try withTemporaryDirectory { folder in
      var fixture = fixture(folder, text: "[{ when: { script: Arabic } }, { when: { script: [Greek, Latin] } }]")
      fixture.set("russian", "Война и мир")
      fixture.extra = "report: {}"
      let observer = RecordingObserver()
      let summary = try fixture.run(observer: observer)
      #expect(try encode(summary).metrics["withoutRoute"] == 1)
      #expect(observer.notes.contains { $0.contains("the texts of 1 items match no rule") })
      let report = try Data(contentsOf: URL(fileURLWithPath: summary.folder + "/report.json"))
      #expect(try JSONDecoder().decode(ReportData.self, from: report).textsWithoutRoute == 1)
      let page = try String(contentsOfFile: summary.folder + "/report.html", encoding: .utf8)
      #expect(page.contains("data-figure=\"textsWithoutRoute\""))
      // It has no image, so nothing of it can be represented.
      #expect(try fixture.records()["russian"] == nil)
      #expect(try String(contentsOfFile: summary.folder + "/rejected.jsonl", encoding: .utf8).contains("russian"))
    }
  }

  @Test(arguments: [
    ("[{ model: builtin, dimensions: 24 }]", "the text routes changed: 1 rules after 2"),
    ("{ model: builtin, dimensions: 24 }", "texts are no longer routed"),
    ("[{ when: { script: Greek }, dimensions: 16 }, { dimensions: 24 }]", "a rule of the text routes"),
    (
      "[{ when: { script: Greek } }, { when: { script: Arabic }, dimensions: 16 }, { dimensions: 24 }]",
      "3 rules after 2"
    ),
  ])
  func otherRulesFitEverythingAnewAndSayWhy(text: String, reason: String) throws {
    try withTemporaryDirectory { folder in
      var fixture = fixture(folder)
      try fixture.run()
      fixture.text = text
      let summary = try fixture.run()
      #expect(try encode(summary).metrics["rows"] == 60)
      let data = try Data(contentsOf: URL(fileURLWithPath: summary.folder + "/manifest.json"))
      let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      #expect(((json["night"] as? [String: Any])?["reason"] as? String)?.contains(reason) == true)
      #expect(try fixture.plan().values.allSatisfy { $0.action != .run })
    }
  }

  /// The first Arabic item of a catalogue arrives after everything was fitted.
  @Test func aRouteThatTheRepresentationDoesNotKnowIsNotUsedSilently() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder, count: 40)
      fixture.text = Self.rules
      try fixture.run()
      let before = try fixture.records()
      for index in 0..<3 { fixture.set("arabic-\(index)", Self.arabic(index)) }
      let observer = RecordingObserver()
      try fixture.run(observer: observer)
      #expect(observer.notes.contains { $0.contains("3 items take text route 1") && $0.contains("--force represent") })
      #expect(try fixture.records() == before)
      try fixture.run(force: .encode)
      #expect(try fixture.records().count == 43)
    }
  }

  @Test func twoModelsOfDifferentLengthsServeOneCatalogue() throws {
    let model = URL(fileURLWithPath: #filePath)
      .appending(path: "../../ItemEncodersTests/Fixtures/text-model").standardizedFileURL.path
    try withTemporaryDirectory { folder in
      try FileManager.default.copyItem(atPath: model, toPath: folder + "/model")
      let fixture = fixture(
        folder, text: "[{ when: { script: Arabic }, dimensions: 16 }, { model: model, prefix: \"a \" }]")
      let metrics = try encode(fixture.run()).metrics
      #expect(metrics["encoded.text.1"] == 20 && metrics["encoded.text.2"] == 40)
      let threads = try fixture.records()
      try withTemporaryDirectory { other in
        try FileManager.default.copyItem(atPath: model, toPath: other + "/model")
        var again = fixture
        again = PipelineFixture(folder: other, count: 40)
        for index in 0..<20 { again.set("arabic-\(index)", Self.arabic(index)) }
        (again.text, again.extra) = (fixture.text, "threads: 1")
        try again.run()
        #expect(try again.records() == threads)
      }
    }
  }
}

@Suite struct TextRouteConfigurationTests {
  private func mistakes(_ text: String) -> String {
    let yaml = "name: tiny\ncatalog: { items: items.jsonl }\nencode:\n  text:\n\(text)"
    let error = #expect(throws: PipelineError.self) {
      try PipelineConfiguration(yaml: [UInt8](yaml.utf8), path: "p.yaml", environment: [:], currentDirectory: "/")
    }
    return error?.message ?? ""
  }

  @Test(arguments: [
    ("    - { model: builtin }\n    - { when: { script: Arabic } }", "p.yaml:5: encode.text[0] has no 'when'"),
    ("    - { when: { script: Arabik } }", "did you mean 'Arabic'?"),
    ("    - { when: { script: arabic } }", "did you mean 'Arabic'?"),
    ("    - { when: { script: [Arabic, Grek] } }", "did you mean 'Greek'?"),
    ("    - { when: { script: [] } }", "a list of 1 to"),
    ("    - { when: { language: ar } }", "unknown key 'language' in 'encode.text[0].when'"),
    ("    - { when: { } }", "lacks the key 'script'"),
    (
      "    - { when: { script: Arabic } }\n    - { when: { script: Arabic } }\n    - {}",
      "p.yaml:6: encode.text[1] is never used: rules before it take Arabic"
    ),
    (
      "    - { when: { script: Arabic }, command: [python3], model: builtin }",
      "encode.text[0]: 'model' and 'command' exclude each other"
    ),
    ("    - { whem: { script: Arabic } }", "did you mean 'when'?"),
    ("    when: { script: Arabic }", "unknown key 'when' in 'encode.text'"),
    ("    precision: bf17", "did you mean 'bf16'?"),
  ])
  func everyMistakeIsNamedWithItsPlace(text: String, words: String) {
    let message = mistakes(text)
    #expect(message.contains(words), "\(message)")
  }

  @Test func moreRulesThanARecordHasRoomForAreRefused() {
    let names = ["Arabic", "Greek", "Thai", "Lao", "Han", "Khmer", "Tamil", "Hebrew"]
    let rules = names.map { "    - { when: { script: \($0) } }\n" }.joined() + "    - {}\n"
    #expect(mistakes(rules).contains("a list of 1 to 8"))
  }

  @Test func aListAndASectionAreBothRead() throws {
    let yaml = """
      name: tiny
      catalog: { items: items.jsonl }
      encode:
        text:
          - { when: { script: [Hebrew, Arabic] }, model: models/one, prefix: "query: ", precision: f16 }
          - { command: [python3, worker.py], template: "{title}" }
      """
    let text = try #require(
      try PipelineConfiguration(yaml: [UInt8](yaml.utf8), path: "/a/p.yaml", environment: [:], currentDirectory: "/")
        .encode?.text)
    #expect(text.isRouted && text.routes.map(\.name) == ["Arabic, Hebrew", "default"])
    #expect(text.routes[0].source == .pretrained(folder: "/a/models/one", precision: .half))
    #expect(text.routes[0].prefix == "query: " && text.routes[1].template == "{title}")
  }
}
