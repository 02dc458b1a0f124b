internal import CLMDB
internal import Glibc
internal import Synchronization

/// A folder, whatever path leads to it.
struct FileIdentity: Hashable, Sendable {
  var device: UInt
  var inode: UInt

  init(path: String) throws(StoreError) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw failure("stat", errno, path) }
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
  }
}

/// The environments this process has open. LMDB's locks belong to the process and are lost when a second handle on the
/// same folder is closed, so there must never be one.
enum OpenEnvironments {
  private struct Entry: Sendable { weak var environment: Environment? }

  private static let entries = Mutex<[FileIdentity: Entry]>([:])

  /// The environment of the folder, opened by `open` where it is not.
  static func find(
    _ identity: FileIdentity, orOpen open: () throws(StoreError) -> Environment
  ) throws(StoreError) -> Environment {
    while true {
      let outcome = entries.withLock { entries -> Result<Environment?, StoreError> in
        if let entry = entries[identity] { return .success(entry.environment) }
        do throws(StoreError) {
          let environment = try open()
          entries[identity] = Entry(environment: environment)
          return .success(environment)
        } catch {
          return .failure(error)
        }
      }
      if let environment = try outcome.get() { return environment }
      usleep(200)  // The last owner let go on another thread, which has not closed it yet.
    }
  }

  static func remove(_ identity: FileIdentity, closing close: () -> Void) {
    entries.withLock { entries in
      close()
      entries[identity] = nil
    }
  }
}

extension Environment {
  /// Opens the environment in folder `path`, or the one that this process has open there already (then `options` are
  /// those of the first call). Writable where this user may write, unless `mustExist` finds no data file.
  package static func open(
    _ path: String, mustExist: Bool = false, options: Options = Options()
  ) throws(StoreError) -> Environment {
    let data = path + "/data.mdb"
    let exists = unsafe access(data, F_OK) == 0
    if !exists, mustExist { throw StoreError(.notFound, "\(path): no data.mdb there; nothing was published yet") }
    if !exists { try createFolder(path) }
    let identity = try FileIdentity(path: path)
    return try OpenEnvironments.find(identity) { () throws(StoreError) in
      if exists { try DataFile.checkBeforeOpening(data) }
      let isReadOnly = unsafe access(path, W_OK) != 0 || (exists && access(data, W_OK) != 0)
      let pointer = unsafe try openPointer(path, isReadOnly: isReadOnly, options: options)
      let environment = unsafe Environment(
        owning: pointer, path: path, identity: identity, isReadOnly: isReadOnly, options: options)
      return environment
    }
  }

  private static func openPointer(
    _ path: String, isReadOnly: Bool, options: Options
  ) throws(StoreError) -> OpaquePointer {
    var created: OpaquePointer?
    try unsafe check("mdb_env_create", mdb_env_create(&created))
    guard let environment = unsafe created else { throw StoreError(.system, "mdb_env_create returned nothing") }
    do throws(StoreError) {
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      let size = (max(options.mapSize, 16 * page) + page - 1) / page * page
      try unsafe check("mdb_env_set_mapsize", mdb_env_set_mapsize(environment, size))
      try unsafe check("mdb_env_set_maxreaders", mdb_env_set_maxreaders(environment, UInt32(options.maximumReaders)))
      try unsafe check("mdb_env_set_maxdbs", mdb_env_set_maxdbs(environment, UInt32(options.maximumDatabases)))
      let flags = UInt32(MDB_NOTLS) | (isReadOnly ? UInt32(MDB_RDONLY) : 0)
      try unsafe check("mdb_env_open", mdb_env_open(environment, path, flags, 0o644), path)
      var dead: Int32 = 0
      try unsafe check("mdb_reader_check", mdb_reader_check(environment, &dead), path)
      return unsafe environment
    } catch {
      unsafe mdb_env_close(environment)
      throw error
    }
  }
}

/// Makes the folder and those above it.
private func createFolder(_ path: String) throws(StoreError) {
  var end = path.startIndex
  while end < path.endIndex {
    end = path[path.index(after: end)...].firstIndex(of: "/") ?? path.endIndex
    let part = String(path[..<end])
    if unsafe mkdir(part, 0o755) != 0, errno != EEXIST, unsafe access(part, F_OK) != 0 {
      throw failure("mkdir", errno, part)
    }
  }
}
