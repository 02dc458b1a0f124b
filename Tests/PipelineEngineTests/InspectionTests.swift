import Foundation
import ItemCatalog
import PipelineEngine
import Quantizers
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

@Suite struct GenerationSnapshotTests {
  @Test func findsEveryItemAndNoOther() throws {
    try withInspectedSnapshot { fixture, snapshot in
      #expect(snapshot.count == 12 && snapshot.isCurrent && snapshot.sizes == [4, 4, 5])
      for entry in fixture.entries {
        let row = try #require(snapshot.row(of: entry.item.id))
        #expect(snapshot.columns.ids[row] == entry.item.id)
        #expect(Array(snapshot.codes.row(row)) == entry.codes)
      }
      for id in ["", "a", "a11", "zz", "é", "f1 "] { #expect(snapshot.row(of: id) == nil) }
    }
  }

  @Test func matchesRowsOfAnotherGeneration() throws {
    try withInspectedStore { fixture, store, first in
      try store.publish(fixture.draft(fixture.secondNight, parent: first.manifest.generation))
      let second = try GenerationSnapshot(store: store)
      for (row, match) in second.rows(in: first).enumerated() {
        #expect(match == (first.row(of: second.columns.ids[row]) ?? -1))
      }
      let old = try GenerationSnapshot(store: store, generation: first.manifest.generation)
      #expect(!old.isCurrent && old.columns == first.columns)
    }
  }

  @Test func anEmptyStoreSaysWhatToDo() throws {
    try withTemporaryDirectory { directory in
      let store = try SemanticIDStore.open(directory + "/store", mode: .readWrite)
      let error = #expect(throws: PipelineError.self) { try GenerationSnapshot(store: store) }
      #expect(error?.code == .inputMissing)
      #expect(try GenerationList(store: store).plainText() == "no generation published yet\n")
    }
  }
}

@Suite struct CollisionInspectionTests {
  @Test func findsTheCauseOfEachBucket() throws {
    try withInspectedSnapshot { fixture, snapshot in
      let inspection = CollisionInspection(snapshot, catalog: fixture.catalog(snapshot))
      #expect(inspection.largest.map(\.codes) == ["0-0-0", "0-1-0", "1-0-0", "1-1-2", "2-1-1"])
      #expect(inspection.largest.map(\.size) == [3, 2, 2, 2, 2])
      #expect(
        inspection.largest.map(\.cause) == [.equalContent, .equalText, .equalImage, .nearDuplicate, .coarseCodebook])
      #expect(inspection.metrics.collidingItems == 11 && inspection.metrics.largestBucket == 3)
      #expect(inspection.uniqueSemanticIDs == 12 && inspection.suffixedItems == 6 && inspection.movedItems == 1)
      #expect(inspection.causesByHash.equalContent == 3 && inspection.causesByHash.equalText == 2)
      #expect(inspection.causesByHash.equalImage == 2 && inspection.itemsNotExplainedByHash == 4)
      #expect(inspection.largest[0].members.map(\.id) == ["a1", "a2", "a3"])
      #expect(inspection.largest[0].members[1].semanticID == "0-0-0+1")
      #expect(inspection.largest[0].members[0].title == "Blue mug")
      #expect(inspection.largest[1].members.map(\.image) == ["b1.jpg", "b2.jpg"])
    }
  }

  @Test func withoutACatalogOnlyEqualContentIsKnown() throws {
    try withInspectedSnapshot { _, snapshot in
      let inspection = CollisionInspection(snapshot)
      #expect(inspection.largest.map(\.cause) == [.equalContent, nil, nil, nil, nil])
      #expect(inspection.largest[0].members[0].title == nil)
    }
  }

  @Test func representationsTellNearDuplicates() throws {
    try withInspectedSnapshot { _, snapshot in
      var options = CollisionInspection.Options()
      let near: Set<Int> = Set(["e1", "e2"].compactMap { snapshot.row(of: $0) })
      options.representations = { rows in
        Matrix(
          rows: rows.count, columns: 2,
          elements: ContiguousArray(rows.flatMap { near.contains($0) ? [1, 0] : [Float($0), 1] as [Float] }))
      }
      let inspection = CollisionInspection(snapshot, options: options)
      #expect(inspection.largest.last?.cause == .nearDuplicate)
      #expect(inspection.largest[1].cause == .coarseCodebook)
    }
  }

  @Test func limitsBoundWhatIsShownNotWhatIsCounted() throws {
    try withInspectedSnapshot { fixture, snapshot in
      let inspection = CollisionInspection(
        snapshot, catalog: fixture.catalog(snapshot), options: .init(bucketLimit: 1, memberLimit: 2))
      #expect(inspection.largest.count == 1 && inspection.largest[0].members.count == 2)
      #expect(inspection.largest[0].size == 3 && inspection.metrics.collidingItems == 11)
      let text = inspection.plainText()
      #expect(text.contains("… and 1 more") && text.contains("4 smaller buckets not shown"))
    }
  }

  @Test func textShowsFiguresTitlesAndCauses() throws {
    try withInspectedSnapshot { fixture, snapshot in
      let text = CollisionInspection(snapshot, catalog: fixture.catalog(snapshot)).plainText()
      #expect(text.contains("colliding items 11 (91.67 %)"))
      #expect(text.contains("0-0-0: 3 items, equal text and image, mean distance 0.2000, largest 0.3000"))
      #expect(text.contains("  0-0-0+1        0.2000  a2    Blue mug"))
      #expect(text.contains("2-1-1: 2 items, codebook too coarse"))
    }
  }

  @Test func nothingCollidesInAGenerationWithoutItems() throws {
    try withTemporaryDirectory { directory in
      let store = try SemanticIDStore.open(directory + "/store", mode: .readWrite)
      _ = try store.publish(InspectionFixture().draft([]))
      let snapshot = try GenerationSnapshot(store: store)
      let inspection = CollisionInspection(snapshot)
      #expect(inspection.largest.isEmpty && inspection.metrics.collisionRate == 0)
      #expect(CodebookInspection(snapshot).levels.map(\.metrics.used) == [0, 0, 0])
      #expect(GenerationDiff(from: snapshot, to: snapshot).groups.isEmpty)
      #expect(!inspection.plainText().isEmpty)
    }
  }
}

@Suite struct InspectionCatalogTests {
  @Test func matchesTheTableByIDWhateverItsOrder() throws {
    try withInspectedSnapshot { _, snapshot in
      try withTemporaryDirectory { directory in
        let records = [
          #"{"id": "zz", "title": "not in the store", "text": "x"}"#,
          #"{"id": "e1", "title": "Garden hose", "text": "Twenty metres"}"#,
          #"{"id": "a2", "title": "", "text": "A mug without a title"}"#,
          #"{"id": "a1", "title": "Garden hose", "text": "Twenty metres"}"#,
        ]
        let path = directory + "/items.jsonl"
        try records.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        _ = try CatalogBuilder().build(CatalogSource(items: [path]), into: directory + "/catalog")
        let table = try ItemTable.open(directory: directory + "/catalog")
        let catalog = try InspectionCatalog(table: table, snapshot: snapshot)
        let row = { (id: String) throws -> Int in try #require(snapshot.row(of: id)) }
        #expect(catalog.item(try row("e1"))?.title == "Garden hose")
        #expect(catalog.item(try row("b1")) == nil)
        #expect(catalog.hashes(try row("e1")).text == catalog.hashes(try row("a1")).text)
        #expect(catalog.hashes(try row("e1")).text != nil)
        #expect(catalog.hashes(try row("b2")).text == nil)
        #expect(try ItemInspection("a2", snapshot, catalog: catalog).item.title == "A mug without a title")
      }
    }
  }
}

@Suite struct CodebookInspectionTests {
  @Test func showsUseAndTheNearestExamplePerCode() throws {
    try withInspectedSnapshot { fixture, snapshot in
      let inspection = CodebookInspection(snapshot, catalog: fixture.catalog(snapshot), limit: 3)
      let level = inspection.levels[0]
      #expect(level.level == 1 && level.metrics.occupancy == [5, 4, 3, 0] && level.metrics.deadCodes == [3])
      #expect(level.mostUsed.map(\.code) == [0, 1, 2] && level.mostUsed.map(\.items) == [5, 4, 3])
      #expect(level.mostUsed[0].example?.id == "a1" && level.mostUsed[0].example?.title == "Blue mug")
      #expect(level.mostUsed[2].example?.id == "e1")
      #expect(inspection.levels[2].metrics.size == 5 && !level.isPriced)
      #expect(CodebookInspection(snapshot, limit: 9).levels[0].mostUsed.last?.example == nil)
      let text = inspection.plainText()
      #expect(text.contains("level 1: 3 of 4 codes, most used first") && text.contains("dead codes: 3"))
      #expect(text.contains("75.00 %"))
    }
  }
}

@Suite struct ItemInspectionTests {
  @Test func showsCodesBucketAndNeighborsByPrefix() throws {
    try withInspectedSnapshot { fixture, snapshot in
      let inspection = try ItemInspection("a2", snapshot, catalog: fixture.catalog(snapshot))
      #expect(inspection.item.semanticID == "0-0-0+1" && inspection.bucketSize == 3)
      #expect(inspection.codes.map(\.itemsWithPrefix) == [5, 3, 3])
      #expect(inspection.codes.map(\.itemsWithCode) == [5, 5, 7])
      #expect(inspection.neighbors.map(\.item.id) == ["a1", "a3", "b1", "b2"])
      #expect(inspection.neighbors.map(\.sharedLevels) == [3, 3, 1, 1])
      #expect(inspection.contentHash.count == 16)
      let limited = try ItemInspection("a2", snapshot, limit: 3)
      #expect(limited.neighbors.map(\.item.id) == ["a1", "a3", "b1"])
      #expect(inspection.plainText().contains("bucket    3 items with these codes"))
    }
  }

  @Test func namesFlagsAndCleansTitles() throws {
    try withInspectedSnapshot { fixture, snapshot in
      let inspection = try ItemInspection("f1", snapshot, catalog: fixture.catalog(snapshot))
      #expect(inspection.item.flags == ["imageMissing", "moved"])
      let text = inspection.plainText()
      #expect(text.contains("flags     imageMissing moved") && text.contains("Bread [2Jknife"))
      #expect(!text.unicodeScalars.contains("\u{1B}"))
    }
  }

  @Test func anUnknownItemIsAnErrorThatNamesIt() throws {
    try withInspectedSnapshot { _, snapshot in
      let error = #expect(throws: PipelineError.self) { try ItemInspection("nobody", snapshot) }
      #expect(error?.message.contains("nobody") == true)
    }
  }
}

@Suite struct GenerationDiffTests {
  @Test func sortsChangesByKindWithExamples() throws {
    try withInspectedStore { fixture, store, first in
      try store.publish(fixture.draft(fixture.secondNight, parent: first.manifest.generation))
      let second = try GenerationSnapshot(store: store)
      let diff = GenerationDiff(from: first, to: second, catalog: fixture.catalog(second))
      #expect(diff.groups.map(\.change) == ["level 1", "level 3", "suffix", "added", "removed"])
      #expect(diff.groups.map { $0.examples.map(\.id) } == [["e2"], ["d2"], ["a3"], ["e15"], ["f1"]])
      #expect(diff.groups[0].examples[0].contentChanged && !diff.groups[1].examples[0].contentChanged)
      #expect(diff.groups[1].examples[0].before == "1-1-2+1" && diff.groups[1].examples[0].after == "1-1-4")
      #expect(diff.groups[3].examples[0].before == nil && diff.groups[4].examples[0].after == nil)
      #expect(diff.churn.added == 1 && diff.churn.removed == 1)
      #expect(diff.churn.changedContent.items == 1 && diff.churn.sameContent.changed == 2)
      let text = diff.plainText()
      #expect(text.contains("churn 27.27 % of the items in both") && text.contains("first change at level 3"))
      let none = GenerationDiff(from: first, to: first)
      #expect(none.groups.isEmpty && none.churn.rate == 0)
    }
  }
}

@Suite struct GenerationListTests {
  @Test func listsGenerationsAndMarksTheCurrentOne() throws {
    try withInspectedStore { fixture, store, first in
      let number = first.manifest.generation
      try store.publish(fixture.draft(fixture.secondNight, parent: number))
      var list = try GenerationList(store: store)
      #expect(list.generations.map(\.isCurrent) == [false, true])
      #expect(list.generations.map(\.parent) == [nil, number] && list.generations.map(\.items) == [12, 12])
      #expect(list.generations[0].createdAt == "2026-11-22T01:45:00Z" && list.generations[0].uniqueShare == 1)
      try store.rollback(to: number)
      list = try GenerationList(store: store)
      #expect(list.generations.map(\.isCurrent) == [true, false])
      let text = list.plainText()
      #expect(text.contains("collisionRate") && text.contains("0.9167") && text.contains("4 × 4 × 5"))
      #expect(text.split(separator: "\n")[2].hasPrefix("*"))
      // Four metric columns at most: the headline and three others by name.
      #expect(text.split(separator: "\n")[0].hasSuffix("c"))
    }
  }
}

@Suite struct InspectionOutputTests {
  @Test func everyInspectionSurvivesJSON() throws {
    func expectRoundTrip<Value: Codable & Equatable>(_ value: Value) throws {
      #expect(try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value)) == value)
    }
    try withInspectedStore { fixture, store, snapshot in
      let catalog = fixture.catalog(snapshot)
      try expectRoundTrip(CollisionInspection(snapshot, catalog: catalog))
      try expectRoundTrip(CodebookInspection(snapshot, catalog: catalog))
      try expectRoundTrip(ItemInspection("d1", snapshot, catalog: catalog))
      try expectRoundTrip(GenerationDiff(from: snapshot, to: snapshot))
      try expectRoundTrip(GenerationList(store: store))
    }
  }

  @Test func tablesAlignColumnsOfWideAndCombiningText() {
    var table = TextTable([("name", .left), ("count", .right)])
    table.append(["tea\u{7}pot", "7"])
    table.append(["茶壺", "123456"])
    table.append(["cafe\u{301}", "1"])
    let lines = [
      " name      count", " -------  ------", " tea pot       7", " 茶壺     123456", " cafe\u{301}          1", "",
    ]
    #expect(table.text(indent: 1) == lines.joined(separator: "\n"))
  }

  @Test func anInspectionOfManyItemsIsComplete() throws {
    var random = RandomSource(seed: 4)
    var columns = ItemColumns(levels: 2)
    for row in 0..<50_000 {
      let id = "item-" + String(row + 1_000_000)
      let codes = [UInt16.random(in: 0..<256, using: &random), UInt16.random(in: 0..<256, using: &random)]
      columns.append(id: id, record: ItemRecord(semanticID: SemanticID(codes: codes), distance: random.nextUniform()))
    }
    try withTemporaryDirectory { directory in
      let store = try SemanticIDStore.open(directory + "/store", mode: .readWrite)
      try store.publish(GenerationDraft(items: columns))
      let snapshot = try GenerationSnapshot(store: store)
      let inspection = CollisionInspection(snapshot)
      #expect(inspection.metrics.items == 50_000 && inspection.largest.count == 20)
      #expect(inspection.largest[0].size == inspection.metrics.largestBucket)
      #expect(zip(inspection.largest, inspection.largest.dropFirst()).allSatisfy { $0.size >= $1.size })
      #expect(CodebookInspection(snapshot).levels.allSatisfy { $0.metrics.size == 256 })
      #expect(snapshot.row(of: "item-1025000") == 25_000)
    }
  }
}
