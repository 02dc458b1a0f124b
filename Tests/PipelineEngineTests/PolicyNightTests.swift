import Foundation
import PipelineEngine
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// Every quantizer and every collision policy over several nights: what was published stands.
@Suite(.serialized) struct PolicyNightTests {
  @Test(arguments: ["residual-kmeans", "balanced", "balanced-greedy"], ["keep", "suffix", "relocate"])
  func publishedIDsStandOverThreeNights(method: String, policy: String) throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder, count: 50)
      fixture.quantize = "{ method: \(method), sizes: [4, 6], iterations: 4 }"
      fixture.resolve = "{ policy: \(policy) }"
      try fixture.run()
      var published = try fixture.records()
      for night in 1...2 {
        // Copies of what is there collide with it for certain.
        fixture.set("copy-\(night)", PipelineFixture.sentence(night))
        fixture.set("item-\(night)", PipelineFixture.sentence(night + 500))
        try fixture.run()
        let tonight = try fixture.records()
        for (id, record) in published where id != "item-\(night)" {
          #expect(tonight[id] == record, "\(method) \(policy) night \(night) \(id)")
        }
        #expect(tonight.count == published.count + 1)
        if policy != "keep" { #expect(Set(tonight.values.map(\.semanticID)).count == tonight.count) }
        published = tonight
      }
      try SemanticIDStore.open(folder + "/work/store", mode: .readOnly).verify()
    }
  }

  @Test func underSuffixANewcomerTakesTheNextNumber() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder, count: 30)
      fixture.quantize = "{ sizes: [2, 2], iterations: 4 }"
      fixture.resolve = "{ policy: suffix }"
      try fixture.run()
      let first = try fixture.records()
      fixture.set("copy", PipelineFixture.sentence(4))
      try fixture.run()
      let copy = try #require(try fixture.records()["copy"])
      let bucket = first.values.filter { $0.semanticID.codes == copy.semanticID.codes }.map(\.semanticID.suffix)
      #expect(!bucket.contains(copy.semanticID.suffix))
      #expect(Int(copy.semanticID.suffix) == bucket.count)
    }
  }

  @Test func tooManySuffixesAreAnErrorThatChangesNothing() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder, count: 30)
      fixture.quantize = "{ sizes: [2, 2], iterations: 4 }"
      fixture.resolve = "{ policy: suffix, suffixCapacity: 3 }"
      #expect {
        try fixture.run()
      } throws: {
        ($0 as? PipelineError)?.code == .invalidData
      }
      #expect((try? fixture.records()) == nil)
      fixture.resolve = "{ policy: suffix }"
      try fixture.run()
      #expect(try fixture.records().count == 30)
    }
  }

  @Test func keptCollisionsShareTheirID() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder, count: 30)
      fixture.quantize = "{ sizes: [2, 2], iterations: 4 }"
      fixture.resolve = "{ policy: keep }"
      let summary = try fixture.run()
      let records = try fixture.records()
      #expect(records.values.allSatisfy { $0.semanticID.suffix == 0 })
      #expect(Set(records.values.map(\.semanticID)).count <= 4)
      #expect((summary.stages.first { $0.stage == .resolve }?.metrics["sharedID"] ?? 0) > 0)
    }
  }

  @Test(arguments: ["{ sizes: [8, 4], iterations: 5 }", "{ sizes: [8, 8], iterations: 5, seed: 9 }"])
  func otherTrainingSettingsTrainAnew(quantize: String) throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      fixture.quantize = quantize
      let summary = try fixture.run()
      let stage = try #require(summary.stages.first { $0.stage == .quantize })
      #expect(stage.metrics["rows"] == 60 && stage.metrics["refitShift.0"] == nil)
      #expect(summary.stages.first { $0.stage == .encode }?.metrics["encoded"] == 0)
    }
  }

  @Test func onlyTheNewestGenerationsAreKept() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder, count: 20)
      for night in 0..<8 {
        fixture.set("night-\(night)", PipelineFixture.sentence(night + 40))
        try fixture.run()
      }
      #expect(try fixture.generations() == [4, 5, 6, 7, 8])
      let store = try SemanticIDStore.open(folder + "/work/store", mode: .readOnly)
      #expect(try store.read { $0.manifest.parent } == 7)
    }
  }
}

@Suite struct TrainingSampleTests {
  private func vectors(_ count: Int, _ folder: String) throws -> ColumnFileReader<Float> {
    let writer = try ColumnFileWriter<Float>(path: folder + "/v", columns: 2)
    try writer.append(ContiguousArray((0..<count).flatMap { [Float($0), Float(-$0)] }).span)
    try writer.finish()
    return try ColumnFileReader(path: folder + "/v")
  }

  @Test func aSmallTableIsTakenWhole() throws {
    try withTemporaryDirectory { folder in
      let file = try vectors(10, folder)
      let sample = try TrainingSample.read(file, limit: 10, seed: 1)
      let all = try file.readAll()
      #expect(sample.elements == all)
    }
  }

  @Test func aSampleHasDistinctRowsInOrderAndDependsOnTheSeedAlone() throws {
    try withTemporaryDirectory { folder in
      let file = try vectors(40_000, folder)
      let first = try TrainingSample.read(file, limit: 500, seed: 1)
      let again = try TrainingSample.read(file, limit: 500, seed: 1)
      let other = try TrainingSample.read(file, limit: 500, seed: 2)
      #expect(first == again && first != other)
      #expect(first.rows == 500)
      let rows = (0..<500).map { first[$0, 0] }
      #expect(zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 })
      #expect((0..<500).allSatisfy { first[$0, 1] == -first[$0, 0] })
      // Selection sampling is uniform: the mean row is near the middle.
      let mean = rows.reduce(0, +) / 500
      #expect(abs(mean - 20_000) < 2_500)
    }
  }
}

@Suite struct StageManifestTests {
  @Test func tenThousandDamagedManifestsOnlyMeanRunningAgain() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder, count: 20)
      try fixture.run(until: .catalog)
      let path = folder + "/work/stages/catalog.json"
      let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let manifest = try #require(StageManifest.read(path))
      try manifest.write(to: path)
      #expect(StageManifest.read(path) == manifest)
      var random = RandomSource(seed: 8)
      var unreadable = 0
      for _ in 0..<10_000 {
        try Data(damaged(sound, using: &random)).write(to: URL(fileURLWithPath: path))
        if StageManifest.read(path) == nil { unreadable += 1 }
      }
      #expect(unreadable > 1_000)
      try remove(path)
      #expect(StageManifest.read(path) == nil)
      #expect(try fixture.run(until: .catalog).stages.count == 1)
    }
  }
}
