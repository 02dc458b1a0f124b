import Foundation
import ItemCatalog
import TensorMath
import TestSupport
import Testing

@Suite("The second night")
struct SecondNightTests {
  func withCatalog(_ body: (CatalogFixture) throws -> Void) throws {
    try withCatalogFixture { fixture in
      var lines = ""
      for row in 0..<20 {
        try fixture.writeImage("image \(row)", to: "images/\(row).png")
        lines += "{\"id\":\"\(row)\",\"title\":\"t\",\"image\":\"images/\(row).png\"}\n"
      }
      _ = try fixture.write(
        lines + "{\"id\":\"late\",\"title\":\"t\",\"image\":\"images/late.png\"}\n", to: "items.jsonl")
      try body(fixture)
    }
  }

  func signature(_ fixture: CatalogFixture, limits: CatalogLimits = CatalogLimits()) throws -> String {
    let source = CatalogSource(items: [fixture.folder + "/items.jsonl"])
    return try CatalogBuilder(limits: limits).sourceSignature(of: source, previous: fixture.table)
  }

  @Test func unchangedImagesAreNotReadAgain() throws {
    try withCatalog { fixture in
      let first = try fixture.build("items.jsonl")
      #expect(first.imagesHashed == 20 && first.imagesReused == 0 && first.warnings == 1)
      let second = try fixture.build("items.jsonl", previous: fixture.table)
      #expect(second.imagesHashed == 0 && second.imagesReused == 20)
      #expect(second.digest == first.digest && second.sourceSignature == first.sourceSignature)
      let third = try fixture.build("items.jsonl", previous: fixture.table)
      #expect(third.imagesReused == 20)

      try fixture.writeImage("another", to: "images/7.png")
      try fixture.writeImage("here now", to: "images/late.png")
      let old = try ItemTable.open(directory: fixture.table)
      let changed = try fixture.build("items.jsonl", previous: fixture.table)
      let new = try ItemTable.open(directory: fixture.table)
      #expect(changed.imagesHashed == 2 && changed.imagesReused == 19 && changed.warnings == 0)
      let rows = (0..<21).filter { old.contentHash(at: $0) != new.contentHash(at: $0) }
      #expect(rows == [7, 20] && old.digest != new.digest)
      // The table that was open keeps reading its own files.
      #expect(try old.item(at: 20).imagePath == nil && new.item(at: 20).imagePath != nil)
    }
  }

  @Test func anUnchangedNightIsRecognized() throws {
    try withCatalog { fixture in
      let summary = try fixture.build("items.jsonl")
      let table = try ItemTable.open(directory: fixture.table)
      #expect(table.sourceSignature == summary.sourceSignature)
      #expect(try signature(fixture) == summary.sourceSignature)
      var limits = CatalogLimits()
      limits.textBytes -= 1
      #expect(try signature(fixture, limits: limits) != summary.sourceSignature)
    }
  }

  /// Whatever changes in an input, the signature changes.
  @Test(arguments: ["items", "image", "late", "gone", "link"])
  func anyChangeIsRecognized(change: String) throws {
    try withCatalog { fixture in
      let images = fixture.folder + "/images/"
      try FileManager.default.removeItem(atPath: images + "3.png")
      try FileManager.default.createSymbolicLink(atPath: images + "3.png", withDestinationPath: "4.png")
      let summary = try fixture.build("items.jsonl")
      #expect(try signature(fixture) == summary.sourceSignature)
      switch change {
      case "items":
        let text = try String(contentsOfFile: fixture.folder + "/items.jsonl", encoding: .utf8)
        _ = try fixture.write(text + "{\"id\":\"new\",\"title\":\"t\"}\n", to: "items.jsonl")
      case "image": try fixture.writeImage("longer than before", to: "images/3.png")
      case "late": try fixture.writeImage("x", to: "images/late.png")
      case "gone": try FileManager.default.removeItem(atPath: images + "5.png")
      default:
        try FileManager.default.removeItem(atPath: images + "3.png")
        try FileManager.default.createSymbolicLink(atPath: images + "3.png", withDestinationPath: "6.png")
      }
      #expect(try signature(fixture) != summary.sourceSignature)
    }
  }

  @Test func aMissingInputOrTableIsNoSignature() throws {
    try withCatalog { fixture in
      let absent = #expect(throws: CatalogError.self) { try signature(fixture) }
      #expect(absent?.code == .inputMissing)
      _ = try fixture.build("items.jsonl")
      try FileManager.default.removeItem(atPath: fixture.folder + "/items.jsonl")
      #expect(throws: CatalogError.self) { try signature(fixture) }
    }
  }

  @Test func aDamagedEarlierTableOnlyCostsTime() throws {
    try withCatalog { fixture in
      let first = try fixture.build("items.jsonl")
      let path = fixture.table + "/images.bin"
      let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      var random = RandomSource(seed: 5)
      for _ in 0..<200 {
        try fixture.write(damaged(sound, using: &random), to: "table/images.bin")
        if try Data(contentsOf: URL(fileURLWithPath: path)) == Data(sound) { continue }
        let error = #expect(throws: CatalogError.self) { try signature(fixture) }
        #expect(error?.code == .damagedTable)
      }
      let again = try fixture.build("items.jsonl", previous: fixture.table)
      #expect(again.digest == first.digest && again.imagesHashed == 20)
    }
  }
}
