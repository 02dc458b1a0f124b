/// Reads item files, validates every record, and writes an ``ItemTable``.
public struct CatalogBuilder: Sendable {
  public var limits: CatalogLimits

  public init(limits: CatalogLimits = CatalogLimits()) {
    self.limits = limits
  }

  /// Builds the table of `source` in `directory` (created when absent) and lists bad records in
  /// `<directory>/rejected.jsonl`. Files are written under temporary names and renamed at the end, the index last,
  /// so a table is either whole or not there.
  ///
  /// - Parameter previous: the folder of an earlier table, which may be `directory` itself. Image files whose path,
  ///   size, modification time and inode are as they were keep their hash without being read. A missing or damaged
  ///   earlier table only costs time.
  public func build(
    _ source: CatalogSource, into directory: String, previous: String? = nil
  ) throws(CatalogError) -> CatalogSummary {
    throw CatalogError(.badData, "building tables is not there yet")
  }

  /// A hexadecimal digest of everything that decides what ``build(_:into:previous:)`` would write: names, sizes,
  /// modification times and inodes of the item files and of the images that the table in `previous` looked for,
  /// and the settings. Equal to that table's ``ItemTable/sourceSignature`` when nothing changed. Reads no input file.
  public func sourceSignature(of source: CatalogSource, previous: String) throws(CatalogError) -> String {
    throw CatalogError(.badData, "signatures are not there yet")
  }
}
