internal import Glibc

/// Reads a whole image file of at most `limits.fileBytes`. Only a regular file is read: a FIFO would block, a device
/// never end.
func readImageFile(_ path: String, limits: ImageLimits) throws(ImageError) -> [UInt8] {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    throw ImageError(.unreadable, "\(path) cannot be opened: \(describeError(errno)).")
  }
  defer { close(descriptor) }
  var status = stat()
  guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
    throw ImageError(.unreadable, "\(path) is no regular file.")
  }
  try limits.check(fileBytes: Int(status.st_size))
  // One byte more than the size shows whether the file has grown since.
  let size = Int(status.st_size)
  var failure: Int32 = 0
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    while count < size {
      let got = unsafe read(descriptor, buffer.baseAddress.map { unsafe $0 + count }, size - count)
      if got < 0, errno == EINTR { continue }
      if got < 0 { failure = errno }
      if got <= 0 { return }
      count += got
    }
  }
  guard failure == 0 else { throw ImageError(.unreadable, "\(path) cannot be read: \(describeError(failure)).") }
  return bytes
}

private func describeError(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
