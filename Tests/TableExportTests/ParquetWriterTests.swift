import Foundation
import TableExport
import TensorMath
import TestSupport
import Testing

@Suite struct ParquetWriterTests {
  private func written(
    _ rows: [SemanticIDRow], levels: Int, size: Int, rowGroupRows: Int = 131_072, pageRows: Int = 16_384
  ) throws -> [UInt8] {
    try withTemporaryDirectory { folder in
      var parameters = ParquetWriter.Parameters()
      parameters.rowGroupRows = rowGroupRows
      parameters.pageRows = pageRows
      let path = "\(folder)/table.parquet"
      let writer = try ParquetWriter(
        path: path, description: description(levels: levels, size: size), parameters: parameters)
      for row in rows { try writer.append(row) }
      let summary = try writer.finish()
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
      #expect(summary == TableSummary(path: path, rows: rows.count, bytes: bytes.count))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["table.parquet"])
      return bytes
    }
  }

  private func expect(_ bytes: [UInt8], holds rows: [SemanticIDRow], levels: Int) throws {
    let reader = try MinimalParquetReader(bytes)
    #expect(reader.footer[3]?.integer == rows.count)
    #expect(try reader.values(of: "id") == rows.map { .string($0.id) })
    for level in 0..<levels {
      #expect(try reader.values(of: "code_\(level)") == rows.map { .integer(Int64($0.codes[level])) })
    }
    #expect(try reader.values(of: "semantic_id") == rows.map { .string(text(of: $0)) })
    #expect(try reader.values(of: "suffix") == rows.map { .integer(Int64($0.suffix)) })
    #expect(try reader.values(of: "flags") == rows.map { .integer(Int64($0.flags)) })
    #expect(try reader.values(of: "distance") == rows.map { .float($0.distance.bitPattern) })
    #expect(try reader.values(of: "generation") == rows.map { .integer(Int64($0.generation)) })
  }

  @Test(arguments: [0, 1, 2, 7, 8, 9, 1_000])
  func keepsEveryValue(count: Int) throws {
    let rows = sampleRows(count, levels: 3, sizes: 256)
    try expect(written(rows, levels: 3, size: 256), holds: rows, levels: 3)
  }

  @Test(arguments: [(1, 1), (100, 7), (64, 64), (999, 1_000)])
  func keepsEveryValueOverManyRowGroupsAndPages(rowGroupRows: Int, pageRows: Int) throws {
    let rows = sampleRows(1_000, levels: 2, sizes: 1_024)
    let bytes = try written(rows, levels: 2, size: 1_024, rowGroupRows: rowGroupRows, pageRows: pageRows)
    try expect(bytes, holds: rows, levels: 2)
    let groups = try MinimalParquetReader(bytes).rowGroups
    #expect(groups.count == (1_000 + rowGroupRows - 1) / rowGroupRows)
    #expect(groups.compactMap { $0[3]?.integer }.reduce(0, +) == 1_000)
    #expect(groups.compactMap { $0[7]?.integer } == Array(0..<groups.count))
  }

  @Test func keepsTheWidestCodesAndLongestIDs() throws {
    let rows = (0..<3_000).map { index in
      SemanticIDRow(
        id: String(repeating: "é", count: 127) + String(index % 10),
        codes: [UInt16(truncatingIfNeeded: index &* 40_503), 65_535],
        distance: -0.0, generation: 1 << 62)
    }
    try expect(written(rows, levels: 2, size: 65_536), holds: rows, levels: 2)
  }

  @Test func namesColumnsAndTypesAsTheFormatDemands() throws {
    let reader = try MinimalParquetReader(written(sampleRows(3, levels: 2, sizes: 9), levels: 2, size: 9))
    #expect(reader.columnNames == description(levels: 2, size: 9).columns)
    #expect(reader.schema[0][5]?.integer == reader.columnNames.count)
    #expect(reader.schema.dropFirst().allSatisfy { $0[3]?.integer == 0 }, "every column is required")
    let id = reader.schema[1]
    #expect(id[1]?.integer == 6 && id[6]?.integer == 0 && id[10] == .structure([1: .structure([:])]))
    let code = reader.schema[2]
    #expect(code[1]?.integer == 1 && code[6]?.integer == 12)
    #expect(code[10] == .structure([10: .structure([1: .integer(16), 2: .boolean(false)])]))
    let flags = reader.schema[6]
    #expect(flags[1]?.integer == 1 && flags[6]?.integer == 11)
    #expect(flags[10] == .structure([10: .structure([1: .integer(8), 2: .boolean(false)])]))
    let generation = reader.schema[8]
    #expect(generation[1]?.integer == 2 && generation[6] == nil && generation[10] == nil)
    #expect(reader.footer[6]?.string == "tessera version 0.0.0")
    #expect(reader.footer[7]?.list?.count == reader.columnNames.count, "bounds count only with a column order")
    let pairs = (reader.footer[5]?.list ?? []).map { [$0[1]?.string, $0[2]?.string] }
    #expect(
      pairs == [
        ["tessera.generation", "3"], ["tessera.levels", "2"], ["tessera.codebook_sizes", "9,9"],
        ["tessera.pipeline", "tests"],
      ])
  }

  @Test func boundsCoverEveryValue() throws {
    let rows = sampleRows(500, levels: 1, sizes: 300)
    let reader = try MinimalParquetReader(written(rows, levels: 1, size: 300))
    func bounds(_ column: Int) -> (low: [UInt8], high: [UInt8])? {
      guard let statistics = reader.rowGroups[0][1]?.list?[column][3]?[12],
        let low = statistics[6]?.bytes, let high = statistics[5]?.bytes, statistics[3]?.integer == 0
      else { return nil }
      return (low, high)
    }
    let ids = rows.map { Array($0.id.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(bounds(0)?.low == ids.first && bounds(0)?.high == ids.last)
    let codes = rows.map { UInt32($0.codes[0]) }
    #expect(bounds(1)?.low == littleEndian(codes.min()!) && bounds(1)?.high == littleEndian(codes.max()!))
    let distances = rows.map(\.distance).filter { !$0.isNaN }
    #expect(bounds(5)?.low == littleEndian(distances.min()!.bitPattern))
    #expect(bounds(5)?.high == littleEndian(distances.max()!.bitPattern))
  }

  @Test func distancesThatAreNoNumberHaveNoBounds() throws {
    let rows = [SemanticIDRow(id: "a", codes: [1], distance: .nan, generation: 1)]
    let reader = try MinimalParquetReader(written(rows, levels: 1, size: 2))
    #expect(reader.rowGroups[0][1]?.list?[5][3]?[12] == nil)
    #expect(reader.rowGroups[0][1]?.list?[1][3]?[12] != nil)
  }

  @Test func zerosAreBoundedByBothSigns() throws {
    let rows = [SemanticIDRow(id: "a", codes: [1], distance: 0, generation: 1)]
    let statistics = try MinimalParquetReader(written(rows, levels: 1, size: 2)).rowGroups[0][1]?.list?[5][3]?[12]
    #expect(statistics?[6]?.bytes == [0, 0, 0, 0x80] && statistics?[5]?.bytes == [0, 0, 0, 0])
  }

  @Test func codesTakeABytePerItemAndLevel() throws {
    var random = RandomSource(seed: 1)
    let rows = (0..<20_000).map { _ in
      SemanticIDRow(id: "", codes: [UInt16.random(in: 0..<256, using: &random)], distance: 0, generation: 1)
    }
    let metadata = try MinimalParquetReader(written(rows, levels: 1, size: 256)).rowGroups[0][1]?.list?[1][3]
    let bytes = try #require(metadata?[7]?.integer)
    #expect(bytes < 20_000 + 2_000)
    #expect(metadata?[2]?.list == [.integer(0), .integer(3), .integer(8)])
  }

  @Test func bytesAreThoseThatOtherProgramsRead() throws {
    let golden = try #require(Data(base64Encoded: goldenFile))
    #expect(try written(goldenRows, levels: 2, size: 300) == [UInt8](golden))
    try expect([UInt8](golden), holds: goldenRows, levels: 2)
  }

  @Test func refusesAGenerationBeyondSignedIntegers() throws {
    try withTemporaryDirectory { folder in
      let writer = try ParquetWriter(path: "\(folder)/x", description: description(levels: 1, size: 2))
      let error = #expect(throws: TableExportError.self) {
        try writer.append(SemanticIDRow(id: "a", codes: [0], distance: 0, generation: .max))
      }
      #expect(error?.code == .invalidRow)
    }
  }
}

/// The file of `goldenRows` as it was when pyarrow, DuckDB and Polars read it (`tools/checks/read_exports.py`). A change
/// of the writer changes these bytes: let the other programs read the new ones before they come here.
private let goldenFile = """
  UEFSMRUAFSoVKiwVBBUAFQYVBgAABgAAAGl0ZW0tMQcAAABncsO2w59lFQQVCBUITBUCFQARAAAMAAAAFQAVBhUGLBUEFRAVBhUGAAABAwAVAB\
  UQFRAsFQQVABUGFQYAAP8AAAAHAAAAFQAVKBUoLBUEFQAVBhUGAAAGAAAAMTItMjU1BgAAADEyLTcrMhUAFRAVECwVBBUAFQYVBgAAAAAAAAIA\
  AAAVABUQFRAsFQQVABUGFQYAAAAAAAAFAAAAFQAVEBUQLBUEFQAVBhUGAAAAAIA+AADAPxUAFSAVICwVBBUAFQYVBgAAAwAAAAAAAAADAAAAAA\
  AAABUEGZxIBnNjaGVtYRUQABUMJQAYAmlkJQBMHAAAABUCJQAYBmNvZGVfMCUYTKwTEBIAAAAVAiUAGAZjb2RlXzElGEysExASAAAAFQwlABgL\
  c2VtYW50aWNfaWQlAEwcAAAAFQIlABgGc3VmZml4JRhMrBMQEgAAABUCJQAYBWZsYWdzJRZMrBMIEgAAABUIJQAYCGRpc3RhbmNlABUEJQAYCm\
  dlbmVyYXRpb24AFgQZHBmMJgAcFQwZJQAGGRgCaWQVABYEFkwWTCYIPDYAKAZpdGVtLTEYB2dyw7bDn2UAGRwVABUAFQIAAAAmABwVAhk1AAYQ\
  GRgGY29kZV8wFQAWBBZMFkwmeCZUHDYAKAQMAAAAGAQMAAAAABksFQQVABUCABUAFRAVAgAAACYAHBUCGSUABhkYBmNvZGVfMRUAFgQWMhYyJq\
  ABPDYAKAT/AAAAGAQHAAAAABkcFQAVABUCAAAAJgAcFQwZJQAGGRgLc2VtYW50aWNfaWQVABYEFkoWSibSATw2ACgGMTItNysyGAYxMi0yNTUA\
  GRwVABUAFQIAAAAmABwVAhklAAYZGAZzdWZmaXgVABYEFjIWMiacAjw2ACgEAgAAABgEAAAAAAAZHBUAFQAVAgAAACYAHBUCGSUABhkYBWZsYW\
  dzFQAWBBYyFjImzgI8NgAoBAUAAAAYBAAAAAAAGRwVABUAFQIAAAAmABwVCBklAAYZGAhkaXN0YW5jZRUAFgQWMhYyJoADPDYAKAQAAMA/GAQA\
  AIA+ABkcFQAVABUCAAAAJgAcFQQZJQAGGRgKZ2VuZXJhdGlvbhUAFgQWQhZCJrIDPDYAKAgDAAAAAAAAABgIAwAAAAAAAAAAGRwVABUAFQIAAA\
  AW7AMWBCYIFuwDFAAAGUwYEnRlc3NlcmEuZ2VuZXJhdGlvbhgBMwAYDnRlc3NlcmEubGV2ZWxzGAEyABgWdGVzc2VyYS5jb2RlYm9va19zaXpl\
  cxgHMzAwLDMwMAAYEHRlc3NlcmEucGlwZWxpbmUYBXRlc3RzABgVdGVzc2VyYSB2ZXJzaW9uIDAuMC4wGYwcAAAcAAAcAAAcAAAcAAAcAAAcAA\
  AcAAAAOwMAAFBBUjE=
  """

private func littleEndian(_ value: UInt32) -> [UInt8] {
  (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
}
