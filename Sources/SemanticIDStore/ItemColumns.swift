/// Items and their semantic IDs by column, row-aligned. What `publish` takes and what `GenerationReader.columns()` gives.
public struct ItemColumns: Sendable, Equatable {
  /// Levels of every row's semantic ID.
  public let levels: Int
  public private(set) var ids: IdentifierColumn
  /// count × levels, row-major.
  public private(set) var codes: ContiguousArray<UInt16>
  public private(set) var suffixes: [UInt16]
  public private(set) var flags: [ItemFlags]
  /// ‖residual after the last level‖ of each row.
  public private(set) var distances: [Float]
  public private(set) var contentHashes: [UInt64]

  /// No rows, of `levels` levels each.
  public init(levels: Int) {
    self.init(levels: levels, ids: IdentifierColumn(), codes: [])
  }

  /// Columns as they are; those left out are zero. Each must have `ids.count` rows: a mismatch is a programming error.
  public init(
    levels: Int, ids: IdentifierColumn, codes: ContiguousArray<UInt16>, suffixes: [UInt16]? = nil,
    flags: [ItemFlags]? = nil, distances: [Float]? = nil, contentHashes: [UInt64]? = nil
  ) {
    let count = ids.count
    self.levels = levels
    self.ids = ids
    self.codes = codes
    self.suffixes = suffixes ?? Array(repeating: 0, count: count)
    self.flags = flags ?? Array(repeating: [], count: count)
    self.distances = distances ?? Array(repeating: 0, count: count)
    self.contentHashes = contentHashes ?? Array(repeating: 0, count: count)
    precondition(codes.count == count * levels, "codes must be \(count) × \(levels), found \(codes.count)")
    precondition(
      self.suffixes.count == count && self.flags.count == count && self.distances.count == count
        && self.contentHashes.count == count, "every column must have \(count) rows")
  }

  public var count: Int { ids.count }

  public mutating func reserveCapacity(rows: Int, identifierBytes: Int) {
    ids.reserveCapacity(rows: rows, totalBytes: identifierBytes)
    codes.reserveCapacity(rows * levels)
    suffixes.reserveCapacity(rows)
    flags.reserveCapacity(rows)
    distances.reserveCapacity(rows)
    contentHashes.reserveCapacity(rows)
  }

  /// Adds one row.
  public mutating func append(id: String, record: ItemRecord) {
    ids.append(id)
    append(codes: record.semanticID.codes.span, fields: record.fields)
  }

  /// Adds one row without allocating: the id as UTF-8, `levels` codes.
  public mutating func append(utf8 id: Span<UInt8>, codes row: Span<UInt16>, fields: ItemFields) {
    ids.append(utf8: id)
    append(codes: row, fields: fields)
  }

  private mutating func append(codes row: Span<UInt16>, fields: ItemFields) {
    precondition(row.count == levels, "a row has \(levels) codes, found \(row.count)")
    for level in row.indices { codes.append(row[level]) }
    suffixes.append(fields.suffix)
    flags.append(fields.flags)
    distances.append(fields.distance)
    contentHashes.append(fields.contentHash)
  }

  /// Row `row`'s record. Allocates its codes; use the columns themselves in hot loops.
  public func record(at row: Int) -> ItemRecord {
    ItemRecord(
      semanticID: semanticID(at: row), flags: flags[row], distance: distances[row], contentHash: contentHashes[row])
  }

  func fields(at row: Int) -> ItemFields {
    ItemFields(
      suffix: suffixes[row], flags: flags[row], distance: distances[row], contentHash: contentHashes[row])
  }

  public func semanticID(at row: Int) -> SemanticID {
    SemanticID(codes: Array(codes[row * levels..<(row + 1) * levels]), suffix: suffixes[row])
  }
}

extension ItemRecord {
  var fields: ItemFields {
    ItemFields(suffix: semanticID.suffix, flags: flags, distance: distance, contentHash: contentHash)
  }
}
