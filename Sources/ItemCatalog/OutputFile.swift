internal import Glibc

/// A file written under a temporary name, which takes its own name only when it is complete. A value that dies
/// before ``commit()`` removes what it wrote.
struct OutputFile: ~Copyable {
  let path: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private(set) var byteCount = 0
  private var isCommitted = false

  private static let bufferBytes = 1 << 20

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
    buffer.reserveCapacity(Self.bufferBytes)
  }

  deinit {
    close(descriptor)
    if !isCommitted { unsafe unlink(Self.temporaryPath(path)) }
  }

  private static func temporaryPath(_ path: String) -> String { path + ".partial" }

  static func create(_ path: String) throws(CatalogError) -> OutputFile {
    let descriptor = unsafe Glibc.open(temporaryPath(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(path) }
    return OutputFile(path: path, descriptor: descriptor)
  }

  private static func failure(_ path: String) -> CatalogError {
    CatalogError(.cannotWrite, "\(path) cannot be written: \(systemErrorText()).")
  }

  mutating func append(_ bytes: [UInt8]) throws(CatalogError) {
    byteCount += bytes.count
    guard buffer.count + bytes.count > Self.bufferBytes else {
      buffer.append(contentsOf: bytes)
      return
    }
    try flush()
    if bytes.count < Self.bufferBytes { buffer.append(contentsOf: bytes) } else { try write(bytes) }
  }

  mutating func append(_ bytes: ArraySlice<UInt8>) throws(CatalogError) {
    if buffer.count + bytes.count > Self.bufferBytes { try flush() }
    byteCount += bytes.count
    buffer.append(contentsOf: bytes)
  }

  /// Replaces bytes that were written earlier, such as a header that counts what follows it.
  mutating func overwrite(at offset: Int, with bytes: [UInt8]) throws(CatalogError) {
    try flush()
    let written = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
    guard written == bytes.count else { throw Self.failure(path) }
  }

  private mutating func flush() throws(CatalogError) {
    try write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  private func write(_ bytes: [UInt8]) throws(CatalogError) {
    var done = 0
    while done < bytes.count {
      let written = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done)
      }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw Self.failure(path) }
      done += written
    }
  }

  /// Writes what is left and gives the file its name. Does not wait for the disk: a table can always be built again,
  /// and its checksums tell when a power failure took a part of it.
  mutating func commit() throws(CatalogError) {
    try flush()
    guard unsafe rename(Self.temporaryPath(path), path) == 0 else {
      throw Self.failure(path)
    }
    isCommitted = true
  }

  /// Creates a folder and those above it.
  static func createFolder(_ path: String) throws(CatalogError) {
    var partial = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      partial += part
      guard unsafe mkdir(partial, 0o755) == 0 || errno == EEXIST || FileStatus(path: partial)?.kind == .folder else {
        throw failure(path)
      }
      partial += "/"
    }
    guard FileStatus(path: path)?.kind == .folder else {
      throw CatalogError(.cannotWrite, "\(path) cannot be written: it is not a folder.")
    }
  }
}
