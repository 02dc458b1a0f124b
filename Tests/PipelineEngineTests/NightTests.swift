import Foundation
import PipelineEngine
import SemanticIDStore
import Synchronization
import TestSupport
import Testing

func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

@Suite(.serialized) struct NightTests {
  @Test func unchangedItemsKeepTheirIDsAndOnlyTheOthersMove() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let first = try fixture.records()
      fixture.set("item-5", "a wholly new description of a brass telescope")
      fixture.set("newcomer", "an oak table for the winter garden")
      fixture.remove("item-9")
      let summary = try fixture.run()
      let encode = try #require(summary.stages.first { $0.stage == .encode })
      #expect(encode.metrics["rows"] == 2 && encode.metrics["encoded"] == 2)
      let second = try fixture.records()
      #expect(second.count == first.count)
      #expect(second["item-9"] == nil)
      for (id, record) in first where id != "item-5" && id != "item-9" { #expect(second[id] == record, "\(id)") }
      #expect(second["newcomer"]?.flags.contains(.newer) == true)
      #expect(second["item-5"]?.flags.contains(.newer) == true)
      #expect(second["item-5"]?.contentHash != first["item-5"]?.contentHash)
      #expect(Set(second.values.map(\.semanticID)).count == second.count)
      #expect(try fixture.generations() == [1, 2])
    }
  }

  @Test func aCatalogueInAnotherOrderKeepsEveryID() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let first = try fixture.records()
      fixture.order.reverse()
      try fixture.run()
      #expect(try fixture.records() == first)
    }
  }

  @Test func aTouchedFileWithTheSameItemsPublishesNothing() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let path = folder + "/items.jsonl"
      try (try String(contentsOfFile: path, encoding: .utf8) + "\n").write(
        toFile: path, atomically: true, encoding: .utf8)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let pipeline = Pipeline(try PipelineConfiguration(contentsOf: folder + "/pipeline.yaml"))
      let summary = try pipeline.run(observer: SilentObserver())
      #expect(ran(summary) == [.catalog])
      #expect(try fixture.generations() == [1])
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }
  }

  @Test func alwaysRefittingReportsAndKeepsMostLabels() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = "{ sizes: [8, 8], iterations: 5, refit: always }"
      try fixture.run()
      let first = try fixture.records()
      fixture.set("newcomer", "a steel knife for the small kitchen")
      let summary = try fixture.run()
      let quantize = try #require(summary.stages.first { $0.stage == .quantize })
      #expect(quantize.metrics["refitShift.0"] != nil)
      #expect(quantize.metrics["rows"] == 61)
      let second = try fixture.records()
      #expect(second["newcomer"]?.flags.contains(.newer) == false)
      let kept = first.count { second[$0.key]?.semanticID.codes.first == $0.value.semanticID.codes.first }
      #expect(kept > first.count / 2)
    }
  }

  @Test func driftBeginsTheNightAgainWithAllItems() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = "{ sizes: [8, 8], iterations: 5, refit: on-drift, driftThreshold: 1 }"
      try fixture.run()
      for index in 0..<30 { fixture.set("strange-\(index)", "zebra quartz \(index) vortex \(index * 31) jigsaw lynx") }
      let observer = RecordingObserver()
      let summary = try fixture.run(observer: observer)
      #expect(observer.notes.contains { $0.contains("the codebooks are refitted") })
      #expect(summary.stages.last { $0.stage == .quantize }?.metrics["rows"] == 90)
      let stages1 = try ran(fixture.run())
      #expect(stages1.isEmpty)
    }
  }

  @Test func forcingQuantizeTrainsFromTheOldCentroids() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let summary = try fixture.run(force: .quantize)
      #expect(summary.stages.first { $0.stage == .quantize }?.metrics["refitShift.0"] != nil)
      let stages2 = try ran(fixture.run())
      #expect(stages2.isEmpty)
    }
  }

  @Test func anotherPolicyAssignsAllItemsByTheSameCodebooks() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder, count: 80)
      fixture.resolve = "{ policy: keep }"
      try fixture.run()
      fixture.resolve = "{ policy: suffix }"
      let summary = try fixture.run()
      #expect(summary.stages.first { $0.stage == .encode }?.metrics["fromCache"] == 80)
      let records = try fixture.records()
      #expect(Set(records.values.map(\.semanticID)).count == records.count)
    }
  }

  @Test func aLostModelIsAClearErrorUnlessRefitsAreAllowed() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/work/models") {
        try remove(folder + "/work/models/" + name)
      }
      fixture.set("newcomer", "a lamp of glass")
      #expect {
        try fixture.run()
      } throws: {
        ($0 as? PipelineError)?.message.contains("is missing, and quantize.refit is never") == true
      }
      try fixture.run(force: .encode)
      #expect(try fixture.records().count == 61)
    }
  }

  @Test func rollingBackBuildsTheNextNightOnTheOldGeneration() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let first = try fixture.records()
      fixture.set("item-1", "something about a violin and a cello")
      try fixture.run()
      try SemanticIDStore.open(folder + "/work/store", mode: .readWrite).rollback(to: 1)
      fixture.set("item-2", "something about a drum and a flute")
      try fixture.run()
      let third = try fixture.records()
      for (id, record) in first where id != "item-1" && id != "item-2" { #expect(third[id] == record) }
    }
  }

  @Test func oneAndTwoThreadsGiveTheSameIDs() throws {
    var results: [[String: ItemRecord]] = []
    for threads in [1, 2, 2] {
      try withTemporaryDirectory { folder in
        var fixture = PipelineFixture(folder: folder, count: 300)
        fixture.extra = "threads: \(threads)"
        try fixture.run()
        results.append(try fixture.records())
      }
    }
    #expect(results[0] == results[1] && results[1] == results[2])
    #expect(results[0].count == 300)
  }

  @Test func itemsThatNothingCanEncodeAreRejected() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.extra = "report: {}"
      try fixture.run()
      // An item whose only modality is an image, in a pipeline that encodes text alone.
      let line = "{\"id\":\"picture\",\"image\":\"picture.png\"}\n"
      try FileManager.default.createDirectory(atPath: folder + "/x", withIntermediateDirectories: true)
      try Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0]).write(
        to: URL(fileURLWithPath: folder + "/picture.png"))
      let path = folder + "/items.jsonl"
      try (try String(contentsOfFile: path, encoding: .utf8) + line).write(
        toFile: path, atomically: true, encoding: .utf8)
      let summary = try Pipeline(try PipelineConfiguration(contentsOf: folder + "/pipeline.yaml")).run(
        observer: SilentObserver())
      #expect(try fixture.records()["picture"] == nil)
      let rejected = try String(contentsOfFile: summary.folder + "/rejected.jsonl", encoding: .utf8)
      #expect(rejected.contains("picture"))
    }
  }

  @Test func theRunsManifestTellsHowToDoItAgain() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      let summary = try fixture.run()
      let data = try Data(contentsOf: URL(fileURLWithPath: summary.folder + "/manifest.json"))
      let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      #expect(json["status"] as? String == "done")
      #expect((json["configuration"] as? String)?.hasPrefix("name: tiny") == true)
      #expect(json["seed"] as? Int == 1)
      #expect(json["compute"] as? String != nil)
      let stages = try #require(json["stages"] as? [String: Any])
      #expect(Set(stages.keys) == ["catalog", "encode", "represent", "quantize", "resolve", "publish", "export"])
      #expect(summary.peakMemory > 1 << 20 && summary.seconds > 0)
      #expect(summary.generation == "1")
    }
  }

  @Test func oldRunFoldersAreRemoved() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.extra = "keepRuns: 2"
      for _ in 0..<4 { try fixture.run() }
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder + "/work/runs").sorted() == ["000003", "000004"])
    }
  }
}

/// Keeps what a run says.
final class RecordingObserver: RunObserver {
  private let events = Mutex<[RunEvent]>([])
  private let onEvent: @Sendable (RunEvent) -> Void

  init(onEvent: @escaping @Sendable (RunEvent) -> Void = { _ in }) { self.onEvent = onEvent }

  func observe(_ event: RunEvent) {
    events.withLock { $0.append(event) }
    onEvent(event)
  }

  /// What a stage said at its end, each time that it ran.
  func summaries(of stage: StageName) -> [String] {
    events.withLock { events in
      events.compactMap { event -> String? in
        guard case .finished(stage, _, let summary) = event else { return nil }
        return summary
      }
    }
  }

  var all: [RunEvent] { events.withLock { $0 } }

  var notes: [String] {
    events.withLock { events in
      events.compactMap { event in
        switch event {
        case .note(let text), .warning(let text): text
        default: nil
        }
      }
    }
  }
}
