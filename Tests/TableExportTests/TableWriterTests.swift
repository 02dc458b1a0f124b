import Foundation
import TableExport
import TensorMath
import TestSupport
import Testing

@Suite struct TableWriterTests {
  private let row = SemanticIDRow(id: "a", codes: [1, 2], distance: 0.5, generation: 1)

  @Test(arguments: TableFormat.allCases)
  func anAbandonedTableLeavesNothing(format: TableFormat) throws {
    try withTemporaryDirectory { folder in
      var writer: (any TableWriter)? = try format.makeWriter(
        path: "\(folder)/table", description: description(levels: 2, size: 4))
      try writer?.append(row)
      #expect(try !FileManager.default.contentsOfDirectory(atPath: folder).contains("table"))
      writer = nil
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test(arguments: TableFormat.allCases)
  func whatKilledExportsLeftIsRemovedAndNothingElse(format: TableFormat) throws {
    try withTemporaryDirectory { folder in
      let manager = FileManager.default
      for name in [".tessera-export-1-0.tmp", ".tessera-export-x-0.tmp", ".tessera-export-1-0-2.tmp", ".other.tmp"] {
        try Data([1]).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      let left = "\(folder)/.tessera-export-\(getpid())-999999.tmp"
      try manager.createDirectory(atPath: left, withIntermediateDirectories: false)
      try Data([1]).write(to: URL(fileURLWithPath: left + "/codes.npy"))
      try manager.createSymbolicLink(
        atPath: folder + "/.tessera-export-2-0.tmp", withDestinationPath: folder + "/.other.tmp")

      let description = description(levels: 2, size: 4)
      let first = try format.makeWriter(path: "\(folder)/first", description: description)
      try first.append(row)
      // The second writer looks for what was left while the first is at work.
      let second = try format.makeWriter(path: "\(folder)/second", description: description)
      try second.append(row)
      #expect(try first.finish().rows == 1)
      #expect(try second.finish().rows == 1)
      #expect(
        Set(try manager.contentsOfDirectory(atPath: folder)) == [
          "first", "second", ".tessera-export-x-0.tmp", ".tessera-export-1-0-2.tmp", ".other.tmp",
          ".tessera-export-2-0.tmp",
        ])
    }
  }

  @Test(arguments: TableFormat.allCases)
  func theOldTableStaysUntilTheNewOneIsFinished(format: TableFormat) throws {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/table"
      func write(rows: Int, finish: Bool) throws {
        let writer = try format.makeWriter(path: path, description: description(levels: 2, size: 4))
        for _ in 0..<rows { try writer.append(row) }
        if finish { #expect(try writer.finish().rows == rows) }
      }
      func contents() throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: format == .npy ? "\(path)/codes.npy" : path))
      }
      try write(rows: 1, finish: true)
      let first = try contents()
      try write(rows: 2, finish: false)
      #expect(try contents() == first)
      try write(rows: 2, finish: true)
      #expect(try contents() != first)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["table"])
    }
  }

  @Test(arguments: TableFormat.allCases)
  func aMissingFolderIsAClearError(format: TableFormat) throws {
    let error = #expect(throws: TableExportError.self) {
      _ = try format.makeWriter(path: "/nonexistent/folder/table", description: description(levels: 1, size: 4))
    }
    #expect(error?.code == .cannotWrite)
    #expect(error?.path == "/nonexistent/folder/table")
    #expect(error?.message.contains("No such file or directory") == true)
  }

  @Test(arguments: TableFormat.allCases)
  func aRowOfOtherLevelsIsRefused(format: TableFormat) throws {
    try withTemporaryDirectory { folder in
      let writer = try format.makeWriter(path: "\(folder)/table", description: description(levels: 3, size: 4))
      let error = #expect(throws: TableExportError.self) { try writer.append(row) }
      #expect(error?.code == .invalidRow)
      #expect(error?.message == "item 'a' has 2 codes, the table has 3 levels")
    }
  }

  @Test func anEndlessIDIsRefused() throws {
    try withTemporaryDirectory { folder in
      let writer = try TableFormat.csv.makeWriter(path: "\(folder)/table", description: description(levels: 1, size: 4))
      let long = SemanticIDRow(id: String(repeating: "x", count: 70_000), codes: [1], distance: 0, generation: 1)
      #expect(throws: TableExportError.self) { try writer.append(long) }
    }
  }

  @Test func aFullDiskSaysSo() {
    let error = TableExportError.writing("/data/table.csv", "write", errno: ENOSPC)
    #expect(error.code == .diskFull)
    #expect(error.description.hasPrefix("/data/table.csv: the disk is full (No space left on device)"))
    #expect(TableExportError.writing("/x", "write", errno: EACCES).code == .cannotWrite)
  }

  @Test func aFolderWithOtherFilesIsNeverReplaced() throws {
    try withTemporaryDirectory { folder in
      try Data("precious".utf8).write(to: URL(fileURLWithPath: "\(folder)/thesis.txt"))
      let error = #expect(throws: TableExportError.self) {
        _ = try TableFormat.npy.makeWriter(path: folder, description: description(levels: 1, size: 4))
      }
      #expect(error?.message.contains("thesis.txt") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["thesis.txt"])
    }
  }
}
