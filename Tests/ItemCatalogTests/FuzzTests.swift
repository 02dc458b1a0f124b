import Foundation
import ItemCatalog
import TensorMath
import TestSupport
import Testing

/// Damaged inputs end in items, rejections or a ``CatalogError``; never in a crash, and never in a wrong count.
@Suite("Damaged inputs")
struct FuzzTests {
  static let jsonLine = Array(
    """
    {"id": "a-1", "title": "Caf\\u00e9 \\ud83d\\ude00 日本", "text": "A \\"lamp\\".\\n", "image": "a/../b.png", "x": [1, {"y": null}],
     "attributes": {"brand": "Acme", "price": -12.5e1, "new": true}, "updated_at": "2024"}
    """.replacingOccurrences(of: "\n", with: " ").utf8)
  static let csvRows = Array("1,\"a \"\"b\"\"\",text é,x\r\n2,plain,\"two\nlines\",\r\n".utf8)

  /// Many damaged records go into one file, since a file per record costs more than the reading.
  @Test func tenThousandDamagedJSONRecords() throws {
    var random = RandomSource(seed: 1)
    var bytes: [UInt8] = []
    var marks = 0
    for record in 0..<10_000 {
      bytes += damaged(Self.jsonLine, using: &random).filter { $0 != 0x0A } + [0x0A]
      if record % 100 == 0 {
        bytes += Array("{\"id\":\"mark-\(record)\",\"title\":\"t\"}\n".utf8)
        marks += 1
      }
    }
    let result = try catalog(bytes)
    #expect(result.items.filter { $0.id.hasPrefix("mark-") }.count == marks)
    #expect(result.items.count + result.summary.rejected <= 10_000 + marks)
    #expect(result.summary.rejected > 9_000)
    #expect(Set(result.items.map(\.id)).count == result.items.count)
  }

  @Test func tenThousandDamagedCSVRows() throws {
    var random = RandomSource(seed: 2)
    var good = 0
    for file in 0..<20 {
      var bytes = Array("id,title,text,attributes.a\n".utf8)
      for _ in 0..<500 { bytes += damaged(Self.csvRows, using: &random) }
      var limits = CatalogLimits()
      limits.recordBytes = 200 + file * 50
      let result = try catalog(bytes, name: "items.csv", limits: limits)
      good += result.items.count
      #expect(Set(result.items.map(\.id)).count == result.items.count)
    }
    #expect(good > 20)
  }

  @Test func damagedHeaders() throws {
    var random = RandomSource(seed: 3)
    try withCatalogFixture { fixture in
      for _ in 0..<500 {
        try fixture.overwrite(damaged(Array("id,title,text\n1,a,b\n2,c,d\n".utf8), using: &random), to: "items.csv")
        do {
          let summary = try fixture.build("items.csv")
          #expect(summary.items <= 32)
        } catch let error as CatalogError {
          #expect(error.code == .badData)
        }
      }
    }
  }

  @Test func tenThousandDamagedInteractions() throws {
    var random = RandomSource(seed: 4)
    try withCatalogFixture { fixture in
      for (name, header, row) in [
        ("log.csv", "user_id,item_id,timestamp,rating,event\n", "u1,\"i,1\",978300760,4.5,view\n"),
        (
          "log.jsonl", "", "{\"user_id\":\"u\",\"item_id\":7,\"timestamp\":1e9,\"rating\":4.5,\"event\":\"v\\u0041\"}\n"
        ),
      ] {
        var bytes = Array(header.utf8)
        for _ in 0..<10_000 { bytes += damaged(Array(row.utf8), using: &random) }
        try fixture.write(bytes, to: name)
        let log = try InteractionReader().read([fixture.folder + "/" + name])
        #expect(log.count > 0 && log.summary.rejected > 1000)
        #expect(log.userIndices.allSatisfy { $0 >= 0 && Int($0) < log.users.count })
      }
    }
  }

  @Test func tenThousandDamagedGzipFiles() throws {
    var random = RandomSource(seed: 5)
    let sound = [UInt8](try #require(Data(base64Encoded: GzipTests.twoItems)))
    try withCatalogFixture { fixture in
      let path = fixture.folder + "/log.jsonl.gz"
      var failures = 0
      for _ in 0..<10_000 {
        try fixture.overwrite(damaged(sound, using: &random), to: "log.jsonl.gz")
        do {
          #expect(try InteractionReader().read([path]).count == 0)
        } catch let error as CatalogError {
          #expect(error.code == .badData)
          failures += 1
        }
      }
      #expect(failures > 9_000)
    }
  }

  @Test(arguments: ["items.idx", "items.bin"])
  func tenThousandDamagedTables(name: String) throws {
    var random = RandomSource(seed: 6)
    try withCatalogFixture { fixture in
      _ = try fixture.write(ItemTableTests.lines, to: "items.jsonl")
      _ = try fixture.build("items.jsonl")
      let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture.table + "/" + name)))
      for _ in 0..<10_000 {
        let bytes = damaged(sound, using: &random)
        guard bytes != sound else { continue }
        try fixture.overwrite(bytes, to: "table/" + name)
        let error = #expect(throws: CatalogError.self) { try fixture.items() }
        #expect(error?.code == .damagedTable)
      }
    }
  }
}
