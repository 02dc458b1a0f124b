import Foundation
import Glibc
import ItemCatalog
import Testing

@Suite("Image paths")
struct ImagePathTests {
  func build(_ path: String, in fixture: CatalogFixture, hasText: Bool = true) throws -> (Item?, Rejection?) {
    let title = hasText ? "\"title\":\"t\"," : ""
    let quoted = String(decoding: try JSONEncoder().encode(path), as: UTF8.self)
    _ = try fixture.write("{\"id\":\"1\",\(title)\"image\":\(quoted)}\n", to: "in/items.jsonl")
    _ = try fixture.build("in/items.jsonl")
    return (try fixture.items().first, try fixture.rejected().first)
  }

  @Test(arguments: ["a.png", "./a.png", "sub/../a.png", "sub//b.png", "link.png", "folderlink/b.png", "../in/a.png"])
  func pathsWithinTheRootAreFound(path: String) throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("a", to: "in/a.png")
      try fixture.writeImage("b", to: "in/sub/b.png")
      try FileManager.default.createSymbolicLink(atPath: fixture.folder + "/in/link.png", withDestinationPath: "a.png")
      try FileManager.default.createSymbolicLink(atPath: fixture.folder + "/in/folderlink", withDestinationPath: "sub")
      let (item, rejection) = try build(path, in: fixture, hasText: false)
      #expect(rejection == nil && item?.image == path && item?.imagePath != nil)
      #expect(FileManager.default.fileExists(atPath: try #require(item?.imagePath)))
    }
  }

  @Test(arguments: [
    "../secret.png", "sub/../../secret.png", "/etc/passwd", "../in2/a.png", "out.png", "outfolder/secret.png",
    "../../../../../../../../etc/passwd", "../\u{301}in.png", "sub/../../\u{301}none.png",
  ])
  func pathsOutOfTheRootAreRejectedWithTheirRecord(path: String) throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("secret", to: "secret.png")
      try fixture.writeImage("secret", to: "in2/a.png")
      try fixture.writeImage("a", to: "in/a.png")
      let outside = fixture.folder + "/in/"
      try FileManager.default.createSymbolicLink(atPath: outside + "out.png", withDestinationPath: "../secret.png")
      try FileManager.default.createSymbolicLink(atPath: outside + "outfolder", withDestinationPath: "..")
      let (item, rejection) = try build(path, in: fixture)
      #expect(item == nil)
      #expect(rejection?.reason == "unsafe_path" && rejection?.field == "image" && rejection?.severity == "error")
    }
  }

  @Test(arguments: [
    ("missing.png", "image_missing"), ("dangling.png", "image_missing"), ("nofolder/a.png", "image_missing"),
    ("http://example.com/a.png", "image_missing"), ("sub", "image_unusable"), ("empty.png", "image_unusable"),
    ("text.png", "image_unusable"), ("pipe.png", "image_unusable"),
  ])
  func anUnusableImageLeavesTheItemWithItsText(path: String, reason: String) throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("b", to: "in/sub/b.png")
      try fixture.write([], to: "in/empty.png")
      _ = try fixture.write("no image", to: "in/text.png")
      #expect(mkfifo(fixture.folder + "/in/pipe.png", 0o600) == 0)
      try FileManager.default.createSymbolicLink(atPath: fixture.folder + "/in/dangling.png", withDestinationPath: "no")
      let (item, warning) = try build(path, in: fixture)
      #expect(item?.title == "t" && item?.image == path && item?.imagePath == nil)
      #expect(warning?.reason == reason && warning?.severity == "warning" && warning?.line == 1)

      let (none, rejection) = try build(path, in: fixture, hasText: false)
      #expect(none == nil && rejection?.reason == "no_content" && rejection?.severity == "error")
      #expect(try fixture.rejected().count == 1)
    }
  }

  @Test func anImageAboveTheLimitCountsAsMissing() throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("0123456789", to: "a.png")
      _ = try fixture.write("{\"id\":\"1\",\"title\":\"t\",\"image\":\"a.png\"}", to: "items.jsonl")
      var limits = CatalogLimits()
      limits.imageBytes = 17
      _ = try fixture.build("items.jsonl", limits: limits)
      #expect(try fixture.rejected().map(\.reason) == ["image_unusable"])
      limits.imageBytes = 18
      #expect(try fixture.build("items.jsonl", limits: limits).withImage == 1)
    }
  }

  @Test(arguments: [("a\\u0000.png", "control_character"), ("a\\n.png", "control_character")])
  func controlCharactersInAPathAreRejected(path: String, reason: String) throws {
    let result = try catalog("{\"id\":\"1\",\"title\":\"t\",\"image\":\"\(path)\"}")
    #expect(result.items.isEmpty && result.rejected.map(\.reason) == [reason])
    let long = String(repeating: "x", count: 5000)
    #expect(try catalog("{\"id\":\"1\",\"title\":\"t\",\"image\":\"\(long)\"}").rejected.map(\.reason) == ["too_long"])
  }

  @Test func anEmptyPathIsNoImage() throws {
    let result = try catalog("{\"id\":\"1\",\"title\":\"t\",\"image\":\"\"}")
    #expect(result.items.first?.image == nil && result.rejected.isEmpty)
  }

  @Test func imagesMayLieInAFolderOfTheirOwn() throws {
    try withCatalogFixture { fixture in
      try fixture.writeImage("a", to: "pictures/set/a.png")
      let path = try fixture.write("{\"id\":\"1\",\"image\":\"../set/a.png\"}", to: "in/items.jsonl")
      var source = CatalogSource(items: [path], imageFolder: fixture.folder + "/pictures/set")
      #expect(try CatalogBuilder().build(source, into: fixture.table).items == 1)
      source.imageFolder = fixture.folder + "/pictures/none"
      let error = #expect(throws: CatalogError.self) { try CatalogBuilder().build(source, into: fixture.table) }
      #expect(error?.code == .inputMissing && error?.message.contains("imageFolder") == true)
      source.imageFolder = fixture.folder + "/pictures/set"
      source.imageRoot = fixture.folder + "/in"
      #expect(try CatalogBuilder().build(source, into: fixture.table).items == 0)
    }
  }
}
