internal import Glibc

/// The right to write the store, across processes: an exclusive `flock` on `writer.lock` in its folder, which the system
/// takes back when the process dies. The file holds the owner's process id, for the message others get.
@safe struct WriterLock: ~Copyable {
  private let descriptor: Int32

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit {
    ftruncate(descriptor, 0)
    // Not by closing alone: a child process that is between its fork and its exec still has the descriptor.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Runs `body` under the lock, or throws `locked`; never waits.
  static func hold<Result>(_ folder: String, _ body: () throws -> Result) throws -> Result {
    let lock = try take(folder)
    let result = Swift.Result { try body() }
    lock.release()
    return try result.get()
  }

  private consuming func release() {}

  private static func take(_ folder: String) throws(StoreError) -> WriterLock {
    let path = folder + "/writer.lock"
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("open", errno, path) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      defer { close(descriptor) }
      guard code == EWOULDBLOCK else { throw failure("flock", code, path) }
      let holder = readProcessID(descriptor)
      throw StoreError(
        .locked,
        "\(folder) is being written by \(holder.map { "process \($0)" } ?? "another process"); try again later",
        lockHolder: holder)
    }
    ftruncate(descriptor, 0)
    let text = Array("\(getpid())\n".utf8)
    // A failed write costs others the number, not the lock.
    _ = unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    return WriterLock(descriptor: descriptor)
  }

  private static func readProcessID(_ descriptor: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count > 0 else { return nil }
    return Int32(String(decoding: bytes[..<count].prefix { (0x30...0x39).contains($0) }, as: UTF8.self))
  }
}
