import BehaviorAlignment
import Foundation
import PipelineEngine
import SemanticIDStore
import TestSupport
import Testing

@Suite("The behavior stage")
struct BehaviorStageTests {
  private static let section = "{ width: 16, heads: 2, layers: 1, epochs: 2, positionsPerBatch: 256, dimensions: 12 }"

  private static func fixture(_ folder: String, _ extra: String = "") -> PairsFixture {
    var fixture = PairsFixture(folder: folder)
    fixture.pipeline.extra = "pairs: { window: { leaveLast: 1 } }\nbehavior: \(section)\n\(extra)"
    return fixture
  }

  private static func metrics(_ summary: RunSummary, _ stage: StageName) throws -> [String: Double] {
    try #require(summary.stages.first { $0.stage == stage }).metrics
  }

  @Test func itemsGetVectorsThatJoinTheRepresentation() throws {
    try withTemporaryDirectory { folder in
      let summary = try Self.fixture(folder).run()
      let behavior = try Self.metrics(summary, .behavior)
      #expect(behavior["epochs"] == 2)
      #expect(try #require(behavior["items"]) > 10)
      #expect(try Self.metrics(summary, .represent)["dimensions"] == 12)
    }
  }

  @Test func theAlignedVectorIsJoinedToo() throws {
    try withTemporaryDirectory { folder in
      let align = "align: { steps: 5, batch: 32, width: 16, heads: 2, layers: 1, validationShare: 0.1 }"
      let summary = try Self.fixture(folder, align).run()
      #expect(try Self.metrics(summary, .align)["steps"] == 5)
      #expect(try Self.metrics(summary, .represent)["dimensions"] == 12)
    }
  }

  /// Items keep the vectors of the first night, and new ones are represented by what their content predicts.
  @Test func vectorsAreFrozenBetweenNights() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder)
      _ = try fixture.run()
      let before = try fixture.pipeline.records()
      fixture.pipeline.set("aaa-new-item", PipelineFixture.sentence(77))
      let summary = try fixture.run()
      #expect(try Self.metrics(summary, .behavior)["epochs"] == nil)
      let after = try fixture.pipeline.records()
      #expect(after["aaa-new-item"] != nil)
      for (id, record) in before { #expect(after[id]?.semanticID == record.semanticID, "\(id)") }
    }
  }

  @Test func anUnchangedNightTrainsNothing() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder)
      _ = try fixture.run()
      #expect(!ran(try fixture.run()).contains(.behavior))
    }
  }

  @Test func forcingBehaviorTrainsAnew() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder)
      _ = try fixture.run()
      #expect(try Self.metrics(fixture.run(force: .behavior), .behavior)["epochs"] == 2)
    }
  }

  @Test func aLostFileOfVectorsIsMadeAnew() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder)
      _ = try fixture.run()
      let models = folder + "/work/models"
      var removed = 0
      for name in try FileManager.default.contentsOfDirectory(atPath: models)
      where (try? BehaviorVectors(contentsOf: models + "/" + name)) != nil {
        try FileManager.default.removeItem(atPath: models + "/" + name)
        removed += 1
      }
      #expect(removed == 1)
      #expect(try Self.metrics(fixture.run(), .behavior)["epochs"] == 2)
    }
  }

  @Test(arguments: [
    ("pairs: {}\nbehavior: { width: 10, heads: 4 }", "behavior.heads: 4 does not divide behavior.width, 10"),
    ("behavior: {}", "'behavior' learns in the window of pairs: add the section 'pairs'"),
    ("pairs: {}\nbehavior: { epoch: 3 }", "epochs"),
  ])
  func mistakesAreNamed(extra: String, expected: String) throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder)
      fixture.pipeline.extra = extra
      try fixture.writeLog()
      let error = #expect(throws: PipelineError.self) { try fixture.pipeline.run() }
      #expect(try #require(error).message.contains(expected))
    }
  }
}
