internal import CLMDB

/// One LMDB transaction. It ends by `commit` or, when the value goes away, by aborting; it cannot be copied, so it
/// cannot outlive its end. Belongs to the thread that began it.
@safe package struct Transaction: ~Copyable {
  let pointer: TransactionPointer

  init(owning pointer: OpaquePointer) { unsafe self.pointer = TransactionPointer(pointer: pointer) }

  deinit { unsafe mdb_txn_abort(pointer.pointer) }

  consuming func commit() throws(StoreError) {
    let handle = unsafe pointer.pointer
    discard self
    try unsafe check("mdb_txn_commit", mdb_txn_commit(handle))
  }

  /// Lends the value under `key` to `body`; nil where there is none.
  package borrowing func withValue<Result>(
    in database: Database, at key: Span<UInt8>, _ body: (Span<UInt8>) throws(StoreError) -> Result
  ) throws(StoreError) -> Result? {
    let found = try unsafe key.withUnsafeBytes { (bytes) throws(StoreError) in
      try unsafe pointer.value(in: database, at: bytes)
    }
    guard let value = unsafe found else { return nil }
    let bytes = unsafe value.assumingMemoryBound(to: UInt8.self)
    return try unsafe body(bytes.span)
  }

  /// A copy of the value under `key`; nil where there is none.
  package borrowing func value(in database: Database, at key: Span<UInt8>) throws(StoreError) -> [UInt8]? {
    try withValue(in: database, at: key) { (value) throws(StoreError) in
      unsafe value.withUnsafeBufferPointer { unsafe Array($0) }
    }
  }

  /// Stores `value` under `key`. False, and nothing changed, where `replacing` is false and the key has a value.
  @discardableResult
  package borrowing func put(
    _ value: Span<UInt8>, in database: Database, at key: Span<UInt8>, replacing: Bool = true
  ) throws(StoreError) -> Bool {
    try unsafe key.withUnsafeBytes { (keyBytes) throws(StoreError) in
      try unsafe value.withUnsafeBytes { (valueBytes) throws(StoreError) in
        try unsafe pointer.put(valueBytes, in: database, at: keyBytes, replacing: replacing)
      }
    }
  }

  /// Deletes `key`; false where it was not there.
  @discardableResult
  package borrowing func delete(_ key: Span<UInt8>, in database: Database) throws(StoreError) -> Bool {
    try unsafe key.withUnsafeBytes { (bytes) throws(StoreError) in try unsafe pointer.delete(bytes, in: database) }
  }

  /// Entries of the database.
  package borrowing func entryCount(of database: Database) throws(StoreError) -> Int {
    try unsafe pointer.entryCount(of: database)
  }

  /// Bytes of the database's pages; those of deleted entries, which later writes use again, do not count.
  package borrowing func pageBytes(of database: Database) throws(StoreError) -> Int {
    try unsafe pointer.pageBytes(of: database)
  }

  /// Lends a cursor over the database, closed afterwards.
  package borrowing func withCursor<Result>(
    over database: Database, _ body: (inout Cursor) throws -> Result
  ) throws -> Result {
    var cursor = try unsafe Cursor.open(pointer, database)
    return try body(&cursor)
  }
}
