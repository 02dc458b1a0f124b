internal import CLMDB
internal import Glibc
internal import Synchronization

// The gate that transactions pass, and what is done while it is empty.
extension Environment {
  /// Counts this thread in. Waits while another thread has the environment to itself, unless this thread is in already.
  func enter() throws(StoreError) {
    let thread = currentThread()
    while true {
      let entered = state.withLock { state in
        guard !state.isExclusive || state.transactions[thread] != nil else { return false }
        state.transactions[thread, default: 0] += 1
        return true
      }
      if entered { return }
      usleep(500)
    }
  }

  func leave() {
    let thread = currentThread()
    state.withLock { state in
      guard let count = state.transactions[thread] else { return }
      state.transactions[thread] = count > 1 ? count - 1 : nil
    }
  }

  /// Runs `body` while this process has no transaction open. Throws `busy` where the calling thread has one itself, or
  /// where others' do not end within `timeout` seconds.
  func withoutTransactions<Result>(
    timeout: Double, to purpose: String, _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    let thread = currentThread()
    var waited = 0.0
    var isOwner = false
    defer { if isOwner { state.withLock { $0.isExclusive = false } } }
    while true {
      let (mine, others, owns) = state.withLock { state in
        let mine = state.transactions[thread] ?? 0
        if mine == 0, !isOwner, !state.isExclusive {
          state.isExclusive = true
          return (mine, state.transactions.count, true)
        }
        return (mine, state.transactions.count, isOwner)
      }
      isOwner = owns
      if mine == 0, isOwner, others == 0 { return try body() }
      guard mine == 0, waited < timeout else {
        throw StoreError(
          .busy,
          "\(path): \(purpose) needs this process to have no transaction open, but "
            + (mine > 0 ? "this thread holds one" : "\(others) threads hold one")
            + "; end it first, or open with a larger map")
      }
      usleep(500)
      waited += 0.0005
    }
  }

  /// The map's present size in bytes.
  package func mapSize() throws(StoreError) -> Int {
    var information = unsafe MDB_envinfo()
    try unsafe check("mdb_env_info", mdb_env_info(pointer, &information), path)
    return unsafe information.me_mapsize
  }

  /// Doubles the map.
  func grow() throws(StoreError) {
    let old = try mapSize()
    guard old < options.maximumMapSize else {
      throw StoreError(.mapFull, "\(path): the map is full at its limit of \(options.maximumMapSize) bytes")
    }
    try setMapSize(min(options.maximumMapSize, max(old, 1 << 20) * 2))
  }

  private func setMapSize(_ size: Int) throws(StoreError) {
    try withoutTransactions(timeout: options.growthTimeout, to: "growing the map") { () throws(StoreError) in
      // LMDB unmaps before it maps and cannot go back, so make sure first that the address space is there.
      let probe = unsafe mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
      guard unsafe probe != MAP_FAILED else {
        throw failure("mmap", errno, "\(path): no address space for a map of \(size) bytes")
      }
      unsafe munmap(probe, size)
      try unsafe check("mdb_env_set_mapsize", mdb_env_set_mapsize(pointer, size), "\(path), \(size) bytes")
    }
  }

  /// Takes over the size to which another process has grown the map.
  func adoptMap() throws(StoreError) {
    try withoutTransactions(timeout: options.growthTimeout, to: "adopting the grown map") { () throws(StoreError) in
      try unsafe check("mdb_env_set_mapsize", mdb_env_set_mapsize(pointer, 0), path)
    }
  }
}

private func currentThread() -> UInt { UInt(pthread_self()) }
