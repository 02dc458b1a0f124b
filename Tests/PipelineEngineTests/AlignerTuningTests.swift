import Foundation
import PipelineEngine
import Recommenders
import SemanticIDStore
import TestSupport
import Testing

/// Codes whose aligner is tuned along: what is published has it, and nights represent by it.
@Suite("An aligner that is tuned along with the codes")
struct AlignerTuningTests {
  private static let align =
    "align: { steps: 30, batch: 64, width: 16, heads: 2, layers: 1, validationShare: 0.1 }\nreport: {}"
  private static let behavior =
    "behavior: { width: 16, heads: 2, layers: 1, epochs: 2, positionsPerBatch: 256, dimensions: 12 }"
  private static let finetune = "{ epochs: 1, steps: 20, seeds: 1, aligner: true, alignerLearningRate: 0.003 }"

  /// Items may share IDs, so that codes are the nearest ones.
  private static func fixture(_ folder: String, joinsBehavior: Bool, finetune: String = Self.finetune) -> TuningFixture
  {
    var fixture = TuningFixture(folder, finetune: finetune, extra: align + (joinsBehavior ? "\n" + behavior : ""))
    fixture.pairs.pipeline.resolve = "{ policy: keep }"
    return fixture
  }

  private static func manifests(_ fixture: TuningFixture) throws -> [GenerationManifest] {
    try fixture.store().generations()
  }

  @Test(arguments: [false, true])
  func theGenerationHasTheTunedAligner(joinsBehavior: Bool) throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder, joinsBehavior: joinsBehavior)
      try fixture.run()
      let outcome = try fixture.publish()
      #expect(outcome.published == 2)
      #expect(try #require(outcome.vectorShift) > 0.001)
      #expect(outcome.plainText().contains("the aligner was tuned along"))
      #expect(outcome.cycles.allSatisfy { $0.agreement > 0.98 })
      let manifests = try Self.manifests(fixture)
      let (base, tuned) = (manifests[0].artifacts, manifests[1].artifacts)
      let aligner = try #require(tuned["representation"])
      #expect(aligner != base["representation"])
      #expect(FileManager.default.fileExists(atPath: folder + "/work/models/\(aligner).safetensors"))
      #expect((tuned["joint"] != nil) == joinsBehavior && tuned["joint"] == base["joint"])
      #expect(tuned["behavior"] == base["behavior"] && tuned.keys == base.keys)
      #expect(manifests[1].properties["represent"] == manifests[0].properties["represent"])
    }
  }

  /// Assigned anew by the stages of a night, all items get what the publication gave them, to the bit.
  @Test(arguments: [false, true])
  func nightsRepresentByIt(joinsBehavior: Bool) throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder, joinsBehavior: joinsBehavior)
      try fixture.run()
      try fixture.publish()
      let tuned = try fixture.records(generation: 2)
      let night = try fixture.run(force: .resolve)
      #expect(night.stages.first { $0.stage == .align }?.metrics["steps"] == nil, "the aligner was trained again")
      #expect(night.stages.first { $0.stage == .represent }?.metrics["rows"] == 60)
      #expect(night.stages.first { $0.stage == .quantize }?.metrics["trainingError.0"] == nil)
      let records = try fixture.records()
      for (id, record) in tuned {
        #expect(records[id]?.semanticID == record.semanticID, "\(id)")
        #expect(records[id]?.distance == record.distance, "\(id)")
      }
      let aligner = try #require(Self.manifests(fixture)[1].artifacts["representation"])
      #expect(try Self.manifests(fixture).last?.artifacts["representation"] == aligner)
    }
  }

  /// Vectors moved, so what is near is asked anew: of an item set of the moved vectors, which nights then go by.
  @Test(arguments: [false, true])
  func neighborsAreThoseOfTheMovedVectors(joinsBehavior: Bool) throws {
    try withTemporaryDirectory { folder in
      var fixture = TuningFixture(
        folder, finetune: Self.finetune,
        quantize: "{ sizes: [8, 8], iterations: 5, neighbors: { count: 5, itemSet: 40 } }",
        extra: Self.align + (joinsBehavior ? "\n" + Self.behavior : ""))
      fixture.pairs.pipeline.resolve = "{ policy: keep }"
      try fixture.run()
      try fixture.publish()
      let (before, after) = (try fixture.neighbors(1), try fixture.neighbors(2))
      #expect(after.set.count == 40 && Set(after.set).count == 40)
      #expect(after.rows.count == 60 && after.rows.values.allSatisfy { Set($0).count == 5 })
      #expect(after.rows.allSatisfy { id, rows in rows.allSatisfy { after.set[Int($0)] != id } })
      #expect(before.names != after.names)
      let manifests = try Self.manifests(fixture)
      #expect(manifests[1].artifacts["itemSet"] != manifests[0].artifacts["itemSet"])
      let distances = manifests.map { $0.metrics["quantize.nearestNeighborDistance"] ?? 0 }
      #expect(distances[1] > 0 && distances[1] != distances[0])
      try fixture.store(.readWrite).verify(generation: 2)
      #expect(try fixture.run().generation == "2", "nothing is published where nothing changed")
      try fixture.run(force: .resolve)
      #expect(try fixture.neighbors(2) == after)
      let last = try #require(try Self.manifests(fixture).last)
      #expect(last.artifacts["itemSet"] == manifests[1].artifacts["itemSet"])
      #expect(try fixture.neighbors(last.generation) == after)
    }
  }

  @Test func theNextNightKeepsItsIDsAndTakesNewItems() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder, joinsBehavior: false)
      try fixture.run()
      try fixture.publish()
      #expect(try fixture.run().generation == "2", "nothing is published where nothing changed")
      let tuned = try fixture.records(generation: 2)
      // Of the same content as another, and without behavior: the nearest codes of both are the same.
      fixture.pairs.pipeline.set("twin", PipelineFixture.sentence(7))
      fixture.pairs.pipeline.items["twin"] = fixture.pairs.pipeline.items["item-7"]
      let night = try fixture.run()
      #expect(night.generation == "3")
      #expect(night.stages.first { $0.stage == .represent }?.metrics["rows"] == 1)
      let records = try fixture.records()
      for (id, record) in tuned { #expect(records[id] == record, "\(id)") }
      #expect(records["twin"] != nil)
      let aligner = try Self.manifests(fixture).map { $0.artifacts["representation"] }
      #expect(aligner[2] == aligner[1] && aligner[1] != aligner[0])
    }
  }

  @Test func aRollbackGoesBackToTheFormerAligner() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder, joinsBehavior: true)
      try fixture.run()
      let (records, answers) = (try fixture.records(), try fixture.answers())
      try fixture.publish()
      try fixture.store(.readWrite).rollback(to: 1)
      #expect(try fixture.answers() == answers)
      let night = try fixture.run(force: .resolve)
      #expect(night.stages.first { $0.stage == .align }?.metrics["steps"] == nil)
      let after = try fixture.records()
      for (id, record) in records {
        #expect(after[id]?.semanticID == record.semanticID && after[id]?.distance == record.distance, "\(id)")
      }
    }
  }

  @Test func stoppedItComesToTheSame() throws {
    try withTemporaryDirectory { folder in
      let finetune = "{ cycles: 2, epochs: 1, steps: 10, seeds: 1, aligner: true, gate: { minimumGain: 1000 } }"
      let fixture = Self.fixture(folder, joinsBehavior: true, finetune: finetune)
      try fixture.run()
      let whole = try fixture.tuning().run()
      let interruption = Interruption()
      let observer = RecordingObserver { event in
        if case .progress(_, "tuning codes, cycle 2", _, _, _, _) = event { interruption.request() }
      }
      #expect(throws: PipelineError.self) {
        try Interruption.$current.withValue(interruption) { try fixture.tuning(observer: observer).run() }
      }
      let resumed = try fixture.tuning().run()
      #expect(resumed.evidence == whole.evidence && resumed.cycles == whole.cycles)
      #expect(resumed.vectorShift == whole.vectorShift && whole.vectorShift != nil)
    }
  }

  @Test func withoutTheKeyTheAlignerStays() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder, joinsBehavior: false, finetune: TuningFixture.quick)
      try fixture.run()
      let outcome = try fixture.publish()
      #expect(outcome.vectorShift == nil)
      let manifests = try Self.manifests(fixture)
      #expect(manifests[0].artifacts == manifests[1].artifacts)
    }
  }
}
