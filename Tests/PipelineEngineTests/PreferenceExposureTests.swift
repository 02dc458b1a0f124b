import Foundation
import PipelineEngine
import Recommenders
import TestSupport
import Testing

/// Popular items that an alignment holds down: `preference.exposure`.
@Suite("A limit on the exposure of popular items")
struct PreferenceExposureTests {
  private static func yaml(_ preference: String) -> String {
    """
    name: a
    catalog: { items: x.jsonl, interactions: log.csv }
    encode: { text: {} }
    train: {}
    preference: \(preference)
    represent: {}
    quantize: {}
    resolve: {}
    publish: {}
    """
  }

  private static func limit(
    _ preference: String, counts: ContiguousArray<UInt32>
  ) throws -> PreferenceOptimization.ExposureLimit? {
    let settings = try #require(try configuration(yaml(preference)).preference)
    return settings.parameters { ItemPopularity(counts: counts, headShare: $0) }.exposure
  }

  @Test func theMostPopularItemsAreHeldDownAndThoseAsPopularAsTheLast() throws {
    let counts: ContiguousArray<UInt32> = [3, 0, 9, 5, 5, 1]
    let limit = try #require(
      try Self.limit("{ exposure: { popular: 0.4, share: 0.3, factor: 0.25 } }", counts: counts))
    #expect(limit.items == [2, 3, 4])
    #expect(limit.share == 0.3 && limit.factor == 0.25)
    #expect(try Self.limit("{ exposure: { popular: 0.4, share: 0.3 } }", counts: counts)?.factor == 0.5)
    #expect(try Self.limit("{}", counts: counts) == nil)
  }

  @Test func withoutALimitThePopularityIsNotCounted() throws {
    let settings = try #require(try configuration(Self.yaml("{}")).preference)
    let parameters = settings.parameters { _ in
      Issue.record("the log was counted for nothing")
      return ItemPopularity(counts: [])
    }
    #expect(parameters == settings.parameters)
  }

  @Test(arguments: [
    ("{ exposure: { popular: 0.1 } }", "lacks the key 'share'"),
    ("{ exposure: { share: 0.1 } }", "lacks the key 'popular'"),
    ("{ exposure: { popular: 0, share: 0.1 } }", "preference.exposure.popular: expected a number from 0.0001 to 1.0"),
    ("{ exposure: { popular: 0.1, share: 1.1 } }", "preference.exposure.share: expected a number from 0.0 to 1.0"),
    (
      "{ exposure: { popular: 0.1, share: 0.1, factor: 1 } }",
      "preference.exposure.factor: expected a number from 0.01 to 0.99"
    ),
    ("{ exposure: { popular: 0.1, share: 0.1, depth: 1 } }", "unknown key 'depth' in 'preference.exposure'"),
  ])
  func aWrongLimitIsNamed(preference: String, expected: String) {
    let text = message(Self.yaml(preference))
    #expect(text.contains(expected), "\(text)")
  }

  @Test func aLimitIsPartOfWhatAnAlignmentComesFrom() throws {
    func inputs(_ preference: String) throws -> [StageInput] {
      try #require(try configuration(Self.yaml(preference)).preference).stageInputs
    }
    let limits = [
      "{}", "{ exposure: { popular: 0.1, share: 0.3 } }", "{ exposure: { popular: 0.2, share: 0.3 } }",
      "{ exposure: { popular: 0.1, share: 0.4 } }", "{ exposure: { popular: 0.1, share: 0.3, factor: 0.4 } }",
    ]
    let digests = try limits.map {
      StageFingerprint(codeVersion: 1, configuration: try inputs($0), inputs: []).digest
    }
    #expect(Set(digests).count == limits.count)
    #expect(!(try inputs("{}").contains { $0.name == "preference.exposure" }))
  }

  @Test func theirShareIsMeasuredEpochByEpochAndShown() throws {
    try withTemporaryDirectory { folder in
      let preference = PreferenceResumeTests.preference.replacing(
        "guards:", with: "exposure: { popular: 0.2, share: 0, factor: 0.01 }, guards:")
      let pipeline = try PreferenceAlignmentTests.fixture(folder, preference: preference, extra: "\nreport: {}")
        .published(until: .report)
      let outcome = try PreferenceAlignment(pipeline).run()
      let shares = outcome.measurements.compactMap(\.exposure)
      #expect(shares.count == outcome.measurements.count && shares.allSatisfy { (0...1).contains($0) })
      #expect(shares[0] > 0)
      let lines = outcome.plainText().split(separator: "\n")
      #expect(lines[0].contains("popular"))
      let path = folder + "/work/runs/000002/report"
      let data = try JSONDecoder().decode(
        ReportData.self, from: Data(contentsOf: URL(fileURLWithPath: path + ".json")))
      #expect(data.preference?.epochs.compactMap(\.exposure) == shares)
      #expect(try String(contentsOfFile: path + ".html", encoding: .utf8).contains("popular items</th>"))
    }
  }

  @Test func withoutALimitThereIsNoColumn() throws {
    try withTemporaryDirectory { folder in
      let pipeline = try PreferenceAlignmentTests.fixture(folder).published(until: .train)
      let outcome = try PreferenceAlignment(pipeline).run()
      #expect(outcome.measurements.allSatisfy { $0.exposure == nil })
      #expect(!outcome.plainText().contains("popular"))
    }
  }
}
