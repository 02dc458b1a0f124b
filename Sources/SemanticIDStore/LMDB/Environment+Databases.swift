internal import CLMDB
internal import Glibc
internal import Synchronization

extension Environment {
  /// The database `name`, made where it is missing and `creating` says so; nil where it is missing. Not to be called
  /// inside a write transaction.
  package func database(
    named name: String, creating: Bool = false, duplicates: Bool = false
  ) throws(StoreError) -> Database? {
    if let known = state.withLock({ $0.databases[name] }) { return known }
    while true {
      do throws(StoreError) {
        if let opened = try attemptOpen(name, creating: creating, duplicates: duplicates) { return opened.database }
        try adoptMap()
      } catch {
        guard error.code == .mapFull else { throw error }
        try grow()
      }
    }
  }

  private struct Opened { var database: Database? }

  /// Nil where another process has grown the map.
  private func attemptOpen(_ name: String, creating: Bool, duplicates: Bool) throws(StoreError) -> Opened? {
    try enter()
    defer { leave() }
    var result: Opened?
    var problem: StoreError?
    openingLock.withLock { _ in
      do throws(StoreError) {
        result = try openInTransaction(name, creating: creating, duplicates: duplicates)
      } catch {
        problem = error
      }
    }
    if let problem { throw problem }
    return result
  }

  private func openInTransaction(_ name: String, creating: Bool, duplicates: Bool) throws(StoreError) -> Opened? {
    guard let transaction = try begin(readOnly: !creating) else { return nil }
    var handle: MDB_dbi = 0
    let flags = (creating ? UInt32(MDB_CREATE) : 0) | (duplicates && creating ? UInt32(MDB_DUPSORT) : 0)
    let code = unsafe mdb_dbi_open(transaction.pointer.pointer, name, flags, &handle)
    if code == MDB_NOTFOUND { return Opened(database: nil) }
    if code == MDB_DBS_FULL {
      throw StoreError(.system, "mdb_dbi_open: more than \(options.maximumDatabases) databases are open")
    }
    try check("mdb_dbi_open", code, name)
    let database = Database(handle: handle)
    try commit(transaction)
    state.withLock { $0.databases[name] = database }
    return Opened(database: database)
  }

  /// Names of all databases.
  package func databaseNames() throws -> [String] {
    guard let root = try rootDatabase() else { return [] }
    return try read { transaction in
      var names: [String] = []
      try transaction.withCursor(over: root) { cursor in
        var found = try cursor.first()
        while found {
          unsafe names.append(String(decoding: cursor.key, as: UTF8.self))
          found = try cursor.next()
        }
      }
      return names
    }
  }

  /// LMDB's unnamed database, whose keys are the names of the others.
  private func rootDatabase() throws -> Database? {
    try read { transaction in
      var handle: MDB_dbi = 0
      try unsafe check("mdb_dbi_open", mdb_dbi_open(transaction.pointer.pointer, nil, 0, &handle))
      return Database(handle: handle)
    }
  }

  /// Deletes databases, each in a transaction of its own, so that other writers get their turn in between. Waits up to
  /// `timeout` seconds for this process's transactions to end (handles close with their database); readers in other
  /// processes are not disturbed and keep seeing what they see.
  func drop(_ names: [String], timeout: Double) throws {
    for name in names {
      guard let database = try database(named: name) else { continue }
      while true {
        do throws(StoreError) {
          try withoutTransactions(timeout: timeout, to: "deleting \(name)") { () throws(StoreError) in
            guard let transaction = try begin(readOnly: false) else { throw grownMap }
            try unsafe check("mdb_drop", mdb_drop(transaction.pointer.pointer, database.handle, 1), name)
            _ = state.withLock { $0.databases.removeValue(forKey: name) }
            try commit(transaction)
          }
          break
        } catch {
          switch error.code {
          case .mapFull where error.message == grownMap.message: try adoptMap()
          case .mapFull: try grow()
          default: throw error
          }
        }
      }
    }
  }

  /// Closes handles that only this process's memory holds, where a reader that lives for years has gathered many.
  func closeDatabases(_ isUnused: (String) -> Bool) throws(StoreError) {
    try withoutTransactions(timeout: 1, to: "closing handles") { () throws(StoreError) in
      state.withLock { state in
        for (name, database) in state.databases where isUnused(name) && !state.pinned.contains(name) {
          unsafe mdb_dbi_close(pointer, database.handle)
          state.databases[name] = nil
        }
      }
    }
  }
}

private let grownMap = StoreError(.mapFull, "another process has grown the map")
