import Foundation
import PipelineEngine
import SemanticIDStore
import TestSupport
import Testing

/// A night that is stopped while an aligner or a model of sequences is trained goes on there, and ends as one that was
/// not.
@Suite("Trainings that are stopped", .serialized)
struct StageCheckpointTests {
  /// Measured at steps 0, 200 and 210; what it is told of are the steps.
  private static let align =
    "align: { steps: 210, batch: 16, width: 8, heads: 2, layers: 1, tokensPerModality: 1, queries: 1, validationShare: 0.1 }"
  private static let behavior =
    "behavior: { width: 8, heads: 2, layers: 1, epochs: 4, positionsPerBatch: 256, patience: 9 }"

  private static func fixture(_ folder: String, _ section: String) throws -> PairsFixture {
    var fixture = PairsFixture(folder: folder)
    fixture.pipeline.extra = "pairs: { window: { leaveLast: 1 } }\n\(section)"
    try fixture.writeLog()
    return fixture
  }

  /// The result of a night that nothing stops.
  private static func undisturbed(_ section: String) throws -> (artifacts: [String: String], ids: [String: ItemRecord])
  {
    try withTemporaryDirectory { folder in
      let fixture = try fixture(folder, section)
      _ = try fixture.run()
      return (try artifacts(folder), try fixture.pipeline.records())
    }
  }

  private static func artifacts(_ folder: String) throws -> [String: String] {
    try #require(try SemanticIDStore.open(folder + "/work/store", mode: .readOnly).generations().last).artifacts
  }

  private static func checkpoints(_ folder: String, _ stage: StageName) -> [String] {
    let files = try? FileManager.default.contentsOfDirectory(atPath: folder + "/work/stages/\(stage.rawValue)")
    return (files ?? []).filter { $0.hasPrefix("checkpoint-") }
  }

  /// Runs until a stage's training has come to a step or an epoch.
  private static func interrupt(_ fixture: PairsFixture, _ stage: StageName, at place: Int) {
    let interruption = Interruption()
    let observer = RecordingObserver { event in
      if case .progress(stage, step: "training", completed: place, total: _, unit: _, detail: _) = event {
        interruption.request()
      }
    }
    #expect {
      try Interruption.$current.withValue(interruption) { _ = try fixture.pipeline.run(observer: observer) }
    } throws: {
      ($0 as? PipelineError)?.code == .interrupted
    }
    #expect(checkpoints(fixture.folder, stage).count == 1)
  }

  private static func rest(_ fixture: PairsFixture, _ stage: StageName) throws -> (
    seen: [Int], notes: [String], warnings: [String]
  ) {
    let recorder = RecordingObserver()
    _ = try fixture.pipeline.run(observer: recorder)
    var (seen, notes, warnings): ([Int], [String], [String]) = ([], [], [])
    for event in recorder.all {
      switch event {
      case .progress(stage, step: "training", completed: let completed, total: _, unit: _, detail: _):
        seen.append(completed)
      case .note(let text): notes.append(text)
      case .warning(let text): warnings.append(text)
      default: break
      }
    }
    return (seen, notes, warnings)
  }

  private static let cases: [(StageName, String, at: Int, then: ClosedRange<Int>)] = [
    (.align, align, 1, 2...210), (.align, align, 200, 201...210), (.behavior, behavior, 1, 2...4),
    (.behavior, behavior, 3, 4...4),
  ]

  @Test(arguments: cases.indices)
  func aTrainingGoesOnAndEndsBitForBitTheSame(index: Int) throws {
    let (stage, section, place, then) = Self.cases[index]
    let whole = try Self.undisturbed(section)
    try withTemporaryDirectory { folder in
      let fixture = try Self.fixture(folder, section)
      Self.interrupt(fixture, stage, at: place)
      let (seen, notes, warnings) = try Self.rest(fixture, stage)
      #expect(seen == Array(then))
      #expect(notes.contains("\(stage.rawValue) goes on with the training that was stopped") && warnings.isEmpty)
      #expect(try Self.artifacts(folder) == whole.artifacts)
      #expect(try fixture.pipeline.records() == whole.ids)
      #expect(Self.checkpoints(folder, stage).isEmpty, "a training that is done leaves none")
    }
  }

  @Test(arguments: [0, 2])
  func aDamagedCheckpointIsDroppedWithAWarning(index: Int) throws {
    let (stage, section, place, _) = Self.cases[index]
    let whole = try Self.undisturbed(section)
    try withTemporaryDirectory { folder in
      let fixture = try Self.fixture(folder, section)
      Self.interrupt(fixture, stage, at: place)
      let name = try #require(Self.checkpoints(folder, stage).first)
      let url = URL(fileURLWithPath: folder + "/work/stages/\(stage.rawValue)/" + name)
      var bytes = try Data(contentsOf: url)
      bytes[bytes.count - 100] ^= 1
      try bytes.write(to: url)
      let (seen, _, warnings) = try Self.rest(fixture, stage)
      #expect(seen.last == (stage == .align ? 210 : 4) && seen.count > 2)
      #expect(warnings.count == 1)
      #expect(warnings.first?.hasPrefix("\(stage.rawValue) trains anew: the checkpoint ") == true)
      #expect(warnings.first?.contains(name) == true)
      #expect(try Self.artifacts(folder) == whole.artifacts)
    }
  }

  @Test func otherSettingsDropTheCheckpointAndTrainAnew() throws {
    try withTemporaryDirectory { folder in
      var fixture = try Self.fixture(folder, Self.align)
      Self.interrupt(fixture, .align, at: 200)
      fixture.pipeline.extra = fixture.pipeline.extra.replacingOccurrences(of: "batch: 16", with: "batch: 24")
      let (seen, notes, warnings) = try Self.rest(fixture, .align)
      #expect(seen == Array(1...210))
      #expect(!notes.contains { $0.contains("goes on") } && warnings.isEmpty)
      #expect(Self.checkpoints(folder, .align).isEmpty)
    }
  }

  @Test func anotherLogDropsTheCheckpoint() throws {
    try withTemporaryDirectory { folder in
      var fixture = try Self.fixture(folder, Self.behavior)
      Self.interrupt(fixture, .behavior, at: 3)
      fixture.log.append("u3,item-31,700")
      try fixture.writeLog()
      #expect(try Self.rest(fixture, .behavior).seen == [1, 2, 3, 4])
    }
  }
}
