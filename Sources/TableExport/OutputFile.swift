internal import Glibc
internal import Synchronization

/// A file that appears at its path whole or not at all: written under a temporary name in the same folder, synced
/// and renamed by `commit()`, removed when it is let go of before. One that a killed process left is removed by the next
/// export into that folder.
final class OutputFile {
  let path: String
  private let temporaryPath: String
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private var flushed = 0
  private static let bufferSize = 1 << 20
  private static let serial = Atomic<Int>(0)

  init(path: String) throws(TableExportError) {
    let opened = try Self.openTemporary(for: path)
    self.path = path
    temporaryPath = opened.path
    descriptor = opened.descriptor
    buffer.reserveCapacity(Self.bufferSize + (Self.bufferSize >> 1))
  }

  deinit {
    guard descriptor >= 0 else { return }
    _ = close(descriptor)
    _ = unsafe unlink(temporaryPath)
  }

  /// Bytes written so far, flushed or not.
  var size: Int { flushed + buffer.count }

  func write(_ bytes: [UInt8]) throws(TableExportError) {
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Lets `body` append to the output buffer, which costs no copy.
  @inline(__always)
  func write(_ body: (inout [UInt8]) -> Void) throws(TableExportError) {
    body(&buffer)
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Replaces bytes that were written at `offset` before.
  func patch(_ bytes: [UInt8], at offset: Int) throws(TableExportError) {
    try flush()
    precondition(offset >= 0 && offset + bytes.count <= flushed, "a patch lies within what was written")
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { source in
        unsafe pwrite(
          descriptor, source.baseAddress.map { unsafe $0 + done }, source.count - done, off_t(offset + done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .writing(path, "write") }
      done += count
    }
  }

  /// Makes the file durable and visible under its path. Nothing may be written afterwards.
  func commit() throws(TableExportError) {
    try flush()
    guard fsync(descriptor) == 0 else { throw .writing(path, "sync the file to the disk") }
    guard unsafe rename(temporaryPath, path) == 0 else { throw .writing(path, "rename the finished file into place") }
    _ = close(descriptor)
    descriptor = -1
    try syncFolder(Self.folder(of: path))
  }

  private func flush() throws(TableExportError) {
    var done = 0
    while done < buffer.count {
      let count = unsafe buffer.withUnsafeBytes { source in
        unsafe Glibc.write(descriptor, source.baseAddress.map { unsafe $0 + done }, source.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .writing(path, "write") }
      done += count
    }
    flushed += buffer.count
    buffer.removeAll(keepingCapacity: true)
  }

  private static func openTemporary(
    for path: String
  ) throws(TableExportError) -> (path: String, descriptor: Int32) {
    while true {
      let candidate = temporaryName(beside: path)
      let descriptor = unsafe open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 {
        if Temporaries.hold(descriptor, at: candidate) { return (candidate, descriptor) }
        _ = close(descriptor)
        continue
      }
      guard errno == EEXIST else { throw .writing(path, "create a file in the folder \(folder(of: path))") }
    }
  }

  /// A name in the folder of `path` that no other writer of this process uses.
  static func temporaryName(beside path: String) -> String {
    let number = serial.wrappingAdd(1, ordering: .relaxed).oldValue
    return Temporaries.name(in: folder(of: path), serial: number)
  }

  /// The folder that holds `path`, `.` where the path names none.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

/// Makes a rename in `folder` durable.
func syncFolder(_ folder: String) throws(TableExportError) {
  let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { throw .writing(folder, "open the folder to sync it") }
  defer { _ = close(descriptor) }
  // Some network file systems cannot sync a folder and say EINVAL; the file itself is synced already.
  guard fsync(descriptor) == 0 || errno == EINVAL else { throw .writing(folder, "sync the folder") }
}
