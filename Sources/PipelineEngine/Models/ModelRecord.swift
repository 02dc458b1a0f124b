internal import Foundation
internal import Glibc
internal import ItemCatalog

/// `tessera-model.json`: what a model folder held when it was made, and where that came from.
struct ModelRecord: Codable, Sendable, Equatable {
  struct File: Codable, Sendable, Equatable {
    var path: String
    var bytes: Int
    var sha256: String
  }

  static let fileName = "tessera-model.json"

  var format = 1
  var name: String
  /// `package==version` on PyPI, or the folder that was copied.
  var source: String
  /// Of the package's file that was converted; nil where files are as they came.
  var sourceSHA256: String?
  var license: String?
  var files: [File]

  /// Hashes the files of a folder.
  init(name: String, source: String, folder: String, paths: [String]) throws(PipelineError) {
    (self.name, self.source) = (name, source)
    files = []
    for path in paths.sorted() {
      let (digest, bytes) = try fileDigest(folder + "/" + path)
      files.append(File(path: path, bytes: bytes, sha256: digest))
    }
  }

  /// The record of a model folder; nil where it has none.
  init?(of folder: String) throws(PipelineError) {
    let path = folder + "/" + Self.fileName
    guard FileSystem.exists(path) else { return nil }
    let bytes = try FileSystem.readSmallFile(path, limit: 1 << 20, what: "record of a model")
    guard let record = try? JSONDecoder().decode(Self.self, from: Data(bytes)), record.format == 1,
      record.files.count <= 10_000, record.files.allSatisfy({ Self.isInside($0.path) && $0.bytes >= 0 })
    else {
      throw PipelineError(.invalidData, "'\(path)' is damaged; fetch the model anew")
    }
    self = record
  }

  /// Whether a path stays in its folder.
  static func isInside(_ path: String) -> Bool {
    !path.isEmpty && !path.hasPrefix("/") && !path.utf8.contains(0)
      && !path.split(separator: "/", omittingEmptySubsequences: false).contains {
        $0.isEmpty || $0 == "." || $0 == ".."
      }
  }

  func write(to folder: String) throws(PipelineError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else {
      throw PipelineError(.internalFault, "the record of model '\(name)' is no JSON")
    }
    try FileSystem.write([UInt8](data) + [0x0A], to: folder + "/" + Self.fileName)
  }
}

/// SHA-256 of a regular file, in hexadecimal, and its size. Reads a mebibyte at a time.
func fileDigest(_ path: String) throws(PipelineError) -> (sha256: String, bytes: Int) {
  let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard file >= 0 else { throw PipelineError(.inputMissing, "cannot read '\(path)': \(FileSystem.systemMessage())") }
  defer { close(file) }
  var status = stat()
  guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
    throw PipelineError(.invalidData, "'\(path)' is no regular file")
  }
  var hasher = ContentHasher()
  var total = 0
  var buffer = [UInt8](repeating: 0, count: 1 << 20)
  while true {
    let count = unsafe read(file, &buffer, buffer.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw PipelineError(.inputMissing, "cannot read '\(path)': \(FileSystem.systemMessage())") }
    guard count > 0 else { break }
    total += count
    hasher.update(buffer.span.extracting(0..<count))
  }
  return (hasher.finalize().hex, total)
}
