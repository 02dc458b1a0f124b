internal import Glibc

/// A regular file mapped into memory, read-only: pages come in as they are touched and are the system's to drop.
///
/// Sendable because nothing writes through it. Files are replaced by renaming, which leaves a mapping as it was; one
/// that is cut off in place while it is mapped ends the process, as for every program that maps files.
@safe final class MappedFile: @unchecked Sendable {
  private let start: UnsafeRawPointer?
  let count: Int

  /// - Parameter maximumBytes: a larger file is refused.
  init(_ path: String, maximumBytes: Int) throws(NeuralNetworksError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.unreadable(path) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Self.unreadable(path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw NeuralNetworksError(.unreadableFile, "cannot read \(path): it is no regular file")
    }
    let size = Int(status.st_size)
    guard size <= maximumBytes else {
      throw NeuralNetworksError(.tooLarge, "\(path) has \(size) bytes, more than the \(maximumBytes) allowed")
    }
    count = size
    // Nothing cannot be mapped.
    guard size > 0 else {
      unsafe start = nil
      return
    }
    let mapped = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard unsafe mapped != MAP_FAILED else { throw Self.unreadable(path) }
    unsafe start = UnsafeRawPointer(mapped)
  }

  deinit { if let start = unsafe start { unsafe munmap(UnsafeMutableRawPointer(mutating: start), count) } }

  private static func unreadable(_ path: String) -> NeuralNetworksError {
    NeuralNetworksError(.unreadableFile, "cannot read \(path): \(unsafe String(cString: strerror(errno)))")
  }

  /// Lends a part of the file.
  func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes \(range) of a file of \(count)")
    return unsafe body(UnsafeRawBufferPointer(start: start.map { unsafe $0 + range.lowerBound }, count: range.count))
  }
}

/// A tensor's bytes: part of an array, floats as they are computed with, or part of a file that stays mapped as long as
/// any of its tensors lives.
enum TensorStorage: Sendable {
  case array(ArraySlice<UInt8>)
  case floats(ContiguousArray<Float>)
  case mapped(MappedFile, Range<Int>)

  var count: Int {
    switch self {
    case .array(let bytes): bytes.count
    case .floats(let floats): floats.count * MemoryLayout<Float>.size
    case .mapped(_, let range): range.count
    }
  }

  /// Shared for an array, copied otherwise.
  var bytes: ArraySlice<UInt8> {
    switch self {
    case .array(let bytes): bytes
    case .floats(let floats): unsafe floats.withUnsafeBytes { unsafe [UInt8]($0)[...] }
    case .mapped(let file, let range): unsafe file.withBytes(range) { unsafe [UInt8]($0)[...] }
    }
  }

  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch self {
    case .array(let bytes): unsafe bytes.withUnsafeBytes { unsafe body($0) }
    case .floats(let floats): unsafe floats.withUnsafeBytes { unsafe body($0) }
    case .mapped(let file, let range): unsafe file.withBytes(range) { unsafe body($0) }
    }
  }

  /// A part, counted from this part's start.
  func part(_ range: Range<Int>) -> TensorStorage {
    switch self {
    case .array(let bytes): .array(bytes[bytes.startIndex + range.lowerBound..<bytes.startIndex + range.upperBound])
    case .floats: .array(bytes[range])
    case .mapped(let file, let outer):
      .mapped(file, outer.lowerBound + range.lowerBound..<outer.lowerBound + range.upperBound)
    }
  }
}
