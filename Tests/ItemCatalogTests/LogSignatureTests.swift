import Foundation
import Glibc
import ItemCatalog
import TestSupport
import Testing

/// What tells a behavior log that changed from one that did not.
@Suite("The signature of a behavior log")
struct LogSignatureTests {
  private static let header = "user_id,item_id,position\n"

  private func signature(_ paths: String..., record: String? = nil) throws -> String {
    try InteractionReader().sourceSignature(of: paths, record: record)
  }

  @Test func theSameBytesWrittenAnewOrElsewhereAreTheSame() throws {
    try withCatalogFixture { fixture in
      let record = fixture.folder + "/digests.json"
      let path = try fixture.write(Self.header + "u,a,1\n", to: "log.csv")
      let first = try signature(path, record: record)
      try FileManager.default.removeItem(atPath: path)
      _ = try fixture.write(Self.header + "u,a,1\n", to: "log.csv")
      #expect(try signature(path, record: record) == first)
      let copy = try fixture.write(Self.header + "u,a,1\n", to: "elsewhere/night.csv")
      #expect(try signature(copy, record: record) == first)
      #expect(try signature(copy) == first, "with or without a record")
    }
  }

  @Test func otherBytesOfTheSameLengthAreAnother() throws {
    try withCatalogFixture { fixture in
      let record = fixture.folder + "/digests.json"
      let path = try fixture.write(Self.header + "u,a,1\n", to: "log.csv")
      let first = try signature(path, record: record)
      // In place, so that name, size and inode stay.
      try fixture.overwrite(Array((Self.header + "u,b,1\n").utf8), to: "log.csv")
      #expect(try signature(path, record: record) != first)
      try fixture.overwrite(Array((Self.header + "u,a,1\n").utf8), to: "log.csv")
      #expect(try signature(path, record: record) == first)
    }
  }

  @Test func orderFormatAndNumberOfFilesCount() throws {
    try withCatalogFixture { fixture in
      let one = try fixture.write(Self.header + "u,a,1\n", to: "1.csv")
      let two = try fixture.write(Self.header + "u,b,1\n", to: "2.csv")
      let tabs = try fixture.write(Self.header + "u,a,1\n", to: "1.tsv")
      let both = try signature(one, two)
      #expect(try signature(two, one) != both)
      #expect(try signature(one) != both)
      #expect(try signature(tabs) != signature(one))
      #expect(try signature(fixture.folder + "/*.csv") == both)
    }
  }

  @Test func aFileThatStaysIsNotReadAgain() throws {
    try withCatalogFixture { fixture in
      let record = fixture.folder + "/digests.json"
      let path = try fixture.write(Self.header + "u,a,1\n", to: "log.csv")
      let first = try signature(path, record: record)
      var status = stat()
      #expect(stat(path, &status) == 0)
      // Other bytes under the old time: only one who reads the file sees them.
      try fixture.overwrite(Array((Self.header + "u,b,1\n").utf8), to: "log.csv")
      #expect(utimensat(AT_FDCWD, path, [status.st_atim, status.st_mtim], 0) == 0)
      #expect(try signature(path, record: record) == first)
      #expect(try signature(path) != first)
    }
  }

  @Test func theRecordHoldsTheFilesOfTheLogAlone() throws {
    try withCatalogFixture { fixture in
      let record = fixture.folder + "/digests.json"
      let one = try fixture.write(Self.header + "u,a,1\n", to: "1.csv")
      let two = try fixture.write(Self.header + "u,b,1\n", to: "2.csv")
      func paths() throws -> [String] {
        let entries = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: record)))
        return try #require(entries as? [[String: Any]]).compactMap { $0["path"] as? String }
      }
      _ = try signature(one, two, record: record)
      #expect(try paths() == [one, two])
      _ = try signature(two, record: record)
      #expect(try paths() == [two])
    }
  }

  @Test(arguments: ["", "[", "{}", "[{\"path\": 1}]", "\u{0}\u{0}", "[{\"path\": \"/x\", \"size\": 1e99}]"])
  func aDamagedRecordCostsReadingAgainAndNoMore(text: String) throws {
    try withCatalogFixture { fixture in
      let path = try fixture.write(Self.header + "u,a,1\n", to: "log.csv")
      let record = try fixture.write(text, to: "digests.json")
      #expect(try signature(path, record: record) == signature(path))
      #expect(try Data(contentsOf: URL(fileURLWithPath: record)).count > 100, "it is mended")
    }
  }

  @Test func aRecordThatCannotBeWrittenIsDoneWithout() throws {
    try withCatalogFixture { fixture in
      let path = try fixture.write(Self.header + "u,a,1\n", to: "log.csv")
      #expect(try signature(path, record: fixture.folder + "/no/such/folder.json") == signature(path))
      try FileManager.default.createDirectory(atPath: fixture.folder + "/taken", withIntermediateDirectories: false)
      #expect(try signature(path, record: fixture.folder + "/taken") == signature(path))
    }
  }

  @Test func whatIsNoFileIsRefused() throws {
    try withCatalogFixture { fixture in
      #expect(mkfifo(fixture.folder + "/pipe.csv", 0o600) == 0)
      let error = #expect(throws: CatalogError.self) { try signature(fixture.folder + "/pipe.csv") }
      #expect(error?.message == "\(fixture.folder)/pipe.csv is not a regular file.")
      let text = try fixture.write("x", to: "log.txt")
      #expect(throws: CatalogError.self) { try signature(text) }
    }
  }
}
