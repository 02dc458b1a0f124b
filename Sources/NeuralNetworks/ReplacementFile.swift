internal import Glibc

/// A file that takes another's place when it is whole: written under a temporary name beside it, synced, renamed. One that
/// is not committed is removed.
final class ReplacementFile {
  private let path: String
  private let temporaryPath: String
  private var descriptor: CInt

  init(_ path: String) throws(NeuralNetworksError) {
    self.path = path
    // A name that no other writer has; what it is does not matter.
    temporaryPath = "\(path).\(String(UInt64.random(in: 0...UInt64.max), radix: 36)).tmp"
    descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure(path) }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unsafe unlink(temporaryPath)
  }

  func append(_ storage: TensorStorage) throws(NeuralNetworksError) {
    let descriptor = descriptor
    let isWritten = unsafe storage.withBytes { bytes in
      var done = 0
      while let start = bytes.baseAddress, done < bytes.count {
        // A write takes at most 2 GiB, and may take less than it is given.
        let count = unsafe Glibc.write(descriptor, start + done, bytes.count - done)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        done += count
      }
      return true
    }
    guard isWritten else { throw Self.failure(path) }
  }

  /// Syncs the file and gives it its name.
  func commit() throws(NeuralNetworksError) {
    guard fsync(descriptor) == 0, unsafe rename(temporaryPath, path) == 0 else { throw Self.failure(path) }
    close(descriptor)
    descriptor = -1
  }

  private static func failure(_ path: String) -> NeuralNetworksError {
    NeuralNetworksError(.unwritableFile, "cannot write \(path): \(unsafe String(cString: strerror(errno)))")
  }
}
