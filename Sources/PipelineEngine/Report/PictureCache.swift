internal import Foundation
internal import Glibc
internal import ItemCatalog

/// The small pictures of the last report, so that the next one draws only those that are new.
///
/// A file of a magic number, the hash of the rest, and per picture its key, its length and its bytes, integers
/// little-endian. One that is damaged, or larger than a report's pictures can be, counts as empty.
package struct PictureCache: Sendable, Equatable {
  /// JPEG bytes by ``key(of:settings:)``.
  package var pictures: [UInt64: [UInt8]] = [:]

  private static let magic: UInt64 = 0x3143_4950_5253_5354  // "TSSRPIC1"
  private static let mostBytes = 4 << 20

  package init() {}

  /// The pictures that ``write(to:)`` left.
  package init(contentsOf path: String) {
    self.init((try? FileSystem.readSmallFile(path, limit: Self.mostBytes, what: "picture cache")) ?? [])
  }

  package init(_ bytes: [UInt8]) {
    var reader = Reader(bytes: bytes)
    guard reader.integer(UInt64.self) == Self.magic, let hash = reader.integer(UInt64.self),
      hash == Self.hash(bytes[reader.position...])
    else { return }
    while let key = reader.integer(UInt64.self) {
      guard let count = reader.integer(UInt32.self), let picture = reader.bytes(Int(count)) else {
        pictures = [:]
        return
      }
      pictures[key] = Array(picture)
    }
  }

  package var bytes: [UInt8] {
    var rest: [UInt8] = []
    for (key, picture) in pictures.sorted(by: { $0.key < $1.key }) {
      Self.append(key, to: &rest)
      Self.append(UInt32(picture.count), to: &rest)
      rest += picture
    }
    return Self.sealed(rest)
  }

  /// A file of these entries.
  package static func sealed(_ entries: [UInt8]) -> [UInt8] {
    var file: [UInt8] = []
    append(magic, to: &file)
    append(hash(entries[...]), to: &file)
    return file + entries
  }

  package func write(to path: String) throws(PipelineError) { try FileSystem.write(bytes, to: path, isDurable: false) }

  /// Names a file as it is now and how it is drawn: another path, size, modification time, inode or setting is another
  /// picture. Nil where there is no file.
  package static func key(of path: String, settings: [Int]) -> UInt64? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    var hasher = ContentHasher()
    hasher.updateField(path)
    let facts = [status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, Int(bitPattern: status.st_ino)]
    for value in facts + settings { hasher.update(UInt64(bitPattern: Int64(value))) }
    return hasher.finalize().prefix64
  }

  private static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var hasher = ContentHasher()
    hasher.update(bytes.span)
    return hasher.finalize().prefix64
  }

  private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
      guard count <= bytes.count - position else { return nil }
      defer { position += count }
      return bytes[position..<position + count]
    }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
      bytes(Value.bitWidth / 8)?.reversed().reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }
  }
}
