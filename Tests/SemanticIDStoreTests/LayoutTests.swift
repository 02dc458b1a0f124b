import Foundation
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// The bytes of the layout, written out by hand from Schemas/store.md.
@Suite struct LayoutTests {
  private func draft() throws -> GenerationDraft {
    var items = ItemColumns(levels: 2)
    items.append(
      id: "b",
      record: ItemRecord(
        semanticID: SemanticID(codes: [1, 0x0203], suffix: 0x0405), flags: [.moved, .textMissing], distance: 1.5,
        contentHash: 0x0102_0304_0506_0708))
    items.append(id: "a", record: ItemRecord(semanticID: SemanticID(codes: [1, 2]), flags: .newer))
    items.append(id: "c", record: ItemRecord(semanticID: SemanticID(codes: [1, 2]), flags: .imageMissing))
    return GenerationDraft(
      items: items,
      codebooks: [
        StoredCodebook(size: 2, dimensions: 1, centroids: [1, -2]),
        StoredCodebook(
          size: 0x0204, dimensions: 1, centroids: Array(repeating: 0.5, count: 0x0204),
          prices: Array(repeating: 0.25, count: 0x0204)),
      ],
      neighbors: NeighborColumns(neighborsPerItem: 1, rows: [1, 0, 1], itemSet: IdentifierColumn(["x", "yz"])))
  }

  private func entries(_ environment: Environment, _ name: String) throws -> [[UInt8]] {
    let database = try #require(try environment.database(named: name))
    return try environment.read { (transaction) throws in
      var result: [[UInt8]] = []
      try transaction.withCursor(over: database) { (cursor) throws in
        var found = try cursor.first()
        while found {
          cursor.withEntry { key, value in
            result.append(bytes(key))
            result.append(bytes(value))
          }
          found = try cursor.next()
        }
      }
      return result
    }
  }

  private func bytes(_ span: Span<UInt8>) -> [UInt8] { span.withUnsafeBufferPointer { Array($0) } }

  @Test func everyByteIsWhereTheLayoutSays() throws {
    try withTemporaryDirectory { (folder) throws in
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      let manifest = try store.publish(try draft())
      let environment = try Environment.open(folder)
      #expect(
        try entries(environment, "items/0000000000000001") == [
          [0x61], [2, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0],
          [0x62], [2, 5, 5, 4, 0, 0, 0xC0, 0x3F, 8, 7, 6, 5, 4, 3, 2, 1, 1, 0, 3, 2],
          [0x63], [2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0],
        ])
      #expect(
        try entries(environment, "codes/0000000000000001") == [
          [0, 1, 0, 2, 0, 0], [0x61], [0, 1, 0, 2, 0, 0], [0x63], [0, 1, 2, 3, 4, 5], [0x62],
        ])
      #expect(
        try entries(environment, "neighbors/0000000000000001") == [
          [0x61], [0, 0, 0, 0], [0x62], [1, 0, 0, 0], [0x63], [1, 0, 0, 0],
        ])
      #expect(
        try entries(environment, "itemset/0000000000000001") == [[0, 0, 0, 0], [0x78], [0, 0, 0, 1], [0x79, 0x7A]])
      #expect(
        try entries(environment, "codebooks/0000000000000001") == [
          [0, 0], [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0],
          [0, 1], Array((0..<0x0204).map { _ in [0, 0, 0, 0x3F] as [UInt8] }.joined()),
          [0, 1, 0x70], Array((0..<0x0204).map { _ in [0, 0, 0x80, 0x3E] as [UInt8] }.joined()),
        ])
      let meta = try entries(environment, "meta")
      #expect(meta[0] == Array("current".utf8))
      #expect(meta[1] == [1, 0, 0, 0, 0, 0, 0, 0])
      #expect(meta[2] == Array("format".utf8))
      #expect(meta[3] == [1, 0, 0, 0])
      #expect(meta[4] == Array("generation/0000000000000001".utf8))
      #expect(try JSONDecoder().decode(GenerationManifest.self, from: Data(meta[5])) == manifest)
    }
  }

  /// Sums computed by tools/python/tessera_store.py (murmur3_x64_128) over the entries above.
  @Test func sumsAreThoseOfAnIndependentImplementation() throws {
    try withStore { (store) throws in
      let hashes = try store.publish(try draft()).hashes
      #expect(hashes.items == "f04ae2813f39e9b0e39e17e7e84229a3")
      #expect(hashes.codes == "54691fc610542cb443cc072004123ac7")
      #expect(hashes.neighbors == "a72001d5a706f41fc809387be92697b8")
      #expect(hashes.itemSet == "0989f81e4839f2a3d0f6ba730b83c457")
      #expect(hashes.codebooks == "e9a48fd4c9d99735865214dfca10fbd0")
    }
  }

  @Test func theManifestHasExactlyTheKeysOfItsSchema() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let schema =
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: root.appendingPathComponent("Schemas/manifest.schema.json"))) as? [String: Any]
    let properties = try #require(schema?["properties"] as? [String: Any])
    var full = try draft()
    full.parent = 1
    full.createdAt = "2026-01-01T00:00:00Z"
    let manifest = try withStore { try $0.publish(full) }
    let written = try JSONSerialization.jsonObject(with: JSONEncoder().encode(manifest)) as? [String: Any]
    #expect(Set(try #require(written).keys) == Set(properties.keys))
  }

  @Test func aStoreOfAnotherLayoutIsRefused() throws {
    try withTemporaryDirectory { (folder) throws in
      do {
        let environment = try Environment.open(folder)
        let meta = try #require(try environment.database(named: "meta", creating: true))
        try environment.write { (transaction) throws in
          _ = try transaction.put(([2, 0, 0, 0] as [UInt8]).span, in: meta, at: Array("format".utf8).span)
        }
      }
      #expect(storeErrorCode { _ = try SemanticIDStore.open(folder, mode: .readOnly) } == .unsupportedFormat)
    }
  }

  @Test func anEnvironmentOfSomethingElseIsNotTurnedIntoAStore() throws {
    try withTemporaryDirectory { (folder) throws in
      do {
        let environment = try Environment.open(folder)
        _ = try environment.database(named: "cache", creating: true)
      }
      #expect(storeErrorCode { _ = try SemanticIDStore.open(folder, mode: .readWrite) } == .unsupportedFormat)
    }
  }
}
