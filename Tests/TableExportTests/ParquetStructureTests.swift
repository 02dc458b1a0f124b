import Foundation
import TableExport
import TensorMath
import TestSupport
import Testing

/// What the footer says of pages, offsets, sizes and bounds, against the bytes themselves.
@Suite struct ParquetStructureTests {
  private func written(
    _ rows: [SemanticIDRow], levels: Int, rowGroupRows: Int = 131_072, pageRows: Int = 16_384
  ) throws -> [UInt8] {
    try withTemporaryDirectory { folder in
      var parameters = ParquetWriter.Parameters()
      parameters.rowGroupRows = rowGroupRows
      parameters.pageRows = pageRows
      let path = "\(folder)/table.parquet"
      let writer = try ParquetWriter(
        path: path, description: description(levels: levels, size: 65_536), parameters: parameters)
      for row in rows { try writer.append(row) }
      try writer.finish()
      return try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    }
  }

  /// A page as it lies in the file.
  private struct Page {
    var isDictionary: Bool
    var values: Int
    var encoding: Int
    var end: Int
    var firstByte: UInt8?
  }

  private func pages(_ bytes: [UInt8], from start: Int, to end: Int) throws -> [Page] {
    var reader = ThriftReader(bytes: bytes, position: start)
    var pages: [Page] = []
    while reader.position < end {
      let header = reader.structure()
      let size = try #require(header[3]?.integer)
      #expect(header[2]?.integer == size, "nothing is compressed")
      let isDictionary = header[1]?.integer == 2
      let inner = try #require(isDictionary ? header[7] : header[5])
      pages.append(
        Page(
          isDictionary: isDictionary, values: try #require(inner[1]?.integer),
          encoding: try #require(inner[2]?.integer), end: reader.position + size,
          firstByte: size > 0 ? bytes[reader.position] : nil))
      reader.position += size
    }
    #expect(reader.position == end)
    return pages
  }

  private func mixedRows(_ count: Int, seed: UInt64) -> [SemanticIDRow] {
    var random = RandomSource(seed: seed)
    return (0..<count).map { index in
      SemanticIDRow(
        id: String(repeating: "ä", count: Int.random(in: 0...6, using: &random)) + "\(random.next() % 5_000)",
        codes: [UInt16.random(in: 0...3, using: &random), UInt16.random(in: 0...(.max), using: &random)],
        suffix: index % 50 == 0 ? .random(in: 0...(.max), using: &random) : 0,
        flags: .random(in: 0...255, using: &random),
        distance: [.nan, .infinity, -.infinity, -0.0, 0, 1.5, -2.5].randomElement(using: &random)!,
        generation: index < count / 2 ? 7 : random.next() >> 1)
    }
  }

  /// Chunks follow each other from the magic number to the footer, and each is what the footer says of it.
  @Test(arguments: [(1_000, 1_000, 100), (1_000, 300, 7), (1, 1, 1), (500, 64, 64)])
  func theFooterDescribesEveryByte(count: Int, rowGroupRows: Int, pageRows: Int) throws {
    let bytes = try written(mixedRows(count, seed: 3), levels: 2, rowGroupRows: rowGroupRows, pageRows: pageRows)
    let reader = try MinimalParquetReader(bytes)
    var position = 4
    for group in reader.rowGroups {
      let rows = try #require(group[3]?.integer)
      let chunks = try #require(group[1]?.list)
      #expect(chunks.count == reader.columnNames.count)
      #expect(group[5]?.integer == position, "the group's offset")
      let start = position
      for chunk in chunks {
        let metadata = try #require(chunk[3])
        let size = try #require(metadata[7]?.integer)
        #expect(metadata[6]?.integer == size)
        #expect((metadata[11] ?? metadata[9])?.integer == position)
        let found = try pages(bytes, from: position, to: position + size)
        try expect(found, describedBy: metadata, rows: rows, pageRows: pageRows)
        position += size
      }
      #expect(group[2]?.integer == position - start && group[6]?.integer == position - start)
    }
    let footer = Int(bytes[bytes.count - 8]) | Int(bytes[bytes.count - 7]) << 8
    #expect(position == bytes.count - 8 - footer || bytes.count - 8 - position > 65_535)
  }

  private func expect(_ pages: [Page], describedBy metadata: ThriftValue, rows: Int, pageRows: Int) throws {
    let data = pages.filter { !$0.isDictionary }
    #expect(data.map(\.values).reduce(0, +) == rows && metadata[5]?.integer == rows)
    #expect(data.allSatisfy { $0.values <= pageRows } && data.dropLast().allSatisfy { $0.values == pageRows })
    let hasDictionary = pages.first?.isDictionary == true
    #expect(hasDictionary == (metadata[11] != nil))
    #expect(pages.dropFirst().allSatisfy { !$0.isDictionary }, "at most one dictionary, at the beginning")
    #expect(data.allSatisfy { $0.encoding == (hasDictionary ? 8 : 0) })
    if hasDictionary { #expect(metadata[9]?.integer == pages[0].end && pages[0].encoding == 0) }
    let encodings: [Int64] = hasDictionary ? [0, 3, 8] : [0, 3]
    #expect(metadata[2]?.list == encodings.map { ThriftValue.integer($0) })
    #expect(metadata[4]?.integer == 0, "uncompressed")
    let counts: [[Int?]] = (metadata[13]?.list ?? []).map { [$0[1]?.integer, $0[2]?.integer, $0[3]?.integer] }
    let dictionary: [[Int?]] = hasDictionary ? [[2, 0, 1]] : []
    let expected: [[Int?]] = dictionary + [[0, hasDictionary ? 8 : 0, data.count]]
    #expect(counts == expected)
  }

  /// Bounds belong to a row group and cover its rows alone, by the order that the format gives each type.
  @Test func boundsAreThoseOfTheirOwnRowGroup() throws {
    let rows = mixedRows(700, seed: 4)
    let reader = try MinimalParquetReader(written(rows, levels: 2, rowGroupRows: 90))
    for (number, group) in reader.rowGroups.enumerated() {
      let part = rows[number * 90..<min(700, number * 90 + 90)]
      func bounds(_ column: Int) -> [[UInt8]?] {
        let statistics = group[1]?.list?[column][3]?[12]
        return [statistics?[6]?.bytes, statistics?[5]?.bytes]
      }
      func expect(_ column: Int, _ values: [Int64], bytes: Int) {
        let found = bounds(column)
        #expect(found[0] == little(values.min()!, bytes) && found[1] == little(values.max()!, bytes))
      }
      let ids = part.map { Array($0.id.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
      #expect(bounds(0) == [ids.first, ids.last])
      expect(1, part.map { Int64($0.codes[0]) }, bytes: 4)
      expect(2, part.map { Int64($0.codes[1]) }, bytes: 4)
      let texts = part.map { Array(text(of: $0).utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
      #expect(bounds(3) == [texts.first, texts.last])
      expect(4, part.map { Int64($0.suffix) }, bytes: 4)
      expect(5, part.map { Int64($0.flags) }, bytes: 4)
      expect(7, part.map { Int64($0.generation) }, bytes: 8)
      let distances = part.map(\.distance).filter { !$0.isNaN }
      let (low, high) = (distances.min()!, distances.max()!)
      #expect(bounds(6)[0] == little(Int64((low == 0 ? -0.0 : low).bitPattern), 4))
      #expect(bounds(6)[1] == little(Int64((high == 0 ? 0.0 : high).bitPattern), 4))
    }
  }

  private func little(_ value: Int64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> Int64(8 * $0)) }
  }

  /// The smaller of the two encodings is taken, and an index has as many bits as the dictionary needs.
  @Test(arguments: [
    (1, 1, 0), (3, 1, 1), (8, 2, 1), (64, 3, 2), (64, 4, 2), (64, 5, 3), (4_000, 256, 8), (4_000, 257, 9),
    (4_000, 3_999, 0), (40_000, 30_000, 0),
  ])
  func aDictionaryIsUsedWhereItIsSmaller(rows: Int, values: Int, width: Int) throws {
    let table = (0..<rows).map { index in
      SemanticIDRow(id: "i", codes: [UInt16(index * 7 % values)], distance: 0, generation: 1)
    }
    #expect(Set(table.map(\.codes)).count == values)
    let bytes = try written(table, levels: 1)
    let metadata = try #require(MinimalParquetReader(bytes).rowGroups[0][1]?.list?[1][3])
    if width == 0 {
      #expect(metadata[11] == nil && metadata[2]?.list == [.integer(0), .integer(3)])
    } else {
      let start = try #require(metadata[11]?.integer)
      let found = try pages(bytes, from: start, to: start + (try #require(metadata[7]?.integer)))
      #expect(found[0].values == values && found.dropFirst().allSatisfy { $0.firstByte == UInt8(width) })
    }
  }

  @Test func generationsThatDifferAreWrittenPlainAndOneThatDoesNotAsADictionary() throws {
    func metadata(_ generations: [UInt64]) throws -> ThriftValue {
      let rows = generations.map { SemanticIDRow(id: "i", codes: [0], distance: 0, generation: $0) }
      let bytes = try written(rows, levels: 1)
      #expect(
        try MinimalParquetReader(bytes).values(of: "generation") == generations.map { .integer(Int64($0)) })
      return try #require(MinimalParquetReader(bytes).rowGroups[0][1]?.list?[6][3])
    }
    #expect(try metadata([5, 5])[11] == nil)
    #expect(try metadata([5, 5, 5])[11] != nil)
    #expect(try metadata([5, 5, 6])[11] == nil)
    let widest = try metadata([0, UInt64(Int64.max), 1])[12]
    #expect(widest?[6]?.bytes == [UInt8](repeating: 0, count: 8))
    #expect(widest?[5]?.bytes == [UInt8](repeating: 0xFF, count: 7) + [0x7F])
  }

  /// Lists of fifteen and more elements have another form in Thrift's compact protocol.
  @Test(arguments: [7, 8, 9, 10, 255]) func tablesOfManyColumnsAreReadable(levels: Int) throws {
    let rows = (0..<3).map { index in
      SemanticIDRow(
        id: "i\(index)", codes: (0..<levels).map { UInt16($0 * 3 + index) }, distance: 1, generation: 1)
    }
    let reader = try MinimalParquetReader(written(rows, levels: levels))
    #expect(reader.columnNames == description(levels: levels, size: 65_536).columns)
    for level in [0, levels / 2, levels - 1] {
      #expect(try reader.values(of: "code_\(level)") == rows.map { .integer(Int64($0.codes[level])) })
    }
    #expect(reader.footer[7]?.list?.count == levels + 6)
  }

  /// Ids of 64 MiB end a row group, and a mebibyte of them a page, whatever the rows.
  @Test func longIDsEndPagesAndRowGroupsEarly() throws {
    let id = String(repeating: "x", count: 65_000)
    let count = 1_040
    let rows = (0..<count).map { SemanticIDRow(id: "\($0)" + id, codes: [1], distance: 0, generation: 1) }
    let bytes = try written(rows, levels: 1)
    let groups = try MinimalParquetReader(bytes).rowGroups
    let sizes = groups.compactMap { $0[3]?.integer }
    #expect(sizes.count == 2 && sizes.reduce(0, +) == count)
    for group in groups {
      let metadata = try #require(group[1]?.list?[0][3])
      let size = try #require(metadata[7]?.integer)
      #expect(size <= 64 << 20 + 70_000)
      let start = try #require(metadata[9]?.integer)
      let found = try pages(bytes, from: start, to: start + size)
      #expect(found.dropLast().allSatisfy { $0.values == 17 }, "17 ids are the first past a mebibyte")
    }
  }
}

/// Metadata of the table in the file's footer.
@Suite struct ParquetMetadataTests {
  @Test func pairsKeepTheirOrderAndTheirBytes() throws {
    try withTemporaryDirectory { folder in
      var table = description(levels: 1, size: 4)
      table.metadata = (0..<20).map { ("key \($0 % 3)", "é\u{0}\n\($0)") } + [("", "")]
      table.createdBy = "tessera version 1.2.3 (é)"
      let path = "\(folder)/t.parquet"
      try ParquetWriter(path: path, description: table).finish()
      let reader = try MinimalParquetReader([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
      let pairs = (reader.footer[5]?.list ?? []).dropFirst(3)
      #expect(pairs.compactMap { $0[1]?.string } == table.metadata.map(\.key))
      #expect(pairs.compactMap { $0[2]?.string } == table.metadata.map(\.value))
      #expect(reader.footer[6]?.string == table.createdBy)
      #expect(reader.rowGroups.isEmpty && reader.footer[3]?.integer == 0)
    }
  }
}
