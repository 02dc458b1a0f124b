import Foundation
import SemanticIDStore
import TestSupport
import Testing

@Suite struct GenerationTests {
  @Test func aNewStoreServesNothing() throws {
    try withStore { (store) throws in
      #expect(try store.currentGeneration() == nil)
      #expect(try store.generations().isEmpty)
      #expect(storeErrorCode { try store.read { _ in } } == .notFound)
    }
  }

  @Test func readingWhereNoStoreIsSaysSo() throws {
    try withTemporaryDirectory { (folder) throws in
      #expect(storeErrorCode { _ = try SemanticIDStore.open(folder + "/none", mode: .readOnly) } == .notFound)
      #expect(!FileManager.default.fileExists(atPath: folder + "/none"))
    }
  }

  @Test func readersKeepTheirGenerationAcrossPublishRollbackAndCollection() throws {
    try withStore { (store) throws in
      try store.publish(makeDraft(items: 50, seed: 1))
      var options = SemanticIDStore.PublishOptions()
      options.keepGenerations = 1
      try store.read { (reader) throws in
        for seed in 2...4 { try store.publish(makeDraft(items: 50, seed: seed), options: options) }
        #expect(reader.generation == 1)
        #expect(try reader.record(forItem: "item-9") == expectedRecord(9, levels: 3, seed: 1, size: 16))
        #expect(try reader.columns().count == 50)
      }
      #expect(try store.generations().map(\.generation) == [4])
      #expect(storeErrorCode { try store.read(generation: 1) { _ in } } == .generationMissing)
      #expect(try store.read { try $0.record(forItem: "item-9") }?.contentHash == 9 << 32 | 4)
    }
  }

  @Test func aBatchFindsWhatSingleReadsFind() throws {
    try withStore { (store) throws in
      try store.publish(makeDraft(items: 500, seed: 2))
      var ids = (0..<600).map { "item-\(($0 * 37) % 600)" }
      ids += ["", "item-9", "item-9", String(repeating: "x", count: 255), String(repeating: "x", count: 256), "itém"]
      try store.read { (reader) throws in
        let batch = try reader.records(forItems: IdentifierColumn(ids))
        let single = try ids.map { try reader.record(forItem: $0) }
        #expect(batch == single)
        #expect(batch.count { $0 != nil } == 502)
        var seen: [String] = []
        try reader.forEachRow(of: IdentifierColumn(ids)) { position, codes, fields in
          seen.append(ids[position])
          #expect(codes.count == 3 && fields.contentHash == single[position]?.contentHash)
        }
        #expect(seen.count == 502 && seen == seen.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        #expect(try reader.records(forItems: IdentifierColumn()).isEmpty)
      }
    }
  }

  @Test func rollbackServesAnOldGenerationAndNumbersGoOn() throws {
    try withStore { (store) throws in
      for seed in 1...3 { try store.publish(makeDraft(items: 10, seed: seed)) }
      #expect(try store.rollback(to: 2).properties == ["seed": "2"])
      #expect(try store.currentGeneration() == 2)
      #expect(try store.read { $0.manifest.properties } == ["seed": "2"])
      #expect(storeErrorCode { try store.rollback(to: 9) } == .generationMissing)
      #expect(try store.publish(makeDraft(items: 10, seed: 4)).generation == 4)
      #expect(try store.generations().map(\.generation) == [1, 2, 3, 4])
    }
  }

  @Test func retentionKeepsTheNewestAndTheCurrent() throws {
    try withStore { (store) throws in
      var options = SemanticIDStore.PublishOptions()
      options.keepGenerations = 3
      for seed in 1...5 { try store.publish(makeDraft(items: 10, seed: seed), options: options) }
      #expect(try store.generations().map(\.generation) == [3, 4, 5])
      try store.rollback(to: 3)
      options.keepGenerations = 2
      try store.publish(makeDraft(items: 10, seed: 6), options: options)
      #expect(try store.generations().map(\.generation) == [5, 6])
      let names = try store.databaseNames()
      #expect(names.count == 1 + 2 * 5)
      for number in [5, 6] as [UInt64] { try store.verify(generation: number) }
    }
  }

  @Test func aCancelledPublishLeavesTheOldGenerationAndNothingElse() throws {
    struct Cancelled: Error {}
    try withStore { (store) throws in
      try store.publish(makeDraft(items: 40, seed: 1))
      for step in SemanticIDStore.PublishProgress.Step.allCases
      where step != .collect && step != .neighbors
        && step != .itemSet
      {
        var options = SemanticIDStore.PublishOptions()
        options.transactionBytes = 100
        options.progress = { if $0.step == step, step == .switchCurrent || $0.completed > 0 { throw Cancelled() } }
        #expect(throws: Cancelled.self) { try store.publish(makeDraft(items: 40, seed: 2), options: options) }
        #expect(try store.read { $0.manifest.properties } == ["seed": "1"])
        #expect(try store.databaseNames().count == 6)
      }
    }
  }

  @Test func oneFolderOpenedTwiceIsOneStore() throws {
    try withTemporaryDirectory { (folder) throws in
      let first = try SemanticIDStore.open(folder, mode: .readWrite)
      let second = try SemanticIDStore.open(folder + "/.", mode: .readOnly)
      try first.publish(makeDraft(items: 5))
      #expect(try second.currentGeneration() == 1)
      #expect(storeErrorCode { try second.publish(makeDraft(items: 5)) } == .permission)
    }
  }

  @Test func closingAndOpeningAgainKeepsEverything() throws {
    try withTemporaryDirectory { (folder) throws in
      for seed in 1...3 {
        let store = try SemanticIDStore.open(folder, mode: .readWrite)
        #expect(try store.publish(makeDraft(items: 5, seed: seed)).generation == UInt64(seed))
      }
      let store = try SemanticIDStore.open(folder, mode: .readOnly)
      #expect(try store.generations().count == 3)
      try store.verify()
    }
  }
}
