import Foundation
import SemanticIDStore
import TestSupport
import Testing

/// What an operator reads when something is refused: the place, what was found, what was expected, what to do.
@Suite struct StoreMessageTests {
  private func refusal(_ change: (inout GenerationDraft) throws -> Void) throws -> String {
    var draft = makeDraft(items: 4)
    try change(&draft)
    return try withStore { (store) throws in
      let error = storeError { try store.publish(draft) }
      #expect(error?.code == .invalidDraft)
      #expect(try store.databaseNames() == ["meta"], "nothing was written")
      return error?.message ?? ""
    }
  }

  private func record(_ codes: [UInt16] = [0, 0, 0], distance: Float = 0) -> ItemRecord {
    ItemRecord(semanticID: SemanticID(codes: codes), distance: distance)
  }

  @Test func aRefusedItemIsNamedByRowAndId() throws {
    #expect(
      try refusal { $0.items.append(id: "item-2", record: record()) }
        == "rows 3 and 4 are both \"item-2\"; each item may occur once")
    #expect(
      try refusal { $0.items.append(id: "", record: record()) } == "row 4: the item's id has 0 bytes; 1 to 255 fit")
    #expect(
      try refusal { $0.items.append(id: String(repeating: "é", count: 128), record: record()) }
        == "row 4: the item's id has 256 bytes; 1 to 255 fit")
    #expect(
      try refusal { $0.items.append(id: "x", record: record(distance: -.infinity)) }
        == "row 4 (\"x\"): its distance is not finite")
    #expect(
      try refusal { $0.items.append(id: "x\n", record: record([3, 15, 16])) }
        == "row 4 (\"x\\n\"): code 16 at level 2, whose codebook has 16")
  }

  @Test func aRefusedCodebookIsNamedByLevel() throws {
    #expect(try refusal { $0.codebooks.removeLast() } == "2 codebooks for 3 levels")
    #expect(
      try refusal { $0.codebooks[2] = StoredCodebook(size: 0, dimensions: 4, centroids: []) }
        == "level 2 has 0 centroids; 1 to 65536 fit")
    #expect(
      try refusal {
        $0.codebooks[1] = StoredCodebook(size: 65_537, dimensions: 1, centroids: Array(repeating: 0, count: 65_537))
      } == "level 1 has 65537 centroids; 1 to 65536 fit")
    #expect(
      try refusal {
        $0.codebooks[1] = StoredCodebook(size: 16, dimensions: 3, centroids: Array(repeating: 0, count: 48))
      }
        == "level 1's codebook is 16 × 3 with 48 numbers; all levels share level 0's width of 4")
    #expect(
      try refusal { $0.codebooks[0].centroids.removeLast() }
        == "level 0's codebook is 16 × 4 with 63 numbers; all levels share level 0's width of 4")
    #expect(try refusal { $0.codebooks[1].prices = [1] }.hasPrefix("level 1's codebook is 16 × 4"))
    #expect(
      try refusal { draft in
        for level in 0..<3 { draft.codebooks[level] = StoredCodebook(size: 16, dimensions: 0, centroids: []) }
      }.hasPrefix("level 0's codebook is 16 × 0"))
  }

  @Test func refusedNeighborsAndMetricsAreNamed() throws {
    func neighbors(_ width: Int, _ rows: [UInt32], _ set: [String]) -> NeighborColumns {
      NeighborColumns(neighborsPerItem: width, rows: rows, itemSet: IdentifierColumn(set))
    }
    #expect(try refusal { $0.neighbors = neighbors(2, [0, 0, 0], ["a"]) } == "3 VQ codes for 4 items × 2")
    #expect(try refusal { $0.neighbors = neighbors(0, [], ["a"]) } == "0 VQ codes for 4 items × 0")
    #expect(
      try refusal { $0.neighbors = neighbors(65_536, Array(repeating: 0, count: 262_144), ["a"]) }
        == "262144 VQ codes for 4 items × 65536")
    #expect(
      try refusal { $0.neighbors = neighbors(2, [0, 1, 0, 1, 1, 2, 0, 0], ["a", "b"]) }
        == "VQ code 2 of row 2 is outside the item set's 2")
    #expect(
      try refusal { $0.neighbors = neighbors(1, [0, 0, 0, 0], ["a", ""]) }
        == "row 1: the item-set row's id has 0 bytes; 1 to 255 fit")
    #expect(
      try refusal { $0.metrics = ["b": .nan, "a": -.infinity, "c": 1] } == "metric a is not finite")
    #expect(
      try refusal { $0 = GenerationDraft(items: ItemColumns(levels: 255)) }
        == "items have 255 levels; 1 to 254 can be stored")
  }

  @Test func theLargestOfEverythingIsTaken() throws {
    let id = String(repeating: "x", count: 255)
    var items = ItemColumns(levels: 1)
    items.append(
      id: id,
      record: ItemRecord(
        semanticID: SemanticID(codes: [.max], suffix: .max), flags: ItemFlags(rawValue: .max),
        distance: .greatestFiniteMagnitude, contentHash: .max))
    let draft = GenerationDraft(
      items: items,
      codebooks: [
        StoredCodebook(size: 65_536, dimensions: 1, centroids: (0..<65_536).map { Float($0) })
      ],
      neighbors: NeighborColumns(
        neighborsPerItem: 65_535, rows: (0..<65_535).map { UInt32($0 % 2) }, itemSet: IdentifierColumn([id, "y"])))
    try withStore { (store) throws in
      try store.publish(draft)
      try store.read { (reader) throws in
        #expect(try reader.record(forItem: id) == draft.items.record(at: 0))
        #expect(try reader.codebooks() == draft.codebooks)
        #expect(try reader.neighbors(of: id) == draft.neighbors?.rows)
        #expect(try reader.itemSetItem(at: 0) == id)
        #expect(try reader.items(withPrefix: [.max]).map(\.semanticID) == [draft.items.semanticID(at: 0)])
      }
    }
  }

  @Test func whatIsNotThereIsNamedWithItsPlace() throws {
    try withStore { (store) throws in
      let path = store.path
      let none = storeError { _ = try SemanticIDStore.open(path + "/none", mode: .readOnly) }
      #expect(none?.message == "\(path)/none: no data.mdb there; nothing was published yet")
      let unpublished = storeError { try store.read { _ in } }
      #expect(unpublished?.message == "\(path): nothing has been published here yet")
      let missing = "\(path) has no generation 7; `tessera inspect generations` lists those it has"
      let reading = storeError { try store.read(generation: 7) { _ in } }
      #expect(reading?.message == missing)
      let switching = storeError { try store.rollback(to: 7) }
      #expect(switching?.message == missing && switching.map { "\($0)" } == missing)
    }
  }

  @Test func aStoreThatIsOpenForReadingIsNotWritten() throws {
    try withStore { (store) throws in
      let reader = try SemanticIDStore.open(store.path, mode: .readOnly)
      let expected = "\(store.path) is open for reading only; open it for writing, as a user who may write it"
      let publishing = storeError { try reader.publish(makeDraft(items: 1)) }
      #expect(publishing?.code == .permission && publishing?.message == expected)
      let switching = storeError { try reader.rollback(to: 1) }
      #expect(switching?.code == .permission && switching?.message == expected)
    }
  }

  @Test func aFolderThatCannotBeMadeIsNamed() throws {
    try withTemporaryDirectory { (folder) throws in
      #expect(FileManager.default.createFile(atPath: folder + "/file", contents: Data()))
      let error = storeError { _ = try SemanticIDStore.open(folder + "/file/store", mode: .readWrite) }
      #expect(error?.message.contains("\(folder)/file") == true, "\(error?.message ?? "")")
      #expect(error?.message.contains("Not a directory") == true)
      #expect(storeErrorCode { _ = try SemanticIDStore.open(folder + "/a/b/c", mode: .readWrite) } == nil)
    }
  }

  /// The store's own database, altered: the message names the key and what it should hold.
  @Test func aDamagedMetaDatabaseIsNamedByKey() throws {
    let cases: [(key: String, value: [UInt8]?, message: String, code: StoreError.Code)] = [
      ("format", [1, 0], "database meta, key format: a u32 is expected, found [1, 0]", .damaged),
      ("format", nil, "database meta, key format: a u32 is expected, found []", .damaged),
      (
        "format", [2, 0, 0, 0], "has layout 2, this program knows layout 1; use the program that wrote it",
        .unsupportedFormat
      ),
      ("current", [1, 2, 3], "database meta, key current: a u64 is expected, found 3 bytes", .damaged),
      ("current", [5, 0, 0, 0, 0, 0, 0, 0], "key current: generation 5 is served, but has no manifest", .damaged),
      ("generation/000000000000000A", [1], "\"000000000000000A\" is not a generation's number", .damaged),
      ("generation/1", [1], "\"1\" is not a generation's number", .damaged),
      (
        "generation/0000000000000001", Array("[]".utf8), "key generation/0000000000000001: the value is not a manifest",
        .damaged
      ),
    ]
    for entry in cases {
      try withTemporaryDirectory { (folder) throws in
        do {
          let store = try SemanticIDStore.open(folder, mode: .readWrite)
          try store.publish(makeDraft(items: 2))
          try tamper(try Environment.open(folder), "meta", Array(entry.key.utf8), entry.value)
        }
        let error = storeError {
          let store = try SemanticIDStore.open(folder, mode: .readOnly)
          try store.read { _ in }
          _ = try store.generations()
        }
        #expect(error?.code == entry.code, "\(entry.key)")
        #expect(error?.message.contains(entry.message) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasPrefix(folder) == true, "\(error?.message ?? "")")
      }
    }
  }
}

/// Manifests as another program may write them.
@Suite struct ManifestTests {
  private func manifest() throws -> [String: Any] {
    let published = try withStore { try $0.publish(makeDraft(items: 5)) }
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(published))
    return try #require(object as? [String: Any])
  }

  private func decode(_ object: [String: Any]) throws -> GenerationManifest {
    try GenerationManifest.decode([UInt8](JSONSerialization.data(withJSONObject: object)), generation: 1)
  }

  @Test func whatContradictsTheLayoutIsRefused() throws {
    let sound = try manifest()
    let changes: [(String, Any, StoreError.Code)] = [
      ("format", 2, .unsupportedFormat), ("format", 0, .unsupportedFormat), ("generation", 2, .damaged),
      ("generation", -1, .damaged), ("items", -1, .damaged), ("items", 1.5, .damaged), ("semanticIDs", -1, .damaged),
      ("levels", -1, .damaged), ("levels", 255, .damaged), ("levels", 2, .damaged), ("dimensions", -1, .damaged),
      ("dimensions", Int(Int32.max) + 1, .damaged), ("codebookSizes", [16, 16], .damaged),
      ("codebookSizes", [16, 0, 16], .damaged), ("codebookSizes", [16, 65_537, 16], .damaged),
      ("pricedLevels", [3], .damaged), ("pricedLevels", [-1], .damaged), ("neighborsPerItem", 65_536, .damaged),
      ("neighborsPerItem", -1, .damaged), ("itemSetSize", -1, .damaged), ("hashes", "none", .damaged),
      ("metrics", ["x": "y"], .damaged), ("properties", ["x": 1], .damaged),
    ]
    for (key, value, code) in changes {
      var changed = sound
      changed[key] = value
      let error = storeError { _ = try decode(changed) }
      #expect(error?.code == code, "\(key): \(value)")
      #expect(
        error?.message.hasPrefix("manifest: database meta, key generation/0000000000000001: ") == true,
        "\(error?.message ?? "")")
    }
    for key in sound.keys where key != "parent" && key != "createdAt" {
      var changed = sound
      changed[key] = nil
      #expect(storeErrorCode { _ = try decode(changed) } == .damaged, "without \(key)")
    }
  }

  @Test func whatTheLayoutAllowsIsRead() throws {
    var object = try manifest()
    object["parent"] = 9
    object["createdAt"] = "2026-01-01T00:00:00Z"
    object["levels"] = 254
    object["codebookSizes"] = [Int](repeating: 65_536, count: 254)
    object["pricedLevels"] = [0, 253]
    object["dimensions"] = Int(Int32.max)
    object["neighborsPerItem"] = 65_535
    object["laterAddition"] = ["ignored": true]
    let read = try decode(object)
    #expect(read.parent == 9 && read.createdAt == "2026-01-01T00:00:00Z")
    #expect(read.levels == 254 && read.pricedLevels == [0, 253] && read.neighborsPerItem == 65_535)
    object["codebookSizes"] = [Int]()
    object["pricedLevels"] = [Int]()
    #expect(try decode(object).codebookSizes == [])
  }

  @Test func aManifestSurvivesItsStoreUnchanged() throws {
    var draft = makeDraft(items: 3)
    draft.parent = .max
    draft.artifacts = ["a/b": "c\"d", "é": "\u{1}"]
    draft.metrics = ["tiny": .leastNonzeroMagnitude, "large": 1.7976931348623157e308, "third": 1.0 / 3, "zero": -0.0]
    draft.properties = ["text": "two\nlines", "": "empty key"]
    try withTemporaryDirectory { (folder) throws in
      let manifest: GenerationManifest
      do {
        manifest = try SemanticIDStore.open(folder, mode: .readWrite).publish(draft)
      }
      let store = try SemanticIDStore.open(folder, mode: .readOnly)
      let read = try #require(try store.generations().first)
      #expect(read == manifest)
      #expect(read.metrics == draft.metrics && read.artifacts == draft.artifacts)
      #expect(read.properties == draft.properties && read.parent == .max)
    }
  }
}
