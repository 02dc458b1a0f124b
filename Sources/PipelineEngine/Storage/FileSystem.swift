internal import Foundation
internal import Glibc

/// The few file operations that stages share, with errors that say what to do.
enum FileSystem {
  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// The whole of a file that is known to be small.
  static func readSmallFile(_ path: String, limit: Int, what: String) throws(PipelineError) -> [UInt8] {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw readError(path, what: what) }
    defer { close(file) }
    var information = stat()
    guard unsafe fstat(file, &information) == 0, information.st_mode & S_IFMT != S_IFDIR else {
      throw PipelineError(.inputMissing, "the \(what) '\(path)' is a folder; name a file")
    }
    var bytes = [UInt8]()
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < limit {
      let count = unsafe read(file, &buffer, min(buffer.count, limit - bytes.count))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw readError(path, what: what) }
      guard count > 0 else { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    return bytes
  }

  private static func readError(_ path: String, what: String) -> PipelineError {
    let reason = errno == ENOENT || errno == ENOTDIR ? "does not exist" : "cannot be read: \(systemMessage())"
    return PipelineError(.inputMissing, "the \(what) '\(path)' \(reason)")
  }

  /// Writes a file whole or not at all: a temporary name, then a rename.
  ///
  /// - Parameter isDurable: Also wait until the disk has the bytes, so that a power cut cannot leave a named but
  ///   empty file. Not needed for what a later run can do without.
  static func write(_ bytes: [UInt8], to path: String, isDurable: Bool = true) throws(PipelineError) {
    let temporary = path + ".tmp"
    let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw writeError(temporary) }
    defer { close(file) }
    try unsafe writeAll(bytes.span.bytes, to: file, at: 0, path: temporary)
    if isDurable { try flush(file, path: temporary) }
    try rename(temporary, to: path)
  }

  static func write(_ text: String, to path: String, isDurable: Bool = true) throws(PipelineError) {
    try write(Array(text.utf8), to: path, isDurable: isDurable)
  }

  static func writeAll(_ bytes: RawSpan, to file: Int32, at offset: Int, path: String) throws(PipelineError) {
    var written = 0
    while written < bytes.byteCount {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe pwrite(file, buffer.baseAddress! + written, buffer.count - written, offset + written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw writeError(path) }
      written += count
    }
  }

  /// Waits until the disk has the file's bytes, unless they are only needed until the system's next start.
  static func flush(_ file: Int32, path: String) throws(PipelineError) {
    guard SystemStart.waitsForDisk else { return }
    guard fdatasync(file) == 0 else { throw writeError(path) }
  }

  static func rename(_ source: String, to target: String) throws(PipelineError) {
    guard unsafe Glibc.rename(source, target) == 0 else { throw writeError(target) }
  }

  static func makeDirectory(_ path: String) throws(PipelineError) {
    guard unsafe mkdir(path, 0o755) != 0, errno != EEXIST else { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw writeError(path) }
    try makeDirectory(String(path[..<slash]))
    guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else { throw writeError(path) }
  }

  /// Removes a file or a folder with all in it; what is not there is no error.
  static func remove(_ path: String) {
    if unsafe unlink(path) == 0 || errno == ENOENT { return }
    try? FileManager.default.removeItem(atPath: path)
  }

  static func contents(of folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  static func size(of path: String) -> Int? {
    var information = stat()
    return unsafe stat(path, &information) == 0 ? Int(information.st_size) : nil
  }

  static func writeError(_ path: String) -> PipelineError {
    let isFull = errno == ENOSPC || errno == EDQUOT
    let advice = isFull ? "; free space on that disk and run again: finished stages are kept" : ""
    return PipelineError(.cannotWrite, "cannot write '\(path)': \(systemMessage())\(advice)")
  }

  static func systemMessage() -> String {
    unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
  }
}
