import Foundation
import PipelineEngine
import TestSupport
import Testing

@Suite("The shelf of recommenders")
struct RecommenderShelfTests {
  private static func entry(_ generation: UInt64, key: String = "key") -> RecommenderShelf.Entry {
    RecommenderShelf.Entry(generation: generation, fingerprint: "abc\(generation)", key: key)
  }

  /// A shelf with generations whose models are there.
  private static func shelf(_ folder: String, _ generations: [UInt64]) throws -> RecommenderShelf {
    try FileManager.default.createDirectory(atPath: folder + "/models", withIntermediateDirectories: true)
    let shelf = RecommenderShelf(Workspace(root: folder))
    for generation in generations {
      try Data([1]).write(to: URL(fileURLWithPath: folder + "/models/abc\(generation).safetensors"))
      try shelf.put(entry(generation))
    }
    return shelf
  }

  private static func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder + "/recommenders").sorted()
  }

  @Test func whatIsPutIsFoundByItsGeneration() throws {
    try withTemporaryDirectory { folder in
      let shelf = try Self.shelf(folder, [1, 12])
      #expect(shelf.entry(1) == Self.entry(1))
      #expect(shelf.entry(12) == Self.entry(12))
      #expect(shelf.entry(2) == nil)
      #expect(RecommenderShelf(Workspace(root: folder)).entry(12) == Self.entry(12))
    }
  }

  @Test func anEmptyWorkspaceHasNoEntries() throws {
    try withTemporaryDirectory { folder in
      let shelf = RecommenderShelf(Workspace(root: folder))
      #expect(shelf.entry(1) == nil)
      #expect(shelf.keepOnly([1]).isEmpty)
    }
  }

  @Test func aLaterEntryTakesThePlaceOfAnEarlierOne() throws {
    try withTemporaryDirectory { folder in
      let shelf = try Self.shelf(folder, [3])
      try shelf.put(Self.entry(3, key: "other"))
      #expect(shelf.entry(3)?.key == "other")
      #expect(try Self.names(folder) == ["3.json"])
    }
  }

  @Test func onlyKeptGenerationsStay() throws {
    try withTemporaryDirectory { folder in
      let shelf = try Self.shelf(folder, [1, 2, 12])
      try "a note\n".write(toFile: folder + "/recommenders/notes.txt", atomically: true, encoding: .utf8)
      #expect(shelf.keepOnly([2, 12, 13]) == ["abc2", "abc12"])
      #expect(try Self.names(folder) == ["12.json", "2.json"])
      #expect(shelf.entry(1) == nil && shelf.entry(12) != nil)
    }
  }

  @Test(arguments: ["", "{", "[]", "{\"generation\": 1}", "{\"generation\": \"1\", \"fingerprint\": 2, \"key\": 3}"])
  func aDamagedEntryIsNone(content: String) throws {
    try withTemporaryDirectory { folder in
      let shelf = try Self.shelf(folder, [1])
      try content.write(toFile: folder + "/recommenders/1.json", atomically: true, encoding: .utf8)
      #expect(shelf.entry(1) == nil)
      #expect(shelf.keepOnly([1]).isEmpty)
    }
  }

  @Test func anEntryOfAnotherGenerationIsNone() throws {
    try withTemporaryDirectory { folder in
      let shelf = try Self.shelf(folder, [1, 2])
      try FileManager.default.removeItem(atPath: folder + "/recommenders/2.json")
      try FileManager.default.copyItem(
        atPath: folder + "/recommenders/1.json", toPath: folder + "/recommenders/2.json")
      #expect(shelf.entry(2) == nil && shelf.entry(1) != nil)
    }
  }

  @Test func anEntryWithoutItsModelIsNone() throws {
    try withTemporaryDirectory { folder in
      let shelf = try Self.shelf(folder, [1])
      try FileManager.default.removeItem(atPath: folder + "/models/abc1.safetensors")
      #expect(shelf.entry(1) == nil)
    }
  }

  @Test func noExportMayHaveItsName() {
    let yaml = """
      name: a
      catalog: { items: x.jsonl }
      encode: { text: {} }
      represent: {}
      quantize: {}
      resolve: {}
      publish: {}
      export: [ { format: csv, path: recommenders/ids.csv } ]
      """
    let text = message(yaml)
    #expect(text.contains("export[0].path: 'recommenders/ids.csv'") && text.contains("uses itself"), "\(text)")
  }
}

/// The recommender that a workspace has lost, or damaged, is trained again or named; it is never guessed.
@Suite("A recommender that is gone")
struct LostRecommenderTests {
  @Test func aMissingModelIsTrainedAgain() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: nil)
      try fixture.run()
      let answers = try fixture.answers()
      let entry = try #require(fixture.shelved(1))
      try FileManager.default.removeItem(atPath: folder + "/work/models/\(entry.fingerprint).safetensors")
      let error = #expect(throws: PipelineError.self) { try fixture.answers() }
      #expect(error?.code == .inputMissing)
      #expect(error?.message.contains("run 'tessera train' again") == true)
      #expect(try trainStage(fixture.run()).metrics["steps"] != nil)
      #expect(fixture.shelved(1) == entry)
      #expect(try fixture.answers() == answers)
    }
  }

  @Test func otherSettingsTrainAnotherForTheSameGeneration() throws {
    try withTemporaryDirectory { folder in
      var fixture = TuningFixture(folder, finetune: nil)
      try fixture.run()
      let entry = try #require(fixture.shelved(1))
      fixture.pairs.pipeline.extra = fixture.pairs.pipeline.extra.replacingOccurrences(
        of: "epochs: 3", with: "epochs: 2")
      #expect(try trainStage(fixture.run()).metrics["steps"] != nil)
      let other = try #require(fixture.shelved(1))
      #expect(other.key != entry.key && other.fingerprint != entry.fingerprint)
      #expect(try fixture.generations() == [1])
    }
  }
}
