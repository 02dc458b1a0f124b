/// The files of an item table. Integers are little-endian.
///
///     items.bin   header (56 bytes), then the records of `ItemRecord`, back to back
///     items.idx   header (112 bytes), entries (48 bytes each), the image folders
///     images.bin  header (32 bytes), one record per image file that was looked for
///
/// `items.bin` carries the table's digest, as the index does, so that one night's index never reads another's data.
enum ItemTableFormat {
  static let version: UInt32 = 1
  static let dataName = "items.bin"
  static let indexName = "items.idx"
  static let imagesName = "images.bin"
  static let rejectedName = "rejected.jsonl"

  static let dataMagic = Array("TSITEMS1".utf8)
  static let indexMagic = Array("TSINDEX1".utf8)
  static let imagesMagic = Array("TSIMAGE1".utf8)

  static let dataHeaderBytes = 56
  static let indexHeaderBytes = 112
  static let entryBytes = 48
  static let imagesHeaderBytes = 32

  struct Flags: OptionSet, Sendable {
    let rawValue: UInt8
    static let hasText = Flags(rawValue: 1)
    static let hasImage = Flags(rawValue: 2)
  }

  /// One row of the index.
  struct Entry: Equatable, Sendable {
    var offset: UInt64
    var length: UInt32
    var checksum: UInt32
    var textHash: UInt64
    var imageHash: UInt64
    var contentHash: UInt64
    var folder: UInt32
    var flags: Flags

    func append(to bytes: inout [UInt8]) {
      bytes.appendInteger(offset)
      bytes.appendInteger(length)
      bytes.appendInteger(checksum)
      bytes.appendInteger(textHash)
      bytes.appendInteger(imageHash)
      bytes.appendInteger(contentHash)
      bytes.appendInteger(folder)
      bytes.appendInteger(UInt32(flags.rawValue))
    }
  }

  /// What both headers say of a table.
  struct Header: Equatable, Sendable {
    var count: UInt64
    var dataBytes: UInt64
    var digest: [UInt8]
  }

  static func dataHeader(_ header: Header) -> [UInt8] {
    var bytes = dataMagic
    bytes.appendInteger(version)
    bytes.appendInteger(UInt32(0))
    bytes.appendInteger(header.count)
    bytes.append(contentsOf: header.digest)
    return bytes
  }

  /// - Parameters:
  ///   - signature: 32 bytes, see ``CatalogBuilder/sourceSignature(of:previous:)``.
  ///   - tailBytes: bytes after the entries.
  ///   - checksum: CRC-32 of everything after this header.
  static func indexHeader(_ header: Header, signature: [UInt8], tailBytes: Int, checksum: UInt32) -> [UInt8] {
    var bytes = indexMagic
    bytes.appendInteger(version)
    bytes.appendInteger(checksum)
    bytes.appendInteger(header.count)
    bytes.appendInteger(header.dataBytes)
    bytes.append(contentsOf: header.digest)
    bytes.append(contentsOf: signature)
    bytes.appendInteger(UInt64(tailBytes))
    bytes.appendInteger(UInt32(0))
    // The header guards itself, too.
    bytes.appendInteger(Checksum.of(bytes, 0..<bytes.count))
    return bytes
  }

  static func damaged(_ path: String, found: String, expected: String) -> CatalogError {
    CatalogError(
      .damagedTable,
      "the item table file \(path) is damaged: found \(found), expected \(expected). "
        + "Delete its folder; the next run builds it again.")
  }
}
