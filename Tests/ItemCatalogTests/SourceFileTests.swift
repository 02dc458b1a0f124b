import Foundation
import ItemCatalog
import TestSupport
import Testing

/// Which files a catalogue is made of, and which of them are read again.
@Suite("Sources of a catalogue")
struct SourceFileTests {
  private func titles(_ fixture: CatalogFixture, _ patterns: String...) throws -> [String] {
    _ = try CatalogBuilder().build(
      CatalogSource(items: patterns.map { fixture.folder + "/" + $0 }), into: fixture.table)
    return try fixture.items().map(\.title)
  }

  private func write(_ fixture: CatalogFixture, _ names: String...) throws {
    for name in names { _ = try fixture.write("{\"id\":\"\(name)\",\"title\":\"\(name)\"}\n", to: name) }
  }

  @Test func patternsMatchInByteOrderWhateverTheLocale() throws {
    try withCatalogFixture { fixture in
      try write(fixture, "b.jsonl", "B.jsonl", "a.jsonl", "é.jsonl", "10.jsonl", "9.jsonl", "_.jsonl", ".hidden.jsonl")
      #expect(
        try titles(fixture, "*.jsonl")
          == ["10.jsonl", "9.jsonl", "B.jsonl", "_.jsonl", "a.jsonl", "b.jsonl", "é.jsonl"])
      #expect(try titles(fixture, "[ab].jsonl") == ["a.jsonl", "b.jsonl"])
      #expect(try titles(fixture, "?.jsonl").contains("9.jsonl"))
      #expect(try titles(fixture, "b.jsonl", "*.jsonl", "b.jsonl").first == "b.jsonl")
      #expect(try titles(fixture, "b.jsonl", "[ab].jsonl") == ["b.jsonl", "a.jsonl"], "each file once, first come")
    }
  }

  @Test func aNameThatExistsIsNeverAPattern() throws {
    try withCatalogFixture { fixture in
      try write(fixture, "[ab].jsonl", "a.jsonl", "w*.jsonl", "what.jsonl")
      #expect(try titles(fixture, "[ab].jsonl") == ["[ab].jsonl"])
      #expect(try titles(fixture, "w*.jsonl") == ["w*.jsonl"])
      let error = #expect(throws: CatalogError.self) { try titles(fixture, "none.jsonl") }
      #expect(
        error?.message == "\(fixture.folder)/none.jsonl does not exist; expected a file of items or interactions.")
      let pattern = #expect(throws: CatalogError.self) { try titles(fixture, "z*.jsonl") }
      #expect(pattern?.message == "no file matches \(fixture.folder)/z*.jsonl; expected at least one.")
    }
  }

  @Test func theExtensionDecidesInAnyCase() throws {
    try withCatalogFixture { fixture in
      _ = try fixture.write("ID,x\n", to: "header.csv")
      let header = #expect(throws: CatalogError.self) { try titles(fixture, "header.csv") }
      #expect(
        header?.message.contains("has no column id; found the columns ID, x. Name the columns in the first line.")
          == true)
      _ = try fixture.write("{\"id\":1,\"title\":\"a\"}", to: "A.JSONL")
      _ = try fixture.write("{\"id\":2,\"title\":\"b\"}", to: "B.NdJson")
      _ = try fixture.write("id\ttitle\n3\tc\n", to: "C.TSV")
      try fixture.write(storedGzip("{\"id\":4,\"title\":\"d\"}"), to: "D.JsonL.GZ")
      #expect(try titles(fixture, "A.JSONL", "B.NdJson", "C.TSV", "D.JsonL.GZ") == ["a", "b", "c", "d"])
      for name in ["items.json", "items.csv.zip", "items", "items.gz", "jsonl"] {
        _ = try fixture.write("{\"id\":1,\"title\":\"a\"}", to: name)
        let error = #expect(throws: CatalogError.self) { try titles(fixture, name) }
        #expect(error?.code == .badData && error?.message.contains("has an unknown format") == true)
      }
    }
  }

  @Test func headersAreExplained() throws {
    let long = (0..<30).map { "c\($0)" }.joined(separator: ",")
    let cases: [(String, String)] = [
      ("a,b,a\n", "names the column a twice; expected each name once."),
      (long + "\n", "found the columns " + (0..<20).map { "c\($0)" }.joined(separator: ", ") + ". Name"),
      ("id,\"x\n", "has no header line; expected the columns' names in the first line."),
      ("", "has no header line"),
      ("id,\"a\"b\n", "cannot be read: found b after a closing quote, expected a delimiter or the row's end"),
    ]
    for (text, message) in cases {
      let error = #expect(throws: CatalogError.self) { try catalog(text, name: "items.csv") }
      #expect(error?.code == .badData && error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
    let latin = #expect(throws: CatalogError.self) {
      try catalog(Array("id,n".utf8) + [0xE9, 0x0A], name: "items.csv")
    }
    #expect(latin?.message.hasSuffix("is not UTF-8. Save the file as UTF-8.") == true)
    // Columns without a name may come twice; nobody asks for them.
    #expect(try catalog("id,,title,\n1,x,t,y\n", name: "items.csv").items.map(\.title) == ["t"])
  }

  @Test func attributesAreLimitedInColumnsToo() throws {
    var limits = CatalogLimits()
    limits.attributeCount = 2
    limits.attributeBytes = 3
    let result = try catalog(
      "id,title,attributes.a,attributes.b,attributes.c,attributes.,attributes\n1,t,x,y,,n,m\n2,t,x,y,z,,\n3,t,four,,,,\n",
      name: "items.csv", limits: limits)
    #expect(result.items.map(\.attributes) == [["a": .string("x"), "b": .string("y")]])
    #expect(result.rejected.map(\.reason) == ["too_many", "too_long"])
    #expect(result.rejected.map(\.field) == ["attributes", "attributes.a"])
    #expect(result.rejected.map(\.found) == ["more than 2", "4 bytes"])
  }

  /// A file that was written anew is read anew, even where size and content are what they were.
  @Test func aTouchedImageIsHashedAgainAndIsTheSameItem() throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("pixels", to: "a.png")
      try fixture.writeImage("others", to: "b.png")
      _ = try fixture.write(
        "{\"id\":\"1\",\"image\":\"a.png\"}\n{\"id\":\"2\",\"image\":\"b.png\"}\n{\"id\":\"3\",\"image\":\"./a.png\"}\n",
        to: "items.jsonl")
      let first = try fixture.build("items.jsonl")
      #expect(first.imagesHashed == 3 && first.withImage == 3 && first.withText == 0)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1_000_000)], ofItemAtPath: fixture.folder + "/a.png")
      let touched = try fixture.build("items.jsonl", previous: fixture.table)
      #expect(touched.imagesHashed == 2 && touched.imagesReused == 1)
      #expect(touched.digest == first.digest && touched.sourceSignature != first.sourceSignature)
      // The same size, another content.
      try fixture.writeImage("PIXELS", to: "a.png")
      let changed = try fixture.build("items.jsonl", previous: fixture.table)
      #expect(changed.imagesHashed == 2 && changed.digest != first.digest)
    }
  }

  @Test func anImageThatWasUnusableIsLookedAtAgain() throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("0123456789", to: "a.png")
      _ = try fixture.write("{\"id\":\"1\",\"title\":\"t\",\"image\":\"a.png\"}\n", to: "items.jsonl")
      var limits = CatalogLimits()
      limits.imageBytes = 5
      #expect(try fixture.build("items.jsonl", limits: limits).withImage == 0)
      let found = try #require(try fixture.rejected().first)
      #expect(found.found == "18 bytes, more than the 5 allowed" && found.expected == "a JPEG or PNG file")
      // The file has not changed, the limit has: nothing of "unusable" is taken over.
      #expect(try fixture.build("items.jsonl", previous: fixture.table).withImage == 1)
      #expect(try fixture.build("items.jsonl", previous: fixture.folder + "/none").imagesHashed == 1)
    }
  }

  @Test func aTableIsBuiltIntoAFolderThatIsMade() throws {
    try withCatalogFixture { fixture in
      try write(fixture, "a.jsonl")
      let source = CatalogSource(items: [fixture.folder + "/a.jsonl"])
      let deep = fixture.folder + "/x/y/z"
      _ = try CatalogBuilder().build(source, into: deep)
      #expect(try ItemTable.open(directory: deep).count == 1)
      #expect(try ItemTable.open(directory: deep).directory == deep)
      _ = try fixture.write("file", to: "blocked")
      let error = #expect(throws: CatalogError.self) {
        try CatalogBuilder().build(source, into: fixture.folder + "/blocked/table")
      }
      #expect(error?.code == .cannotWrite && error?.exitCode == 73)
      #expect(error?.message.hasPrefix("\(fixture.folder)/blocked/table cannot be written: ") == true)
      let folder = #expect(throws: CatalogError.self) {
        try CatalogBuilder().build(source, into: fixture.folder + "/blocked")
      }
      #expect(folder?.message.contains("blocked cannot be written") == true)
    }
  }
}
