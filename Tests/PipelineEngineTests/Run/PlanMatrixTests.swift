import Foundation
import PipelineEngine
import SemanticIDStore
import TestSupport
import Testing

/// Which stages run again when which part of the pipeline changes, and what becomes of the served IDs.
@Suite(.serialized) struct PlanMatrixTests {
  struct Change: Sendable, CustomTestStringConvertible {
    let name: String
    /// Of the stages, those that run again.
    let stages: [StageName]
    /// Whether the items get the IDs that they had.
    let keepsIDs: Bool
    let apply: @Sendable (inout PipelineFixture) -> Void

    init(
      _ name: String, _ stages: [StageName], keepsIDs: Bool = true,
      _ apply: @escaping @Sendable (inout PipelineFixture) -> Void
    ) {
      (self.name, self.stages, self.keepsIDs, self.apply) = (name, stages, keepsIDs, apply)
    }

    var testDescription: String { name }
  }

  /// What runs on a night on which codes may change.
  private static let codes: [StageName] = [.encode, .represent, .quantize, .resolve, .publish, .export]

  static let changes = [
    Change("nothing", []) { _ in },
    Change("keepRuns", []) { $0.extra = "keepRuns: 3" },
    Change("threads", []) { $0.extra = "threads: 2" },
    Change("compute", []) { $0.extra = "compute: bfloat16" },
    Change("the pipeline's own seed written down", []) { $0.extra = "seed: 1" },
    Change("defaults of quantize", []) {
      $0.quantize =
        "{ sizes: [8, 8], iterations: 5, method: residual-kmeans, seed: 1, refit: never, sampleLimit: 262144 }"
    },
    Change("defaults of resolve", []) { $0.resolve = "{ suffixCapacity: 65536 }" },
    Change("defaults of text", []) { $0.text = "{ dimensions: 32 }" },
    Change("an unused threshold", []) { $0.quantize = "{ sizes: [8, 8], iterations: 5, driftThreshold: 7 }" },
    Change("a catalogue's limit", [.catalog]) { $0.catalog = "  maxRejectedFraction: 0.5" },
    Change("a table", [.export]) { $0.export = "other.csv" },
    Change("a report", [.report]) { $0.extra = "report: { buckets: 3 }" },
    Change("a description", [.catalog] + codes) { $0.set("item-7", "a brass lamp of the winter garden") },
    Change("a new item", [.catalog] + codes) { $0.set("item-new", "a steel spoon and a silk scarf") },
    Change("an item that is gone", [.catalog] + codes) { $0.remove("item-7") },
    Change("dimensions of the text", codes, keepsIDs: false) { $0.text = "{ model: builtin, dimensions: 48 }" },
    Change("dimensions of the representation", codes, keepsIDs: false) { $0.represent = "{ dimensions: 6 }" },
    Change("the quantizer's seed", codes, keepsIDs: false) {
      $0.quantize = "{ sizes: [8, 8], iterations: 5, seed: 2 }"
    },
    Change("the pipeline's seed", codes, keepsIDs: false) { $0.extra = "seed: 2" },
    Change("codebooks", codes, keepsIDs: false) { $0.quantize = "{ sizes: [4, 16], iterations: 5 }" },
  ]

  @Test(arguments: changes) func aChangeRunsWhatDependsOnItAndNothingElse(change: Change) throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let before = try fixture.records()
      change.apply(&fixture)
      let planned = try fixture.pipeline().plan().filter { $0.action == .run || $0.action == .mayRun }
      let summary = try fixture.run()
      #expect(ran(summary) == change.stages)
      // The plan promises no less than what the run does.
      #expect(Set(ran(summary)).isSubset(of: Set(planned.map(\.stage))))
      let after = try fixture.records()
      let kept = after.filter { before[$0.key]?.semanticID == $0.value.semanticID }.count
      if change.keepsIDs {
        #expect(kept >= min(before.count, after.count) - 1)
      } else {
        #expect(kept < before.count)
      }
      let again = try ran(fixture.run())
      #expect(again == [], "a second run has nothing to do")
      #expect(try fixture.pipeline().plan().allSatisfy { $0.action == .skip || $0.action == .absent })
    }
  }

  @Test func everyStageThatRanSaysWhyAndEveryOtherThatItIsUpToDate() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      let first = try fixture.run()
      #expect(first.stages.allSatisfy { $0.action == .run && $0.reason == "it has not run yet" })
      fixture.export = "other.csv"
      let second = try fixture.run()
      #expect(
        second.stages.dropLast().allSatisfy { $0.action == .skip && $0.reason == "up to date" && $0.seconds == 0 })
      #expect(second.stages.last?.reason == "configuration export[0].path changed (ids.csv → other.csv)")
      #expect(second.run == 2 && second.folder.hasSuffix("/runs/000002") && second.generation == "1")
    }
  }

  @Test(arguments: [StageName.catalog, .encode, .represent, .quantize, .resolve, .publish, .export])
  func aForcedStageRunsAndPublishesNothingThatIsNotNew(stage: StageName) throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let before = try fixture.records()
      let plan = try fixture.plan(force: stage)
      #expect(plan[stage]?.action == .run)
      let stages = try ran(fixture.run(force: stage))
      #expect(stages.contains(stage))
      #expect(try fixture.records().keys == before.keys)
      if [.catalog, .publish, .export].contains(stage) {
        #expect(try fixture.records() == before)
        #expect(try fixture.generations() == [1])
      }
      let rest = try ran(fixture.run())
      #expect(rest == [])
    }
  }

  @Test func aStageThatIsForcedButAbsentForcesNothing() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let stages = try ran(fixture.run(force: .report))
      #expect(stages == [])
      let pipeline = try fixture.pipeline()
      #expect(pipeline.has(.export) && !pipeline.has(.report) && pipeline.settings(of: .report) == nil)
    }
  }

  @Test(arguments: StageName.allCases) func aPlanEndsWhereTheRunDoes(stage: StageName) throws {
    try withTemporaryDirectory { folder in
      let entries = try PipelineFixture(folder: folder).pipeline().plan(Pipeline.RunOptions(until: stage))
      #expect(entries.map(\.stage) == StageName.allCases.filter { $0 <= stage })
      for entry in entries where entry.action == .absent {
        #expect(entry.reason == "the pipeline has no section '\(entry.stage.rawValue)'")
      }
    }
  }
}

/// What a night decides to keep of the generation that is served, and the reason that it gives.
@Suite(.serialized) struct NightDecisionTests {
  /// The record that the last run left.
  private func night(_ folder: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/work/stages/night.json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  struct Case: Sendable {
    let reason: String
    /// Of text, representation and codebooks, and whether IDs are carried over.
    let parts: [String]
    let carries: Bool
    var force: StageName?
    var change: @Sendable (inout PipelineFixture) -> Void = { _ in }
  }

  static let cases = [
    Case(reason: "the text encoder's configuration changed", parts: ["fit", "fit", "fit"], carries: false) {
      $0.text = "{ dimensions: 16 }"
    },
    Case(reason: "the representation's configuration changed", parts: ["frozen", "fit", "fit"], carries: false) {
      $0.represent = "{ dimensions: 5 }"
    },
    Case(reason: "the quantizer's configuration changed", parts: ["frozen", "frozen", "fit"], carries: false) {
      $0.quantize = "{ sizes: [8, 8], iterations: 6 }"
    },
    Case(reason: "quantize.refit is always", parts: ["frozen", "frozen", "refit"], carries: false) {
      $0.quantize = "{ sizes: [8, 8], iterations: 5, refit: always }"
    },
    Case(
      reason: "the collision policy's configuration changed", parts: ["frozen", "frozen", "frozen"], carries: false
    ) { $0.resolve = "{ policy: keep }" },
    Case(reason: "unchanged items keep their IDs", parts: ["frozen", "frozen", "frozen"], carries: true) {
      $0.set("item-3", "an oak spoon")
    },
    Case(reason: "encode is forced", parts: ["fit", "fit", "fit"], carries: false, force: .encode),
    Case(reason: "represent is forced", parts: ["frozen", "fit", "fit"], carries: false, force: .represent),
    Case(reason: "quantize is forced", parts: ["frozen", "frozen", "refit"], carries: false, force: .quantize),
    Case(reason: "resolve is forced", parts: ["frozen", "frozen", "frozen"], carries: false, force: .resolve),
    Case(reason: "there is no generation to build on", parts: ["fit", "fit", "fit"], carries: false, force: .export),
  ]

  @Test(arguments: cases.indices) func aNightKeepsAllThatItsChangeLeavesStanding(index: Int) throws {
    let wanted = Self.cases[index]
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      wanted.change(&fixture)
      try fixture.run(force: wanted.force)
      let record = try night(folder)
      #expect(record["reason"] as? String == wanted.reason)
      #expect(["text", "representation", "codebooks"].map { record[$0] as? String } == wanted.parts)
      #expect(record["carriesIDs"] as? Bool == wanted.carries)
      #expect(record["neighbors"] == nil)
    }
  }

  /// Where several parts changed, the one that the others rest on is the reason.
  @Test func theEarliestChangeIsTheReason() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      fixture.resolve = "{ policy: keep }"
      fixture.quantize = "{ sizes: [8, 8], iterations: 6 }"
      fixture.represent = "{ dimensions: 5 }"
      try fixture.run()
      #expect(try night(folder)["reason"] as? String == "the representation's configuration changed")
      #expect(try fixture.records().count == 60)
    }
  }

  @Test func theFirstNightHasNoBaseAndTheNextHasIt() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run(until: .resolve)
      var record = try night(folder)
      #expect(record["base"] == nil && record["published"] == nil)
      try fixture.run()
      record = try night(folder)
      #expect(record["base"] == nil && record["published"] as? Int == 1)
      fixture.set("item-3", "an oak spoon")
      try fixture.run()
      record = try night(folder)
      #expect(record["base"] as? Int == 1 && record["published"] as? Int == 2)
    }
  }

  /// A night that was stopped before it published goes on as it was decided.
  @Test func aNightThatGoesOnDecidesAsBefore() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      fixture.set("item-3", "an oak spoon")
      try fixture.run(until: .quantize)
      let path = folder + "/work/stages/night.json"
      let decided = try String(contentsOfFile: path, encoding: .utf8)
      try fixture.run(until: .resolve)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == decided)
      let stages = try ran(fixture.run())
      #expect(stages == [.publish, .export])
    }
  }

  @Test(arguments: ["", "{", "null", "[]", "{\"runKey\":1}", "\u{0}\u{0}", String(repeating: "{", count: 100_000)])
  func aRecordThatIsDamagedIsDecidedAnewToTheSameIDs(content: String) throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let before = try fixture.records()
      try content.write(toFile: folder + "/work/stages/night.json", atomically: true, encoding: .utf8)
      try fixture.run()
      #expect(try fixture.records() == before)
      #expect(try fixture.generations() == [1])
      #expect(try night(folder)["reason"] as? String == "unchanged items keep their IDs")
    }
  }

  /// The record of another night: its key does not fit what the pipeline is now.
  @Test func aRecordOfAnotherCatalogueIsNotUsed() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let path = folder + "/work/stages/night.json"
      let old = try Data(contentsOf: URL(fileURLWithPath: path))
      fixture.set("item-3", "an oak spoon")
      try fixture.run()
      let before = try fixture.records()
      try old.write(to: URL(fileURLWithPath: path))
      try fixture.run()
      #expect(try fixture.records() == before)
      #expect(try night(folder)["base"] as? Int == 2)
    }
  }
}
