internal import CLMDB
internal import Glibc

/// The one place where a return code of LMDB or the system becomes an error that names the call.
func check(_ call: StaticString, _ code: Int32, _ context: @autoclosure () -> String = "") throws(StoreError) {
  guard code != 0 else { return }
  throw failure(call, code, context())
}

/// The error for a return code that is not zero.
func failure(_ call: StaticString, _ code: Int32, _ context: String = "") -> StoreError {
  let place = context.isEmpty ? "\(call)" : "\(call) (\(context))"
  let text = unsafe String(cString: mdb_strerror(code))
  switch code {
  case MDB_MAP_FULL:
    return StoreError(.mapFull, "\(place): the map is full and may not grow further; raise the map's size limit")
  case MDB_READERS_FULL:
    return StoreError(
      .readersFull,
      "\(place): every reader slot is taken; raise `maximumReaders` and open the store once while no other "
        + "process has it open")
  case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_PANIC, MDB_INVALID, MDB_CURSOR_FULL, MDB_PAGE_FULL, MDB_BAD_DBI,
    MDB_INCOMPATIBLE:
    return StoreError(.damaged, "\(place): \(text); restore the store from a copy or publish into a new folder")
  case MDB_VERSION_MISMATCH:
    return StoreError(.unsupportedFormat, "\(place): the data file is of another LMDB version; \(text)")
  case MDB_BAD_VALSIZE:
    return StoreError(.badKey, "\(place): a key must be 1 to 511 bytes; \(text)")
  case ENOSPC, EDQUOT, EFBIG:
    return StoreError(.diskFull, "\(place): \(text); free space and run again, what was published is still served")
  case EACCES, EPERM, EROFS:
    return StoreError(.permission, "\(place): \(text); the store's folder and files must be readable and writable")
  case ENOENT:
    return StoreError(.notFound, "\(place): \(text)")
  default:
    return StoreError(.system, "\(place): \(text)")
  }
}
