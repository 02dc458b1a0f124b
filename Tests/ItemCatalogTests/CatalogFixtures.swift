import Foundation
import Glibc
import ItemCatalog
import TestSupport
import Testing

/// A folder with a catalogue in it, and the table that it makes.
struct CatalogFixture {
  let folder: String
  var table: String { folder + "/table" }

  func write(_ text: String, to name: String) throws -> String {
    try write(Array(text.utf8), to: name)
  }

  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    let path = folder + "/" + name
    let parent = URL(fileURLWithPath: path).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// Replaces a file whose folder is there; fuzzing does so ten thousand times.
  func overwrite(_ bytes: [UInt8], to name: String) throws {
    let file = try #require(fopen(folder + "/" + name, "wb"))
    defer { fclose(file) }
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
  }

  /// Bytes that pass for a PNG file as far as the catalogue looks.
  func writeImage(_ content: String, to name: String) throws {
    try write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Array(content.utf8), to: name)
  }

  func build(_ files: String..., limits: CatalogLimits = CatalogLimits(), previous: String? = nil) throws
    -> CatalogSummary
  {
    try CatalogBuilder(limits: limits).build(
      CatalogSource(items: files.map { folder + "/" + $0 }), into: table, previous: previous)
  }

  func items() throws -> [Item] {
    let table = try ItemTable.open(directory: table)
    return try table.items(in: 0..<table.count)
  }

  /// The parsed lines of `rejected.jsonl`.
  func rejected() throws -> [Rejection] {
    let text = try String(contentsOfFile: table + "/rejected.jsonl", encoding: .utf8)
    return try text.split(separator: "\n").map { try JSONDecoder().decode(Rejection.self, from: Data($0.utf8)) }
  }
}

/// A line of `rejected.jsonl` as another program reads it.
struct Rejection: Decodable, Equatable {
  var severity: String
  var file: String
  var line: Int
  var field: String
  var reason: String
  var found: String
  var expected: String
}

func withCatalogFixture<Result>(_ body: (CatalogFixture) throws -> Result) throws -> Result {
  try withTemporaryDirectory { try body(CatalogFixture(folder: $0)) }
}

/// Builds a table of one file and returns its items and rejections.
func catalog(_ text: String, name: String = "items.jsonl", limits: CatalogLimits = CatalogLimits()) throws
  -> (items: [Item], rejected: [Rejection], summary: CatalogSummary)
{
  try catalog(Array(text.utf8), name: name, limits: limits)
}

func catalog(_ bytes: [UInt8], name: String = "items.jsonl", limits: CatalogLimits = CatalogLimits()) throws
  -> (items: [Item], rejected: [Rejection], summary: CatalogSummary)
{
  try withCatalogFixture { fixture in
    try fixture.write(bytes, to: name)
    let summary = try fixture.build(name, limits: limits)
    return (try fixture.items(), try fixture.rejected(), summary)
  }
}
