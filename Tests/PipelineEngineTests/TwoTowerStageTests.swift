import BehaviorAlignment
import Foundation
import PipelineEngine
import TensorMath
import TestSupport
import Testing

@Suite("Two-tower models in pipelines")
struct TwoTowerStageTests {
  private static let tower =
    "width: 16, dropout: 0, epochs: 4, positionsPerBatch: 64, negatives: 32, maximumHistory: 10, learningRate: 0.1"

  private static func pairs(_ folder: String, _ more: String = "") -> PairsFixture {
    PairsFixture(folder: folder, section: "{ window: { leaveLast: 1 }, userToItem: { \(tower) }\(more) }")
  }

  private static func behavior(_ folder: String) -> PairsFixture {
    var fixture = PairsFixture(folder: folder)
    fixture.pipeline.extra =
      "pairs: { window: { leaveLast: 1 } }\nbehavior: { model: two-tower, \(tower), dimensions: 12 }"
    return fixture
  }

  private static func metrics(_ summary: RunSummary, _ stage: StageName) throws -> [String: Double] {
    try #require(summary.stages.first { $0.stage == stage }).metrics
  }

  /// The pairs by items' ids.
  private static func mined(_ fixture: PairsFixture) throws -> [String: Float] {
    let table = try PairTable(contentsOf: fixture.stageFolder + "/pairs.safetensors")
    let items = try String(contentsOfFile: fixture.stageFolder + "/items.txt", encoding: .utf8).split(separator: "\n")
    var pairs: [String: Float] = [:]
    for row in table.rows(of: .userToItem) {
      let pair = table[row]
      pairs["\(items[2 + Int(pair.trigger)]) \(items[2 + Int(pair.target)])"] = pair.weight
    }
    return pairs
  }

  @Test func userToItemPairsArriveInTheFileAndTheReport() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.pairs(folder, ", swing: {}, filters: { minimumSupport: 2 }")
      let summary = try fixture.run()
      let metrics = try fixture.metrics(summary)
      #expect(metrics["userToItem.items"] == 60 && metrics["userToItem.epochs"] == 4)
      #expect(metrics["userToItem.validation.recall@10"] ?? 0 > 0.3)
      let candidates = metrics["userToItem.candidates"] ?? 0
      #expect(metrics["userToItem.similarity.kept"] == candidates && metrics["userToItem.similarity.dropped"] == 0)
      let kept = metrics["userToItem.support.kept"] ?? 0
      #expect(kept + (metrics["userToItem.support.dropped"] ?? 0) == candidates && kept > 0 && kept < candidates)
      #expect(metrics["pairs"] == (metrics["swing.pairs"] ?? 0) + (metrics["userToItem.pairs"] ?? 0))
      #expect(metrics["nearby.pairs"] == nil && metrics["userToItem.covered"] ?? 0 > 0)

      let pairs = try Self.mined(fixture)
      #expect(Double(pairs.count) == metrics["userToItem.pairs"] && pairs.values.allSatisfy { $0 >= 2 })
      let report = try JSONDecoder().decode(
        ReportData.self, from: Data(contentsOf: URL(fileURLWithPath: summary.folder + "/report.json")))
      let source = try #require(report.pairs?.sources.last)
      #expect(source.name == "userToItem" && Double(source.pairs) == metrics["userToItem.pairs"])
      #expect(source.filters.map(\.name) == ["minimum similarity", "minimum support"] && !source.examples.isEmpty)
      let page = try String(contentsOfFile: summary.folder + "/report.html", encoding: .utf8)
      #expect(page.contains(">userToItem<") && page.contains("minimum similarity"))
      #expect(!FileSystemNames.contains("checkpoint-", in: fixture.stageFolder))
      #expect(try ran(fixture.run()).isEmpty)
    }
  }

  @Test func dissimilarPairsAreDroppedAndCounted() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.pairs(folder)
      let all = try fixture.metrics(fixture.run(until: .pairs))
      fixture.pipeline.extra = fixture.pipeline.extra.replacingOccurrences(
        of: "userToItem: {", with: "userToItem: { minimumSimilarity: 0.5,")
      #expect(try #require(fixture.pipeline.plan()[.pairs]).reason.contains("pairs.userToItem.mining changed"))
      let some = try fixture.metrics(fixture.run(until: .pairs))
      let kept = some["userToItem.similarity.kept"] ?? -1, dropped = some["userToItem.similarity.dropped"] ?? -1
      #expect(kept + dropped == all["userToItem.candidates"] && kept == some["userToItem.pairs"])
      #expect(kept > 0 && dropped > 0)
    }
  }

  @Test func eventsBeyondTheWindowAreNotLearnedFrom() throws {
    // Users stay within ten items; the event behind theirs is on an item of other users.
    func pairs(_ shift: Int) throws -> [String: Float] {
      try withTemporaryDirectory { folder in
        var fixture = Self.pairs(folder)
        fixture.log += (0..<60).map { "u\($0),item-\(($0 + shift) % 6 * 10),\(1000 + $0)" }
        _ = try fixture.run(until: .pairs)
        return try Self.mined(fixture)
      }
    }
    let first = try pairs(1)
    #expect(first.count > 100)
    #expect(try pairs(2) == first)
  }

  /// Stops the run once some epochs are made.
  private func stop(_ fixture: PairsFixture, in stage: StageName, at epoch: Int) throws -> Int {
    try fixture.writeLog()
    let interruption = Interruption()
    let stopper = RecordingObserver { event in
      if case .progress(stage, let step, epoch, _, "epochs", _) = event, step.contains("training") {
        interruption.request()
      }
    }
    let error = #expect(throws: PipelineError.self) {
      try Interruption.$current.withValue(interruption) { _ = try fixture.pipeline.run(observer: stopper) }
    }
    #expect(error?.code == .interrupted)
    return try trainedEpochs(fixture, stage)
  }

  /// Epochs that another run makes.
  private func trainedEpochs(_ fixture: PairsFixture, _ stage: StageName) throws -> Int {
    let recorder = ProgressRecorder()
    try fixture.pipeline.run(observer: recorder)
    return recorder.lines.count { $0.stage == stage.rawValue && $0.unit == "epochs" }
  }

  @Test func stoppedPairTrainingGoesOn() throws {
    var undisturbed: [String: Float] = [:]
    try withTemporaryDirectory { folder in
      let fixture = Self.pairs(folder)
      _ = try fixture.run()
      undisturbed = try Self.mined(fixture)
    }
    try withTemporaryDirectory { folder in
      let fixture = Self.pairs(folder)
      let epochs = try stop(fixture, in: .pairs, at: 3)
      #expect(epochs == 1)
      #expect(try Self.mined(fixture) == undisturbed)
    }
  }

  @Test func aCheckpointOfAnotherLogIsNotGoneOnFrom() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.pairs(folder)
      try fixture.writeLog()
      let interruption = Interruption()
      let stopper = RecordingObserver { event in
        if case .progress(.pairs, _, 2, _, "epochs", _) = event { interruption.request() }
      }
      #expect(throws: PipelineError.self) {
        try Interruption.$current.withValue(interruption) { _ = try fixture.pipeline.run(observer: stopper) }
      }
      #expect(FileSystemNames.contains("checkpoint-", in: fixture.stageFolder))
      fixture.log.append("u1,item-14,700")
      try fixture.writeLog()
      #expect(try trainedEpochs(fixture, .pairs) == 4)
      #expect(!FileSystemNames.contains("checkpoint-", in: fixture.stageFolder))
    }
  }

  @Test func itsItemVectorsJoinTheRepresentation() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.behavior(folder)
      let summary = try fixture.run()
      let behavior = try Self.metrics(summary, .behavior)
      #expect(behavior["epochs"] == 4 && behavior["items"] == 60)
      #expect(behavior["validation.recall@10"] ?? 0 > 0.3)
      #expect(try Self.metrics(summary, .represent)["dimensions"] == 12)
      // Frozen with the first night, as SASRec's are.
      var later = fixture
      later.pipeline.set("aaa-new-item", PipelineFixture.sentence(77))
      #expect(try Self.metrics(later.run(), .behavior)["epochs"] == nil)
    }
  }

  @Test func stoppedBehaviorTrainingGoesOn() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.behavior(folder)
      let epochs = try stop(fixture, in: .behavior, at: 2)
      #expect(epochs == 2)
    }
  }

  @Test func anotherModelTrainsAnew() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.behavior(folder)
      _ = try fixture.run()
      fixture.pipeline.extra = fixture.pipeline.extra.replacingOccurrences(
        of: "model: two-tower, \(Self.tower)", with: "width: 16, epochs: 2, positionsPerBatch: 256")
      #expect(try Self.metrics(fixture.run(), .behavior)["epochs"] == 2)
    }
  }

  @Test func aLogWithoutASecondEventSaysWhatToDo() throws {
    try withTemporaryDirectory { folder in
      let error = try PairsFixture(folder: folder).error(
        "{ userToItem: {} }", log: "user_id,item_id,timestamp\nu,item-1,1\nv,item-2,2\n")
      #expect(error?.code == .invalidData && error?.message.contains("no user has two events") == true)
    }
  }
}

private enum FileSystemNames {
  static func contains(_ prefix: String, in folder: String) -> Bool {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).contains { $0.hasPrefix(prefix) }
  }
}

@Suite("The configuration of two-tower models")
struct TwoTowerConfigurationTests {
  private func configuration(_ sections: String) throws -> PipelineConfiguration {
    let yaml = "name: p\nseed: 7\ncatalog:\n  items: items.jsonl\n  interactions: log.csv\n\(sections)\n"
    return try PipelineConfiguration(
      yaml: Array(yaml.utf8), path: "/shop/p.yaml", environment: [:], currentDirectory: "/shop")
  }

  @Test func everyKeyIsRead() throws {
    let settings = try #require(
      try configuration(
        """
        pairs: {userToItem: {history: 20, minimumSimilarity: 0.25, width: 64, hidden: 96, pooling: mean, dropout: 0.25,
          maximumHistory: 30, epochs: 5, learningRate: 0.5, positionsPerBatch: 256, negatives: 128, temperature: 0.125,
          frequencyCorrection: 0.75, patience: 2, itemLimit: 1000, precision: bf16, seed: 9}}
        """
      ).pairs?.userToItem)
    #expect(settings.mining.history == 20 && settings.mining.minimumSimilarity == 0.25)
    #expect(settings.shape.width == 64 && settings.shape.hidden == 96 && settings.shape.pooling == .mean)
    #expect(settings.shape.dropout == 0.25 && settings.shape.maximumHistory == 30)
    let training = settings.training
    #expect(training.epochs == 5 && training.learningRate == 0.5 && training.positionsPerBatch == 256)
    #expect(training.negatives == 128 && training.temperature == 0.125 && training.frequencyCorrection == 0.75)
    #expect(training.patience == 2 && training.itemLimit == 1000 && training.precision == .brain && training.seed == 9)
  }

  @Test func itIsMinedWhereItsSectionIsThere() throws {
    let plain = try #require(try configuration("pairs: {}").pairs)
    #expect(plain.userToItem == nil && plain.swing != nil && plain.nearby != nil)
    let alone = try #require(try configuration("pairs: { userToItem: {} }").pairs)
    #expect(alone.swing == nil && alone.nearby == nil)
    #expect(alone.userToItem?.mining == .init() && alone.userToItem?.shape == .init())
    #expect(alone.userToItem?.training.seed == 7)
  }

  @Test(arguments: [
    ("pairs: { userToItem: { history: 0 } }", "from 1 to 1000"),
    ("pairs: { userToItem: { pooling: max } }", "attention"),
    ("pairs: { userToItem: { layers: 2 } }", "layers"),
    ("pairs: { userToItm: {} }", "did you mean 'userToItem'"),
    ("pairs: {}\nbehavior: { model: two-towers }", "two-tower"),
    ("pairs: {}\nbehavior: { model: two-tower, heads: 2 }", "behavior.heads is of the model sasrec"),
    ("pairs: {}\nbehavior: { temperature: 0.1 }", "behavior.temperature is of the two-tower model"),
  ])
  func mistakesAreNamed(sections: String, words: String) {
    let error = #expect(throws: PipelineError.self) {
      try configuration(sections + "\nencode: { text: { model: builtin } }\nrepresent: {}")
    }
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }
}
