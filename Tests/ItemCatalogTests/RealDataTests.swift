import Foundation
import ItemCatalog
import TestSupport
import Testing

/// The folder of the real sets: `TESSERA_DATA`, or `../shared/data` beside the package.
let realData: String? = {
  let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let candidates = [
    ProcessInfo.processInfo.environment["TESSERA_DATA"], package.path + "/../shared/data",
  ]
  return candidates.compactMap(\.self).first { FileManager.default.fileExists(atPath: $0 + "/movielens/items.jsonl") }
}()

@Suite("Real catalogues", .enabled(if: realData != nil, "no real data: set TESSERA_DATA to the folder of the sets"))
struct RealDataTests {
  @Test(arguments: [("movielens", 3883, 3256), ("amazon-beauty", 12101, 0), ("amazon-scientific", 4344, 0)])
  func everyItemIsRead(set: String, items: Int, images: Int) throws {
    let data = try #require(realData)
    try withTemporaryDirectory { folder in
      let source = CatalogSource(items: ["\(data)/\(set)/items.jsonl"])
      let summary = try CatalogBuilder().build(source, into: folder)
      #expect(summary.items == items && summary.rejected == 0 && summary.warnings == 0)
      #expect(summary.withText == items && summary.withImage == images && summary.imagesHashed == images)
      let table = try ItemTable.open(directory: folder)
      #expect(table.count == items && table.digest == summary.digest)
      #expect(try table.item(at: items - 1).text.isEmpty == false)
    }
  }

  @Test func pathsIntoANeighborFolderNeedAnImageRoot() throws {
    let data = try #require(realData)
    try withTemporaryDirectory { folder in
      var source = CatalogSource(items: ["\(data)/movielens-100k/items.jsonl"])
      let closed = try CatalogBuilder().build(source, into: folder)
      #expect(closed.items == 261 && closed.rejected == 1421)
      source.imageRoot = data
      let open = try CatalogBuilder().build(source, into: folder)
      #expect(open.items == 1682 && open.withImage == 1421 && open.rejected == 0)
    }
  }
}
