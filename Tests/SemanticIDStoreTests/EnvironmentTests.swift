import Foundation
import SemanticIDStore
import Synchronization
import TensorMath
import TestSupport
import Testing

/// The LMDB layer, as the store and the embedding cache use it.
@Suite struct EnvironmentTests {
  private func withEnvironment<Value>(
    mapSize: Int = 1 << 16, maximum: Int = 1 << 40, timeout: Double = 60,
    _ body: (Environment, Database) throws -> Value
  ) throws -> Value {
    try withTemporaryDirectory { (folder) throws in
      var options = Environment.Options()
      options.mapSize = mapSize
      options.maximumMapSize = maximum
      options.growthTimeout = timeout
      let environment = try Environment.open(folder + "/a/b", options: options)
      let database = try #require(try environment.database(named: "cache", creating: true))
      return try body(environment, database)
    }
  }

  private func key(_ number: Int) -> [UInt8] { Array("key-\(number)".utf8) }

  @Test func theMapGrowsAsOftenAsABatchOfRandomKeysNeeds() throws {
    var random = RandomSource(seed: 9)
    let keys = (0..<4_000).map { _ in
      (0..<Int.random(in: 8...40, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
    }
    let value = [UInt8](repeating: 7, count: 1_536)
    try withEnvironment { (environment, database) throws in
      let before = try environment.mapSize()
      var runs = 0
      try environment.write { (transaction) throws in
        runs += 1
        for key in keys { try transaction.put(value.span, in: database, at: key.span) }
      }
      #expect(runs > 1)
      #expect(try environment.mapSize() > before)
      try environment.read { (transaction) throws in
        #expect(try transaction.entryCount(of: database) == Set(keys).count)
        for key in keys { #expect(try transaction.value(in: database, at: key.span) == value) }
      }
    }
  }

  @Test func theMapStopsGrowingAtItsLimit() throws {
    try withEnvironment(maximum: 1 << 21) { (environment, database) throws in
      let big = [UInt8](repeating: 1, count: 4 << 20)
      #expect(
        storeErrorCode {
          _ = try environment.write { try $0.put(big.span, in: database, at: key(1).span) }
        } == .mapFull)
      let small = [UInt8](repeating: 1, count: 100)
      #expect(try environment.write { try $0.put(small.span, in: database, at: key(1).span) })
    }
  }

  @Test func aThreadThatReadsCannotGrowTheMapAndIsToldAtOnce() throws {
    try withEnvironment { (environment, database) throws in
      let value = [UInt8](repeating: 1, count: 1 << 20)
      let code = try environment.read { _ in
        storeErrorCode { _ = try environment.write { try $0.put(value.span, in: database, at: key(1).span) } }
      }
      #expect(code == .busy)
      #expect(try environment.write { try $0.put(value.span, in: database, at: key(1).span) })
    }
  }

  @Test func growthWaitsForReadersOfOtherThreads() throws {
    try withEnvironment { (environment, database) throws in
      let small = [UInt8](repeating: 5, count: 10)
      _ = try environment.write { try $0.put(small.span, in: database, at: key(0).span) }
      let isReading = DispatchSemaphore(value: 0)
      let seen = Mutex<[UInt8]?>(nil)
      let group = DispatchGroup()
      DispatchQueue.global().async(group: group) {
        try? environment.read { (transaction) throws in
          isReading.signal()
          usleep(50_000)
          let value = try transaction.value(in: database, at: Array("key-0".utf8).span)
          seen.withLock { $0 = value }
        }
      }
      isReading.wait()
      let big = [UInt8](repeating: 1, count: 1 << 20)
      #expect(try environment.write { try $0.put(big.span, in: database, at: key(1).span) })
      group.wait()
      #expect(seen.withLock { $0 } == small)
    }
  }

  @Test func growthGivesUpOnAReaderThatDoesNotFinish() throws {
    try withEnvironment(timeout: 0.05) { (environment, database) throws in
      let (isReading, mayFinish) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      let group = DispatchGroup()
      DispatchQueue.global().async(group: group) {
        try? environment.read { _ in
          isReading.signal()
          mayFinish.wait()
        }
      }
      isReading.wait()
      let big = [UInt8](repeating: 1, count: 1 << 20)
      #expect(
        storeErrorCode {
          _ = try environment.write { try $0.put(big.span, in: database, at: key(1).span) }
        } == .busy)
      mayFinish.signal()
      group.wait()
    }
  }

  @Test func readersOfManyThreadsAndAGrowingWriterGetAlong() throws {
    try withEnvironment { (environment, database) throws in
      let failures = Mutex(0)
      let isDone = Mutex(false)
      let group = DispatchGroup()
      for _ in 0..<4 {
        DispatchQueue.global().async(group: group) {
          while !isDone.withLock({ $0 }) {
            do {
              try environment.read { (transaction) throws in
                // One batch writes two keys at once, so a reader sees both or neither.
                let first = try transaction.value(in: database, at: Array("first".utf8).span)
                let second = try transaction.value(in: database, at: Array("second".utf8).span)
                if first != second { failures.withLock { $0 += 1 } }
              }
            } catch {
              failures.withLock { $0 += 1 }
            }
          }
        }
      }
      for round in 0..<40 {
        let value = [UInt8](repeating: UInt8(round), count: 20_000 * (round + 1))
        try environment.write { (transaction) throws in
          try transaction.put(value.span, in: database, at: Array("first".utf8).span)
          try transaction.put(value.span, in: database, at: Array("second".utf8).span)
        }
      }
      isDone.withLock { $0 = true }
      group.wait()
      #expect(failures.withLock { $0 } == 0)
      #expect(try environment.mapSize() > 1 << 20)
    }
  }

  @Test func anErrorInAWriteUndoesIt() throws {
    struct Stop: Error {}
    try withEnvironment { (environment, database) throws in
      #expect(throws: Stop.self) {
        try environment.write { (transaction) throws in
          _ = try transaction.put(key(1).span, in: database, at: key(1).span)
          throw Stop()
        }
      }
      #expect(try environment.read { try $0.value(in: database, at: key(1).span) } == nil)
    }
  }

  @Test func putDeleteAndCursorDoWhatTheySay() throws {
    try withEnvironment { (environment, database) throws in
      try environment.write { (transaction) throws in
        for number in [3, 1, 2] {
          let isNew = try transaction.put(key(number).span, in: database, at: key(number).span, replacing: false)
          #expect(isNew)
        }
        let isNew = try transaction.put(key(9).span, in: database, at: key(1).span, replacing: false)
        #expect(!isNew)
        #expect(try transaction.value(in: database, at: key(1).span) == key(1))
        #expect(try transaction.delete(key(2).span, in: database))
        #expect(try !transaction.delete(key(2).span, in: database))
        try transaction.withCursor(over: database) { (cursor) throws in
          #expect(try cursor.first())
          try cursor.deleteEntry()
          #expect(try cursor.last())
          cursor.withEntry { key, _ in #expect(key.count == 5) }
        }
      }
      try environment.read { (transaction) throws in
        #expect(try transaction.entryCount(of: database) == 1)
        try transaction.withCursor(over: database) { (cursor) throws in
          #expect(try cursor.seek(key(1).span))
          #expect(try !cursor.next())
          #expect(try !cursor.seek(key(4).span))
        }
      }
    }
  }

  @Test func keysThatDoNotFitAreRefused() throws {
    try withEnvironment { (environment, database) throws in
      let value: [UInt8] = [1]
      for size in [0, 512] {
        let key = [UInt8](repeating: 1, count: size)
        #expect(
          storeErrorCode { _ = try environment.write { try $0.put(value.span, in: database, at: key.span) } }
            == .badKey)
      }
      let key = [UInt8](repeating: 1, count: 511)
      #expect(try environment.write { try $0.put(value.span, in: database, at: key.span) })
    }
  }

  @Test func databasesThatAreNotThereAreNil() throws {
    try withEnvironment { (environment, _) throws in
      #expect(try environment.database(named: "other") == nil)
      #expect(try environment.databaseNames() == ["cache"])
      try environment.synchronize()
      #expect(try environment.clearStaleReaders() == 0)
    }
  }

  @Test func oneFolderIsOneEnvironmentPerProcessAndOpensAnewWhenItIsClosed() throws {
    try withTemporaryDirectory { (folder) throws in
      var first: Environment? = try Environment.open(folder)
      let second: Environment? = try Environment.open(folder + "/../" + URL(fileURLWithPath: folder).lastPathComponent)
      #expect(first === second)
      first = nil
      for _ in 0..<20 {
        let group = DispatchGroup()
        for _ in 0..<4 {
          DispatchQueue.global().async(group: group) { _ = try? Environment.open(folder).databaseNames() }
        }
        group.wait()
      }
      #expect(try Environment.open(folder).databaseNames().isEmpty)
    }
  }
}

@Suite struct RowOrderTests {
  /// `verify` checks that keys ascend, which is what the sorts are for.
  @Test func idsOfAnyShapeAreSorted() throws {
    var random = RandomSource(seed: 11)
    var ids: Set<String> = [
      "a", "ab", "a\u{0}", "a\u{0}\u{0}", "abcdefgh", "abcdefgh\u{0}", "abcdefghi", "é", "😀", "~",
    ]
    for _ in 0..<3_000 {
      let length = Int.random(in: 1...30, using: &random)
      let letters = (0..<length).map { _ in ["a", "b", "\u{0}", "é"].randomElement(using: &random)! }
      ids.insert("shared-prefix-" + letters.joined())
    }
    for prefix in ["", "shared-prefix-"] {
      var items = ItemColumns(levels: 2)
      for id in ids.filter({ $0.hasPrefix(prefix) }).sorted().shuffled(using: &random) {
        let codes = (0..<2).map { _ in UInt16.random(in: 0...3, using: &random) }
        items.append(
          id: id,
          record: ItemRecord(semanticID: SemanticID(codes: codes, suffix: .random(in: 0...2, using: &random))))
      }
      try withStore { (store) throws in
        try store.publish(GenerationDraft(items: items))
        try store.verify()
        let columns = try store.read { try $0.columns() }
        let bytes = columns.ids.map { Array($0.utf8) }
        #expect(zip(bytes, bytes.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
        #expect(Set(columns.ids) == Set(items.ids))
      }
    }
  }
}
