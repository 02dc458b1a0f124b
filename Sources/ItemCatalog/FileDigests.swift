internal import Foundation

/// SHA-256 of files' contents, kept in a small file of their own: one whose size, modification time and inode are as
/// they were is not read again.
struct FileDigests {
  private struct Entry: Codable, Equatable {
    var path: String
    var size: Int64
    var modified: Int64
    var inode: UInt64
    var digest: String
  }

  private let record: String?
  private let known: [ByteString: Entry]
  private var used: [Entry] = []

  /// A record beyond this is not one of ours: it is a line for each file of a log.
  private static let recordLimit = 16 << 20
  private static let blockBytes = 1 << 20

  /// - Parameter record: where digests are kept from call to call; nil for nowhere. One that is missing or cannot be
  ///   understood costs reading the files again, no more.
  init(record: String?) {
    self.record = record
    let entries = record.flatMap(Self.entries(in:)) ?? []
    known = Dictionary(entries.map { (ByteString($0.path), $0) }, uniquingKeysWith: { $1 })
  }

  private static func entries(in record: String) -> [Entry]? {
    guard let file = try? InputFile.open(record), file.size <= recordLimit,
      let bytes = try? file.bytes(at: 0, count: file.size)
    else { return nil }
    return try? JSONDecoder().decode([Entry].self, from: Data(bytes))
  }

  /// The digest of a file, as hexadecimal digits.
  /// - Complexity: O(1) where the file is as it was, else O(*n*) in its bytes.
  mutating func digest(of path: String) throws(CatalogError) -> String {
    let file = try InputFile.open(path)
    // As it was before it was read: a file that grows meanwhile does not match its entry, and is read again.
    guard let signature = FileStatus(descriptor: file.descriptor)?.signature else {
      throw CatalogError(.inputUnreadable, "\(path) cannot be looked at: \(systemErrorText()).")
    }
    var entry = Entry(
      path: path, size: signature.size, modified: signature.modified, inode: signature.inode, digest: "")
    if let old = known[ByteString(path)] {
      entry.digest = old.digest
      if entry == old {
        used.append(old)
        return old.digest
      }
    }
    entry.digest = try Self.hash(file)
    used.append(entry)
    return entry.digest
  }

  private static func hash(_ file: borrowing InputFile) throws(CatalogError) -> String {
    var hasher = ContentHasher()
    var block: [UInt8] = []
    block.reserveCapacity(blockBytes)
    while try file.read(blockBytes, appendingTo: &block) > 0 {
      hasher.update(block)
      block.removeAll(keepingCapacity: true)
    }
    return hasher.finalize().hex
  }

  /// Keeps the digests that were asked for, where they differ from those on record. Says nothing where they cannot be
  /// written, as in a folder that may only be read: the files are then read again the next time.
  func keep() {
    guard let record, used.count != known.count || used.contains(where: { known[ByteString($0.path)] != $0 })
    else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(used), var output = try? OutputFile.create(record) else { return }
    guard (try? output.append([UInt8](data))) != nil else { return }
    try? output.commit()
  }
}
