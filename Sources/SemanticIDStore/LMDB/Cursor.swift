internal import CLMDB

/// A position in a database, moved in key order. `key` and `value` lend the entry it stands on.
@safe package struct Cursor: ~Copyable {
  private let pointer: OpaquePointer
  private var mdbKey = unsafe MDB_val()
  private var mdbValue = unsafe MDB_val()

  private init(owning pointer: OpaquePointer) { unsafe self.pointer = pointer }

  deinit { unsafe mdb_cursor_close(pointer) }

  static func open(_ transaction: TransactionPointer, _ database: Database) throws(StoreError) -> Cursor {
    var cursor: OpaquePointer?
    try unsafe check("mdb_cursor_open", mdb_cursor_open(transaction.pointer, database.handle, &cursor))
    guard let cursor = unsafe cursor else { throw StoreError(.system, "mdb_cursor_open returned no cursor") }
    return unsafe Cursor(owning: cursor)
  }

  /// Bytes of the entry's key, until the next move or write.
  var key: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(mdbKey) }
  /// Bytes of the entry's value, until the next move or write.
  var value: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(mdbValue) }

  /// Moves to the first entry; false where the database is empty.
  package mutating func first() throws(StoreError) -> Bool { try move(MDB_FIRST) }

  /// Moves to the last entry; false where the database is empty.
  package mutating func last() throws(StoreError) -> Bool { try move(MDB_LAST) }

  /// Moves to the next entry; false past the last.
  package mutating func next() throws(StoreError) -> Bool { try move(MDB_NEXT) }

  /// Moves to the first entry whose key is not before `key`; false where there is none.
  package mutating func seek(_ key: Span<UInt8>) throws(StoreError) -> Bool {
    try unsafe key.withUnsafeBytes { (bytes) throws(StoreError) in
      unsafe mdbKey = MDB_val(borrowing: bytes)
      return try move(MDB_SET_RANGE)
    }
  }

  /// Moves to the entry of exactly this key, which `key` then does not lend; false where there is none.
  mutating func find(_ key: Span<UInt8>) throws(StoreError) -> Bool {
    try unsafe key.withUnsafeBytes { (bytes) throws(StoreError) in
      unsafe mdbKey = MDB_val(borrowing: bytes)
      return try move(MDB_SET)
    }
  }

  private mutating func move(_ operation: MDB_cursor_op) throws(StoreError) -> Bool {
    let code = unsafe mdb_cursor_get(pointer, &mdbKey, &mdbValue, operation)
    if code == MDB_NOTFOUND { return false }
    try check("mdb_cursor_get", code)
    return true
  }

  /// Lends the entry's key and value.
  package borrowing func withEntry<Result>(
    _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) throws -> Result
  ) rethrows -> Result {
    let keyBytes = unsafe key.assumingMemoryBound(to: UInt8.self)
    let valueBytes = unsafe value.assumingMemoryBound(to: UInt8.self)
    return try unsafe body(keyBytes.span, valueBytes.span)
  }

  /// Deletes the entry the cursor stands on; the next move goes on after it.
  package mutating func deleteEntry() throws(StoreError) {
    try unsafe check("mdb_cursor_del", mdb_cursor_del(pointer, 0))
  }

  /// Room for `count` bytes under a key that sorts after every key so far, to be filled before the next call.
  mutating func appendReserving(
    _ count: Int, at key: UnsafeRawBufferPointer
  ) throws(StoreError) -> UnsafeMutableRawPointer {
    var newKey = unsafe MDB_val(borrowing: key)
    var room = unsafe MDB_val(mv_size: count, mv_data: nil)
    let code = unsafe mdb_cursor_put(pointer, &newKey, &room, UInt32(MDB_APPEND | MDB_RESERVE))
    if code == MDB_KEYEXIST { throw outOfOrder }
    try check("mdb_cursor_put", code)
    guard let address = unsafe room.mv_data else { throw StoreError(.system, "mdb_cursor_put reserved no room") }
    return unsafe address
  }

  /// Adds a value that sorts after every entry so far; `sameKey` says that the key is the one appended last.
  mutating func append(
    _ value: UnsafeRawBufferPointer, at key: UnsafeRawBufferPointer, sameKey: Bool
  ) throws(StoreError) {
    var newKey = unsafe MDB_val(borrowing: key)
    var newValue = unsafe MDB_val(borrowing: value)
    let flags = UInt32(sameKey ? MDB_APPENDDUP : MDB_APPEND)
    let code = unsafe mdb_cursor_put(pointer, &newKey, &newValue, flags)
    if code == MDB_KEYEXIST { throw outOfOrder }
    try check("mdb_cursor_put", code)
  }
}

/// The sort of the rows failed, or another writer got into the generation's databases.
private let outOfOrder = StoreError(.system, "mdb_cursor_put: an appended key is not after the last one")
