import BehaviorAlignment
import Foundation
import PipelineEngine
import SemanticIDStore
import TestSupport
import Testing

@Suite("The align stage")
struct AlignStageTests {
  private static let section = "{ steps: 30, batch: 64, width: 16, heads: 2, layers: 1, validationShare: 0.1 }"

  private static func fixture(_ folder: String, align: String = section) -> PairsFixture {
    var fixture = PairsFixture(folder: folder)
    fixture.pipeline.extra = "pairs: { window: { leaveLast: 1 } }\nalign: \(align)\nreport: {}"
    return fixture
  }

  private static func metrics(_ summary: RunSummary) throws -> [String: Double] {
    try #require(summary.stages.first { $0.stage == .align }).metrics
  }

  @Test func theAlignerIsTrainedComparedAndReported() throws {
    try withTemporaryDirectory { folder in
      let summary = try Self.fixture(folder).run()
      let metrics = try Self.metrics(summary)
      #expect(metrics["steps"] == 30)
      #expect(try #require(metrics["aligned.recall@10"]) > 0)
      #expect(metrics["text.recall@50"] != nil)
      let report = try String(contentsOfFile: folder + "/work/runs/000001/report.html", encoding: .utf8)
      #expect(report.contains("Alignment to behavior"))
      #expect(report.contains("alignment.rows.0.recallAt10"))
      #expect(report.contains("What is near some items, before and after"))
      #expect(report.contains("pairs.sharedCodes.0.share"))
    }
  }

  /// Later nights represent new items by the aligner of the first.
  @Test func theAlignerIsFrozenBetweenNights() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder)
      _ = try fixture.run()
      let before = try fixture.pipeline.records()
      fixture.pipeline.set("item-3", "a film about something else")
      fixture.pipeline.set("new-item", PipelineFixture.sentence(77))
      let summary = try fixture.run()
      #expect(try Self.metrics(summary)["steps"] == nil)
      let after = try fixture.pipeline.records()
      #expect(after["new-item"] != nil)
      for (id, record) in before where id != "item-3" { #expect(after[id]?.semanticID == record.semanticID, "\(id)") }
    }
  }

  @Test func anUnchangedNightTrainsNothing() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder)
      _ = try fixture.run()
      #expect(!ran(try fixture.run()).contains(.align))
    }
  }

  @Test func anotherConfigurationTrainsAnew() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder)
      _ = try fixture.run()
      fixture.pipeline.extra = fixture.pipeline.extra.replacingOccurrences(of: "steps: 30", with: "steps: 20")
      #expect(try Self.metrics(fixture.run())["steps"] == 20)
    }
  }

  @Test func forcingAlignTrainsAnew() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder)
      _ = try fixture.run()
      #expect(try Self.metrics(fixture.run(force: .align))["steps"] == 30)
    }
  }

  @Test(arguments: [
    ("pairs: {}\nalign: { width: 10, heads: 4 }", "align.heads: 4 does not divide align.width, 10"),
    ("align: {}", "'align' learns from pairs: add the section 'pairs'"),
    ("pairs: {}\nalign: { fusoin: queries }", "fusion"),
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
