internal import CLMDB
internal import Glibc
internal import Synchronization

/// One LMDB environment: a folder with `data.mdb` and `lock.mdb`. LMDB forbids opening a folder twice in one process, so
/// `open` gives the same object to all callers of this process.
///
/// The map grows when a write finds it full. That is only possible while this process has no transaction open, so reads
/// and writes pass a gate, and growth waits for it to empty.
@safe package final class Environment: Sendable {
  package struct Options: Sendable {
    /// Address space the map starts with, in bytes.
    package var mapSize = 1 << 30
    /// The map never grows beyond this.
    package var maximumMapSize = 1 << 44
    /// Reader slots; fixed by whichever process opens the folder first.
    package var maximumReaders = 510
    package var maximumDatabases = 1024
    /// How long growth waits for this process's transactions to end, in seconds.
    package var growthTimeout = 60.0
    package init() {}
  }

  struct State {
    /// Open transactions by thread.
    var transactions: [UInt: Int] = [:]
    /// A thread waits for, or has, the environment to itself.
    var isExclusive = false
    var databases: [String: Database] = [:]
    /// Databases whose handles may not be closed: a publish is writing them.
    var pinned: Set<String> = []
  }

  package let path: String
  package let isReadOnly: Bool
  let options: Options
  let identity: FileIdentity
  /// `MDB_env` may be used from any thread; what may not is ordered by `state`'s gate and `openingLock`.
  nonisolated(unsafe) let pointer: OpaquePointer
  let state = Mutex(State())
  /// LMDB allows one transaction at a time to open database handles.
  let openingLock = Mutex(())

  init(
    owning pointer: OpaquePointer, path: String, identity: FileIdentity, isReadOnly: Bool, options: Options
  ) {
    unsafe self.pointer = pointer
    self.path = path
    self.identity = identity
    self.isReadOnly = isReadOnly
    self.options = options
  }

  deinit {
    // Inside the registry's lock, so that no thread opens the folder anew before it is closed here.
    OpenEnvironments.remove(identity) { unsafe mdb_env_close(pointer) }
  }

  // MARK: Transactions

  /// Runs `body` in a read transaction: one snapshot, unmoved by any writer.
  package func read<Result>(_ body: (borrowing Transaction) throws -> Result) throws -> Result {
    try readWithDatabases { transaction, _ in try body(transaction) }
  }

  /// As `read`, with the handles that work in this transaction: those opened before it began.
  func readWithDatabases<Result>(
    _ body: (borrowing Transaction, [String: Database]) throws -> Result
  ) throws -> Result {
    while true {
      if let result = try attemptRead(body) { return result }
      try adoptMap()
    }
  }

  /// Nil where another process has grown the map.
  private func attemptRead<Result>(
    _ body: (borrowing Transaction, [String: Database]) throws -> Result
  ) throws -> Result? {
    try enter()
    defer { leave() }
    let databases = state.withLock { $0.databases }
    guard let transaction = try begin(readOnly: true) else { return nil }
    return try body(transaction, databases)
  }

  /// Runs `body` in a write transaction and commits it; an error aborts it. Where the map is full, the transaction is
  /// aborted, the map grown and `body` run again, so `body` must do the same when repeated.
  package func write<Result>(_ body: (borrowing Transaction) throws -> Result) throws -> Result {
    guard !isReadOnly else {
      throw StoreError(.permission, "\(path) is open for reading only: this user may not write to it")
    }
    while true {
      do {
        if let result = try attemptWrite(body) { return result }
        try adoptMap()
      } catch let error as StoreError where error.code == .mapFull {
        try grow()
      }
    }
  }

  /// Nil where another process has grown the map.
  private func attemptWrite<Result>(_ body: (borrowing Transaction) throws -> Result) throws -> Result? {
    try enter()
    defer { leave() }
    guard let transaction = try begin(readOnly: false) else { return nil }
    let result = try body(transaction)
    try commit(transaction)
    return result
  }

  /// Commits, and tells a full disk from a failing one: LMDB reports a short write as an I/O error.
  func commit(_ transaction: consuming Transaction) throws(StoreError) {
    do {
      try transaction.commit()
    } catch {
      var status = statvfs()
      guard error.code == .system, unsafe statvfs(path, &status) == 0,
        UInt(status.f_bavail) * UInt(status.f_bsize) < 1 << 26
      else { throw error }
      throw StoreError(
        .diskFull,
        "\(error.message): the disk of \(path) is full; free space and run again, "
          + "what was published is still served")
    }
  }

  /// Begins a transaction inside the gate; nil where another process has grown the map.
  func begin(readOnly: Bool) throws(StoreError) -> Transaction? {
    var mayClearReaders = true
    while true {
      var transaction: OpaquePointer?
      let code = unsafe mdb_txn_begin(pointer, nil, readOnly ? UInt32(MDB_RDONLY) : 0, &transaction)
      switch code {
      case 0:
        guard let transaction = unsafe transaction else { break }
        return unsafe Transaction(owning: transaction)
      case MDB_MAP_RESIZED:
        return nil
      case MDB_READERS_FULL where mayClearReaders:
        mayClearReaders = false
        try clearStaleReaders()
        continue
      default: break
      }
      throw failure("mdb_txn_begin", code, path)
    }
  }

  /// Frees the reader slots of processes that died. The number freed.
  @discardableResult
  package func clearStaleReaders() throws(StoreError) -> Int {
    var dead: Int32 = 0
    try unsafe check("mdb_reader_check", mdb_reader_check(pointer, &dead), path)
    return Int(dead)
  }

  // MARK: Durability

  /// Commits that follow put their data on the disk, but leave the page that points at it to the next durable commit.
  /// A power cut may undo them; it cannot tear the environment (which `MDB_NOSYNC` could: its pointer page may reach
  /// the disk before the data). Only for the one writer.
  func setDefersMetaSync(_ defers: Bool) throws(StoreError) {
    try unsafe check("mdb_env_set_flags", mdb_env_set_flags(pointer, UInt32(MDB_NOMETASYNC), defers ? 1 : 0))
  }

  /// Forces everything committed to the disk.
  package func synchronize() throws(StoreError) {
    try unsafe check("mdb_env_sync", mdb_env_sync(pointer, 1), path)
  }
}
