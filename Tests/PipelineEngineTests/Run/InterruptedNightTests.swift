import Foundation
import PipelineEngine
import SemanticIDStore
import TestSupport
import Testing

/// Nights that end before their time: the generation that is served stays what it was, and the next run goes on.
@Suite(.serialized) struct InterruptedNightTests {
  private static let stages: [StageName] = [.catalog, .encode, .represent, .quantize, .resolve, .publish, .export]

  private func secondNight(_ fixture: inout PipelineFixture) {
    fixture.set("item-5", "a brass telescope and an oak chair")
    fixture.set("newcomer", "a steel lamp for the garden")
    fixture.remove("item-9")
  }

  /// Runs until `stop` says so.
  private func interrupted(_ fixture: PipelineFixture, when stop: @escaping @Sendable (RunEvent) -> Bool)
    -> PipelineError?
  {
    let interruption = Interruption()
    let observer = RecordingObserver { if stop($0) { interruption.request() } }
    do {
      try Interruption.$current.withValue(interruption) { _ = try fixture.run(observer: observer) }
      return nil
    } catch {
      return error as? PipelineError
    }
  }

  @Test(arguments: stages) func aStopAtTheBeginningOfAStageLeavesWhatIsServed(stage: StageName) throws {
    var undisturbed: [String: ItemRecord] = [:]
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      secondNight(&fixture)
      try fixture.run()
      undisturbed = try fixture.records()
    }
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let served = try fixture.records()
      secondNight(&fixture)
      let error = interrupted(fixture) { if case .started(stage, _) = $0 { true } else { false } }
      // A stage that has no safe point within it is finished, and the last has none behind it.
      if let error { #expect(error.code == .interrupted) } else { #expect(stage == .export) }
      let now = try fixture.records()
      #expect(now == served || (now == undisturbed && stage >= .publish))
      if error != nil {
        let path = folder + "/work/runs/000002/manifest.json"
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        #expect((json as? [String: Any])?["status"] as? String == "interrupted")
        #expect(((json as? [String: Any])?["error"] as? String)?.contains("run the same command again") == true)
      }
      try fixture.run()
      #expect(try fixture.records() == undisturbed)
      #expect(try fixture.generations() == [1, 2])
    }
  }

  /// A stop before anything began changes nothing at all.
  @Test func aStopBeforeTheFirstStageRunsNone() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      let interruption = Interruption()
      #expect(!interruption.isRequested)
      interruption.request()
      #expect(interruption.isRequested)
      let observer = RecordingObserver { event in
        if case .started(let stage, _) = event { Issue.record("\(stage) was started") }
      }
      #expect {
        try Interruption.$current.withValue(interruption) { _ = try fixture.run(observer: observer) }
      } throws: { ($0 as? PipelineError)?.code == .interrupted }
      #expect(!FileManager.default.fileExists(atPath: folder + "/work/store/data.mdb"))
      #expect(!Interruption.process.isRequested, "another run is not stopped")
    }
  }

  @Test func aFailedRunSaysWhatFailedAndTheNextGoesOn() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let served = try fixture.records()
      fixture.set("item-5", "a brass telescope")
      // A folder where the table belongs.
      try FileManager.default.createDirectory(atPath: folder + "/work/blocked.csv/x", withIntermediateDirectories: true)
      fixture.export = "blocked.csv"
      let error = #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(error?.message.contains("blocked.csv") == true, "\(error?.message ?? "")")
      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/work/runs/000002/manifest.json"))
      let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      #expect(json["status"] as? String == "failed" && json["error"] as? String == error?.message)
      // The generation was published before the export failed.
      #expect(try fixture.generations() == [1, 2])
      #expect(try fixture.records() != served)
      fixture.export = "free.csv"
      let stages = try ran(fixture.run())
      #expect(stages == [.export])
    }
  }

  @Test func aCatalogueWithoutItemsPublishesNothing() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let served = try fixture.records()
      fixture.items = [:]
      fixture.order = []
      #expect(throws: PipelineError.self) { try fixture.run() }
      #expect(try fixture.records() == served)
      #expect(try fixture.generations() == [1])
    }
  }

  /// What stages leave is counted from what they vouch for: one byte more or less is not theirs.
  @Test(arguments: ["stages/encode/text.f32", "stages/quantize/codes.u16", "stages/resolve/codes.u16", "ids.csv"])
  func aFileThatGrewIsMadeAgain(file: String) throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let before = try fixture.records()
      let url = URL(fileURLWithPath: folder + "/work/" + file)
      let sound = try Data(contentsOf: url)
      try (sound + [0]).write(to: url)
      let plan = try fixture.plan()
      #expect(plan.values.contains { $0.reason == "output \(file) was changed" })
      try fixture.run()
      #expect(try Data(contentsOf: url) == sound)
      #expect(try fixture.records() == before)
    }
  }

  /// Without one of its values a manifest vouches for nothing; without what says when it was written it still does.
  @Test func aManifestThatLacksAValueMeansThatItsStageDidNotRun() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let path = folder + "/work/stages/export.json"
      let sound = try Data(contentsOf: URL(fileURLWithPath: path))
      let json = try #require(try JSONSerialization.jsonObject(with: sound) as? [String: Any])
      #expect(json.count >= 7)
      for key in json.keys where key != "systemStart" {
        var less = json
        less[key] = nil
        try JSONSerialization.data(withJSONObject: less).write(to: URL(fileURLWithPath: path))
        #expect(try fixture.plan()[.export]?.reason == "it has not run yet", "\(key)")
        var other = json
        other[key] = ["another": ["kind": 1.5]]
        try JSONSerialization.data(withJSONObject: other).write(to: URL(fileURLWithPath: path))
        #expect(try fixture.plan()[.export]?.action == .run, "\(key)")
      }
      var untimed = json
      untimed["systemStart"] = nil
      try JSONSerialization.data(withJSONObject: untimed).write(to: URL(fileURLWithPath: path))
      #expect(try fixture.plan()[.export]?.action == .skip)
    }
  }

  /// A manifest of another stage, or a folder, in a manifest's place.
  @Test func whatIsNotTheStagesManifestIsNone() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let stages = folder + "/work/stages/"
      try remove(stages + "export.json")
      try FileManager.default.copyItem(atPath: stages + "resolve.json", toPath: stages + "export.json")
      #expect(try fixture.plan()[.export]?.action == .run)
      try remove(stages + "export.json")
      try FileManager.default.createDirectory(atPath: stages + "export.json", withIntermediateDirectories: true)
      #expect(try fixture.plan()[.export]?.reason == "it has not run yet")
      try fixture.run()
      #expect(try fixture.plan()[.export]?.action == .skip)
    }
  }
}

/// Runs one after another and at once.
@Suite(.serialized) struct RunFolderTests {
  @Test func runsAreNumberedOnFromTheLastThatIsKept() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder, count: 20)
      let runs = folder + "/work/runs"
      try FileManager.default.createDirectory(atPath: runs + "/000041", withIntermediateDirectories: true)
      // What is not a run's folder does not count.
      for name in ["notes", "99", "1000000", "00004x"] {
        try FileManager.default.createDirectory(atPath: runs + "/" + name, withIntermediateDirectories: true)
      }
      #expect(try fixture.run(until: .catalog).run == 42)
      #expect(try fixture.run(until: .catalog).folder == runs + "/000043")
      #expect(FileManager.default.fileExists(atPath: runs + "/notes"))
    }
  }

  @Test func aLockIsFreeAgainWhenItsRunIsOver() throws {
    try withTemporaryDirectory { folder in
      for _ in 0..<3 {
        let lock = try RunLock(workspace: folder)
        let error = #expect(throws: PipelineError.self) { _ = try RunLock(workspace: folder) }
        #expect(error?.code == .locked && error?.message.contains(folder) == true)
        withExtendedLifetime(lock) {}
      }
      #expect(throws: PipelineError.self) { _ = try RunLock(workspace: folder + "/none") }
    }
  }

  @Test func checkingAtTheSameTimeDisturbsNobody() throws {
    try withTemporaryDirectory { folder in
      let pipeline = try PipelineFixture(folder: folder).pipeline()
      let counts = (0..<6).map { _ in 0 }
      let found = try Parallel.map(counts.count) { _ in try pipeline.check().items }
      #expect(found == Array(repeating: 60, count: 6))
      #expect(try pipeline.check().plainText == "60 items, 60 with text, 0 with an image; 0 rejected, 0 warnings")
    }
  }
}

/// Threads of a test.
private enum Parallel {
  static func map<Value: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Value) throws -> [Value] {
    let results = Results<Value>(count)
    DispatchQueue.concurrentPerform(iterations: count) { index in results.set(index, Result { try body(index) }) }
    return try results.values.map { try #require($0).get() }
  }

  private final class Results<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var values: [Result<Value, any Error>?]

    init(_ count: Int) { values = Array(repeating: nil, count: count) }

    func set(_ index: Int, _ value: Result<Value, any Error>) { lock.withLock { values[index] = value } }
  }
}
