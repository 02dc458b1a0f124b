import BehaviorAlignment
import Foundation
import PipelineEngine
import SemanticIDStore
import TestSupport
import Testing

@Suite("Untrained content beside the aligned vector")
struct ContentJoinTests {
  private static func align(_ content: String) -> String {
    "align: { steps: 20, batch: 32, width: 16, heads: 2, layers: 1, validationShare: 0.1\(content) }"
  }

  private static let behavior = "behavior: { width: 16, heads: 2, layers: 1, epochs: 2, positionsPerBatch: 256 }"

  private static func fixture(_ folder: String, content: String = ", content: 0.5", _ more: String = "")
    -> PairsFixture
  {
    var fixture = PairsFixture(folder: folder)
    fixture.pipeline.extra = "pairs: { window: { leaveLast: 1 } }\n\(align(content))\n\(more)"
    return fixture
  }

  private static func artifacts(_ folder: String) throws -> [String: String] {
    let store = try SemanticIDStore.open(folder + "/work/store", mode: .readOnly)
    return try #require(try store.generations().last).artifacts
  }

  private static func metrics(_ summary: RunSummary, _ stage: StageName) throws -> [String: Double] {
    try #require(summary.stages.first { $0.stage == stage }).metrics
  }

  @Test(arguments: ["", behavior])
  func bothPartsAreKeptWithTheGeneration(more: String) throws {
    try withTemporaryDirectory { folder in
      let summary = try Self.fixture(folder, more).run()
      #expect(try Self.metrics(summary, .represent)["dimensions"] == 8)
      let artifacts = try Self.artifacts(folder)
      let joint = try RepresentationModel(
        contentsOf: folder + "/work/models/\(try #require(artifacts["joint"])).safetensors")
      #expect(joint.modalities == ["content", "untrained content"] + (more.isEmpty ? [] : ["behavior"]))
      let untrained = try RepresentationModel(
        contentsOf: folder + "/work/models/\(try #require(artifacts["untrained"])).safetensors")
      #expect(untrained.modalities == ["text"])
    }
  }

  @Test func withoutTheKeyNothingIsJoined() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder, content: "").run()
      #expect(Set(try Self.artifacts(folder).keys) == ["encoder.text", "representation"])
    }
  }

  @Test(arguments: ["", behavior])
  func allPartsAreFrozenBetweenNights(more: String) throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder, more)
      _ = try fixture.run()
      let (before, models) = (try fixture.pipeline.records(), try Self.artifacts(folder))
      #expect(ran(try fixture.run()).isEmpty, "an unchanged night does nothing")
      fixture.pipeline.set("aaa-new-item", PipelineFixture.sentence(77))
      _ = try fixture.run()
      let after = try fixture.pipeline.records()
      #expect(after["aaa-new-item"] != nil)
      for (id, record) in before { #expect(after[id]?.semanticID == record.semanticID, "\(id)") }
      #expect(try Self.artifacts(folder) == models)
    }
  }

  @Test func anotherWeightJoinsAnewTheSameParts() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder)
      _ = try fixture.run()
      let before = try Self.artifacts(folder)
      fixture.pipeline.extra = fixture.pipeline.extra.replacingOccurrences(of: "content: 0.5", with: "content: 2")
      #expect(ran(try fixture.run()).contains(.represent))
      let after = try Self.artifacts(folder)
      #expect(after["representation"] == before["representation"] && after["untrained"] == before["untrained"])
      #expect(after["joint"] != before["joint"])
    }
  }

  @Test func aLostUntrainedModelIsAClearError() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder)
      _ = try fixture.run()
      let fingerprint = try #require(try Self.artifacts(folder)["untrained"])
      try remove(folder + "/work/models/\(fingerprint).safetensors")
      fixture.pipeline.set("new-item", PipelineFixture.sentence(77))
      let error = #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(error?.message.contains("untrained representation model") == true)
      #expect(error?.message.contains("--force represent") == true)
    }
  }

  /// The aligner makes vectors of that many floats, so it has to be trained again. Nothing was published: all else stays.
  @Test func otherDimensionsTrainTheAlignerAnew() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder, content: "")
      _ = try fixture.run(until: .represent)
      fixture.pipeline.represent = "{ dimensions: 6 }"
      let summary = try fixture.run(until: .represent)
      #expect(!ran(summary).contains(.encode))
      #expect(try Self.metrics(summary, .align)["steps"] == 20)
      #expect(try Self.metrics(summary, .represent)["dimensions"] == 6)
    }
  }

  @Test func anotherWeightOfBehaviorJoinsAnewWithoutTraining() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder, content: "", Self.behavior)
      _ = try fixture.run(until: .represent)
      let vectors = try Data(contentsOf: URL(fileURLWithPath: folder + "/work/stages/represent/representations.f32"))
      fixture.pipeline.extra = fixture.pipeline.extra.replacingOccurrences(
        of: "behavior: {", with: "behavior: { weight: 2,")
      #expect(ran(try fixture.run(until: .represent)) == [.represent])
      let after = try Data(contentsOf: URL(fileURLWithPath: folder + "/work/stages/represent/representations.f32"))
      #expect(after != vectors)
    }
  }

  @Test func theStudyMeasuresEveryWeightForKnownAndNewItems() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder, Self.behavior)
      _ = try fixture.run(until: .encode)
      let study = try RepresentationStudy(try fixture.pipeline.pipeline(), contentWeights: [0.3, 0.9])
      var figures: [RepresentationStudy.Figures] = [], codes: [RepresentationStudy.CodeFigures] = []
      try study.run(
        seed: 1, coldShare: 0.2, measuresCodes: true, report: { figures.append($0) }, reportCodes: { codes.append($0) })
      for items in ["warm", "cold", "cold, among cold"] {
        let rows = figures.filter { $0.items == items }
        for name in ["aligned + content", "aligned + item IDs + content"] {
          #expect(rows.filter { $0.representation == name }.map(\.contentWeight) == [0.3, 0.9], "\(items), \(name)")
        }
        #expect(rows.first { $0.representation == "aligned" }?.contentWeight == nil)
        #expect(rows.allSatisfy { $0.pairs > 0 && $0.recallAt10 <= $0.recallAt50 })
      }
      #expect(codes.filter { $0.representation == "aligned + content" }.count == 6)
      #expect(codes.allSatisfy { $0.sharedPrefix.count == 2 && $0.seed == 1 })
    }
  }
}
