import Foundation
import SemanticIDStore
import Synchronization
import TestSupport
import Testing

/// Readers and a writer at once, the writer's lock, and the handles of a process that reads for years.
@Suite struct StoreConcurrencyTests {
  @Test func threadsThatReadSeeOneWholeGenerationWhileAnotherPublishesAndCollects() throws {
    try withStore { (store) throws in
      try store.publish(makeDraft(items: 60, seed: 1))
      let isDone = Mutex(false)
      let problems = Mutex<[String]>([])
      let reads = Mutex(0)
      let group = DispatchGroup()
      for _ in 0..<3 {
        group.enter()
        // Threads of their own: what else runs may have all of the queue's.
        Thread.detachNewThread {
          defer { group.leave() }
          var last: UInt64 = 0
          while !isDone.withLock({ $0 }) {
            do {
              last = try store.read { (reader) throws in
                let columns = try reader.columns()
                let seeds = Set(columns.contentHashes.map { $0 & 0xFFFF_FFFF })
                if columns.count != 60 || seeds != [reader.generation] || reader.generation < last {
                  problems.withLock { $0.append("generation \(reader.generation) after \(last): \(seeds)") }
                }
                return reader.generation
              }
              reads.withLock { $0 += 1 }
            } catch {
              problems.withLock { $0.append("\(error)") }
            }
          }
        }
      }
      var options = SemanticIDStore.PublishOptions()
      options.keepGenerations = 1
      options.transactionBytes = 1_000
      // On a busy machine all would be published before anyone reads.
      while reads.withLock({ $0 }) == 0, problems.withLock({ $0.isEmpty }) { Thread.sleep(forTimeInterval: 0.001) }
      for seed in 2...9 { try store.publish(makeDraft(items: 60, seed: seed), options: options) }
      isDone.withLock { $0 = true }
      group.wait()
      #expect(problems.withLock { $0 } == [])
      #expect(reads.withLock { $0 } > 0)
      try store.publish(makeDraft(items: 60, seed: 10), options: options)
      #expect(try store.databaseNames().count == 6, "nothing that was retired is left over")
    }
  }

  @Test func ofTwoThreadsThatPublishOneIsToldToWaitOrBothSucceedInTurn() throws {
    try withStore { (store) throws in
      let outcomes = Mutex<[StoreError.Code?]>([])
      let group = DispatchGroup()
      for seed in 1...4 {
        DispatchQueue.global().async(group: group) {
          let code = storeErrorCode { try store.publish(makeDraft(items: 200, seed: seed)) }
          outcomes.withLock { $0.append(code) }
        }
      }
      group.wait()
      let codes = outcomes.withLock { $0 }
      #expect(codes.allSatisfy { $0 == nil || $0 == .locked }, "\(codes)")
      let published = codes.count { $0 == nil }
      try #require(published > 0)
      #expect(try store.generations().map(\.generation) == (1...UInt64(published)).map { $0 })
      for manifest in try store.generations() { try store.verify(generation: manifest.generation) }
    }
  }

  /// What a lock file may hold while another process has the lock, and the holder that others are told.
  @Test(
    arguments: [("12345\n", 12_345), ("", nil), ("garbage\n", nil), ("99999999999999999999", nil)] as [(String, Int32?)]
  )
  func theLockFileIsReadWithDoubt(content: String, holder: Int32?) throws {
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      let path = folder + "/writer.lock"
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      #expect(descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
      let bytes = Array(content.utf8)
      #expect(ftruncate(descriptor, 0) == 0 && pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
      let error = storeError { try store.publish(makeDraft(items: 1)) }
      #expect(error?.code == .locked)
      #expect(error?.lockHolder == holder)
      let name = holder.map { "process \($0)" } ?? "another process"
      #expect(error?.message == "\(folder) is being written by \(name); try again later")
      // Not by closing alone: a program that another test starts just now holds a copy of the descriptor for a moment.
      #expect(flock(descriptor, LOCK_UN) == 0)
      close(descriptor)
      // What is written there after a crash means nothing once nobody holds the lock.
      #expect(try store.publish(makeDraft(items: 1)).generation == 1)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)).isEmpty, "the number goes with the lock")
    }
  }

  @Test func whileAPublishRunsTheLockFileHoldsItsProcess() throws {
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      let seen = Mutex<String?>(nil)
      var options = SemanticIDStore.PublishOptions()
      options.progress = { progress in
        guard progress.step == .items else { return }
        let text = try String(contentsOfFile: folder + "/writer.lock", encoding: .utf8)
        seen.withLock { $0 = text }
      }
      try store.publish(makeDraft(items: 4), options: options)
      #expect(seen.withLock { $0 } == "\(getpid())\n")
    }
  }

  @Test func aProcessThatReadsManyNightsGivesTheirHandlesBack() throws {
    try withTemporaryDirectory { (folder) throws in
      var options = SemanticIDStore.PublishOptions()
      options.keepGenerations = nil
      do {
        let writer = try SemanticIDStore.open(folder, mode: .readWrite)
        for seed in 1...8 { try writer.publish(makeDraft(items: 3, seed: seed), options: options) }
      }
      // 41 databases, of which 16 may be open at once; whoever opens the folder first decides.
      var settings = Environment.Options()
      settings.maximumDatabases = 16
      let environment = try Environment.open(folder, options: settings)
      let store = try SemanticIDStore.open(folder, mode: .readOnly)
      for _ in 0..<2 {
        for number in 1...8 as ClosedRange<UInt64> {
          #expect(try store.read(generation: number) { $0.manifest.properties } == ["seed": "\(number)"])
          try store.verify(generation: number)
        }
      }
      // A reader inside a reader keeps its own: there is no room for a fourth, and that is an error, not a wrong answer.
      let nested = storeError {
        try store.read(generation: 1) { (first) throws in
          #expect(try first.columns().count == 3)
          try store.read(generation: 2) { _ in
            try store.read(generation: 3) { _ in try store.read(generation: 4) { _ in } }
          }
        }
      }
      #expect(nested == nil || nested?.code == .system && nested?.message.contains("16 databases") == true)
      #expect(try store.read(generation: 8) { $0.generation } == 8)
      #expect(try environment.databaseNames().count == 41)
    }
  }

  @Test func aStoreIsCheckedBesideItsWriter() throws {
    try withTemporaryDirectory { (folder) throws in
      #expect(try HelperProcess.run(["publish", folder, "150", "1", "2"]).status == 0)
      let writer = try HelperProcess(["publish", folder, "150", "25", "2"])
      var codes: [StoreError.Code?] = []
      while writer.process.isRunning, codes.count < 2_000 {
        codes.append(storeErrorCode { try SemanticIDStore.checkFile(folder) })
      }
      #expect(try writer.finish().status == 0)
      #expect(codes.allSatisfy { $0 == nil || $0 == .busy }, "\(Set(codes.compactMap { $0?.rawValue }))")
      #expect(codes.contains(nil))
      try SemanticIDStore.checkFile(folder)
    }
  }

  @Test func anErrorOfTheReadersBodyComesThrough() throws {
    struct Stop: Error, Equatable { var place: Int }
    try withStore { (store) throws in
      try store.publish(makeDraft(items: 20))
      for place in 0..<4 {
        #expect(throws: Stop(place: place)) {
          try store.read { (reader) throws in
            switch place {
            case 0: try reader.forEachItem { _, _ in throw Stop(place: 0) }
            case 1: try reader.forEachRow { _, _, _ in throw Stop(place: 1) }
            case 2: try reader.forEachBucket { _, _ in throw Stop(place: 2) }
            default: try reader.forEachRow(of: IdentifierColumn(["item-1"])) { _, _, _ in throw Stop(place: 3) }
            }
          }
        }
      }
      // None of them left a transaction behind: a map that grows needs there to be none.
      #expect(try store.publish(makeDraft(items: 20, seed: 2)).generation == 2)
    }
  }

  @Test func theBenchmarkLeavesNothingAndNamesItsFiguresAsThePeerDoes() throws {
    try withTemporaryDirectory { (folder) throws in
      let result = try StoreBenchmark.run(items: 300, directory: folder)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(result)) as? [String: Any]
      #expect(
        Set(try #require(object).keys) == [
          "items", "publish_s", "items_per_s", "reads_per_s", "batched_reads_per_s", "two_thread_reads_per_s",
          "verified_publish_s", "verified_items_per_s",
        ])
      #expect(result.items == 300 && result.readsPerSecond > 0 && result.batchedReadsPerSecond > 0)
    }
  }
}
