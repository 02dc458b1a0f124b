internal import Foundation
internal import Glibc
internal import Synchronization
internal import TensorMath

/// What `body` gives for every chunk of `0..<count`, in order, computed in parallel.
func sampleMap<Result: Sendable>(
  count: Int, size: Int, _ body: @Sendable (Range<Int>) -> Result
) -> [Result] {
  let results = Mutex<[Int: Result]>([:])
  Parallelism.forEachChunk(of: count, size: size) { range in
    let result = body(range)
    results.withLock { $0[range.lowerBound] = result }
  }
  return results.withLock { results in stride(from: 0, to: count, by: size).compactMap { results[$0] } }
}

/// Writes a whole small file, truncating an earlier one.
func writeSampleFile(_ bytes: [UInt8], to path: String) throws(CatalogError) {
  let file = try SampleOutput(path: path)
  defer { file.close() }
  try file.write(bytes)
}

/// A file that is written from start to end. The caller collects bytes into large pieces.
struct SampleOutput {
  private let descriptor: Int32
  private let path: String

  init(path: String) throws(CatalogError) {
    self.path = path
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw sampleFailure(path, "be created") }
  }

  func write(_ bytes: [UInt8]) throws(CatalogError) {
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBufferPointer { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress.map { unsafe $0 + written }, bytes.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw sampleFailure(path, "be written") }
      written += count
    }
  }

  func close() { Glibc.close(descriptor) }
}

func renameSampleFile(_ source: String, to target: String) throws(CatalogError) {
  guard unsafe rename(source, target) == 0 else { throw sampleFailure(target, "be replaced") }
}

func makeSampleFolder(_ path: String) throws(CatalogError) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw CatalogError(.cannotWrite, "The folder \(path) cannot be created: \(error.localizedDescription)")
  }
}

private func sampleFailure(_ path: String, _ verb: String) -> CatalogError {
  CatalogError(.cannotWrite, "\(path) cannot \(verb): \(unsafe String(cString: strerror(errno))).")
}
