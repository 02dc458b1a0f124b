import Foundation
import PipelineEngine
import SemanticIDStore
import TestSupport
import Testing

/// A stop between any two stages loses nothing: the next run goes on there and ends where an undisturbed one does.
@Suite(.serialized) struct ResumeTests {
  private static let stages: [StageName] = [.catalog, .encode, .represent, .quantize, .resolve, .publish]

  @Test(arguments: stages)
  func aRunGoesOnAfterAStopBehindEachStage(stage: StageName) throws {
    var undisturbed: [String: ItemRecord] = [:]
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      undisturbed = try fixture.records()
    }
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      let interruption = Interruption()
      let stopper = RecordingObserver { event in
        if case .finished(let finished, _, _) = event, finished == stage { interruption.request() }
      }
      #expect {
        try Interruption.$current.withValue(interruption) { _ = try fixture.run(observer: stopper) }
      } throws: {
        ($0 as? PipelineError)?.code == .interrupted && ($0 as? PipelineError)?.exitCode == 130
      }
      let rest = try ran(fixture.run())
      #expect(!rest.contains(stage) && rest.allSatisfy { $0 > stage })
      #expect(try fixture.records() == undisturbed)
      #expect(try fixture.generations() == [1])
    }
  }

  @Test(arguments: stages)
  func aStageWhoseManifestWasNeverWrittenRunsAgainToTheSameEnd(stage: StageName) throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let before = try fixture.records()
      try remove(folder + "/work/stages/\(stage.rawValue).json")
      let stages1 = try ran(fixture.run())
      #expect(stages1.contains(stage))
      #expect(try fixture.records() == before)
      #expect(try fixture.generations() == [1])
    }
  }

  /// After a power cut, what a night of few changes did not wait for is made again; what a full night left stands.
  @Test func anotherStartOfTheSystemRepeatsOnlyNightsThatDidNotWaitForTheDisk() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      func run(_ start: String?) throws -> [StageName] {
        try SystemStart.$identity.withValue(start) { try ran(fixture.run()) }
      }
      _ = try run("first")
      #expect(try run("first") == [])
      #expect(try run("second") == [.catalog])
      fixture.set("item-3", "a garden chair of oak")
      #expect(try run("second").contains(.publish))
      let before = try fixture.records()
      #expect(try run("second") == [])
      #expect(try run("third") == [.catalog, .encode, .represent, .quantize, .resolve, .publish, .export])
      #expect(try fixture.records() == before)
      #expect(try fixture.generations() == [1, 2])
    }
  }

  @Test func withoutAKernelThatNamesItsStartEveryFileIsWaitedFor() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try SystemStart.$identity.withValue(nil) { _ = try fixture.run() }
      fixture.set("item-3", "a garden chair of oak")
      try SystemStart.$identity.withValue(nil) { _ = try fixture.run() }
      let manifest = StageManifest.read(folder + "/work/stages/encode.json")
      #expect(manifest != nil && manifest?.systemStart == nil)
      let rest = try SystemStart.$identity.withValue("any") { try ran(fixture.run()) }
      #expect(rest == [])
    }
  }

  @Test(arguments: ["stages/encode/text.f32", "stages/represent/representations.f32", "stages/quantize/codes.u16"])
  func aDamagedTableIsNoticed(file: String) throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let before = try fixture.records()
      let url = URL(fileURLWithPath: folder + "/work/" + file)
      try Data(contentsOf: url).dropLast(3).write(to: url)
      try fixture.run()
      #expect(try fixture.records() == before)
    }
  }

  @Test func withoutStagesTheStoreStillSaysWhatStands() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      let before = try fixture.records()
      try remove(folder + "/work/stages")
      try remove(folder + "/work/cache")
      try fixture.run()
      #expect(try fixture.records() == before)
    }
  }

  @Test func aHeldLockNamesItsHolder() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try FileManager.default.createDirectory(atPath: folder + "/work", withIntermediateDirectories: true)
      let lock = try RunLock(workspace: folder + "/work")
      withExtendedLifetime(lock) {
        _ = #expect {
          try fixture.run()
        } throws: {
          let error = $0 as? PipelineError
          return error?.code == .locked && error?.exitCode == 75
            && error?.message.contains("process \(ProcessInfo.processInfo.processIdentifier)") == true
        }
      }
    }
  }

  @Test func errorsHaveTheirExitCodes() {
    let codes: [(PipelineError.Code, Int32)] = [
      (.usage, 64), (.invalidData, 65), (.inputMissing, 66), (.internalFault, 70), (.cannotWrite, 73), (.locked, 75),
      (.interrupted, 130),
    ]
    for (code, exit) in codes { #expect(PipelineError(code, "").exitCode == exit) }
    #expect(PipelineError(wrapping: StoreError(.diskFull, "full")).exitCode == 73)
    #expect(PipelineError(wrapping: StoreError(.locked, "held")).exitCode == 75)
    #expect(PipelineError(wrapping: StoreError(.damaged, "bad")).exitCode == 65)
    #expect(PipelineError(wrapping: StoreError(.notFound, "none")).exitCode == 66)
    #expect(PipelineError(wrapping: CocoaError(.fileNoSuchFile)).exitCode == 70)
  }

  @Test func missingInputsAreNamed() throws {
    try withTemporaryDirectory { folder in
      #expect {
        try PipelineConfiguration(contentsOf: folder + "/none.yaml")
      } throws: {
        ($0 as? PipelineError)?.message == "the pipeline file '\(folder)/none.yaml' does not exist"
      }
      let fixture = PipelineFixture(folder: folder)
      let pipeline = try fixture.pipeline()
      try remove(folder + "/items.jsonl")
      #expect {
        try pipeline.run(observer: SilentObserver())
      } throws: {
        ($0 as? PipelineError)?.code == .inputMissing
      }
    }
  }
}
