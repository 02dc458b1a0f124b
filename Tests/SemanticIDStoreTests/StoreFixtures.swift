import SemanticIDStore
import TestSupport
import Testing

/// A draft whose ids, codes and fields all follow from `seed` and the row, in an order that is not the ids'.
func makeDraft(items count: Int, levels: Int = 3, seed: Int = 1, codebookSize: Int = 16) -> GenerationDraft {
  var items = ItemColumns(levels: levels)
  for step in 0..<count {
    let row = (step * 7919 + seed) % count
    items.append(id: "item-\(row)", record: expectedRecord(row, levels: levels, seed: seed, size: codebookSize))
  }
  let codebooks = (0..<levels).map { level in
    StoredCodebook(
      size: codebookSize, dimensions: 4, centroids: (0..<codebookSize * 4).map { Float($0 + level) / 8 },
      prices: level == 1 ? (0..<codebookSize).map { Float($0) } : nil)
  }
  return GenerationDraft(items: items, codebooks: codebooks, properties: ["seed": "\(seed)"])
}

func expectedRecord(_ row: Int, levels: Int, seed: Int, size: Int) -> ItemRecord {
  let codes = (0..<levels).map { level in UInt16((row / (level + 1) + seed) % size) }
  return ItemRecord(
    semanticID: SemanticID(codes: codes, suffix: UInt16(row % 3)), flags: row % 2 == 0 ? .moved : [],
    distance: Float(row) / 4, contentHash: UInt64(row) << 32 | UInt64(seed))
}

/// Runs `body` with a new store in a folder of its own.
func withStore<Value>(_ body: (SemanticIDStore) throws -> Value) throws -> Value {
  try withTemporaryDirectory { (folder) throws in
    try body(try SemanticIDStore.open(folder + "/store", mode: .readWrite))
  }
}

/// The code of the store error that `body` throws, or nil where it throws none.
func storeErrorCode(_ body: () throws -> Void) -> StoreError.Code? { storeError(body)?.code }

/// The store error that `body` throws, or nil where it throws none.
func storeError(_ body: () throws -> Void) -> StoreError? {
  do {
    try body()
    return nil
  } catch {
    return error as? StoreError
  }
}

/// Changes one entry behind the store's back; a nil value deletes the key.
func tamper(
  _ environment: Environment, _ database: String, _ key: [UInt8], _ value: [UInt8]?
) throws {
  let database = try #require(try environment.database(named: database))
  _ = try environment.write { (transaction) throws in
    guard let value else { return try transaction.delete(key.span, in: database) }
    return try transaction.put(value.span, in: database, at: key.span)
  }
}
