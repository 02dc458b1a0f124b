import Foundation
import ItemCatalog
import TensorMath
import TestSupport
import Testing

@Suite("Item tables on disk")
struct ItemTableTests {
  static let lines = """
    {"id":"a","title":"One","text":"first","attributes":{"b":"x","a":1}}
    {"id":"b","title":"Two","image":"two.png"}
    {"id":"c","image":"two.png"}
    {"id":"d","title":"One","text":"first","attributes":{"a":1,"b":"x"},"updated_at":"later"}
    {"id":"e","title":"One","text":"first","attributes":{"a":"1","b":"x"}}
    {"id":"f","title":"Onef","text":"irst","attributes":{"a":1,"b":"x"}}

    """

  func withTable(_ body: (CatalogFixture, ItemTable) throws -> Void) throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("two", to: "two.png")
      _ = try fixture.write(Self.lines, to: "items.jsonl")
      _ = try fixture.build("items.jsonl")
      try body(fixture, try ItemTable.open(directory: fixture.table))
    }
  }

  @Test func rowsComeBackInInputOrder() throws {
    try withTable { fixture, table in
      #expect(table.count == 6)
      #expect(try table.ids(in: 0..<6) == ["a", "b", "c", "d", "e", "f"])
      #expect(try table.id(at: 3) == "d")
      #expect(try table.items(in: 2..<5) == (2..<5).map { try table.item(at: $0) })
      #expect(try table.items(in: 4..<4).isEmpty)
      let image = try table.item(at: 1)
      #expect(image.image == "two.png" && image.imagePath?.hasSuffix("/two.png") == true)
      #expect(try Data(contentsOf: URL(fileURLWithPath: #require(image.imagePath))).count == 11)
      let identifiers = try table.identifiers()
      #expect(identifiers.index(of: "e") == 4 && identifiers.index(of: "z") == nil && identifiers[5] == "f")
    }
  }

  @Test func hashesTellContentFromForm() throws {
    try withTable { _, table in
      // Attribute order and updated_at do not count; types and field boundaries do.
      #expect(table.textHash(at: 0) == table.textHash(at: 3) && table.contentHash(at: 0) == table.contentHash(at: 3))
      #expect(table.textHash(at: 0) != table.textHash(at: 4))
      #expect(table.textHash(at: 0) != table.textHash(at: 5))
      #expect(table.imageHash(at: 0) == nil && table.textHash(at: 2) == nil)
      #expect(table.imageHash(at: 1) == table.imageHash(at: 2) && table.imageHash(at: 1) != nil)
      #expect(table.contentHash(at: 1) != table.contentHash(at: 2))
      let bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Array("two".utf8)
      #expect(table.imageHash(at: 1) == Digest(hashing: bytes).prefix64)
    }
  }

  @Test func theDigestFollowsIdsContentAndOrder() throws {
    func digest(_ text: String) throws -> String { try catalog(text).summary.digest }
    let one = try digest("{\"id\":\"1\",\"title\":\"a\"}\n{\"id\":\"2\",\"title\":\"b\"}")
    #expect(one.count == 64)
    #expect(try digest("{\"title\":\"a\", \"id\":\"1\"}\n\n{\"id\":2,\"title\":\"b\",\"x\":0}\n{]") == one)
    #expect(try digest("{\"id\":\"2\",\"title\":\"b\"}\n{\"id\":\"1\",\"title\":\"a\"}") != one)
    #expect(try digest("{\"id\":\"1\",\"title\":\"a\"}\n{\"id\":\"2\",\"title\":\"c\"}") != one)
    #expect(try digest("{\"id\":\"1\",\"title\":\"a\"}\n{\"id\":\"3\",\"title\":\"b\"}") != one)
  }

  @Test func severalFilesAndPatternsMakeOneTable() throws {
    try withCatalogFixture { fixture in
      _ = try fixture.write("{\"id\":\"9\",\"title\":\"nine\"}\n", to: "z.jsonl")
      _ = try fixture.write("id,title\n1,one\n9,again\n", to: "parts/10.csv")
      _ = try fixture.write("id\ttitle\n2\ttwo\n", to: "parts/2.tsv")
      let summary = try fixture.build("z.jsonl", "parts/*")
      #expect(try fixture.items().map(\.title) == ["nine", "one", "two"])
      #expect(summary.files.map { $0.split(separator: "/").last } == ["z.jsonl", "10.csv", "2.tsv"])
      let duplicate = try #require(try fixture.rejected().first)
      #expect(duplicate.file.hasSuffix("parts/10.csv") && duplicate.line == 3)
      #expect(duplicate.found.contains("line 1 of") && duplicate.found.contains("z.jsonl"))
    }
  }

  @Test func missingInputsAreToldFromBadOnes() throws {
    try withCatalogFixture { fixture in
      for name in ["none.jsonl", "none/*.csv"] {
        let error = #expect(throws: CatalogError.self) { try fixture.build(name) }
        #expect(error?.code == .inputMissing && error?.exitCode == 66 && error?.message.contains(name) == true)
      }
      _ = try fixture.write("x", to: "items.txt")
      let format = #expect(throws: CatalogError.self) { try fixture.build("items.txt") }
      #expect(format?.code == .badData && format?.message.contains(".jsonl") == true)
      try FileManager.default.createDirectory(atPath: fixture.folder + "/folder.csv", withIntermediateDirectories: true)
      let folder = #expect(throws: CatalogError.self) { try fixture.build("folder.csv") }
      #expect(folder?.code == .inputUnreadable)
      #expect(throws: CatalogError.self) { try CatalogBuilder().build(CatalogSource(items: []), into: fixture.table) }
      let absent = #expect(throws: CatalogError.self) { try ItemTable.open(directory: fixture.folder + "/no") }
      #expect(absent?.code == .inputMissing)
    }
  }

  @Test func aFolderThatCannotBeWrittenIsSaid() throws {
    try withCatalogFixture { fixture in
      let path = try fixture.write("{\"id\":\"1\",\"title\":\"a\"}\n", to: "items.jsonl")
      let error = #expect(throws: CatalogError.self) {
        try CatalogBuilder().build(CatalogSource(items: [path]), into: path + "/table")
      }
      #expect(error?.code == .cannotWrite && error?.exitCode == 73)
    }
  }

  @Test func aFailedBuildLeavesTheTableBefore() throws {
    try withTable { fixture, table in
      _ = try fixture.write(storedGzip("{\"id\":\"1\",\"title\":\"a\"}").dropLast(), to: "cut.jsonl.gz")
      #expect(throws: CatalogError.self) { try fixture.build("items.jsonl", "cut.jsonl.gz") }
      #expect(try ItemTable.open(directory: fixture.table).digest == table.digest)
      let names = try FileManager.default.contentsOfDirectory(atPath: fixture.table)
      #expect(names.sorted() == ["images.bin", "items.bin", "items.idx", "rejected.jsonl"])
    }
  }

  @Test(arguments: ["items.bin", "items.idx"])
  func everyFlippedBitIsNoticed(name: String) throws {
    try withTable { fixture, table in
      let path = fixture.table + "/" + name
      let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let items = try table.items(in: 0..<6)
      for position in sound.indices {
        var bytes = sound
        bytes[position] ^= 1 << UInt8(position % 8)
        try fixture.overwrite(bytes, to: "table/" + name)
        let error = #expect(throws: CatalogError.self, "byte \(position)") { try fixture.items() }
        #expect(error?.code == .damagedTable)
      }
      try fixture.write(sound, to: "table/" + name)
      #expect(try fixture.items() == items)
    }
  }

  @Test(arguments: ["items.bin", "items.idx"])
  func everyTruncationIsNoticed(name: String) throws {
    try withTable { fixture, _ in
      let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture.table + "/" + name)))
      for count in stride(from: 0, to: sound.count, by: 7) {
        try fixture.overwrite(Array(sound[..<count]), to: "table/" + name)
        let error = #expect(throws: CatalogError.self) { try fixture.items() }
        #expect(error?.code == .damagedTable)
      }
      try fixture.write(sound + [0], to: "table/" + name)
      #expect(throws: CatalogError.self) { try fixture.items() }
    }
  }

  @Test func filesOfTwoTablesDoNotMix() throws {
    try withTable { fixture, _ in
      let path = fixture.table + "/items.idx"
      let index = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      _ = try fixture.write(Self.lines.replacingOccurrences(of: "first", with: "other"), to: "items.jsonl")
      _ = try fixture.build("items.jsonl")
      try fixture.write(index, to: "table/items.idx")
      let error = #expect(throws: CatalogError.self) { try ItemTable.open(directory: fixture.table) }
      #expect(error?.message.contains("another table") == true)
    }
  }

  @Test func manyBatchesComeOutTheSameOnOneThreadAndOnMany() throws {
    try withCatalogFixture { fixture in
      var text = ""
      var expected: [String] = []
      var badLines: [Int] = []
      for row in 0..<60_000 {
        switch row % 1000 {
        case 500: text += "{\"id\":\"broken\n"
        case 501: text += "{\"id\":\"item-0\",\"title\":\"again\"}\n"
        default:
          text +=
            "{\"id\":\"item-\(row)\",\"title\":\"Title of \(row)\",\"text\":\"\(String(repeating: "x", count: row % 300))\"}\n"
          expected.append("item-\(row)")
          continue
        }
        badLines.append(row + 1)
      }
      _ = try fixture.write(text, to: "items.jsonl")
      let threads = Parallelism.threadCount
      defer { Parallelism.threadCount = threads }
      Parallelism.threadCount = 1
      let one = try fixture.build("items.jsonl")
      #expect(try fixture.rejected().map(\.line) == badLines)
      Parallelism.threadCount = 3
      let three = try fixture.build("items.jsonl")
      #expect(one == three && one.items == expected.count && one.bytes == text.utf8.count)
      let table = try ItemTable.open(directory: fixture.table)
      #expect(try table.ids(in: 0..<table.count) == expected)
      #expect(try table.item(at: 59_879).title == "Title of 59999")
      #expect(try fixture.rejected().map(\.line) == badLines)
    }
  }

  @Test func memoryDoesNotGrowWithTheFile() throws {
    func peak() throws -> Int {
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
      return try #require(Int(line.split(separator: " ").dropFirst().first?.split(separator: "\t").last ?? "")) << 10
    }
    try withCatalogFixture { fixture in
      let path = try fixture.write("", to: "items.jsonl")
      let handle = try #require(FileHandle(forWritingAtPath: path))
      let filler = String(repeating: "filler ", count: 14_000)
      for row in 0..<1200 { handle.write(Data("{\"id\":\"\(row)\",\"title\":\"t\",\"ignored\":\"\(filler)\"}\n".utf8)) }
      try handle.close()
      let before = try peak()
      let summary = try fixture.build("items.jsonl")
      #expect(summary.items == 1200 && summary.bytes > 110 << 20)
      #expect(try peak() - before < 64 << 20)
    }
  }
}
