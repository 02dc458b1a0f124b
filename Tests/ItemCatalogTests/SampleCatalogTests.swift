import Foundation
import ItemCatalog
import TestSupport
import Testing

@Suite struct SampleCatalogTests {
  @Test func equalSeedsGiveEqualFilesAndOthersDoNot() throws {
    try withTemporaryDirectory { directory in
      let first = try written(directory + "/a", items: 60)
      #expect(try written(directory + "/b", items: 60) == first)
      let other = try written(directory + "/c", items: 60) { $0.seed = 2 }
      #expect(other["items.jsonl"] != first["items.jsonl"])
      #expect(other["interactions.csv"] != first["interactions.csv"])
      #expect(first.keys.filter { $0.hasPrefix("images/") }.count > 50)
    }
  }

  @Test func recordsKeepTheCatalogueRules() throws {
    try withTemporaryDirectory { directory in
      let files = try written(directory, items: 400) { $0.imageSide = 32 }
      let items = try records(files)
      #expect(items.count == 400)
      #expect(Set(items.map(\.id)).count == 400)
      for item in items {
        #expect((1...255).contains(item.id.utf8.count))
        #expect(!item.title.isEmpty || item.image != nil)
        #expect(item.title.isEmpty == item.text.isEmpty)
        guard let image = item.image else { continue }
        let bytes = try #require(files[image], "\(image)")
        let header = try ImageDecoder.header(bytes: [UInt8](bytes))
        #expect(image.hasSuffix(header.format == .png ? ".png" : ".jpg"))
        #expect((header.width, header.height) == (32, 32))
        #expect(decodingError([UInt8](bytes)) == nil)
      }
      #expect(files.keys.filter { $0.hasPrefix("images/") }.count == items.count { $0.image != nil })
    }
  }

  @Test func catalogueIsAsMixedAsAShop() throws {
    try withTemporaryDirectory { directory in
      let items = try records(written(directory, items: 4_000, images: false))
      let arabic = items.filter { $0.title.unicodeScalars.contains { (0x621...0x64A).contains($0.value) } }
      #expect((0.26...0.34).contains(Double(arabic.count) / 4_000))
      #expect(arabic.contains { $0.title.unicodeScalars.contains("\u{64E}") }, "vowel marks")
      #expect(arabic.contains { $0.title.unicodeScalars.contains("\u{640}") }, "tatweel")
      #expect(Set(items.compactMap { $0.attributes["category"]?.text }).count == 22)
      #expect(Set(items.compactMap { $0.attributes["color"]?.text }).count == 14)
      #expect(Set(items.compactMap { $0.attributes["pattern"]?.text }).count == 5)
      #expect(items.allSatisfy { ($0.attributes["price"]?.number ?? 0) > 0 })
      // Near-duplicates share a title.
      #expect(Set(items.map(\.title)).count < 3_950)
    }
  }

  @Test func someItemsLackAPictureAndSomeTheirWords() throws {
    try withTemporaryDirectory { directory in
      let items = try records(written(directory, items: 500) { $0.imageSide = 32 })
      #expect((5...45).contains(items.count { $0.image == nil }))
      #expect((3...35).contains(items.count { $0.title.isEmpty }))
      #expect(items.allSatisfy { !$0.title.isEmpty || $0.attributes.keys.sorted() == ["price"] })
    }
  }

  @Test func secondNightChangesTheSharesAskedFor() throws {
    try withTemporaryDirectory { directory in
      let first = try written(directory, items: 500) { $0.imageSide = 32 }
      let second = try written(directory, items: 500) {
        $0.imageSide = 32
        $0.night = 2
      }
      let before = Dictionary(uniqueKeysWithValues: try records(first).map { ($0.id, $0) })
      let after = Dictionary(uniqueKeysWithValues: try records(second).map { ($0.id, $0) })
      #expect(before.keys.count { after[$0] == nil } == 1)
      #expect(after.keys.count { before[$0] == nil } == 3)
      let words = after.values.filter { before[$0.id] != nil && before[$0.id]?.text != $0.text }.map(\.id)
      let pictures = after.values.filter { item in
        guard before[item.id] != nil, let image = item.image else { return false }
        return first[image] != second[image]
      }.map(\.id)
      #expect(Set(words + pictures).count == 5)
      #expect(
        Set(words + pictures) == Set(after.values.filter { $0.date == "2025-02-01" && before[$0.id] != nil }.map(\.id)))
      let log = try #require(first["interactions.csv"])
      #expect(second["interactions.csv"]?.starts(with: log) == true)
      #expect(second["interactions.csv"]?.count ?? 0 > log.count)
    }
  }

  @Test func laterNightInPlaceEqualsOneWrittenAtOnce() throws {
    try withTemporaryDirectory { directory in
      func change(_ night: Int) -> (inout SampleParameters) -> Void {
        {
          $0.night = night
          $0.imageSide = 32
          $0.changedFraction = 0.1
          $0.removedFraction = 0.05
          $0.addedFraction = 0.05
        }
      }
      for night in 1...4 { _ = try written(directory + "/a", items: 120, change: change(night)) }
      let inPlace = try written(directory + "/a", items: 120, change: change(4))
      let atOnce = try written(directory + "/b", items: 120, change: change(4))
      #expect(inPlace == atOnce)
      // Going back is a fresh start.
      let back = try written(directory + "/a", items: 120, change: change(1))
      #expect(try back == written(directory + "/c", items: 120, change: change(1)))
    }
  }

  @Test func laterNightDrawsOnlyWhatChanged() throws {
    try withTemporaryDirectory { directory in
      var parameters = SampleParameters()
      parameters.items = 300
      parameters.imageSide = 32
      let first = try SampleCatalog.write(to: directory, parameters: parameters)
      #expect(first.drawnImages == first.images)
      parameters.night = 2
      #expect(try (0...6).contains(SampleCatalog.write(to: directory, parameters: parameters).drawnImages))
      #expect(try SampleCatalog.write(to: directory, parameters: parameters).drawnImages == 0)
    }
  }

  @Test func behaviorIsSkewedInTimeOrderAndLeavesColdItems() throws {
    try withTemporaryDirectory { directory in
      let files = try written(directory, items: 500, images: false)
      let log = String(decoding: try #require(files["interactions.csv"]), as: UTF8.self)
      let rows = log.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
      #expect(log.hasPrefix("user_id,item_id,rating,timestamp,event\n"))
      #expect((18_000...30_000).contains(rows.count))
      let times = rows.compactMap { Int($0[3]) }
      #expect(times.count == rows.count)
      #expect(times == times.sorted())
      let counts = Dictionary(rows.map { ($0[1], 1) }, uniquingKeysWith: +)
      let top = counts.values.sorted(by: >).prefix(50).reduce(0, +)
      #expect(Double(top) / Double(rows.count) > 0.4, "a tenth of the items draws most of the attention")
      #expect(counts.count < 490, "some items are cold")
      #expect(Set(rows.map { $0[4] }) == ["view", "cart", "purchase"])
      #expect(rows.allSatisfy { (1...5).contains(Int($0[2]) ?? 0) })
    }
  }

  @Test func usersReturnToTheBrandsOfTheirTaste() throws {
    try withTemporaryDirectory { directory in
      let files = try written(directory, items: 800, images: false)
      let brands = Dictionary(
        uniqueKeysWithValues: try records(files).map { ($0.id, $0.attributes["brand"]?.text ?? "") })
      let log = String(decoding: try #require(files["interactions.csv"]), as: UTF8.self)
      let rows = log.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
      let byUser = Dictionary(grouping: rows) { $0[0] }
      var (same, chance) = (0, 0)
      let users = byUser.keys.sorted()
      for (user, other) in zip(users, users.dropFirst()) {
        guard let mine = byUser[user], let theirs = byUser[other] else { continue }
        for (a, b) in zip(mine, mine.dropFirst()) where a[1] != b[1] {
          same += brands[String(a[1])] == brands[String(b[1])] ? 1 : 0
        }
        for (a, b) in zip(mine, theirs) where a[1] != b[1] {
          chance += brands[String(a[1])] == brands[String(b[1])] ? 1 : 0
        }
      }
      #expect(Double(same) > 1.3 * Double(chance))
    }
  }

  @Test func faultsAreAddedOnTop() throws {
    try withTemporaryDirectory { directory in
      let files = try written(directory, items: 40) {
        $0.faults = 22
        $0.imageSide = 32
      }
      let lines = try #require(files["items.jsonl"]).split(separator: 0x0A)
      #expect(lines.count == 62)
      let broken = files.filter { $0.key.contains("fault") }
      #expect(broken.count == 6)
      #expect(broken.values.allSatisfy { decodingError([UInt8]($0)) != nil })
      #expect(String(decoding: lines[40], as: UTF8.self).contains("item-0000000"))
    }
  }

  @Test func manyPicturesAreSpreadOverFolders() throws {
    try withTemporaryDirectory { directory in
      let files = try written(directory, items: 2_100) { $0.imageSide = 32 }
      #expect(files.keys.contains { $0.hasPrefix("images/0f/item-") })
      #expect(files.keys.filter { $0.hasPrefix("images/") }.allSatisfy { $0.split(separator: "/").count == 3 })
    }
  }

  @Test func anotherCatalogueIsNotOverwritten() throws {
    try withTemporaryDirectory { directory in
      try Data("{}".utf8).write(to: URL(fileURLWithPath: directory + "/items.jsonl"))
      let error = #expect(throws: CatalogError.self) { try SampleCatalog.write(to: directory) }
      #expect(error?.code == .cannotWrite)
      #expect(try String(contentsOfFile: directory + "/items.jsonl", encoding: .utf8) == "{}")
    }
  }

  @Test func impossibleParametersAreRefused() throws {
    try withTemporaryDirectory { directory in
      let changes: [(inout SampleParameters) -> Void] = [
        { $0.items = 0 }, { $0.night = 0 }, { $0.changedFraction = 1.5 }, { $0.imageSide = 8 }, { $0.users = -1 },
        { $0.arabicFraction = .nan },
      ]
      for change in changes {
        var parameters = SampleParameters()
        change(&parameters)
        let error = #expect(throws: CatalogError.self) {
          try SampleCatalog.write(to: directory, parameters: parameters)
        }
        #expect(error?.code == .badData)
      }
    }
  }
}

/// Writes a sample and reads all of its files.
private func written(
  _ directory: String, items: Int, images: Bool = true, change: (inout SampleParameters) -> Void = { _ in }
) throws -> [String: Data] {
  var parameters = SampleParameters()
  parameters.items = items
  parameters.images = images
  change(&parameters)
  try SampleCatalog.write(to: directory, parameters: parameters)
  var files: [String: Data] = [:]
  for path in try FileManager.default.subpathsOfDirectory(atPath: directory) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory + "/" + path, isDirectory: &isFolder) else { continue }
    if !isFolder.boolValue { files[path] = FileManager.default.contents(atPath: directory + "/" + path) }
  }
  return files
}

private struct Record: Decodable {
  enum Value: Decodable {
    case text(String)
    case number(Double)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      self = try (try? .text(container.decode(String.self))) ?? .number(container.decode(Double.self))
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var number: Double? { if case .number(let number) = self { number } else { nil } }
  }

  let id: String
  let title: String
  let text: String
  let image: String?
  let attributes: [String: Value]
  let date: String

  enum CodingKeys: String, CodingKey {
    case id, title, text, image, attributes
    case date = "updated_at"
  }
}

private func records(_ files: [String: Data]) throws -> [Record] {
  try #require(files["items.jsonl"]).split(separator: 0x0A).map { try JSONDecoder().decode(Record.self, from: $0) }
}
