internal import Glibc

extension GenerationReader {
  /// Items whose codes begin with `codes`, in the order of their semantic IDs, at most `limit`. A range scan:
  /// O(log items + result). None where `codes` is longer than the generation's levels.
  public func items(withPrefix codes: [UInt16], limit: Int = .max) throws(StoreError) -> [ScannedItem] {
    guard codes.count <= levels else { return [] }
    var result: [ScannedItem] = []
    let prefix = codes.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    try unsafe scanCodes(from: prefix) { (key, id) throws(StoreError) in
      guard result.count < limit, unsafe starts(key, with: prefix) else { return false }
      unsafe result.append(ScannedItem(semanticID: try semanticID(key), id: String(decoding: id, as: UTF8.self)))
      return true
    }
    return result
  }

  /// The ids that share exactly this semantic ID, in byte order, at most `limit`.
  public func items(exactly semanticID: SemanticID, limit: Int = .max) throws(StoreError) -> [String] {
    guard semanticID.codes.count == levels else { return [] }
    var result: [String] = []
    let key = (semanticID.codes + [semanticID.suffix]).flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    try unsafe scanCodes(from: key) { (found, id) throws(StoreError) in
      guard result.count < limit, found.count == key.count, unsafe starts(found, with: key) else { return false }
      unsafe result.append(String(decoding: id, as: UTF8.self))
      return true
    }
    return result
  }

  /// Every item in the byte order of its id.
  public func forEachItem(_ body: (_ id: String, _ record: ItemRecord) throws -> Void) throws {
    try unsafe scanItems { key, value in
      try unsafe body(String(decoding: key, as: UTF8.self), record(key, value))
    }
  }

  /// Every item in the byte order of its id, without allocating per item: spans are valid inside the call only.
  public func forEachRow(
    _ body: (_ id: Span<UInt8>, _ codes: Span<UInt16>, _ fields: ItemFields) throws -> Void
  ) throws {
    var codes = [UInt16](repeating: 0, count: levels)
    try unsafe scanItems { key, value in
      guard let item = unsafe ItemValue(value, levels: levels) else { throw unsafe damagedItem(key, value) }
      for level in 0..<levels { unsafe codes[level] = item.code(level) }
      let id = unsafe key.assumingMemoryBound(to: UInt8.self)
      try unsafe body(id.span, codes.span, item.fields)
    }
  }

  /// Every bucket in the order of semantic IDs, with its items in byte order.
  public func forEachBucket(_ body: (_ semanticID: SemanticID, _ ids: IdentifierColumn) throws -> Void) throws {
    var open: SemanticID?
    var openKey: [UInt8] = []
    var ids = IdentifierColumn()
    try unsafe scanCodesRethrowing(from: []) { key, id in
      if unsafe key.count != openKey.count || !starts(key, with: openKey) || open == nil {
        if let open { try body(open, ids) }
        unsafe open = try semanticID(key)
        unsafe openKey = Array(key)
        ids = IdentifierColumn()
      }
      let bytes = unsafe id.assumingMemoryBound(to: UInt8.self)
      unsafe ids.append(utf8: bytes.span)
      return true
    }
    if let open { try body(open, ids) }
  }

  /// The whole generation by column, rows in the byte order of ids.
  public func columns() throws(StoreError) -> ItemColumns {
    try asStoreError {
      var columns = ItemColumns(levels: levels)
      columns.reserveCapacity(rows: min(count, 1 << 28), identifierBytes: 0)
      try forEachRow { id, codes, fields in columns.append(utf8: id, codes: codes, fields: fields) }
      return columns
    }
  }

  // MARK: Cursors

  /// Every entry of `items/`, in key order.
  func scanItems(_ body: (_ id: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Void) throws {
    var cursor = try unsafe Cursor.open(transaction, databases.items)
    var found = try cursor.first()
    while found {
      try unsafe body(cursor.key, cursor.value)
      found = try cursor.next()
    }
  }

  /// Entries of `codes/` from the first key not before `start`, until `body` says false.
  private func scanCodes(
    from start: [UInt8],
    _ body: (_ key: UnsafeRawBufferPointer, _ id: UnsafeRawBufferPointer) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try asStoreError { try unsafe scanCodesRethrowing(from: start) { key, id in try unsafe body(key, id) } }
  }

  func scanCodesRethrowing(
    from start: [UInt8], _ body: (_ key: UnsafeRawBufferPointer, _ id: UnsafeRawBufferPointer) throws -> Bool
  ) throws {
    var cursor = try unsafe Cursor.open(transaction, databases.codes)
    var found = start.isEmpty ? try cursor.first() : try cursor.seek(start.span)
    while found, try unsafe body(cursor.key, cursor.value) { found = try cursor.next() }
  }

  func semanticID(_ key: UnsafeRawBufferPointer) throws(StoreError) -> SemanticID {
    guard let semanticID = unsafe CodesKey.semanticID(key, levels: levels) else {
      throw unsafe damaged(
        .codes, key, "a key of \(Layout.codesKeySize(levels: levels)) bytes is expected, found \(key.count)")
    }
    return semanticID
  }
}

private func starts(_ key: UnsafeRawBufferPointer, with prefix: [UInt8]) -> Bool {
  guard key.count >= prefix.count else { return false }
  if prefix.isEmpty { return true }
  return unsafe prefix.withUnsafeBytes { bytes in
    guard let left = key.baseAddress, let right = bytes.baseAddress else { return false }
    return unsafe memcmp(left, right, prefix.count) == 0
  }
}
