/// Where a catalogue comes from.
public struct CatalogSource: Sendable, Hashable {
  /// Paths or glob patterns (`*`, `?`, `[...]`) of item files, read in this order; a pattern's matches in byte order.
  /// The format follows the extension: `.jsonl`, `.ndjson`, `.csv`, `.tsv`, each also with `.gz`.
  public var items: [String]
  /// The folder that image paths are relative to; nil: the folder of the item file that names them.
  public var imageFolder: String?
  /// The folder that image paths must not leave, by `..`, by an absolute path or by a symbolic link;
  /// nil: the folder that they are relative to.
  public var imageRoot: String?

  public init(items: [String], imageFolder: String? = nil, imageRoot: String? = nil) {
    self.items = items
    self.imageFolder = imageFolder
    self.imageRoot = imageRoot
  }
}

/// What one record, one file and one image may cost. Beyond a limit a record is rejected; nothing is cut short.
public struct CatalogLimits: Sendable, Hashable {
  /// Bytes of one record as written in its file.
  public var recordBytes = 4 << 20
  /// Bytes of a title, UTF-8.
  public var titleBytes = 16 << 10
  /// Bytes of a text, UTF-8.
  public var textBytes = 1 << 20
  /// Bytes of one string attribute, UTF-8.
  public var attributeBytes = 64 << 10
  /// Attributes of one item.
  public var attributeCount = 256
  /// Objects and arrays inside one another in a JSON record, ignored keys included; at most 64.
  public var nestingDepth = 64
  /// Bytes of one image file; larger ones count as missing.
  public var imageBytes = 64 << 20
  /// Columns of a CSV or TSV file.
  public var columnCount = 4096
  /// Bytes that one gzip file may expand to.
  public var expandedBytes = 1 << 40
  /// Bytes that one compressed byte may expand to, once ``expansionGrace`` bytes have come out. Text compresses
  /// 3 to 20 times; deflate's bound is 1,032.
  public var expansionRatio = 200
  /// Bytes that a gzip file may expand to before its ratio counts.
  public var expansionGrace = 64 << 20

  public init() {}
}
