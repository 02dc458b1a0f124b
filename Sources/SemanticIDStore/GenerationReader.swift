/// One generation, seen through one read transaction: whatever is published, rolled back or collected meanwhile, by this
/// process or another, it does not change under the reader. Valid only inside the closure that `read` lends it to, and
/// on that thread.
public struct GenerationReader: ~Copyable {
  public let manifest: GenerationManifest

  /// Items in the generation.
  public var count: Int { manifest.items }

  /// The generation's number.
  public var generation: UInt64 { manifest.generation }

  /// The item's record, or nil where the generation does not have it. O(log items).
  public func record(forItem id: String) throws(StoreError) -> ItemRecord? { throw unfinished }

  /// As `record(forItem:)`, for an id that is UTF-8 already.
  public func record(forUTF8 id: Span<UInt8>) throws(StoreError) -> ItemRecord? { throw unfinished }

  /// Items whose codes begin with `codes`, in the order of their semantic IDs, at most `limit`.
  public func items(withPrefix codes: [UInt16], limit: Int = .max) throws(StoreError) -> [ScannedItem] { throw unfinished }

  /// The ids that share exactly this semantic ID, in byte order.
  public func items(exactly semanticID: SemanticID, limit: Int = .max) throws(StoreError) -> [String] { throw unfinished }

  /// Every item in the byte order of its id.
  public func forEachItem(_ body: (_ id: String, _ record: ItemRecord) throws -> Void) throws { throw unfinished }

  /// Every item in the byte order of its id, without allocating per item: spans are valid inside the call only.
  public func forEachRow(
    _ body: (_ id: Span<UInt8>, _ codes: Span<UInt16>, _ fields: ItemFields) throws -> Void
  ) throws { throw unfinished }

  /// Every bucket in the order of semantic IDs, with its items in byte order.
  public func forEachBucket(_ body: (_ semanticID: SemanticID, _ ids: IdentifierColumn) throws -> Void) throws {
    throw unfinished
  }

  /// The whole generation by column, rows in the byte order of ids.
  public func columns() throws(StoreError) -> ItemColumns { throw unfinished }

  /// The codebooks, first level first; empty where the generation has none.
  public func codebooks() throws(StoreError) -> [StoredCodebook] { throw unfinished }

  /// The item's VQ codes (rows of the item set), or nil where it has none.
  public func neighbors(of id: String) throws(StoreError) -> [UInt32]? { throw unfinished }

  /// The item at a row of the VQ item set, or nil past its end.
  public func itemSetItem(at row: UInt32) throws(StoreError) -> String? { throw unfinished }
}

let unfinished = StoreError(.system, "not implemented yet")
