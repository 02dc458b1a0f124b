import Foundation
import PipelineEngine
import Recommenders
import SemanticIDStore
import Synchronization
import TestSupport
import Testing

/// Fine-tuning that is stopped, and run again.
@Suite("Fine-tuning that goes on where it stopped")
struct FineTuningResumeTests {
  private static let finetune = "{ epochs: 2, steps: 12, seeds: 2, gate: { minimumGain: 1000 } }"

  /// The steps that a run tells of, each once, in order.
  private static func steps(_ observer: ProgressRecorder) -> [String] {
    observer.lines.map(\.step).reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  /// Runs until a step is told of for the nth time, and expects the stop.
  private static func stop(_ fixture: TuningFixture, at step: String, time: Int = 1) throws {
    let interruption = Interruption()
    let count = Mutex(0)
    let observer = RecordingObserver { event in
      guard case .progress(_, step, _, _, _, _) = event else { return }
      let seen = count.withLock { value in
        value += 1
        return value
      }
      if seen == time { interruption.request() }
    }
    let error = #expect(throws: PipelineError.self, "not stopped at \(step)") {
      try Interruption.$current.withValue(interruption) { try fixture.tuning(observer: observer).run() }
    }
    #expect(error?.code == .interrupted)
  }

  private static func expectSame(
    _ found: TuningOutcome, _ expected: TuningOutcome, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(found.evidence == expected.evidence, sourceLocation: sourceLocation)
    #expect(found.cycles == expected.cycles, sourceLocation: sourceLocation)
    #expect(found.served == expected.served && found.tuned == expected.tuned, sourceLocation: sourceLocation)
    #expect(found.trainingSteps == expected.trainingSteps, sourceLocation: sourceLocation)
    #expect(found.trainingSeconds >= 0 && found.tuningSeconds >= 0, sourceLocation: sourceLocation)
  }

  private static func unfinished(_ folder: String, _ command: String = "finetune") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder + "/work/unfinished/" + command)) ?? []).sorted()
  }

  @Test func stoppedInAnyPartItComesToTheSameAndLeavesWhatIsServed() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: Self.finetune)
      try fixture.run()
      let (records, answers) = (try fixture.records(), try fixture.answers())
      let recorder = ProgressRecorder()
      let whole = try fixture.tuning(observer: recorder).run()
      let parts = [
        "tuning codes, cycle 1", "seed 1, cycle 1, tuned codes", "seed 1, cycle 1, served codes", "training seed 2",
        "seed 2, cycle 1, tuned codes", "seed 2, cycle 1, served codes", "judging",
      ]
      #expect(Self.steps(recorder).filter { parts.contains($0) || $0.hasPrefix("seed") }.prefix(7) == parts[...])
      for (number, part) in parts.enumerated() {
        try Self.stop(fixture, at: part)
        #expect(try fixture.generations() == [1])
        #expect(try fixture.records() == records)
        #expect(try fixture.answers() == answers)
        #expect(Self.unfinished(folder).contains("label.json"))
        let resumed = RecordingObserver()
        let outcome = try fixture.tuning(observer: resumed).run()
        Self.expectSame(outcome, whole)
        #expect(resumed.notes.contains { $0.hasPrefix("going on where the fine-tuning before") }, "\(number)")
        #expect(!resumed.notes.contains { $0.contains("discarded") || $0.contains("made again") })
        #expect(Self.unfinished(folder).isEmpty, "what is over leaves nothing")
      }
    }
  }

  /// Stopped again and again, it still gets there, and makes no part twice.
  @Test func everyRunGoesFurther() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: Self.finetune)
      try fixture.run()
      for part in ["tuning codes, cycle 1", "seed 1, cycle 1, served codes", "seed 2, cycle 1, tuned codes"] {
        try Self.stop(fixture, at: part, time: 2)
      }
      let recorder = ProgressRecorder()
      let outcome = try fixture.tuning(observer: recorder).run()
      let last = Self.steps(recorder)
      #expect(!last.contains("tuning codes, cycle 1") && !last.contains("training seed 2"), "\(last)")
      #expect(!last.contains("seed 1, cycle 1, tuned codes"))
      Self.expectSame(outcome, try fixture.tuning().run())
    }
  }

  @Test func anotherConfigurationDiscardsWhatIsThere() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: Self.finetune)
      try fixture.run()
      try Self.stop(fixture, at: "seed 1, cycle 1, served codes")
      let other = TuningFixture(folder, finetune: Self.finetune.replacing("steps: 12", with: "steps: 14"))
      let observer = RecordingObserver()
      let outcome = try other.tuning(observer: observer).run()
      let note = try #require(observer.notes.first { $0.contains("is discarded") })
      #expect(note.contains("finetune.steps changed (12 → 14)"), "\(note)")
      #expect(outcome.cycles.map(\.steps) == [14])
      Self.expectSame(outcome, try other.tuning().run())
    }
  }

  /// What the gate asks for decides about no part.
  @Test func anotherGateGoesOn() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: Self.finetune)
      try fixture.run()
      try Self.stop(fixture, at: "judging")
      let other = TuningFixture(folder, finetune: Self.finetune.replacing("1000", with: "900"))
      let recorder = ProgressRecorder()
      #expect(try other.tuning(observer: recorder).run().reasons.isEmpty == false)
      #expect(!Self.steps(recorder).contains("tuning codes, cycle 1"))
    }
  }

  @Test func aNewerGenerationDiscardsWhatIsThere() throws {
    try withTemporaryDirectory { folder in
      var fixture = TuningFixture(folder, finetune: Self.finetune)
      try fixture.run()
      try Self.stop(fixture, at: "seed 1, cycle 1, served codes")
      fixture.pairs.pipeline.set("newcomer", PipelineFixture.sentence(77))
      try fixture.run()
      let observer = RecordingObserver()
      let outcome = try fixture.tuning(observer: observer).run()
      #expect(outcome.base == 2)
      #expect(observer.notes.contains { $0.contains("is discarded: input generation changed") }, "\(observer.notes)")
      Self.expectSame(outcome, try fixture.tuning().run())
    }
  }

  @Test func damagedFilesAreMadeAgainWithANote() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: Self.finetune)
      try fixture.run()
      let whole = try fixture.tuning().run()
      let work = folder + "/work/unfinished/finetune/"
      for name in ["seed-0-tuned/tuning-1.safetensors", "seed-0-tuned/training-1.safetensors"] {
        try Self.stop(fixture, at: "seed 1, cycle 1, served codes")
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: work + name)))
        bytes[bytes.count - 30] ^= 8
        try Data(bytes).write(to: URL(fileURLWithPath: work + name))
        let observer = RecordingObserver()
        Self.expectSame(try fixture.tuning(observer: observer).run(), whole)
        #expect(observer.notes.count { $0.contains("made again") && $0.contains(name) } == 1, "\(observer.notes)")
      }
      try Self.stop(fixture, at: "seed 1, cycle 1, served codes")
      try Data("{".utf8).write(to: URL(fileURLWithPath: work + "label.json"))
      let observer = RecordingObserver()
      Self.expectSame(try fixture.tuning(observer: observer).run(), whole)
      #expect(observer.notes.contains { $0.contains("nothing says what it is of") }, "\(observer.notes)")
    }
  }

  /// A publication that fails leaves the work of hours for the next try.
  @Test func whatCouldNotBePublishedIsPublishedByTheNextRun() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: Self.finetune)
      try fixture.run()
      let error = #expect(throws: PipelineError.self) {
        try fixture.tuning().run(
          worsening: 0.5, judging: { _ in throw PipelineError(.cannotWrite, "the test's disk is full") })
      }
      #expect(error?.code == .cannotWrite)
      #expect(!Self.unfinished(folder, "drill").isEmpty)
      let recorder = ProgressRecorder()
      let outcome = try fixture.tuning(observer: recorder).run(worsening: 0.5, judging: { _ in .publish })
      #expect(outcome.published == 2)
      #expect(!Self.steps(recorder).contains { $0.hasPrefix("tuning codes") || $0.hasPrefix("seed") })
      #expect(Self.unfinished(folder, "drill").isEmpty)
    }
  }

  @Test func aDrillCostsNoRealRunItsWork() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: Self.finetune)
      try fixture.run()
      try Self.stop(fixture, at: "seed 1, cycle 1, served codes")
      let kept = Self.unfinished(folder)
      #expect(try fixture.tuning().run(worsening: 2).published == nil)
      #expect(Self.unfinished(folder) == kept && Self.unfinished(folder, "drill").isEmpty)
    }
  }
}
