import Foundation
import Glibc
import PipelineEngine
import Recommenders
import SemanticIDStore
import TestSupport
import Testing

/// What becomes of tuned codes that the gate lets pass.
@Suite("Tuned codes that are published")
struct TunedPublicationTests {
  @Test func theyAreTheNextGenerationOfTheSameItems() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      let outcome = try fixture.publish()
      #expect(outcome.base == 1 && outcome.published == 2 && outcome.reasons.isEmpty)
      #expect(try fixture.generations() == [1, 2])
      let store = try fixture.store(.readWrite)
      #expect(try store.currentGeneration() == 2)
      let manifest = try store.verify(generation: 2)
      #expect(manifest.parent == 1 && manifest.items == 60)
      #expect(manifest.properties["tunedFrom"] == "1")
      #expect(manifest.metrics["finetune.churn"] == outcome.evidence.churn)
      #expect(manifest.metrics["finetune.gain"] == outcome.evidence.gain)
      #expect(manifest.metrics["collisionRate"] == outcome.evidence.tunedCollisionRate)
      let base = try #require(try store.generations().first)
      #expect(manifest.artifacts == base.artifacts, "encoders and representation stay")
      #expect(manifest.properties["contentDigest"] != base.properties["contentDigest"])
    }
  }

  @Test func idsAndContentStayAndTheCodesAreTheRevisions() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      let outcome = try fixture.publish()
      let (before, after) = (try fixture.records(generation: 1), try fixture.records(generation: 2))
      #expect(Set(before.keys) == Set(after.keys))
      var changed = 0
      for (id, record) in before {
        let now = try #require(after[id])
        #expect(now.contentHash == record.contentHash, "\(id)")
        #expect(now.flags.symmetricDifference(record.flags).isSubset(of: .moved), "\(id)")
        if now.semanticID != record.semanticID { changed += 1 }
      }
      #expect(changed > 0)
      #expect(Double(changed) / Double(before.count) == outcome.evidence.churn)
      // Of cycles there was one, whose collisions were counted on the revision itself.
      #expect(outcome.cycles.map(\.collisionRate) == [outcome.evidence.tunedCollisionRate])
      let codebooks = try [UInt64(1), 2].map { generation in
        try fixture.store().read(generation: generation) { try $0.codebooks() }
      }
      #expect(codebooks[0].map(\.size) == codebooks[1].map(\.size))
      #expect(codebooks[0] != codebooks[1])
    }
  }

  /// Whoever represents an item again by the generation's codebooks finds the distance that its record has.
  @Test func distancesAreThoseToTheTunedCodebooks() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      try fixture.publish()
      let (before, after) = (try fixture.records(generation: 1), try fixture.records(generation: 2))
      let manifest = try #require(try fixture.store().generations().last)
      let squares = after.values.reduce(0.0) { $0 + Double($1.distance) * Double($1.distance) }
      let error = try #require(manifest.metrics["relativeError"])
      #expect(abs(error - squares / Double(after.count)) < 1e-6)
      #expect(after.values.allSatisfy { $0.distance >= 0 && $0.distance.isFinite })
      #expect(before.contains { after[$0.key]?.distance != $0.value.distance })
    }
  }

  @Test func neighborsByVectorStay() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, quantize: "{ sizes: [8, 8], iterations: 5, neighbors: { count: 5 } }")
      try fixture.run()
      try fixture.publish()
      let (before, after) = (try fixture.neighbors(1), try fixture.neighbors(2))
      #expect(before.rows.count == 60 && before.rows.values.allSatisfy { $0.count == 5 })
      #expect(before.rows == after.rows)
      #expect(before.set == after.set && before.set.count == 60)
      try fixture.store(.readWrite).verify(generation: 2)
      try fixture.run()
      #expect(try fixture.generations() == [1, 2])
    }
  }

  @Test func theRecommenderThatWasTrainedAlongIsServed() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      let before = try fixture.answers()
      try fixture.publish()
      let answers = try fixture.answers()
      #expect(answers != before)
      let records = try fixture.records(generation: 2)
      for recommendation in answers.joined() {
        #expect(records[recommendation.item]?.semanticID.codes == recommendation.codes, "\(recommendation.item)")
      }
      let (former, tuned) = (try #require(fixture.shelved(1)), try #require(fixture.shelved(2)))
      #expect(former.fingerprint != tuned.fingerprint && former.key != tuned.key)
    }
  }

  /// What a person and a program see is of the tuned generation at once.
  @Test func exportsAndReportAreOfTheTunedGeneration() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, extra: "report: {}")
      try fixture.run()
      let before = try String(contentsOfFile: folder + "/work/ids.csv", encoding: .utf8)
      try fixture.publish()
      let after = try String(contentsOfFile: folder + "/work/ids.csv", encoding: .utf8)
      #expect(after != before)
      let records = try fixture.records(generation: 2)
      for line in after.split(separator: "\n").dropFirst() {
        let fields = line.split(separator: ",").map(String.init)
        let codes = try #require(records[fields[0]]).semanticID.codes
        #expect(fields.dropFirst().prefix(2) == codes.map { "\($0)" }[...], "\(line)")
      }
      let run = folder + "/work/runs/000002"
      let data = try Data(contentsOf: URL(fileURLWithPath: run + "/report.json"))
      let report = try JSONDecoder().decode(ReportData.self, from: data)
      #expect(report.generation == 2 && report.parent == 1)
      #expect(report.recommender?.generation == 2 && report.recommender?.rows.isEmpty == false)
      #expect(report.figures.contains { $0.key == "churn" && $0.value > 0 })
      let account = try String(contentsOfFile: run + "/manifest.json", encoding: .utf8)
      #expect(account.contains("\"generation\" : \"2\""))
    }
  }

  @Test func aReportThatCannotBeWrittenLeavesThePublication() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, extra: "report: {}")
      try fixture.run()
      let interruption = Interruption()
      let observer = RecordingObserver { event in
        if case .finished(.export, _, _) = event { interruption.request() }
      }
      let outcome = try Interruption.$current.withValue(interruption) {
        try fixture.tuning(observer: observer).run(worsening: 0.5, judging: { _ in .publish })
      }
      #expect(outcome.published == 2)
      #expect(try fixture.store().currentGeneration() == 2)
      #expect(observer.notes.contains { $0.contains("report are still of the one before") }, "\(observer.notes)")
      #expect(ran(try fixture.run()).contains(.report))
    }
  }

  @Test func theNextRunPublishesAndTrainsNothingMore() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, extra: "report: {}")
      try fixture.run()
      let recorder = RecordingObserver()
      _ = try fixture.tuning(observer: recorder).run(worsening: 0.5, judging: { _ in .publish })
      let (records, answers) = (try fixture.records(), try fixture.answers())
      let entry = fixture.shelved(2)
      let next = try fixture.run()
      #expect(next.generation == "2")
      #expect(try fixture.generations() == [1, 2])
      for stage in [StageName.export, .train, .report] { #expect(!ran(next).contains(stage), "\(stage)") }
      let measured = recorder.summaries(of: .train)
      #expect(measured.last?.contains("the recommender of this generation is there already") == true, "\(measured)")
      #expect(try fixture.records() == records)
      #expect(try fixture.answers() == answers)
      #expect(entry != nil && fixture.shelved(2) == entry)
      #expect(!ran(try fixture.run()).contains(.train))
    }
  }

  @Test func aLaterNightKeepsTheTunedIDs() throws {
    try withTemporaryDirectory { folder in
      var fixture = TuningFixture(folder)
      try fixture.run()
      try fixture.publish()
      let tuned = try fixture.records(generation: 2)
      fixture.pairs.pipeline.set("newcomer", PipelineFixture.sentence(77))
      let night = try fixture.run()
      #expect(night.generation == "3")
      #expect(try trainStage(night).metrics["steps"] != nil, "another generation has a recommender of its own")
      let records = try fixture.records()
      #expect(records["newcomer"] != nil)
      for (id, record) in tuned { #expect(records[id] == record, "\(id)") }
      let codebooks = try [UInt64(2), 3].map { generation in
        try fixture.store().read(generation: generation) { try $0.codebooks() }
      }
      #expect(codebooks[0] == codebooks[1])
      #expect(try fixture.answers().first?.count == 10)
    }
  }

  @Test func forcingTheTrainStageTrainsAnew() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      try fixture.publish()
      let tuned = try #require(fixture.shelved(2))
      let forced = try fixture.run(force: .train)
      #expect(try trainStage(forced).metrics["steps"] != nil)
      #expect(try #require(fixture.shelved(2)).fingerprint != tuned.fingerprint)
      #expect(try fixture.generations() == [1, 2])
    }
  }
}

/// From one generation's codes to another's, with the recommenders that go with them.
@Suite("Going back from tuned codes")
struct TunedRollbackTests {
  @Test func aRollbackServesTheFormerCodesAndTheirRecommender() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      let (records, before) = (try fixture.records(), try fixture.answers())
      try fixture.publish()
      let (tuned, after) = (try fixture.records(), try fixture.answers())
      try fixture.store(.readWrite).rollback(to: 1)
      #expect(try fixture.records() == records)
      #expect(try fixture.answers() == before)
      try fixture.store(.readWrite).rollback(to: 2)
      #expect(try fixture.records() == tuned)
      #expect(try fixture.answers() == after)
    }
  }

  @Test func aRunAfterARollbackStaysWithTheFormerCodes() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      let before = try fixture.answers()
      try fixture.publish()
      try fixture.store(.readWrite).rollback(to: 1)
      let run = try fixture.run()
      #expect(run.generation == "1")
      #expect(try trainStage(run).metrics["steps"] == nil)
      #expect(try fixture.store().currentGeneration() == 1)
      #expect(try fixture.answers() == before)
    }
  }

  @Test func tuningAgainAfterARollbackTakesTheNextNumber() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      try fixture.publish()
      try fixture.store(.readWrite).rollback(to: 1)
      let outcome = try fixture.publish()
      #expect(outcome.base == 1 && outcome.published == 3)
      #expect(try fixture.store().generations().last?.parent == 1)
      #expect(fixture.shelved(1) != nil && fixture.shelved(2) != nil && fixture.shelved(3) != nil)
      #expect(try fixture.answers().first?.count == 10)
    }
  }

  @Test func recommendersGoWithTheGenerationsThatAreNoLongerKept() throws {
    try withTemporaryDirectory { folder in
      var fixture = TuningFixture(folder)
      // The fixture keeps five generations.
      try fixture.run()
      try fixture.publish()
      let first = try #require(fixture.shelved(1))
      for night in 0..<4 {
        fixture.pairs.pipeline.set("newcomer-\(night)", PipelineFixture.sentence(70 + night))
        try fixture.run(until: .publish)
      }
      #expect(try fixture.generations() == [2, 3, 4, 5, 6])
      #expect(fixture.shelved(1) == nil && fixture.shelved(2) != nil)
      #expect(!FileManager.default.fileExists(atPath: folder + "/work/models/\(first.fingerprint).safetensors"))
      try fixture.store(.readWrite).rollback(to: 2)
      #expect(try fixture.answers().first?.count == 10)
    }
  }
}

/// The store refuses: another program is writing it at the moment of the publication.
@Suite("A tuned publication that fails")
struct FailedTunedPublicationTests {
  /// Tunes, and holds the store's lock from the gate's decision on.
  private func publishAgainstALock(_ fixture: TuningFixture) throws {
    let lock = open(fixture.folder + "/work/store/writer.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    defer {
      flock(lock, LOCK_UN)
      close(lock)
    }
    let error = #expect(throws: PipelineError.self) {
      try fixture.tuning().run(
        worsening: 0.5,
        judging: { _ in
          guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw PipelineError(.internalFault, "the test found the store locked")
          }
          return .publish
        })
    }
    #expect(error?.code == .locked)
  }

  @Test func itLeavesTheServedCodesAndTheirRecommender() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      let (records, answers) = (try fixture.records(), try fixture.answers())
      try publishAgainstALock(fixture)
      #expect(try fixture.generations() == [1])
      #expect(try fixture.records() == records)
      #expect(try fixture.answers() == answers)
      #expect(try fixture.run().generation == "1")
      #expect(try fixture.answers() == answers)
      #expect(try fixture.publish().published == 2)
      #expect(try fixture.answers() != answers)
    }
  }

  /// It stood on the shelf under the number of the generation that was to be, which another one takes.
  @Test func itsRecommenderIsNeverServedWithOtherCodes() throws {
    try withTemporaryDirectory { folder in
      var fixture = TuningFixture(folder)
      try fixture.run()
      try publishAgainstALock(fixture)
      #expect(fixture.shelved(2) == nil)
      fixture.pairs.pipeline.set("newcomer", PipelineFixture.sentence(77))
      try fixture.run(until: .publish)
      #expect(try fixture.generations() == [1, 2])
      let error = #expect(throws: PipelineError.self) { try fixture.answers() }
      #expect(error?.message.contains("reads the codes of generation 1") == true, "\(error?.message ?? "")")
      #expect(try trainStage(fixture.run()).metrics["steps"] != nil)
      #expect(fixture.shelved(2) != nil)
      #expect(try fixture.answers().first?.count == 10)
    }
  }
}
