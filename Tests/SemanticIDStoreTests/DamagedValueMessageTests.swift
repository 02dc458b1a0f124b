import SemanticIDStore
import TestSupport
import Testing

/// What a reader says of a value that is not what its manifest promises: the database, the key, what was expected and
/// found, and the way out. The store is read as it is, without a verification before.
@Suite struct DamagedValueMessageTests {
  private static let advice = "; roll back to another generation or publish anew"

  private static func draft() -> GenerationDraft {
    var draft = makeDraft(items: 4)
    draft.neighbors = NeighborColumns(
      neighborsPerItem: 2, rows: [0, 1, 1, 2, 2, 0, 0, 1], itemSet: IdentifierColumn(["x", "y", "z"]))
    return draft
  }

  /// Reads a store of which one value was changed behind its back; a nil value deletes the key.
  private static func read(
    _ database: String, _ key: [UInt8], _ value: [UInt8]?, _ body: (SemanticIDStore) throws -> Void
  ) throws {
    try withTemporaryDirectory { (folder) throws in
      do {
        let store = try SemanticIDStore.open(folder, mode: .readWrite)
        try store.publish(draft())
        try tamper(try Environment.open(folder), database + "/0000000000000001", key, value)
      }
      try body(try SemanticIDStore.open(folder, mode: .readOnly))
    }
  }

  @Test(arguments: [
    ([3, 0, 0], "3 bytes that begin with 3"), ([UInt8](repeating: 2, count: 22), "22 bytes that begin with 2"),
    ([3] + [UInt8](repeating: 0, count: 20), "21 bytes that begin with 3"),
    ([3] + [UInt8](repeating: 0, count: 22), "23 bytes that begin with 3"),
  ])
  func anItemIsRefusedByItsSizeAndItsLevels(value: [UInt8], found: String) throws {
    let expected =
      "database items/0000000000000001, key \"item-1\": 22 bytes that begin with 3 levels are expected, found \(found)"
      + Self.advice
    try Self.read("items", Array("item-1".utf8), value) { store in
      let errors = [
        storeError { try store.read { _ = try $0.record(forItem: "item-1") } },
        storeError { try store.read { try $0.forEachItem { _, _ in } } },
        storeError { try store.read { try $0.forEachRow { _, _, _ in } } },
        storeError { try store.read { try $0.forEachRow(of: IdentifierColumn(["item-1"])) { _, _, _ in } } },
        storeError { try store.read { _ = try $0.columns() } },
        storeError { try store.verify() },
      ]
      #expect(errors.map(\.?.message) == Array(repeating: expected, count: errors.count))
      #expect(errors.allSatisfy { $0?.code == .damaged })
      // The others are read all the same.
      let record = try store.read { try $0.record(forItem: "item-2") }
      #expect(record == expectedRecord(2, levels: 3, seed: 1, size: 16))
    }
  }

  @Test func aCodebookIsRefusedByItsNumbers() throws {
    let cases: [(key: [UInt8], value: [UInt8]?, text: String, count: Int)] = [
      ([0, 0], [0, 0, 0x80, 0x3F], "0000", 64), ([0, 1], [UInt8](repeating: 0, count: 257), "0001", 64),
      ([0, 2], nil, "0002", 64), ([0, 1, 0x70], [UInt8](repeating: 0, count: 60), "000170", 16),
      ([0, 1, 0x70], nil, "000170", 16),
    ]
    for entry in cases {
      try Self.read("codebooks", entry.key, entry.value) { store in
        let error = storeError { try store.read { _ = try $0.codebooks() } }
        #expect(error?.code == .damaged)
        #expect(
          error?.message
            == "database codebooks/0000000000000001, key \(entry.text): \(entry.count) f32 are expected" + Self.advice)
        // Codes do not need the codebooks.
        let record = try store.read { try $0.record(forItem: "item-3") }
        #expect(record == expectedRecord(3, levels: 3, seed: 1, size: 16))
      }
    }
  }

  @Test func neighborsAreRefusedByTheirSizeAndTheItemSet() throws {
    let place = "database neighbors/0000000000000001, key \"item-2\": "
    for (value, expected) in [
      ([0, 0, 0, 0], "8 bytes are expected, found 4"),
      ([UInt8](repeating: 0, count: 9), "8 bytes are expected, found 9"),
      ([3, 0, 0, 0, 0, 0, 0, 0], "a row is outside the item set's 3"),
      ([0, 0, 0, 0, 0, 0, 0, 0x80], "a row is outside the item set's 3"),
    ] as [([UInt8], String)] {
      try Self.read("neighbors", Array("item-2".utf8), value) { store in
        let error = storeError { try store.read { _ = try $0.neighbors(of: "item-2") } }
        #expect(error?.code == .damaged && error?.message == place + expected + Self.advice)
      }
    }
    try Self.read("neighbors", Array("item-2".utf8), [2, 0, 0, 0, 0, 0, 0, 0]) { store in
      let rows = try store.read { try $0.neighbors(of: "item-2") }
      #expect(rows == [2, 0])
    }
  }

  /// A key that is too short stands before those that begin with it, and is met by every scan from there.
  @Test func aKeyOfAnotherSizeIsRefusedWhereAScanMeetsIt() throws {
    let expected =
      "database codes/0000000000000001, key 00000000: a key of 8 bytes is expected, found 4" + Self.advice
    try Self.read("codes", [0, 0, 0, 0], Array("item-1".utf8)) { store in
      let scan = storeError { try store.read { _ = try $0.items(withPrefix: []) } }
      let buckets = storeError { try store.read { try $0.forEachBucket { _, _ in } } }
      #expect(scan?.message == expected && buckets?.message == expected)
      let record = expectedRecord(1, levels: 3, seed: 1, size: 16)
      let beyond = try store.read { try $0.items(exactly: record.semanticID) }
      #expect(beyond == ["item-1"])
    }
  }

  @Test func aCodeBeyondItsCodebookIsFoundByVerifying() throws {
    let value = [3] + [UInt8](repeating: 0, count: 15) + [1, 0, 15, 0, 0, 16]
    try Self.read("items", Array("item-3".utf8), value) { store in
      let error = storeError { try store.verify() }
      #expect(
        error?.message
          == "database items/0000000000000001, key \"item-3\": code 4096 at level 2 of 16 centroids" + Self.advice)
    }
  }

  @Test func anAlteredEntryIsFoundByTheSumsOfItsDatabase() throws {
    for (database, key, value) in [
      ("itemset", [0, 0, 0, 2], Array("Z".utf8)),
      ("neighbors", Array("item-0".utf8), [UInt8](repeating: 0, count: 8)),
      ("codebooks", [0, 1, 0x70], [UInt8](repeating: 0, count: 64)),
    ] as [(String, [UInt8], [UInt8])] {
      try Self.read(database, key, value) { store in
        let error = storeError { try store.verify() }
        #expect(error?.code == .damaged)
        #expect(error?.message.hasPrefix("database \(database)/0000000000000001 sums to ") == true)
        #expect(error?.message.hasSuffix(": some entry was altered") == true)
      }
    }
  }
}
