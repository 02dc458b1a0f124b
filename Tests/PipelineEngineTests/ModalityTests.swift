import Foundation
import ItemCatalog
import PipelineEngine
import SemanticIDStore
import TestSupport
import Testing

/// A catalogue with pictures, in a folder of its own.
private struct PictureShop {
  let folder: String
  var encode = "{ text: { model: builtin, dimensions: 32 }, image: { model: builtin } }"

  init(_ folder: String, items: Int = 40) throws {
    self.folder = folder
    var parameters = SampleParameters()
    parameters.items = items
    parameters.users = 5
    parameters.imageSide = 32
    parameters.withoutImageFraction = 0.1
    parameters.withoutTextFraction = 0.1
    try SampleCatalog.write(to: folder, parameters: parameters)
  }

  func pipeline() throws -> Pipeline {
    let yaml = """
      name: shop
      workspace: work
      catalog: { items: items.jsonl, maxRejectedFraction: 0.5 }
      encode: \(encode)
      represent: { dimensions: 8 }
      quantize: { sizes: [4, 16, 8], iterations: 4 }
      resolve: { policy: relocate }
      publish: { keepGenerations: 2 }
      export:
        - { format: parquet, path: ids.parquet }
        - { format: jsonl, path: tables/ids.jsonl }
        - { format: npy, path: arrays }
      report: { buckets: 5 }
      """
    try yaml.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    return Pipeline(try PipelineConfiguration(contentsOf: folder + "/job.yaml"))
  }

  func run(force: StageName? = nil) throws -> RunSummary {
    try pipeline().run(Pipeline.RunOptions(force: force), observer: SilentObserver())
  }

  func metrics(_ summary: RunSummary, _ stage: StageName) -> [String: Double] {
    summary.stages.last { $0.stage == stage }?.metrics ?? [:]
  }

  func store() throws -> SemanticIDStore { try SemanticIDStore.open(folder + "/work/store", mode: .readOnly) }

  func records() throws -> [String: ItemRecord] {
    try store().read { reader in
      var records: [String: ItemRecord] = [:]
      try reader.forEachItem { id, record in records[id] = record }
      return records
    }
  }

  func lines() throws -> [[String: Any]] {
    try String(contentsOfFile: folder + "/items.jsonl", encoding: .utf8).split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
  }
}

@Suite(.serialized) struct ModalityTests {
  @Test func flagsSayWhatAnItemLacks() throws {
    try withTemporaryDirectory { folder in
      let shop = try PictureShop(folder)
      let summary = try shop.run()
      let records = try shop.records()
      var withoutImage = 0
      for item in try shop.lines() {
        guard let id = item["id"] as? String, let record = records[id] else { continue }
        let hasImage = item["image"] is String
        #expect(record.flags.contains(.imageMissing) == !hasImage, "\(id)")
        if !hasImage { withoutImage += 1 }
      }
      #expect(withoutImage > 0)
      #expect(shop.metrics(summary, .encode)["rows"] == Double(records.count))
    }
  }

  @Test func aPictureThatBreaksAtDecodingLeavesTheItemItsText() throws {
    try withTemporaryDirectory { folder in
      let shop = try PictureShop(folder)
      let items = try shop.lines()
      let pictured = items.filter { $0["image"] is String }
      let hasText = { (item: [String: Any]) in
        !((item["text"] as? String) ?? "").isEmpty || !((item["title"] as? String) ?? "").isEmpty
      }
      let broken = try #require(pictured.first(where: hasText))
      let path = folder + "/" + (try #require(broken["image"] as? String))
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      try bytes.prefix(bytes.count / 8).write(to: URL(fileURLWithPath: path))
      _ = try shop.run()
      let id = try #require(broken["id"] as? String)
      #expect(try shop.records()[id] != nil)
    }
  }

  @Test func everyExportIsWrittenAndWrittenAgainWhenItIsGone() throws {
    try withTemporaryDirectory { folder in
      let shop = try PictureShop(folder)
      _ = try shop.run()
      let count = try shop.records().count
      for file in ["ids.parquet", "tables/ids.jsonl", "arrays/ids.npy"] where file != "arrays/ids.npy" {
        #expect(FileManager.default.fileExists(atPath: folder + "/work/" + file), "\(file)")
      }
      let rows = try String(contentsOfFile: folder + "/work/tables/ids.jsonl", encoding: .utf8).split(separator: "\n")
      #expect(rows.count == count)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder + "/work/arrays").contains("codebooks.safetensors"))
      try remove(folder + "/work/ids.parquet")
      let again = try shop.run()
      #expect(again.stages.filter { $0.action == .run }.map(\.stage) == [.export])
      #expect(FileManager.default.fileExists(atPath: folder + "/work/ids.parquet"))
    }
  }

  @Test func theManifestOfAGenerationNamesWhatMadeIt() throws {
    try withTemporaryDirectory { folder in
      let shop = try PictureShop(folder)
      _ = try shop.run()
      let manifest = try shop.store().read { $0.manifest }
      #expect(Set(manifest.artifacts.keys) == ["encoder.text", "encoder.image", "representation"])
      for role in ["encoder.text", "representation"] {
        let path = folder + "/work/models/\(manifest.artifacts[role] ?? "").safetensors"
        #expect(FileManager.default.fileExists(atPath: path))
      }
      #expect(manifest.properties["pipeline"] == "shop")
      #expect(manifest.properties["quantize"]?.contains("quantize.sizes=4, 16, 8") == true)
      #expect(manifest.codebookSizes == [4, 16, 8])
      #expect(manifest.metrics["collisionRate"] != nil && manifest.metrics["utilization"] != nil)
      #expect((manifest.metrics["quantize.trainingError"] ?? 0) > 0)
      #expect(manifest.parent == nil)
    }
  }

  @Test func theReportAgreesWithTheStore() throws {
    try withTemporaryDirectory { folder in
      let shop = try PictureShop(folder)
      let summary = try shop.run()
      let data = try Data(contentsOf: URL(fileURLWithPath: summary.folder + "/report.json"))
      let report = try JSONDecoder().decode(ReportData.self, from: data)
      let records = try shop.records()
      let figures = Dictionary(uniqueKeysWithValues: report.figures.map { ($0.key, $0.value) })
      #expect(figures["items"] == Double(records.count))
      #expect(figures["uniqueSemanticIDs"] == Double(Set(records.values.map(\.semanticID)).count))
      #expect(figures["itemsWithoutImage"] == Double(records.values.count { $0.flags.contains(.imageMissing) }))
      #expect(figures["movedItems"] == Double(records.values.count { $0.flags.contains(.moved) }))
      #expect(report.levels.map(\.size) == [4, 16, 8])
      #expect(report.stages.map(\.name).contains("publish"))
      #expect(report.prefixes.reduce(0) { $0 + $1.items } <= records.count)
      #expect(report.configuration.contains("name: shop"))
    }
  }

  @Test func forgettingTheStagesCostsNoEncoding() throws {
    try withTemporaryDirectory { folder in
      let shop = try PictureShop(folder)
      _ = try shop.run()
      let first = try shop.records()
      try remove(folder + "/work/store")
      try remove(folder + "/work/stages")
      let summary = try shop.run()
      #expect(shop.metrics(summary, .encode)["encoded"] == 0)
      #expect(try shop.records() == first)
    }
  }

  @Test func anotherTemplateEncodesEveryTextAgainButNoPicture() throws {
    try withTemporaryDirectory { folder in
      var shop = try PictureShop(folder)
      let first = shop.metrics(try shop.run(), .encode)
      shop.encode =
        "{ text: { model: builtin, dimensions: 32, template: \"{title} {attributes.color}\" }, "
        + "image: { model: builtin } }"
      let second = shop.metrics(try shop.run(), .encode)
      let texts = try shop.lines().count { !(($0["title"] as? String) ?? "").isEmpty }
      #expect((second["fromCache"] ?? 0) > 0)
      #expect((second["encoded"] ?? 0) <= Double(texts) && (second["encoded"] ?? 0) > 0)
      #expect((first["encoded"] ?? 0) > (second["encoded"] ?? 0))
    }
  }

  @Test func aModalityMayComeAndGo() throws {
    try withTemporaryDirectory { folder in
      var shop = try PictureShop(folder)
      let both = shop.encode
      shop.encode = "{ image: { model: builtin } }"
      _ = try shop.run()
      #expect(try shop.records().values.allSatisfy { $0.flags.contains(.textMissing) })
      let pictured = try shop.records().count
      shop.encode = both
      _ = try shop.run()
      #expect(try shop.records().count > pictured)
      #expect(try shop.store().generations().count == 2)
    }
  }

  @Test func onlyModelsOfKeptGenerationsStay() throws {
    try withTemporaryDirectory { folder in
      let shop = try PictureShop(folder)
      for _ in 0..<4 {
        _ = try shop.run()
        let parameters = SampleParameters()
        _ = parameters
        let path = folder + "/items.jsonl"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let count = try shop.lines().count
        try (text + "{\"id\":\"extra-\(count)\",\"title\":\"An extra thing number \(count)\"}\n").write(
          toFile: path, atomically: true, encoding: .utf8)
        _ = try shop.run(force: .encode)
      }
      let named = Set(try shop.store().generations().flatMap(\.artifacts.values))
      for file in try FileManager.default.contentsOfDirectory(atPath: folder + "/work/models") {
        #expect(named.contains(String(file.prefix { $0 != "." })), "\(file)")
      }
      #expect(try shop.store().generations().count == 2)
    }
  }

  @Test func checkingTellsWhatARunWouldMeetAndLeavesNothing() throws {
    try withTemporaryDirectory { folder in
      let shop = try PictureShop(folder)
      let path = folder + "/items.jsonl"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try (text + "{\"id\":\"\"}\nnot json\n").write(toFile: path, atomically: true, encoding: .utf8)
      let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      let pipeline = try shop.pipeline()
      let result = try pipeline.check()
      #expect(result.items == 40 && result.rejected == 2)
      #expect(result.reasons.values.reduce(0, +) >= 2)
      #expect(result.examples.contains { $0.contains("items.jsonl:") })
      #expect(result.plainText.hasPrefix("40 items"))
      #expect(result.interactions == nil)
      let after = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(after.filter { $0 != "job.yaml" } == before)
    }
  }

  @Test func tooManyBadRecordsFailTheNightAndTheOldOneStays() throws {
    try withTemporaryDirectory { folder in
      let shop = try PictureShop(folder)
      _ = try shop.run()
      let before = try shop.records()
      let path = folder + "/items.jsonl"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let garbage = String(repeating: "garbage\n", count: 100)
      try (text + garbage).write(toFile: path, atomically: true, encoding: .utf8)
      #expect {
        _ = try shop.run()
      } throws: {
        ($0 as? PipelineError)?.code == .invalidData
          && ($0 as? PipelineError)?.message.contains("maxRejectedFraction") == true
      }
      #expect(try shop.records() == before)
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      _ = try shop.run()
      #expect(try shop.records() == before)
    }
  }
}
