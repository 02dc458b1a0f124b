import Foundation
import PipelineEngine
import SemanticIDStore
import Synchronization
import TestSupport
import Testing

private struct Neighbors {
  var rows: [String: [UInt32]] = [:]
  var set: [String] = []

  init(_ fixture: PipelineFixture, generation: UInt64? = nil) throws {
    let store = try SemanticIDStore.open(fixture.folder + "/work/store", mode: .readOnly)
    self = try store.read(generation: generation) { reader in
      var found = Neighbors()
      try reader.forEachItem { id, _ in found.rows[id] = try reader.neighbors(of: id) }
      var row: UInt32 = 0
      while let id = try reader.itemSetItem(at: row) {
        found.set.append(id)
        row += 1
      }
      return found
    }
  }

  private init() {}
}

private let plain = "{ sizes: [8, 8], iterations: 5 }"
private let five = "{ sizes: [8, 8], iterations: 5, neighbors: { count: 5 } }"

@Suite(.serialized) struct NeighborNightTests {
  @Test func everyItemGetsNeighborsOtherThanItself() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = five
      let summary = try fixture.run()
      let found = try Neighbors(fixture)
      #expect(found.rows.count == 60 && Set(found.set) == Set(fixture.order))
      for (id, rows) in found.rows {
        #expect(rows.count == 5 && Set(rows).count == 5)
        #expect(!rows.contains { found.set[Int($0)] == id }, "\(id) is its own neighbor")
      }
      let quantize = try #require(summary.stages.first { $0.stage == .quantize })
      #expect(quantize.metrics["neighborsPerItem"] == 5 && quantize.metrics["itemSetSize"] == 60)
    }
  }

  @Test func aSmallSetIsASampleOfTheItems() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = "{ sizes: [8, 8], iterations: 5, neighbors: { count: 3, itemSet: 10 } }"
      try fixture.run()
      let found = try Neighbors(fixture)
      #expect(found.set.count == 10 && Set(found.set).isSubset(of: fixture.order))
      #expect(found.rows.count == 60 && found.rows.values.allSatisfy { $0.count == 3 })
    }
  }

  @Test func aSetOfFewItemsGivesFewNeighborsAndSaysSo() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder, count: 4)
      fixture.quantize = "{ sizes: [2], iterations: 5, neighbors: {} }"
      let observer = WarningObserver()
      try fixture.run(observer: observer)
      #expect(try Neighbors(fixture).rows.values.allSatisfy { $0.count == 3 })
      #expect(observer.warnings.contains { $0.contains("3 neighbors instead of 25") })
    }
  }

  @Test func aLaterNightKeepsTheSetAndFindsOnlyWhatIsNew() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = five
      try fixture.run()
      let first = try Neighbors(fixture)
      fixture.set("item-5", "a wholly new description of a brass telescope")
      fixture.set("newcomer", "an oak table for the winter garden")
      fixture.remove("item-9")
      let summary = try fixture.run()
      let encode = try #require(summary.stages.first { $0.stage == .encode })
      #expect(encode.metrics["rows"] == 2)
      let second = try Neighbors(fixture)
      #expect(second.set == first.set, "rows mean the same items, also one that is gone")
      #expect(second.rows["newcomer"]?.count == 5 && second.rows["item-9"] == nil)
      for (id, rows) in first.rows where id != "item-5" && id != "item-9" { #expect(second.rows[id] == rows) }
      #expect(second.rows["item-5"]?.contains { second.set[Int($0)] == "item-5" } == false)
    }
  }

  @Test func addingNeighborsLaterKeepsEverySemanticID() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = plain
      try fixture.run()
      let ids = try fixture.records()
      fixture.quantize = five
      try fixture.run()
      #expect(try fixture.records() == ids)
      #expect(try fixture.generations() == [1, 2])
      #expect(try Neighbors(fixture).rows.count == 60)
      let again = try fixture.run()
      #expect(ran(again).isEmpty)
      #expect(try fixture.generations() == [1, 2])
    }
  }

  @Test func anotherCountFindsNeighborsAnewAndKeepsTheIDs() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = five
      try fixture.run()
      let (ids, first) = (try fixture.records(), try Neighbors(fixture))
      fixture.quantize = five.replacingOccurrences(of: "5 }", with: "7 }")
      try fixture.run()
      let second = try Neighbors(fixture)
      #expect(try fixture.records() == ids)
      for (id, rows) in first.rows { #expect(second.rows[id]?.prefix(5) == rows[...]) }
    }
  }

  @Test func droppingTheSectionDropsTheNeighbors() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = five
      try fixture.run()
      let ids = try fixture.records()
      fixture.quantize = plain
      fixture.set("newcomer", "an oak table for the winter garden")
      try fixture.run()
      let found = try Neighbors(fixture)
      #expect(found.rows.isEmpty && found.set.isEmpty)
      for (id, record) in ids { #expect(try fixture.records()[id] == record) }
    }
  }

  @Test func aLostItemSetIsChosenAnew() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = five
      try fixture.run()
      let ids = try fixture.records()
      let store = try SemanticIDStore.open(folder + "/work/store", mode: .readOnly)
      let fingerprint = try #require(try store.generations().last?.artifacts["itemSet"])
      try remove(folder + "/work/models/\(fingerprint).safetensors")
      fixture.set("newcomer", "an oak table for the winter garden")
      try fixture.run()
      let found = try Neighbors(fixture)
      #expect(found.rows.count == 61 && found.set.contains("newcomer"))
      for (id, record) in ids { #expect(try fixture.records()[id] == record) }
    }
  }

  @Test func aDamagedItemSetIsAnErrorThatNamesTheFile() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = five
      try fixture.run()
      let store = try SemanticIDStore.open(folder + "/work/store", mode: .readOnly)
      let fingerprint = try #require(try store.generations().last?.artifacts["itemSet"])
      let path = folder + "/work/models/\(fingerprint).safetensors"
      try Data("not a file of tensors".utf8).write(to: URL(fileURLWithPath: path))
      fixture.set("newcomer", "an oak table for the winter garden")
      do {
        try fixture.run()
        Issue.record("a damaged item set was used")
      } catch let error as PipelineError { #expect(error.message.contains(fingerprint)) }
      #expect(try fixture.generations() == [1])
    }
  }

  @Test func anInspectionShowsThem() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = five
      try fixture.run()
      let store = try SemanticIDStore.open(folder + "/work/store", mode: .readOnly)
      let snapshot = try GenerationSnapshot(store: store)
      let inspection = try ItemInspection("item-3", snapshot, store: store)
      let shown = try #require(inspection.vectorNeighbors)
      let found = try Neighbors(fixture)
      #expect(shown.map { UInt32($0.row) } == found.rows["item-3"])
      #expect(shown.allSatisfy { found.set[$0.row] == $0.id && $0.semanticID != nil })
      #expect(inspection.plainText().contains("nearest by vector"))
      #expect(try ItemInspection("item-3", snapshot, store: store, limit: 2).vectorNeighbors?.count == 2)
      fixture.quantize = plain
      try fixture.run()
      let without = try ItemInspection("item-3", try GenerationSnapshot(store: store), store: store)
      #expect(without.vectorNeighbors == nil && !without.plainText().contains("nearest by vector"))
    }
  }
}

final class WarningObserver: RunObserver {
  private let found = Mutex<[String]>([])
  var warnings: [String] { found.withLock { $0 } }

  func observe(_ event: RunEvent) {
    if case .warning(let text) = event { found.withLock { $0.append(text) } }
  }
}
