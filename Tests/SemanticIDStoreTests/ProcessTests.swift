import Foundation
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// What only shows with several processes.
@Suite struct ProcessTests {
  @Test func aReaderKeepsItsGenerationWhileAnotherProcessPublishesAndCollects() throws {
    try withTemporaryDirectory { (folder) throws in
      #expect(try HelperProcess.run(["publish", folder, "300", "1", "1"]).status == 0)
      let reader = try HelperProcess(["hold", folder])
      #expect(reader.line() == "holding 1")
      #expect(try HelperProcess.run(["publish", folder, "300", "4", "1"]).lines.last == "published 5")
      #expect(try SemanticIDStore.open(folder, mode: .readOnly).generations().map(\.generation) == [5])
      let (lines, status) = try reader.finish()
      #expect(lines == ["read 1 300 1", "now 5"])
      #expect(status == 0)
    }
  }

  @Test func aSecondWriterIsToldWhoHoldsTheLock() throws {
    try withTemporaryDirectory { (folder) throws in
      let writer = try HelperProcess(["pause", folder, "codes"])
      #expect(writer.line() == "paused")
      let second = try HelperProcess.run(["publish", folder, "10", "1", "1"])
      #expect(second.status == 65)
      #expect(second.lines.first?.hasPrefix("locked \(writer.process.processIdentifier) ") == true)
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      do {
        try store.publish(makeDraft(items: 1))
        Issue.record("published beside another writer")
      } catch let error as StoreError {
        #expect(error.code == .locked)
        #expect(error.lockHolder == writer.process.processIdentifier)
      }
      #expect(storeErrorCode { try store.rollback(to: 1) } == .locked)
      #expect(try writer.finish().lines == ["published 1"])
      #expect(try store.publish(makeDraft(items: 1)).generation == 2)
    }
  }

  @Test func openingBesideAWriterDoesNotCollectWhatItWrites() throws {
    try withTemporaryDirectory { (folder) throws in
      let writer = try HelperProcess(["pause", folder, "verify"])
      #expect(writer.line() == "paused")
      #expect(try SemanticIDStore.open(folder, mode: .readWrite).databaseNames().count == 6)
      #expect(try writer.finish().lines == ["published 1"])
      try SemanticIDStore.open(folder, mode: .readOnly).verify()
    }
  }

  @Test(arguments: ["items", "codes", "codebooks", "verify", "switchCurrent"])
  func aWriterKilledBeforeAnyStepLeavesTheOldGeneration(_ step: String) throws {
    try withTemporaryDirectory { (folder) throws in
      #expect(try HelperProcess.run(["publish", folder, "50", "1", "7"]).status == 0)
      let writer = try HelperProcess(["pause", folder, step])
      #expect(writer.line() == "paused")
      writer.killNow()
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      #expect(try store.verify().properties == ["seed": "1"])
      #expect(try store.generations().count == 1)
      #expect(try store.databaseNames().count == 6)
    }
  }

  @Test func fiftyKillsAtRandomMomentsLeaveOldOrNewGenerationWhole() throws {
    var random = RandomSource(seed: 50)
    try withTemporaryDirectory { (folder) throws in
      #expect(try HelperProcess.run(["publish", folder, "200", "1", "2"]).status == 0)
      var last: UInt64 = 1
      for round in 0..<50 {
        let writer = try HelperProcess(["publish", folder, "200", "1000", "2"])
        // Half of them in the midst of their work, however long a busy machine takes to start one; the others may be
        // hit before they begin.
        if round.isMultiple(of: 2) { #expect(writer.line()?.hasPrefix("published ") == true) }
        usleep(UInt32.random(in: 1_000...60_000, using: &random))
        writer.killNow()
        let store = try SemanticIDStore.open(folder, mode: .readWrite)
        let current = try #require(try store.currentGeneration())
        #expect(current >= last)
        last = current
        let generations = try store.generations()
        #expect(generations.count <= 3)
        for manifest in generations {
          try store.verify(generation: manifest.generation)
          #expect(manifest.properties == ["seed": "\(manifest.generation)"])
        }
        #expect(try store.databaseNames().count == 1 + 5 * generations.count)
      }
      #expect(last > 25)
      try SemanticIDStore.checkFile(folder)
    }
  }

  @Test func aReaderAdoptsAMapThatAnotherProcessHasGrown() throws {
    try withTemporaryDirectory { (folder) throws in
      let small = ["STORE_MAP_SIZE": "\(1 << 18)"]
      #expect(try HelperProcess.run(["publish", folder, "100", "1", "2"], environment: small).status == 0)
      var options = SemanticIDStore.Options()
      options.mapSize = 1 << 18
      let store = try SemanticIDStore.open(folder, mode: .readOnly, options: options)
      #expect(try store.read { $0.generation } == 1)
      #expect(try HelperProcess.run(["publish", folder, "20000", "2", "2"], environment: small).status == 0)
      #expect(try store.read { $0.generation } == 3)
      #expect(try store.verify().items == 20_000)
    }
  }

  @Test func exhaustedReaderSlotsNameTheSettingAndDeadReadersGiveTheirsBack() throws {
    try withTemporaryDirectory { (folder) throws in
      let few = ["STORE_READERS": "4"]
      #expect(try HelperProcess.run(["publish", folder, "10", "1", "2"], environment: few).status == 0)
      let reader = try HelperProcess(["readers", folder, "4"], environment: few)
      #expect(reader.line() == "occupied")
      // The slots were laid out by the process that opened the folder first, so ours are as few.
      let (lines, status) = try HelperProcess.run(["probe", folder], environment: few)
      #expect(status == 65)
      #expect(lines.first?.hasPrefix("readersFull") == true)
      #expect(lines.first?.contains("maximumReaders") == true)
      reader.killNow()
      #expect(try HelperProcess.run(["probe", folder], environment: few).lines == ["intact 1"])
    }
  }

  @Test(.enabled(if: mayMount, "mounting a small file system is not permitted here: a full disk is not tested"))
  func aFullDiskFailsThePublishAndServesTheOldGeneration() throws {
    try withTemporaryDirectory { (folder) throws in
      #expect(mountSmallFileSystem(folder))
      defer { runTool("/bin/umount", ["-l", folder]) }
      let path = folder + "/store"
      #expect(try HelperProcess.run(["publish", path, "100", "1", "2"]).status == 0)
      let (lines, status) = try HelperProcess.run(["publish", path, "20000", "1", "2"])
      #expect(status == 65)
      #expect(lines.first?.hasPrefix("diskFull") == true, "\(lines)")
      #expect(try HelperProcess.run(["probe", path]).lines == ["intact 1"])
      #expect(try HelperProcess.run(["publish", path, "100", "1", "2"]).lines == ["published 2"])
    }
  }
}

private let mayMount =
  (try? withTemporaryDirectory { folder in
    defer { runTool("/bin/umount", ["-l", folder]) }
    return mountSmallFileSystem(folder)
  }) ?? false

private func mountSmallFileSystem(_ folder: String) -> Bool {
  runTool("/bin/mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder])
}

@discardableResult
private func runTool(_ path: String, _ arguments: [String]) -> Bool {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: path)
  process.arguments = arguments
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return false }
  process.waitUntilExit()
  return process.terminationStatus == 0
}
