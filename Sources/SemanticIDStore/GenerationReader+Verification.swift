internal import Glibc

extension GenerationReader {
  /// Reads everything and compares it with the manifest: counts, sums, the order of keys, and each direction against the
  /// other. Throws `damaged` at the first difference.
  func verify() throws {
    try verifyCounts()
    let codesHash = try verifyItems()
    try verifyCodes(codesHash)
    try verifyNeighbors()
    try verifyItemSet()
    try verifyCodebooks()
  }

  /// The counts alone, which LMDB keeps: O(1).
  func verifyCounts() throws(StoreError) {
    let priced = manifest.pricedLevels.count
    try verifyCount(.items, databases.items, manifest.items)
    try verifyCount(.codes, databases.codes, manifest.items)
    try verifyCount(.neighbors, databases.neighbors, manifest.neighborsPerItem > 0 ? manifest.items : 0)
    try verifyCount(.itemset, databases.itemSet, manifest.itemSetSize)
    try verifyCount(.codebooks, databases.codebooks, manifest.codebookSizes.count + priced)
  }

  private func verifyCount(_ kind: Layout.Kind, _ database: Database, _ expected: Int) throws(StoreError) {
    let found = try unsafe transaction.entryCount(of: database)
    guard found == expected else {
      throw StoreError(.damaged, "database \(kind.name(generation)): \(expected) entries are expected, found \(found)")
    }
  }

  /// Returns the sum that `codes/` must have.
  private func verifyItems() throws -> EntryHash {
    let sizes = manifest.codebookSizes
    var (sum, codesSum) = (EntryHash(), EntryHash())
    var scratch = EntryScratch()
    var key = KeyScratch(levels: levels)
    var order = KeyOrder()
    var codes = [UInt16](repeating: 0, count: levels)
    try unsafe scanItems { id, value in
      guard unsafe order.isAfterLast(id) else { throw unsafe damaged(.items, id, "the keys are out of order") }
      guard let item = unsafe ItemValue(value, levels: levels) else { throw unsafe damagedItem(id, value) }
      for level in 0..<levels {
        unsafe codes[level] = item.code(level)
        guard sizes.isEmpty || Int(codes[level]) < sizes[level] else {
          throw unsafe damaged(.items, id, "code \(codes[level]) at level \(level) of \(sizes[level]) centroids")
        }
      }
      unsafe sum.add(scratch.layOut(id, value))
      let suffix = unsafe item.fields.suffix
      unsafe codes.withUnsafeBufferPointer { row in
        unsafe codesSum.add(scratch.layOut(key.write(row, suffix), id))
      }
    }
    try verifyHash(.items, sum, manifest.hashes.items)
    return codesSum
  }

  private func verifyCodes(_ expected: EntryHash) throws {
    var sum = EntryHash()
    var scratch = EntryScratch()
    var keys = KeyOrder()
    var ids = KeyOrder()
    var distinct = 0
    try unsafe scanCodesRethrowing(from: []) { key, id in
      if unsafe keys.isSame(key) {
        guard unsafe ids.isAfterLast(id) else { throw unsafe damaged(.codes, key, "the items are out of order") }
      } else {
        guard unsafe keys.isAfterLast(key) else { throw unsafe damaged(.codes, key, "the keys are out of order") }
        ids = KeyOrder()
        _ = unsafe ids.isAfterLast(id)
        distinct += 1
      }
      guard key.count == Layout.codesKeySize(levels: levels) else {
        throw unsafe damaged(.codes, key, "\(Layout.codesKeySize(levels: levels)) bytes expected, found \(key.count)")
      }
      unsafe sum.add(scratch.layOut(key, id))
      return true
    }
    try verifyHash(.codes, sum, manifest.hashes.codes)
    guard sum == expected else {
      throw StoreError(
        .damaged,
        "databases \(Layout.Kind.items.name(generation)) and \(Layout.Kind.codes.name(generation)) disagree: "
          + "item to codes sums to \(expected.hexadecimal), codes to item to \(sum.hexadecimal)")
    }
    guard distinct == manifest.semanticIDs else {
      throw StoreError(
        .damaged,
        "database \(Layout.Kind.codes.name(generation)): \(manifest.semanticIDs) different semantic IDs are "
          + "expected, found \(distinct)")
    }
  }

  private func verifyNeighbors() throws {
    var sum = EntryHash()
    var scratch = EntryScratch()
    try unsafe scan(databases.neighbors) { id, value in
      _ = try unsafe neighborRows(id, value)
      unsafe sum.add(scratch.layOut(id, value))
    }
    try verifyHash(.neighbors, sum, manifest.hashes.neighbors)
  }

  private func verifyItemSet() throws {
    try verifyHash(.itemset, try sum(of: databases.itemSet), manifest.hashes.itemSet)
  }

  private func verifyCodebooks() throws {
    try verifyHash(.codebooks, try sum(of: databases.codebooks), manifest.hashes.codebooks)
    _ = try codebooks()
  }

  private func sum(of database: Database) throws -> EntryHash {
    var sum = EntryHash()
    var scratch = EntryScratch()
    try unsafe scan(database) { key, value in unsafe sum.add(scratch.layOut(key, value)) }
    return sum
  }

  private func scan(
    _ database: Database, _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var cursor = try unsafe Cursor.open(transaction, database)
    var found = try cursor.first()
    while found {
      try unsafe body(cursor.key, cursor.value)
      found = try cursor.next()
    }
  }

  private func verifyHash(_ kind: Layout.Kind, _ found: EntryHash, _ expected: String) throws(StoreError) {
    guard found.hexadecimal == expected else {
      throw StoreError(
        .damaged,
        "database \(kind.name(generation)) sums to \(found.hexadecimal), its manifest says \(expected): "
          + "some entry was altered")
    }
  }
}

/// Checks that bytes come in ascending order; LMDB finds nothing reliably where they do not.
private struct KeyOrder {
  private var last = [UInt8](repeating: 0, count: 512)
  private var count = -1

  func isSame(_ key: UnsafeRawBufferPointer) -> Bool { unsafe count == key.count && order(key) == 0 }

  /// Remembers `key`; false where it does not come after the key before.
  mutating func isAfterLast(_ key: UnsafeRawBufferPointer) -> Bool {
    let isAfter = unsafe count < 0 || order(key) > 0
    count = min(key.count, last.count)
    if let source = key.baseAddress {
      unsafe last.withUnsafeMutableBytes { room in
        if let target = room.baseAddress { unsafe memcpy(target, source, count) }
      }
    }
    return isAfter
  }

  /// Positive where `key` comes after the last one.
  private func order(_ key: UnsafeRawBufferPointer) -> Int {
    let common = min(count, key.count)
    let difference = unsafe last.withUnsafeBytes { room in
      guard common > 0, let left = key.baseAddress, let right = room.baseAddress else { return 0 }
      return Int(unsafe memcmp(left, right, common))
    }
    return difference != 0 ? difference : key.count - count
  }
}

extension SemanticIDStore {
  /// Reads a whole generation (the current one by default) and compares it with its manifest. Throws `damaged`, naming
  /// the database and key, at the first difference. O(items).
  @discardableResult
  public func verify(generation: UInt64? = nil) throws -> GenerationManifest {
    try read(generation: generation) { reader in
      try reader.verify()
      return reader.manifest
    }
  }

  /// Checks the structure of the data file of the store in folder `path` without opening it: LMDB trusts its pages, and
  /// damage to them can end the process. Run it before opening a store whose disk is in doubt; a file that passes can be
  /// opened and verified. Throws `damaged`, naming the page. O(file size).
  public static func checkFile(_ path: String) throws(StoreError) {
    let data = path + "/data.mdb"
    guard unsafe access(data, F_OK) == 0 else {
      throw StoreError(.notFound, "\(path): no data.mdb there; nothing was published yet")
    }
    try PageCheck.run(data)
  }
}
