internal import Glibc

// Deleting what nobody can reach any more. All of it needs the writer lock.
extension SemanticIDStore {
  /// At opening: whatever a crash left, unless a writer is at work (then it may be what it is writing).
  func collectAtOpen() throws {
    do {
      try WriterLock.hold(path) { try collectLeftovers() }
    } catch let error as StoreError where error.code == .locked || error.code == .diskFull {
      // Deleting takes a few pages too; a store on a full disk can still be read, and a later opening tries again.
    }
  }

  /// Deletes databases of generations that have no manifest: unfinished or retired ones. Left for the next time where
  /// this process has readers that do not finish within a second.
  func collectLeftovers() throws {
    let kept = try withMeta { transaction, meta in Set(try manifestEntries(transaction, meta).map(\.number)) }
    let leftovers = try environment.databaseNames().filter { name in
      Layout.generation(ofDatabase: name).map { !kept.contains($0) } ?? false
    }
    do {
      try environment.drop(leftovers, timeout: 1)
    } catch let error as StoreError where error.code == .busy {}
  }

  /// Keeps the current generation and the newest others, `limit` in all: removes the others' manifests, after which
  /// nobody can begin to read them. Part of the switch's own transaction, so that a crash right behind the switch
  /// leaves no more generations than were asked for; their databases are leftovers from then on.
  func retire(keeping limit: Int, _ transaction: borrowing Transaction, _ meta: Database) throws {
    let current = try currentNumber(transaction, meta)
    let others = try manifestEntries(transaction, meta).map(\.number).filter { $0 != current }.sorted(by: >)
    for number in others.dropFirst(max(0, limit - 1)) {
      try transaction.delete(Layout.manifestKey(number).span, in: meta)
    }
  }
}

/// Makes the folder's entries durable: a new store must survive a power cut under its name.
func synchronizeFolder(_ path: String) throws(StoreError) {
  for folder in [path, path + "/.."] {
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", errno, folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure("fsync", errno, folder) }
  }
}
