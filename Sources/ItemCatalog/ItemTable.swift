/// The validated items of a catalogue, on disk, in input order. Row numbers count from 0.
///
/// The index is verified when the table is opened; each record carries a checksum that is verified when it is read.
public final class ItemTable: Sendable {
  /// Items in the table.
  public let count: Int
  /// SHA-256 over all ids and content hashes in row order, hexadecimal.
  public let digest: String
  /// What ``CatalogBuilder/sourceSignature(of:previous:)`` returns while no input changes.
  public let sourceSignature: String

  init(count: Int, digest: String, sourceSignature: String) {
    self.count = count
    self.digest = digest
    self.sourceSignature = sourceSignature
  }

  /// Opens the table that ``CatalogBuilder/build(_:into:previous:)`` left in a folder.
  public static func open(directory: String) throws(CatalogError) -> ItemTable {
    throw CatalogError(.damagedTable, "opening tables is not there yet")
  }

  /// The item of one row. Throws when its bytes on disk are damaged.
  public func item(at row: Int) throws(CatalogError) -> Item { throw CatalogError(.damagedTable, "") }

  /// The items of consecutive rows, by one read.
  public func items(in rows: Range<Int>) throws(CatalogError) -> [Item] { throw CatalogError(.damagedTable, "") }

  /// The id of one row.
  public func id(at row: Int) throws(CatalogError) -> String { throw CatalogError(.damagedTable, "") }

  /// The ids of consecutive rows, by one read.
  public func ids(in rows: Range<Int>) throws(CatalogError) -> [String] { throw CatalogError(.damagedTable, "") }

  /// The hash of title, text and attributes; nil when title and text are both blank.
  public func textHash(at row: Int) -> UInt64? { nil }

  /// The hash of the image file's bytes; nil when the item has no usable image file.
  public func imageHash(at row: Int) -> UInt64? { nil }

  /// The hash of title, text, attributes and image together.
  public func contentHash(at row: Int) -> UInt64 { 0 }
}
