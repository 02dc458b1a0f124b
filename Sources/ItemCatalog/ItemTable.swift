/// The validated items of a catalogue, on disk, in input order. Row numbers count from 0.
///
/// The index (48 bytes a row) is held in memory and verified when the table is opened; records are read from disk
/// when asked for, and each carries a checksum that is verified then. Safe to use from many threads at once.
public final class ItemTable: Sendable {
  /// Items in the table.
  public let count: Int
  /// SHA-256 over all ids and content hashes in row order, hexadecimal.
  public let digest: String
  /// What ``CatalogBuilder/sourceSignature(of:previous:)`` returns while no input changes.
  public let sourceSignature: String
  /// The table's folder.
  public let directory: String

  private let index: [UInt8]
  private let data: InputFile
  private let folders: [String]

  /// A read takes at most this many bytes at once, unless one record is larger.
  private static let blockBytes = 4 << 20

  private init(directory: String, index: ItemTableIndex, data: consuming InputFile) {
    self.directory = directory
    count = index.count
    digest = index.digest
    sourceSignature = index.signature
    self.index = index.bytes
    folders = index.folders
    self.data = data
  }

  /// Opens the table that ``CatalogBuilder/build(_:into:previous:)`` left in a folder, and verifies its index.
  ///
  /// Throws ``CatalogError/Code/inputMissing`` when there is none and ``CatalogError/Code/damagedTable`` when it is
  /// truncated, altered, of another version, or made of two tables' files.
  public static func open(directory: String) throws(CatalogError) -> ItemTable {
    let indexPath = directory + "/" + ItemTableFormat.indexName
    let dataPath = directory + "/" + ItemTableFormat.dataName
    let indexFile = try InputFile.open(indexPath)
    let index = try ItemTableIndex(try indexFile.bytes(at: 0, count: indexFile.size), path: indexPath)
    let data = try InputFile.open(dataPath)
    guard data.size == index.dataBytes else {
      throw ItemTableFormat.damaged(dataPath, found: "\(data.size) bytes", expected: "\(index.dataBytes) bytes")
    }
    let header = try data.bytes(at: 0, count: ItemTableFormat.dataHeaderBytes)
    guard header == index.dataHeader else {
      throw ItemTableFormat.damaged(dataPath, found: "the header of another table", expected: "digest \(index.digest)")
    }
    return ItemTable(directory: directory, index: index, data: data)
  }

  /// The item of one row. Throws when its bytes on disk are damaged.
  public func item(at row: Int) throws(CatalogError) -> Item {
    var result: Item?
    try forEachRecord(in: row..<row + 1) { row, bytes, range in result = decode(row, bytes, range) }
    guard let result else { throw undecodable(row) }
    return result
  }

  /// The items of consecutive rows.
  public func items(in rows: Range<Int>) throws(CatalogError) -> [Item] {
    var items: [Item] = []
    items.reserveCapacity(rows.count)
    try forEachRecord(in: rows) { row, bytes, range in
      if let item = decode(row, bytes, range) { items.append(item) }
    }
    guard items.count == rows.count else { throw undecodable(rows.lowerBound) }
    return items
  }

  /// The id of one row.
  public func id(at row: Int) throws(CatalogError) -> String {
    try ids(in: row..<row + 1)[0]
  }

  /// The ids of consecutive rows.
  public func ids(in rows: Range<Int>) throws(CatalogError) -> [String] {
    var ids: [String] = []
    ids.reserveCapacity(rows.count)
    try forEachRecord(in: rows) { _, bytes, range in
      if let id = ItemRecord.idRange(bytes, range) { ids.append(String(decoding: bytes[id], as: UTF8.self)) }
    }
    guard ids.count == rows.count else { throw undecodable(rows.lowerBound) }
    return ids
  }

  /// All ids; the number of each is its row.
  public func identifiers() throws(CatalogError) -> IdentifierTable {
    var table = IdentifierTable()
    try forEachRecord(in: 0..<count) { _, bytes, range in
      if let id = ItemRecord.idRange(bytes, range) { _ = table.insert(bytes, id) }
    }
    guard table.count == count else { throw undecodable(table.count) }
    return table
  }

  /// The hash of title, text and attributes; nil when title and text are both blank.
  public func textHash(at row: Int) -> UInt64? {
    flags(row).contains(.hasText) ? integer(row, at: 16) : nil
  }

  /// The hash of the image file's bytes; nil when the item has no usable image file.
  public func imageHash(at row: Int) -> UInt64? {
    flags(row).contains(.hasImage) ? integer(row, at: 24) : nil
  }

  /// The hash of title, text, attributes and image together.
  public func contentHash(at row: Int) -> UInt64 { integer(row, at: 32) }

  private func flags(_ row: Int) -> ItemTableFormat.Flags {
    ItemTableFormat.Flags(rawValue: UInt8(truncatingIfNeeded: integer(row, at: 44) as UInt32))
  }

  private func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ row: Int, at offset: Int) -> Value {
    precondition(row >= 0 && row < count, "a row number lies within the table")
    let position = ItemTableFormat.indexHeaderBytes + row * ItemTableFormat.entryBytes + offset
    let bytes = index
    return unsafe Value(littleEndian: bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: Value.self))
  }

  /// Calls `body` with each record's row and bytes, in order, reading neighbors together.
  private func forEachRecord(
    in rows: Range<Int>, _ body: (_ row: Int, _ bytes: [UInt8], _ range: Range<Int>) -> Void
  ) throws(CatalogError) {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "row numbers lie within the table")
    var first = rows.lowerBound
    while first < rows.upperBound {
      let start = Int(integer(first, at: 0) as UInt64)
      var last = first
      var end = start + Int(integer(first, at: 8) as UInt32)
      while last + 1 < rows.upperBound {
        let next = end + Int(integer(last + 1, at: 8) as UInt32)
        guard next - start <= Self.blockBytes else { break }
        end = next
        last += 1
      }
      let bytes = try data.bytes(at: start, count: end - start)
      var position = 0
      for row in first...last {
        let range = position..<position + Int(integer(row, at: 8) as UInt32)
        guard Checksum.of(bytes, range) == integer(row, at: 12) else {
          throw ItemTableFormat.damaged(data.path, found: "altered bytes in row \(row)", expected: "its checksum")
        }
        body(row, bytes, range)
        position = range.upperBound
      }
      first = last + 1
    }
  }

  private func decode(_ row: Int, _ bytes: [UInt8], _ range: Range<Int>) -> Item? {
    guard var item = ItemRecord.decode(bytes, range) else { return nil }
    if let image = item.image, flags(row).contains(.hasImage) {
      item.imagePath = FilePath.normalized(image, in: folders[Int(integer(row, at: 40) as UInt32)])
    }
    return item
  }

  private func undecodable(_ row: Int) -> CatalogError {
    ItemTableFormat.damaged(data.path, found: "no item in or after row \(row)", expected: "an encoded item")
  }
}
