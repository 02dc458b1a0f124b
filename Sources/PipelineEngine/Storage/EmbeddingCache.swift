internal import SemanticIDStore
package import TensorMath

/// Embeddings by encoder and content, in an LMDB environment of its own: what was encoded once is never encoded again,
/// whatever becomes of the run.
///
/// Keys are the first eight bytes of the encoder's fingerprint, then the content hash, big-endian; values are the
/// vector's floats and a checksum. A damaged entry counts as absent. The whole cache can be deleted at any time.
package final class EmbeddingCache {
  /// Vectors wait in memory until they come to this many bytes, since a commit costs a wait for the disk.
  private static let flushBytes = 8 << 20

  let environment: Environment
  let entries: Database
  let nights: Database
  private let limit: Int
  private var waiting: [(key: Key, vector: ContiguousArray<Float>)] = []
  private var waitingBytes = 0
  package private(set) var isFull = false
  package private(set) var damagedEntries = 0

  /// One vector's key.
  package struct Key: Hashable, Comparable {
    /// The first eight bytes of the encoder's fingerprint.
    package var encoder: UInt64
    /// The hash of the content that was encoded.
    package var content: UInt64

    package init(encoder: UInt64, content: UInt64) {
      self.encoder = encoder
      self.content = content
    }

    package static func < (left: Key, right: Key) -> Bool {
      (left.encoder, left.content) < (right.encoder, right.content)
    }

    var bytes: [UInt8] { bigEndianBytes(encoder) + bigEndianBytes(content) }
  }

  /// Opens the cache. One that cannot be opened is set aside and a new one begun.
  ///
  /// - Parameters:
  ///   - limit: Bytes that the cache may take; beyond them nothing is added.
  ///   - warn: Hears what a person should know.
  package init(path: String, limit: Int, warn: (String) -> Void) throws {
    self.limit = limit
    do {
      (environment, entries, nights) = try Self.open(path)
    } catch let error as StoreError where [.damaged, .unsupportedFormat, .system].contains(error.code) {
      let aside = path + ".damaged"
      FileSystem.remove(aside)
      try FileSystem.rename(path, to: aside)
      warn("the embedding cache is damaged (\(error.message)); it was moved to '\(aside)' and is built anew")
      (environment, entries, nights) = try Self.open(path)
    }
  }

  private static func open(_ path: String) throws -> (Environment, Database, Database) {
    let environment = try Environment.open(path)
    guard let entries = try environment.database(named: "embeddings", creating: true),
      let nights = try environment.database(named: "nights", creating: true)
    else { throw StoreError(.system, "\(path): a database that was just made is not there") }
    return (environment, entries, nights)
  }

  /// The key part that stands for an encoder.
  package static func encoderKey(_ fingerprint: String) -> UInt64 {
    UInt64(fingerprint.prefix(16), radix: 16) ?? Checksum.of(fingerprint.utf8.map { UInt64($0) })
  }

  /// Copies the vectors that are there into the rows of `matrix`.
  ///
  /// - Parameter hashes: One per row; nil where the item lacks the modality.
  /// - Returns: Per row, whether it was found.
  package func fill(_ matrix: inout Matrix, encoder: UInt64, hashes: [UInt64?]) throws -> [Bool] {
    let columns = matrix.columns
    var found = Array(repeating: false, count: hashes.count)
    var damaged = 0
    var elements = matrix.elements
    try environment.read { transaction in
      for (row, hash) in hashes.enumerated() {
        guard let hash else { continue }
        let key = Key(encoder: encoder, content: hash).bytes
        let isSound = try transaction.withValue(in: entries, at: key.span) { (value) throws(StoreError) in
          Self.decode(value, into: &elements, at: row * columns, count: columns)
        }
        found[row] = isSound ?? false
        if isSound == false { damaged += 1 }
      }
    }
    for row in hashes.indices where !found[row] {
      for index in row * columns..<(row + 1) * columns { elements[index] = 0 }
    }
    matrix.elements = elements
    damagedEntries += damaged
    return found
  }

  /// Keeps a vector; it is on the disk after `flush`.
  package func insert(_ vector: ArraySlice<Float>, key: Key) throws {
    guard !isFull else { return }
    waiting.append((key, ContiguousArray(vector)))
    waitingBytes += vector.count * 4 + 32
    if waitingBytes >= Self.flushBytes { try flush() }
  }

  /// Drops all that an encoder gave, also what waits to be written: it turned out not to be what it said.
  package func distrust(encoder: UInt64) throws {
    waiting.removeAll { $0.key.encoder == encoder }
    waitingBytes = waiting.reduce(0) { $0 + $1.vector.count * 4 + 32 }
    _ = try forget(encoder)
  }

  /// Writes what waits, in key order, which is what the tree takes fastest.
  package func flush() throws {
    guard !waiting.isEmpty else { return }
    if try usedBytes + 2 * waitingBytes > limit { isFull = true }
    guard !isFull else { return drop() }
    waiting.sort { $0.key < $1.key }
    try environment.write { transaction in
      for (key, vector) in waiting {
        try transaction.put(Self.encode(vector).span, in: entries, at: key.bytes.span)
      }
    }
    drop()
  }

  private func drop() {
    waiting.removeAll(keepingCapacity: true)
    waitingBytes = 0
  }

  private var usedBytes: Int { get throws { try environment.read { try $0.pageBytes(of: entries) } } }

  // MARK: Entries

  private static func encode(_ vector: ContiguousArray<Float>) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity(vector.count * 4 + 8)
    unsafe vector.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: bigEndianBytes(Checksum.of(vector)))
    return bytes
  }

  private static func decode(
    _ value: Span<UInt8>, into elements: inout ContiguousArray<Float>, at offset: Int, count: Int
  ) -> Bool {
    guard value.count == count * 4 + 8 else { return false }
    unsafe elements.withUnsafeMutableBytes { target in
      unsafe value.withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset * 4..<(offset + count) * 4])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<(count * 4)]))
      }
    }
    var checksum: UInt64 = 0
    for index in count * 4..<count * 4 + 8 { checksum = checksum << 8 | UInt64(value[index]) }
    return checksum == Checksum.of(elements[offset..<offset + count])
  }
}

func bigEndianBytes(_ value: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) }
}

/// The first eight bytes as a big-endian number.
func word(_ bytes: Span<UInt8>) -> UInt64 {
  var result: UInt64 = 0
  for index in 0..<min(8, bytes.count) { result = result << 8 | UInt64(bytes[index]) }
  return result
}
