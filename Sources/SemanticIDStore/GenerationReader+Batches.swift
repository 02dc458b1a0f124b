extension GenerationReader {
  /// Looks many items up at once: `body` gets each id that the generation has by its position in `ids`, with its codes
  /// and fields. Calls come in the byte order of the ids, not in the order of `ids`; the span is valid inside the call
  /// only.
  ///
  /// Sorted, neighbors lie on pages that were just read, so that a batch of thousands is several times faster than as
  /// many calls of `record(forItem:)`, and nothing is allocated per item.
  /// - Complexity: O(ids × log items) at most, and memory of 24 bytes per id.
  public func forEachRow(
    of ids: IdentifierColumn,
    _ body: (_ position: Int, _ codes: Span<UInt16>, _ fields: ItemFields) throws -> Void
  ) throws {
    var codes = [UInt16](repeating: 0, count: levels)
    var cursor = try unsafe Cursor.open(transaction, databases.items)
    for position in RowOrder.byIdentifier(ids) {
      let range = ids.byteRange(at: Int(position))
      guard (1...StoreLimits.identifierBytes).contains(range.count) else { continue }
      let id = ids.bytes.span.extracting(range)
      guard try cursor.find(id) else { continue }
      guard let item = unsafe ItemValue(cursor.value, levels: levels) else {
        throw unsafe id.withUnsafeBytes { unsafe damagedItem($0, cursor.value) }
      }
      for level in 0..<levels { unsafe codes[level] = item.code(level) }
      try body(Int(position), codes.span, unsafe item.fields)
    }
  }

  /// The records of many items, nil where the generation does not have one, in the order of `ids`.
  public func records(forItems ids: IdentifierColumn) throws(StoreError) -> [ItemRecord?] {
    try asStoreError {
      var records = [ItemRecord?](repeating: nil, count: ids.count)
      try forEachRow(of: ids) { position, codes, fields in
        let copy = codes.indices.map { codes[$0] }
        records[position] = ItemRecord(
          semanticID: SemanticID(codes: copy, suffix: fields.suffix), flags: fields.flags, distance: fields.distance,
          contentHash: fields.contentHash)
      }
      return records
    }
  }
}
