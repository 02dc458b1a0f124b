import Foundation
import Glibc
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// Real processes, killed: what is served is always whole, and running again ends where an undisturbed run does.
@Suite(.serialized) struct CrashTests {
  /// Two nights without a disturbance.
  private func undisturbed() throws -> (first: [String], second: [String]) {
    var first: [String] = []
    var second: [String] = []
    try withTemporaryDirectory { folder in
      try writeJob(folder)
      #expect(try tessera("run", "pipeline.yaml", "--quiet", in: folder).status == 0)
      first = try exportedIDs(folder)
      try writeJob(folder, items: 42, changed: [3])
      #expect(try tessera("run", "pipeline.yaml", "--quiet", in: folder).status == 0)
      second = try exportedIDs(folder)
    }
    return (first, second)
  }

  @Test func fiftyKillsAtRandomMomentsEndAsAnUndisturbedRun() throws {
    let expected = try undisturbed()
    var random = RandomSource(seed: 11)
    var killed = 0
    for round in 0..<50 {
      try withTemporaryDirectory { folder in
        try writeJob(folder)
        let isSecondNight = round % 2 == 1
        if isSecondNight {
          _ = try tessera("run", "pipeline.yaml", "--quiet", in: folder)
          try writeJob(folder, items: 42, changed: [3])
        }
        let run = try RunningTessera(["run", "pipeline.yaml", "--quiet"], in: folder)
        usleep(UInt32.random(in: 0..<150_000, using: &random))
        kill(run.process.processIdentifier, SIGKILL)
        if try run.finish().wasKilled { killed += 1 }
        try expectWholeGenerations(folder)
        let resumed = try tessera("run", "pipeline.yaml", "--quiet", in: folder)
        #expect(resumed.status == 0, "round \(round): \(resumed.errors)")
        #expect(try exportedIDs(folder) == (isSecondNight ? expected.second : expected.first), "round \(round)")
      }
    }
    #expect(killed > 10, "only \(killed) of 50 runs were killed before their end")
  }

  private func expectWholeGenerations(_ folder: String) throws {
    guard let store = try? SemanticIDStore.open(folder + "/work/store", mode: .readWrite) else { return }
    for generation in try store.generations() { try store.verify(generation: generation.generation) }
  }

  @Test(arguments: ["catalog", "encode", "represent", "quantize", "resolve", "publish", "export"])
  func aCrashOnEitherSideOfAStageIsGoneWithTheNextRun(stage: String) throws {
    let expected = try undisturbed().first
    for side in ["before", "after"] {
      try withTemporaryDirectory { folder in
        try writeJob(folder)
        let crashed = try tessera(
          "run", "pipeline.yaml", in: folder, environment: ["TESSERA_CRASH_AT": "\(side) \(stage)"])
        #expect(crashed.status == 137)
        #expect(try tessera("run", "pipeline.yaml", "--quiet", in: folder).status == 0)
        #expect(try exportedIDs(folder) == expected)
        let plan = try tessera("plan", "pipeline.yaml", in: folder)
        #expect(!plan.output.contains("run "), "\(plan.output)")
      }
    }
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func aSignalStopsCleanlyAndSaysHowToGoOn(signal: Int32) throws {
    try withTemporaryDirectory { folder in
      try writeJob(folder, items: 20_000)
      let run = try RunningTessera(["run", "pipeline.yaml"], in: folder)
      // Once it holds its workspace: how long a process takes to start is the machine's affair.
      while run.process.isRunning, !FileManager.default.fileExists(atPath: folder + "/work/lock") { usleep(1_000) }
      usleep(100_000)
      kill(run.process.processIdentifier, signal)
      let outcome = try run.finish()
      #expect(outcome.status == 130 && !outcome.wasKilled, "\(outcome)")
      #expect(outcome.errors.contains("run the same command again to go on"))
      #expect(try tessera("run", "pipeline.yaml", "--quiet", in: folder).status == 0)
    }
  }

  @Test func aSecondRunIsTurnedAwayWhileOneIsRunning() throws {
    try withTemporaryDirectory { folder in
      try writeJob(folder)
      try FileManager.default.createDirectory(atPath: folder + "/work", withIntermediateDirectories: true)
      let lock = open(folder + "/work/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      defer { close(lock) }
      #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
      let text = "4711\n"
      #expect(text.withCString { write(lock, $0, text.utf8.count) } == 5)
      let outcome = try tessera("run", "pipeline.yaml", in: folder)
      #expect(outcome.status == 75)
      #expect(outcome.errors.contains("process 4711 is running this pipeline"))
    }
  }

  @Test func aFullDiskIsReportedAndTheOldGenerationStays() throws {
    try withTemporaryDirectory { folder in
      try writeJob(folder)
      let disk = folder + "/work"
      try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
      guard mount("tmpfs", disk, "tmpfs", 0, "size=6m") == 0 else {
        withKnownIssue("mounting a small disk is not permitted here; the test of a full disk is skipped") {
          Issue.record("not permitted: mount")
        }
        return
      }
      defer { umount2(disk, 2) }
      #expect(try tessera("run", "pipeline.yaml", "--quiet", in: folder).status == 0)
      let before = try exportedIDs(folder)
      try writeJob(folder, items: 30_000)
      let outcome = try tessera("run", "pipeline.yaml", "--quiet", in: folder)
      #expect(outcome.status == 73, "\(outcome)")
      #expect(try exportedIDs(folder) == before)
      let store = try SemanticIDStore.open(disk + "/store", mode: .readOnly)
      #expect(try store.read { $0.count } == 40)
    }
  }
}
