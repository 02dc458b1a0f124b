import Foundation
import SemanticIDStore
import Synchronization
import TensorMath
import TestSupport
import Testing

/// Failures put in at every place where a publish, an opening or a switch can fail: the old generation stays served.
@Suite struct FaultInjectionTests {
  /// A change to one database between writing and reading back.
  struct Fault: Sendable, CustomTestStringConvertible {
    let database: String
    let key: [UInt8]
    let value: [UInt8]?
    let named: String
    var testDescription: String { "\(database): \(named)" }
  }

  private static func draft(seed: Int) -> GenerationDraft {
    var draft = makeDraft(items: 40, seed: seed)
    draft.neighbors = NeighborColumns(
      neighborsPerItem: 2, rows: (0..<80).map { UInt32($0 % 3) }, itemSet: IdentifierColumn(["x", "y", "z"]))
    return draft
  }

  /// The key of item 5's entry in `codes/`.
  private static let codesKey: [UInt8] = {
    let id = expectedRecord(5, levels: 3, seed: 2, size: 16).semanticID
    return (id.codes + [id.suffix]).flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
  }()

  static let faults = [
    Fault(database: "items", key: Array("item-5".utf8), value: nil, named: "40 entries are expected, found 39"),
    Fault(database: "items", key: Array("new".utf8), value: [3], named: "40 entries are expected, found 41"),
    Fault(
      database: "items", key: Array("item-5".utf8), value: [3] + [UInt8](repeating: 0, count: 21), named: "sums to"),
    Fault(database: "items", key: Array("item-5".utf8), value: [4], named: "key \"item-5\": 22 bytes"),
    Fault(database: "codes", key: codesKey, value: nil, named: "40 entries are expected"),
    Fault(database: "codes", key: codesKey, value: Array("stranger".utf8), named: "found 41"),
    Fault(
      database: "neighbors", key: Array("item-7".utf8), value: [UInt8](repeating: 0, count: 8), named: "sums to"),
    Fault(
      database: "neighbors", key: Array("item-7".utf8), value: [0, 0, 0, 0], named: "8 bytes are expected, found 4"),
    Fault(
      database: "neighbors", key: Array("item-7".utf8), value: [3, 0, 0, 0, 0, 0, 0, 0],
      named: "outside the item set's 3"
    ),
    Fault(database: "itemset", key: [0, 0, 0, 1], value: [0x7A], named: "sums to"),
    Fault(database: "itemset", key: [0, 0, 0, 3], value: [0x7A], named: "3 entries are expected, found 4"),
    Fault(database: "codebooks", key: [0, 0], value: [UInt8](repeating: 0, count: 256), named: "sums to"),
    Fault(database: "codebooks", key: [0, 1, 0x70], value: nil, named: "4 entries are expected, found 3"),
  ]

  @Test(arguments: FaultInjectionTests.faults) func whatReadsBackDifferentlyIsNeverServed(fault: Fault) throws {
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      try store.publish(Self.draft(seed: 1))
      let environment = try Environment.open(folder)
      var options = SemanticIDStore.PublishOptions()
      options.progress = { progress in
        guard progress.step == .verify, progress.completed == 0 else { return }
        try tamper(environment, "\(fault.database)/0000000000000002", fault.key, fault.value)
      }
      let error = storeError { try store.publish(Self.draft(seed: 2), options: options) }
      #expect(error?.code == .verificationFailed)
      #expect(error?.message.contains("database \(fault.database)/0000000000000002") == true, "\(error?.message ?? "")")
      #expect(error?.message.contains(fault.named) == true, "\(error?.message ?? "")")
      #expect(error?.message.hasPrefix("\(folder): what was written reads back differently: ") == true)
      #expect(try store.currentGeneration() == 1)
      #expect(try store.databaseNames().count == 6, "what failed is deleted at once")
      try store.verify()
      #expect(try store.publish(Self.draft(seed: 3)).generation == 2)
    }
  }

  @Test func withoutVerificationTheDamageIsServedAndLaterFound() throws {
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      let environment = try Environment.open(folder)
      let steps = Mutex<[SemanticIDStore.PublishProgress.Step]>([])
      var options = SemanticIDStore.PublishOptions()
      options.verifies = false
      options.progress = { progress in
        steps.withLock { $0.append(progress.step) }
        guard progress.step == .switchCurrent else { return }
        try tamper(environment, "itemset/0000000000000001", [0, 0, 0, 0], [0x71])
      }
      #expect(try store.publish(Self.draft(seed: 1), options: options).generation == 1)
      #expect(!steps.withLock { $0 }.contains(.verify))
      #expect(storeErrorCode { try store.verify() } == .damaged)
      #expect(storeErrorCode { try store.verify(generation: 1) } == .damaged)
    }
  }

  @Test(arguments: [400, 64 << 20]) func anErrorAtAnyReportLeavesTheOldGenerationAlone(transactionBytes: Int) throws {
    struct Cancelled: Error {}
    try withStore { (store) throws in
      try store.publish(Self.draft(seed: 1))
      var position = 0
      var reports: [SemanticIDStore.PublishProgress] = []
      while true {
        let seen = Mutex<[SemanticIDStore.PublishProgress]>([])
        var options = SemanticIDStore.PublishOptions()
        options.transactionBytes = transactionBytes
        options.keepGenerations = nil
        options.progress = { [position] progress in
          let count = seen.withLock {
            $0.append(progress)
            return $0.count
          }
          // What comes after the switch can no longer cancel it.
          if count > position, progress.step != .collect { throw Cancelled() }
        }
        do {
          try store.publish(Self.draft(seed: 2), options: options)
          reports = seen.withLock { $0 }
          break
        } catch is Cancelled {
          #expect(try store.currentGeneration() == 1)
          #expect(try store.databaseNames().count == 6)
        }
        // Every report where there are few; a stride of them where a transaction holds a handful of entries.
        position += transactionBytes > 1_000 ? 1 : 7
      }
      #expect(try store.currentGeneration() == 2)
      try store.verify()
      try expectOrder(of: reports, items: 40)
    }
  }

  /// Steps come in the order of their declaration, each from 0 to its total without a step back.
  private func expectOrder(of reports: [SemanticIDStore.PublishProgress], items: Int) throws {
    let steps = SemanticIDStore.PublishProgress.Step.allCases
    let places = try reports.map { try #require(steps.firstIndex(of: $0.step)) }
    #expect(places == places.sorted())
    #expect(Set(reports.map(\.step)) == Set(steps))
    for (step, total) in [
      (.sort, items), (.items, items), (.codes, items), (.neighbors, items), (.itemSet, 3), (.codebooks, 4),
      (.verify, items), (.collect, 1),
    ] as [(SemanticIDStore.PublishProgress.Step, Int)] {
      let own = reports.filter { $0.step == step }
      #expect(own.allSatisfy { $0.total == total && (0...total).contains($0.completed) })
      #expect(own.map(\.completed) == own.map(\.completed).sorted())
      #expect(own.last?.completed == total)
    }
  }

  @Test func aMapThatHasToGrowInTheMiddleWritesNothingTwice() throws {
    let draft = Self.draft(seed: 1)
    var big = makeDraft(items: 6_000, seed: 1)
    big.neighbors = NeighborColumns(
      neighborsPerItem: 3, rows: (0..<18_000).map { UInt32($0 % 2) }, itemSet: IdentifierColumn(["a", "b"]))
    let manifests = try [1, 1 << 34].map { (mapSize: Int) -> GenerationManifest in
      try withTemporaryDirectory { (folder) throws in
        var options = SemanticIDStore.Options()
        options.mapSize = mapSize
        let store = try SemanticIDStore.open(folder, mode: .readWrite, options: options)
        try store.publish(draft)
        let manifest = try store.publish(big)
        try store.verify()
        return manifest
      }
    }
    #expect(manifests[0] == manifests[1])
  }

  @Test func writesThatFailAtAnyFileSizeLeaveTheOldGenerationWhole() throws {
    try withTemporaryDirectory { (folder) throws in
      #expect(try HelperProcess.run(["publish", folder, "100", "1", "2"]).status == 0)
      var current = 1
      var failures = 0
      for beyond in [0, 1, 4_095, 4_096, 6_000, 12_288, 20_480, 40_000, 65_536, 90_001, 122_880, 200_000, 1 << 22] {
        let (lines, status) = try HelperProcess.run(["limited", folder, "1500", "\(beyond)"])
        if status == 0 {
          current += 1
          #expect(lines == ["published \(current)"])
        } else {
          failures += 1
          // A write that got nowhere says so; one that was cut short is an I/O error to LMDB.
          #expect(status == 65, "\(beyond): \(status) \(lines)")
          #expect(["diskFull", "system"].contains(lines.first?.prefix { $0 != " " }), "\(beyond): \(lines)")
        }
        #expect(try HelperProcess.run(["probe", folder]).lines == ["intact \(current)"], "\(beyond)")
      }
      #expect(failures > 3)
      #expect(current > 1)
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      #expect(try store.databaseNames().count == 1 + 5 * store.generations().count)
    }
  }

  @Test func anEmptyDataFileIsAStoreThatWasNeverFinished() throws {
    try withTemporaryDirectory { (folder) throws in
      let path = folder + "/data.mdb"
      #expect(FileManager.default.createFile(atPath: path, contents: Data()))
      #expect(storeErrorCode { _ = try SemanticIDStore.open(folder, mode: .readOnly) } == .notFound)
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      #expect(try store.publish(makeDraft(items: 3)).generation == 1)
      try store.verify()
    }
  }

  @Test func aCopyOfTheDataFileAloneIsAStoreOfItsOwn() throws {
    try withTemporaryDirectory { (folder) throws in
      do {
        let store = try SemanticIDStore.open(folder + "/first", mode: .readWrite)
        for seed in 1...2 { try store.publish(Self.draft(seed: seed)) }
      }
      try FileManager.default.createDirectory(atPath: folder + "/copy", withIntermediateDirectories: false)
      try FileManager.default.copyItem(atPath: folder + "/first/data.mdb", toPath: folder + "/copy/data.mdb")
      let copy = try SemanticIDStore.open(folder + "/copy", mode: .readWrite)
      for manifest in try copy.generations() { try copy.verify(generation: manifest.generation) }
      #expect(try copy.publish(Self.draft(seed: 9)).generation == 3)
      #expect(try SemanticIDStore.open(folder + "/first", mode: .readOnly).currentGeneration() == 2)
    }
  }

  @Test func aManifestWithoutDatabasesIsDamageAndNotServed() throws {
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      var orphan = try store.publish(Self.draft(seed: 1))
      orphan.generation = 9
      let environment = try Environment.open(folder)
      let json = try [UInt8](JSONEncoder().encode(orphan))
      try tamper(environment, "meta", Array("generation/0000000000000009".utf8), json)
      let errors = [
        storeError { try store.read(generation: 9) { _ in } }, storeError { _ = try store.verify(generation: 9) },
        storeError { _ = try store.rollback(to: 9) },
      ]
      #expect(errors.map { $0?.code } == [.damaged, .damaged, .damaged])
      #expect(errors.allSatisfy { $0?.message.contains("not all of its databases") == true })
      #expect(try store.currentGeneration() == 1)
      #expect(try store.publish(Self.draft(seed: 2)).generation == 10, "no number means two generations")
    }
  }

  @Test func rollingBackToAGenerationThatLostEntriesIsRefused() throws {
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      for seed in 1...2 { try store.publish(Self.draft(seed: seed)) }
      try tamper(try Environment.open(folder), "neighbors/0000000000000001", Array("item-1".utf8), nil)
      let error = storeError { try store.rollback(to: 1) }
      #expect(error?.code == .damaged)
      #expect(
        error?.message == "database neighbors/0000000000000001: 40 entries are expected, found 39")
      #expect(try store.currentGeneration() == 2)
    }
  }

  @Test func generationNumbersDoNotWrapAround() throws {
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      try store.publish(Self.draft(seed: 1))
      try tamper(try Environment.open(folder), "meta", Array("current".utf8), [UInt8](repeating: 0xFF, count: 8))
      let error = storeError { try store.publish(Self.draft(seed: 2)) }
      #expect(error?.code == .damaged)
      #expect(error?.message.contains("generation numbers are used up") == true)
      #expect(try store.rollback(to: 1).generation == 1, "a rollback repairs what is served")
      try store.verify()
    }
  }
}
