import SemanticIDStore
import TestSupport
import Testing

@Suite struct PublishTests {
  @Test func everyRecordReadsBackByItem() throws {
    try withStore { (store) throws in
      let manifest = try store.publish(makeDraft(items: 500))
      #expect(manifest.generation == 1)
      #expect(manifest.items == 500)
      try store.read { (reader) throws in
        for row in 0..<500 {
          #expect(try reader.record(forItem: "item-\(row)") == expectedRecord(row, levels: 3, seed: 1, size: 16))
        }
        #expect(try reader.record(forItem: "item-500") == nil)
        #expect(try reader.record(forItem: "") == nil)
        #expect(try reader.record(forItem: String(repeating: "x", count: 600)) == nil)
        let utf8 = Array("item-7".utf8)
        #expect(try reader.record(forUTF8: utf8.span)?.contentHash == 7 << 32 | 1)
      }
    }
  }

  @Test func prefixScanGivesWhatAFilterOverAllItemsGives() throws {
    let draft = makeDraft(items: 300)
    try withStore { (store) throws in
      try store.publish(draft)
      try store.read { (reader) throws in
        for prefix in [[], [3], [3, 2], [3, 2, 1], [15], [16], [1, 2, 3, 4]] as [[UInt16]] {
          let expected = draft.items.ids.indices
            .map { ScannedItem(semanticID: draft.items.semanticID(at: $0), id: draft.items.ids[$0]) }
            .filter { $0.semanticID.codes.starts(with: prefix) }
            .sorted { ($0.semanticID, $0.id) < ($1.semanticID, $1.id) }
          #expect(try reader.items(withPrefix: prefix) == expected)
          #expect(try reader.items(withPrefix: prefix, limit: 2) == Array(expected.prefix(2)))
        }
      }
    }
  }

  @Test func bucketsHoldTheItemsOfOneSemanticID() throws {
    var items = ItemColumns(levels: 2)
    for (id, text) in [("d", "1-2"), ("b", "1-2"), ("a", "1-3"), ("c", "1-2+1"), ("e", "0-9")] {
      items.append(id: id, record: ItemRecord(semanticID: try #require(SemanticID(text))))
    }
    try withStore { (store) throws in
      #expect(try store.publish(GenerationDraft(items: items)).semanticIDs == 4)
      var buckets: [String] = []
      try store.read { (reader) throws in
        try reader.forEachBucket { id, members in buckets.append("\(id): \(members.joined(separator: " "))") }
        #expect(try reader.items(exactly: SemanticID(codes: [1, 2])) == ["b", "d"])
        #expect(try reader.items(exactly: SemanticID(codes: [1, 2]), limit: 1) == ["b"])
        #expect(try reader.items(exactly: SemanticID(codes: [1])) == [])
      }
      #expect(buckets == ["0-9: e", "1-2: b d", "1-2+1: c", "1-3: a"])
    }
  }

  @Test func columnsComeBackInTheOrderOfIDs() throws {
    let draft = makeDraft(items: 200)
    try withStore { (store) throws in
      try store.publish(draft)
      let columns = try store.read { (reader) throws in try reader.columns() }
      #expect(Array(columns.ids) == draft.items.ids.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
      for row in columns.ids.indices {
        let number = try #require(Int(columns.ids[row].dropFirst(5)))
        #expect(columns.record(at: row) == expectedRecord(number, levels: 3, seed: 1, size: 16))
      }
      var count = 0
      try store.read { (reader) throws in try reader.forEachItem { _, _ in count += 1 } }
      #expect(count == 200)
    }
  }

  @Test func codebooksAndNeighborsReadBack() throws {
    var draft = makeDraft(items: 20)
    draft.neighbors = NeighborColumns(
      neighborsPerItem: 2, rows: (0..<40).map { UInt32($0 % 5) }, itemSet: IdentifierColumn(["v", "w", "x", "y", "z"]))
    try withStore { (store) throws in
      try store.publish(draft)
      try store.read { (reader) throws in
        #expect(try reader.codebooks() == draft.codebooks)
        #expect(try reader.neighbors(of: draft.items.ids[3]) == [1, 2])
        #expect(try reader.neighbors(of: "nobody") == nil)
        #expect(try reader.itemSetItem(at: 4) == "z")
        #expect(try reader.itemSetItem(at: 5) == nil)
      }
      try store.verify()
    }
  }

  @Test func anEmptyGenerationCanBePublished() throws {
    try withStore { (store) throws in
      let manifest = try store.publish(GenerationDraft(items: ItemColumns(levels: 4)))
      #expect(manifest.items == 0)
      #expect(try store.read { try $0.items(withPrefix: []) } == [])
    }
  }

  @Test func longestIDsAndMostLevelsFit() throws {
    var items = ItemColumns(levels: StoreLimits.levels)
    let id = String(repeating: "é", count: 127) + "x"
    let codes = (0..<StoreLimits.levels).map { UInt16($0) * 257 }
    items.append(id: id, record: ItemRecord(semanticID: SemanticID(codes: codes, suffix: .max)))
    try withStore { (store) throws in
      try store.publish(GenerationDraft(items: items))
      #expect(try store.read { try $0.record(forItem: id) }?.semanticID.codes == codes)
      #expect(try store.read { try $0.items(withPrefix: Array(codes.prefix(250))) }.map(\.id) == [id])
    }
  }

  @Test func aBucketBiggerThanAPageReadsBack() throws {
    var items = ItemColumns(levels: 1)
    for row in 0..<5000 {
      items.append(id: "same-\(row)", record: ItemRecord(semanticID: SemanticID(codes: [UInt16(row % 2)])))
    }
    try withStore { (store) throws in
      var options = SemanticIDStore.PublishOptions()
      options.transactionBytes = 10_000
      #expect(try store.publish(GenerationDraft(items: items), options: options).semanticIDs == 2)
      #expect(try store.read { try $0.items(exactly: SemanticID(codes: [1])) }.count == 2500)
    }
  }

  @Test func theManifestKeepsWhatTheDraftSays() throws {
    var draft = makeDraft(items: 3)
    draft.createdAt = "2026-01-02T03:04:05Z"
    draft.parent = 7
    draft.artifacts = ["encoder.text": "ab/cd"]
    draft.metrics = ["utilization": 0.5]
    try withStore { (store) throws in
      let manifest = try store.publish(draft)
      #expect(manifest.createdAt == "2026-01-02T03:04:05Z")
      #expect(manifest.parent == 7)
      #expect(manifest.artifacts == ["encoder.text": "ab/cd"])
      #expect(manifest.metrics == ["utilization": 0.5])
      #expect(manifest.codebookSizes == [16, 16, 16])
      #expect(manifest.pricedLevels == [1])
      #expect(try store.generations() == [manifest])
    }
  }

  @Test func batchesOfAnySizeGiveTheSameManifest() throws {
    let hashes = try [1, 700, 5_000, 64 << 20].map { bytes in
      try withStore { (store) throws in
        var options = SemanticIDStore.PublishOptions()
        options.transactionBytes = bytes
        return try store.publish(makeDraft(items: 150), options: options).hashes
      }
    }
    #expect(Set(hashes.map(\.items)).count == 1)
    #expect(Set(hashes.map(\.codes)).count == 1)
    #expect(Set(hashes.map(\.codebooks)).count == 1)
  }
}

@Suite struct DraftValidationTests {
  private func code(_ change: (inout GenerationDraft) -> Void) throws -> StoreError.Code? {
    var draft = makeDraft(items: 10)
    change(&draft)
    return try withStore { (store) throws in
      let code = storeErrorCode { try store.publish(draft) }
      #expect(try store.currentGeneration() == nil)
      return code
    }
  }

  @Test func draftsThatContradictThemselvesAreRefused() throws {
    let row = ItemRecord(semanticID: SemanticID(codes: [0, 0, 0]))
    #expect(try code { $0.items.append(id: "item-3", record: row) } == .invalidDraft)
    #expect(try code { $0.items.append(id: "", record: row) } == .invalidDraft)
    #expect(try code { $0.items.append(id: String(repeating: "a", count: 256), record: row) } == .invalidDraft)
    #expect(
      try code { $0.items.append(id: "a", record: ItemRecord(semanticID: SemanticID(codes: [0, 16, 0]))) }
        == .invalidDraft)
    #expect(
      try code { $0.items.append(id: "a", record: ItemRecord(semanticID: row.semanticID, distance: .nan)) }
        == .invalidDraft)
    #expect(try code { $0.codebooks.removeLast() } == .invalidDraft)
    #expect(try code { $0.codebooks[1].dimensions = 5 } == .invalidDraft)
    #expect(try code { $0.metrics["x"] = .infinity } == .invalidDraft)
    #expect(try code { $0.items = ItemColumns(levels: 255) } == .invalidDraft)
    #expect(try code { $0.items = ItemColumns(levels: 0) } == .invalidDraft)
    #expect(
      try code {
        $0.neighbors = NeighborColumns(neighborsPerItem: 1, rows: [5], itemSet: IdentifierColumn(["a"]))
      } == .invalidDraft)
    #expect(
      try code {
        $0.neighbors = NeighborColumns(
          neighborsPerItem: 1, rows: Array(repeating: 1, count: 10), itemSet: IdentifierColumn(["a"]))
      } == .invalidDraft)
  }

  @Test func keepingNoGenerationIsRefused() throws {
    try withStore { (store) throws in
      var options = SemanticIDStore.PublishOptions()
      options.keepGenerations = 0
      #expect(storeErrorCode { try store.publish(makeDraft(items: 1), options: options) } == .invalidDraft)
    }
  }
}
