import Foundation
import NeuralNetworks
import TableExport
import TensorMath
import TestSupport
import Testing

/// Destinations that are in the way, writers side by side, and rows that are refused half-way through a table.
@Suite struct ExportFolderTests {
  private let row = SemanticIDRow(id: "a", codes: [1, 2], distance: 0.5, generation: 1)
  private let table = description(levels: 2, size: 4)

  private func contents(_ folder: String) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder))
  }

  @Test(arguments: [TableFormat.csv, .jsonl, .parquet]) func aFolderInThePlaceOfAFileStays(format: TableFormat) throws {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/table"
      try FileManager.default.createDirectory(atPath: path + "/kept", withIntermediateDirectories: true)
      var writer: (any TableWriter)? = try format.makeWriter(path: path, description: table)
      try writer?.append(row)
      let error = #expect(throws: TableExportError.self) { try writer?.finish() }
      #expect(error?.code == .cannotWrite && error?.path == path)
      #expect(error?.message.hasPrefix("cannot rename the finished file into place: ") == true)
      writer = nil
      #expect(try contents(folder) == ["table"])
      #expect(try contents(path) == ["kept"])
    }
  }

  @Test func aFileInThePlaceOfAFolderStays() throws {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/table"
      try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: TableExportError.self) {
        _ = try TableFormat.npy.makeWriter(path: path, description: table)
      }
      #expect(error?.code == .cannotWrite && error?.message == "cannot open the folder: Not a directory")
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("precious".utf8))
      #expect(try contents(folder) == ["table"])
    }
  }

  @Test func whatComesIntoTheFolderMeanwhileIsNotReplaced() throws {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/table"
      var writer: (any TableWriter)? = try TableFormat.npy.makeWriter(path: path, description: table)
      try writer?.append(row)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      try Data([1]).write(to: URL(fileURLWithPath: path + "/notes.txt"))
      let error = #expect(throws: TableExportError.self) { try writer?.finish() }
      #expect(
        error?.message
          == "the folder holds 'notes.txt', which is no part of an export; choose a new folder or an empty one")
      writer = nil
      #expect(try contents(folder) == ["table"])
      #expect(try contents(path) == ["notes.txt"])
    }
  }

  @Test func anExportWithoutCodebooksLeavesNoneOfTheOneBefore() throws {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/table"
      let codebooks = (0..<2).map { _ in CodebookTable(centroids: Matrix(rows: 4, columns: 2)) }
      for tables in [codebooks, []] {
        let writer = try TableFormat.npy.makeWriter(path: path + "/", description: table, codebooks: tables)
        try writer.append(row)
        let summary = try writer.finish()
        #expect(summary.path == path)
        let files = try contents(path)
        #expect(files.contains("codebooks.safetensors") == !tables.isEmpty)
        #expect(files.count == (tables.isEmpty ? 7 : 8))
        let sizes = try files.map { name in
          try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.size] as? Int ?? 0
        }
        #expect(summary.bytes == sizes.reduce(0, +))
      }
      #expect(try contents(folder) == ["table"])
    }
  }

  @Test func codebooksCarryTheTablesMetadataAndTheCallersWins() throws {
    try withTemporaryDirectory { folder in
      var described = table
      described.metadata = [("tessera.levels", "mine"), ("note", "é\"\n")]
      let prices: [Float] = [1, -0.0, .infinity, 4]
      let tables = [
        CodebookTable(centroids: Matrix(rows: 4, columns: 2, elements: [1, 2, 3, 4, 5, 6, 7, 8]), prices: prices),
        CodebookTable(centroids: Matrix(rows: 4, columns: 2)),
      ]
      let path = "\(folder)/table"
      try TableFormat.npy.makeWriter(path: path, description: described, codebooks: tables).finish()
      let file = try SafetensorsFile.read(path + "/codebooks.safetensors")
      #expect(
        file.metadata == [
          "tessera.generation": "3", "tessera.levels": "mine", "tessera.codebook_sizes": "4,4", "note": "é\"\n",
        ])
      #expect(try file.tensor("prices_0").vector(count: 4).map(\.bitPattern) == prices.map(\.bitPattern))
      #expect(try file.tensor("codebook_1").matrix() == tables[1].centroids)
      #expect(throws: (any Error).self) { try file.tensor("prices_1") }
    }
  }

  /// A row that is refused leaves the table as it was: no column gets a part of it.
  @Test(arguments: TableFormat.allCases) func aRefusedRowLeavesNoTrace(format: TableFormat) throws {
    func written(_ refused: [SemanticIDRow]) throws -> [String: Data] {
      try withTemporaryDirectory { folder in
        let path = "\(folder)/table"
        let writer = try format.makeWriter(path: path, description: table)
        for (index, row) in sampleRows(20, levels: 2, sizes: 4).enumerated() {
          try writer.append(row)
          guard index < refused.count else { continue }
          let error = #expect(throws: TableExportError.self) { try writer.append(refused[index]) }
          #expect(error?.code == .invalidRow)
        }
        #expect(try writer.finish().rows == 20)
        guard format == .npy else { return ["": try Data(contentsOf: URL(fileURLWithPath: path))] }
        var files: [String: Data] = [:]
        for name in try contents(path) { files[name] = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")) }
        return files
      }
    }
    var refused = [
      SemanticIDRow(id: "x", codes: [1], distance: 0, generation: 1),
      SemanticIDRow(id: "x", codes: [1, 2, 3], distance: 0, generation: 1),
      SemanticIDRow(id: "x", codes: [], distance: 0, generation: 1),
      SemanticIDRow(id: String(repeating: "é", count: 32_768), codes: [1, 2], distance: 0, generation: 1),
    ]
    if format == .parquet { refused.append(SemanticIDRow(id: "x", codes: [1, 2], distance: 0, generation: 1 << 63)) }
    #expect(try written(refused) == written([]))
  }

  @Test(arguments: TableFormat.allCases) func theLongestIDIsWrittenAndOneByteMoreIsNamed(format: TableFormat) throws {
    try withTemporaryDirectory { folder in
      let writer = try format.makeWriter(path: "\(folder)/table", description: table)
      let id = String(repeating: "x", count: 65_535)
      try writer.append(SemanticIDRow(id: id, codes: [1, 2], distance: 0, generation: 1))
      let error = #expect(throws: TableExportError.self) {
        try writer.append(SemanticIDRow(id: id + "y", codes: [1, 2], distance: 0, generation: 1))
      }
      #expect(error?.message == "an id has 65536 bytes, at most 65535 are written")
      #expect(try writer.finish().rows == 1)
    }
  }

  @Test func manyWritersInOneFolderDoNotMeet() throws {
    try withTemporaryDirectory { folder in
      let rows = sampleRows(300, levels: 2, sizes: 4)
      let formats = TableFormat.allCases
      DispatchQueue.concurrentPerform(iterations: 16) { number in
        #expect(throws: Never.self) {
          // Four formats, and of each two pairs that write to one place: the last to finish is there, whole.
          let name = "\(formats[number % 4].rawValue)-\(number / 8)"
          let writer = try formats[number % 4].makeWriter(path: "\(folder)/\(name)", description: table)
          for row in rows { try writer.append(row) }
          do throws(TableExportError) {
            try writer.finish()
          } catch {
            // Two folders cannot be exchanged in one step: one of two that finish together may lose its turn.
            #expect(error.code == .cannotWrite && formats[number % 4] == .npy)
          }
        }
      }
      #expect(try contents(folder) == Set(formats.flatMap { ["\($0.rawValue)-0", "\($0.rawValue)-1"] }))
      for number in 0..<2 {
        let parquet = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/parquet-\(number)")))
        #expect(try MinimalParquetReader(parquet).values(of: "id") == rows.map { .string($0.id) })
        #expect(try contents("\(folder)/npy-\(number)").count == 7)
      }
    }
  }

  @Test func descriptionsAreEqualOnlyWithTheSamePairsInOrder() {
    let first = description(levels: 2, size: 4)
    var second = first
    #expect(first == second)
    second.metadata = [("a", "b"), ("c", "d")]
    var third = second
    third.metadata.reverse()
    #expect(first != second && second != third)
    third.metadata = [("a", "b"), ("c", "e")]
    #expect(second != third)
    third = first
    third.codebookSizes = [4, 5]
    #expect(third != first && third.levels == 2)
    #expect(
      TableDescription(codebookSizes: [1, 2, 3], generation: 1).columns == [
        "id", "code_0", "code_1", "code_2", "semantic_id", "suffix", "flags", "distance", "generation",
      ])
  }

  @Test func failuresOfTheSystemAreToldApart() {
    for number in [ENOSPC, EDQUOT] {
      let error = TableExportError.writing("/p", "write", errno: number)
      #expect(error.code == .diskFull && error.message.hasSuffix("free some space and export again"))
    }
    for number in [EACCES, EROFS, EIO, EFBIG] {
      #expect(TableExportError.writing("/p", "write", errno: number).code == .cannotWrite)
    }
    #expect(
      TableExportError.reading("/p", "read the file", errno: EIO).description
        == "/p: cannot read the file: Input/output error")
  }
}
