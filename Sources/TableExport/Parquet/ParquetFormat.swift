/// The parts of Parquet's metadata that an export needs, by the names and numbers of `parquet.thrift`.
/// Source: Apache Parquet format 2.10, https://github.com/apache/parquet-format.
enum ParquetFormat {
  static let magic = [UInt8]("PAR1".utf8)

  enum PhysicalType: Int32 {
    case int32 = 1
    case int64 = 2
    case float = 4
    case byteArray = 6
  }

  enum Encoding: Int32 {
    case plain = 0
    case runLength = 3
    case dictionary = 8
  }

  enum PageType: Int32 {
    case data = 0
    case dictionary = 2
  }

  enum Annotation {
    case string
    case unsigned(bits: Int8)
  }

  struct Column {
    let name: String
    let type: PhysicalType
    let annotation: Annotation?
  }

  /// Plain-encoded bounds; a byte array's come without their length.
  struct Statistics {
    let minimum: [UInt8]
    let maximum: [UInt8]
  }

  /// A column's pages within a row group, as the footer describes them.
  struct ColumnChunk {
    let column: Column
    let encoding: Encoding
    let values: Int
    let dataPages: Int
    let bytes: Int
    let dictionaryOffset: Int?
    let dataOffset: Int
    let statistics: Statistics?

    var startOffset: Int { dictionaryOffset ?? dataOffset }
  }

  struct RowGroup {
    let rows: Int
    let chunks: [ColumnChunk]
  }
}

extension ParquetFormat {
  static func pageHeader(_ type: PageType, values: Int, bytes: Int, encoding: Encoding) -> [UInt8] {
    var thrift = ThriftCompactWriter()
    thrift.field(1, type.rawValue)
    thrift.field(2, Int32(bytes))
    thrift.field(3, Int32(bytes))
    switch type {
    case .data:
      thrift.structure(5) {
        $0.field(1, Int32(values))
        $0.field(2, encoding.rawValue)
        // Required columns have no levels, but the header names an encoding for them nevertheless.
        $0.field(3, Encoding.runLength.rawValue)
        $0.field(4, Encoding.runLength.rawValue)
      }
    case .dictionary:
      thrift.structure(7) {
        $0.field(1, Int32(values))
        $0.field(2, encoding.rawValue)
        $0.field(3, true)
      }
    }
    thrift.stop()
    return thrift.bytes
  }

  static func footer(
    columns: [Column], rowGroups: [RowGroup], metadata: [(key: String, value: String)], createdBy: String
  ) -> [UInt8] {
    var thrift = ThriftCompactWriter()
    thrift.field(1, Int32(2))
    thrift.list(2, [nil] + columns.map(Optional.some), of: .structure) { thrift, column in
      if let column { element(of: column, into: &thrift) } else { root(children: columns.count, into: &thrift) }
    }
    thrift.field(3, Int64(rowGroups.reduce(0) { $0 + $1.rows }))
    thrift.list(4, Array(rowGroups.enumerated()), of: .structure) { thrift, entry in
      rowGroup(entry.element, ordinal: entry.offset, into: &thrift)
    }
    thrift.list(5, metadata, of: .structure) { thrift, pair in
      thrift.field(1, pair.key)
      thrift.field(2, pair.value)
    }
    thrift.field(6, createdBy)
    // Without the order of each column, readers ignore `min_value` and `max_value`.
    thrift.list(7, columns, of: .structure) { thrift, _ in thrift.structure(1) { _ in } }
    thrift.stop()
    return thrift.bytes
  }

  private static func root(children: Int, into thrift: inout ThriftCompactWriter) {
    thrift.field(4, "schema")
    thrift.field(5, Int32(children))
  }

  private static func element(of column: Column, into thrift: inout ThriftCompactWriter) {
    thrift.field(1, column.type.rawValue)
    thrift.field(3, Int32(0))
    thrift.field(4, column.name)
    switch column.annotation {
    case nil: break
    case .string:
      thrift.field(6, Int32(0))
      thrift.structure(10) { $0.structure(1) { _ in } }
    case .unsigned(let bits):
      thrift.field(6, Int32(bits == 8 ? 11 : 12))
      thrift.structure(10) {
        $0.structure(10) {
          $0.field(1, bits)
          $0.field(2, false)
        }
      }
    }
  }

  private static func rowGroup(_ group: RowGroup, ordinal: Int, into thrift: inout ThriftCompactWriter) {
    let bytes = Int64(group.chunks.reduce(0) { $0 + $1.bytes })
    thrift.list(1, group.chunks, of: .structure) { thrift, chunk in
      thrift.field(2, Int64(0))
      thrift.structure(3) { columnMetadata(chunk, into: &$0) }
    }
    thrift.field(2, bytes)
    thrift.field(3, Int64(group.rows))
    if let first = group.chunks.first { thrift.field(5, Int64(first.startOffset)) }
    thrift.field(6, bytes)
    if let ordinal = Int16(exactly: ordinal) { thrift.field(7, ordinal) }
  }

  private static func columnMetadata(_ chunk: ColumnChunk, into thrift: inout ThriftCompactWriter) {
    let hasDictionary = chunk.dictionaryOffset != nil
    let encodings: [Encoding] = hasDictionary ? [.plain, .runLength, .dictionary] : [.plain, .runLength]
    thrift.field(1, chunk.column.type.rawValue)
    thrift.list(2, encodings, of: .int32) { $0.element($1.rawValue) }
    thrift.list(3, [chunk.column.name], of: .binary) { $0.element($1) }
    thrift.field(4, Int32(0))
    thrift.field(5, Int64(chunk.values))
    thrift.field(6, Int64(chunk.bytes))
    thrift.field(7, Int64(chunk.bytes))
    thrift.field(9, Int64(chunk.dataOffset))
    if let offset = chunk.dictionaryOffset { thrift.field(11, Int64(offset)) }
    if let statistics = chunk.statistics {
      thrift.structure(12) {
        $0.field(3, Int64(0))
        $0.field(5, statistics.maximum)
        $0.field(6, statistics.minimum)
      }
    }
    var pages: [(type: PageType, encoding: Encoding, count: Int)] = [(.data, chunk.encoding, chunk.dataPages)]
    if hasDictionary { pages.insert((.dictionary, .plain, 1), at: 0) }
    thrift.list(13, pages, of: .structure) { thrift, page in
      thrift.field(1, page.type.rawValue)
      thrift.field(2, page.encoding.rawValue)
      thrift.field(3, Int32(page.count))
    }
  }
}
