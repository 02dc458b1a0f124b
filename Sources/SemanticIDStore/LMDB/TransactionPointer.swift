internal import CLMDB
internal import Glibc

/// A handle of a named database; valid in transactions that begin after it was opened.
package struct Database: Sendable, Hashable {
  let handle: MDB_dbi
}

/// The C calls of a transaction. It owns nothing: `Transaction` or `Environment.read` end it, and until then this may
/// be copied. Buffers that it returns live until the transaction ends or writes.
@unsafe struct TransactionPointer {
  let pointer: OpaquePointer

  /// The value under `key`, or nil.
  func value(in database: Database, at key: UnsafeRawBufferPointer) throws(StoreError) -> UnsafeRawBufferPointer? {
    var mdbKey = unsafe MDB_val(borrowing: key)
    var value = unsafe MDB_val()
    let code = unsafe mdb_get(pointer, database.handle, &mdbKey, &value)
    if code == MDB_NOTFOUND { return nil }
    try check("mdb_get", code)
    return unsafe UnsafeRawBufferPointer(value)
  }

  /// Stores `value` under `key`; false where `replacing` is false and the key has a value.
  func put(
    _ value: UnsafeRawBufferPointer, in database: Database, at key: UnsafeRawBufferPointer, replacing: Bool
  ) throws(StoreError) -> Bool {
    var mdbKey = unsafe MDB_val(borrowing: key)
    var mdbValue = unsafe MDB_val(borrowing: value)
    let code = unsafe mdb_put(
      pointer, database.handle, &mdbKey, &mdbValue, replacing ? 0 : UInt32(MDB_NOOVERWRITE))
    if code == MDB_KEYEXIST { return false }
    try check("mdb_put", code)
    return true
  }

  /// Deletes `key` with all its values; false where it has none.
  func delete(_ key: UnsafeRawBufferPointer, in database: Database) throws(StoreError) -> Bool {
    var mdbKey = unsafe MDB_val(borrowing: key)
    let code = unsafe mdb_del(pointer, database.handle, &mdbKey, nil)
    if code == MDB_NOTFOUND { return false }
    try check("mdb_del", code)
    return true
  }

  /// Bytes of the database's pages. What was deleted does not count, though the file keeps its pages for later writes.
  func pageBytes(of database: Database) throws(StoreError) -> Int {
    var statistics = MDB_stat()
    try unsafe check("mdb_stat", mdb_stat(pointer, database.handle, &statistics))
    let pages = statistics.ms_branch_pages + statistics.ms_leaf_pages + statistics.ms_overflow_pages
    return pages * Int(statistics.ms_psize)
  }

  /// Entries of the database, duplicates counted one by one.
  func entryCount(of database: Database) throws(StoreError) -> Int {
    var statistics = MDB_stat()
    try unsafe check("mdb_stat", mdb_stat(pointer, database.handle, &statistics))
    return statistics.ms_entries
  }
}

extension MDB_val {
  /// A view that the C side reads during the call and never writes.
  init(borrowing bytes: UnsafeRawBufferPointer) {
    unsafe self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }
}

extension UnsafeRawBufferPointer {
  init(_ value: MDB_val) { unsafe self.init(start: value.mv_data, count: value.mv_size) }
}
