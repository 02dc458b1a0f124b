import Foundation
import PipelineEngine
import Recommenders
import TestSupport
import Testing

@Suite("The train stage")
struct TrainStageTests {
  private static let section = """
    { width: 16, heads: 2, layers: 1, hidden: 32, epochs: 3, warmup: 5, positionsPerBatch: 128,
      baselines: [popularity, item-knn, sasrec],
      sasrec: { width: 16, heads: 2, layers: 1, epochs: 2, positionsPerBatch: 128 } }
    """

  private static func fixture(_ folder: String, _ section: String = section) -> PairsFixture {
    var fixture = PairsFixture(folder: folder)
    fixture.pipeline.extra = "pairs: { window: { leaveLast: 2 } }\ntrain: \(section)\nreport: {}"
    return fixture
  }

  private static func metrics(_ summary: RunSummary) throws -> [String: Double] {
    try #require(summary.stages.first { $0.stage == .train }).metrics
  }

  private static func served(_ folder: String) throws -> ServedRecommender {
    try ServedRecommender(Pipeline(try PipelineConfiguration(contentsOf: folder + "/pipeline.yaml")))
  }

  @Test func theRecommenderIsTrainedMeasuredAndReported() throws {
    try withTemporaryDirectory { folder in
      let metrics = try Self.metrics(Self.fixture(folder).run())
      #expect(try #require(metrics["steps"]) > 0)
      for name in ["Popularity", "ItemKNN", "SASRec", "Generator"] {
        let recall = try #require(metrics["\(name).recall@50"])
        #expect(recall > 0 && recall <= 1, "\(name)")
      }
      let report = try String(contentsOfFile: folder + "/work/runs/000001/report.html", encoding: .utf8)
      #expect(report.contains("<h2>Recommender") || report.contains("Recommender</h2>"))
      #expect(report.contains("recommender.rows.3.recallAt10"))
    }
  }

  @Test func progressShowsLossRateAndShareOfThePeak() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder)
      try fixture.writeLog()
      let observer = ProgressRecorder()
      let summary = try fixture.pipeline.run(observer: observer)
      let steps = observer.lines.filter { $0.title == "train: training" }
      #expect(Double(steps.count) == (try Self.metrics(summary))["steps"])
      #expect(steps.map(\.completed) == Array(1...steps.count))
      #expect(steps.allSatisfy { $0.total == steps.count }, "the number of steps is known before the first")
      for part in ["loss ", "rate ", "tokens/s", "% of peak"] {
        #expect(steps.allSatisfy { $0.detail.contains(part) }, "\(part)")
      }
      let metrics = try Self.metrics(summary)
      #expect(try #require(metrics["peakShare"]) > 0)
      #expect(metrics["gigaflopsPerSecond"] != nil)
    }
  }

  @Test func theEventLogKeepsWhatTheStepsReached() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run()
      let log = try Data(contentsOf: URL(fileURLWithPath: folder + "/work/stages/train/training.json"))
      let record = try #require(try JSONSerialization.jsonObject(with: log) as? [String: Any])
      let steps = try #require(record["steps"] as? [[String: Any]])
      #expect(steps.first?["step"] as? Int == 1)
      for key in ["loss", "learningRate", "tokensPerSecond", "gigaflopsPerSecond", "peakShare"] {
        #expect(steps.allSatisfy { $0[key] is NSNumber }, "\(key)")
      }
      let report = try String(contentsOfFile: folder + "/work/runs/000001/report.html", encoding: .utf8)
      #expect(report.contains("Share of the matrix peak"))
    }
  }

  @Test func anEncoderDecoderWithExpertsIsTrainedAndServed() throws {
    try withTemporaryDirectory { folder in
      let section = """
        { backbone: encoder-decoder, decoderLayers: 1, cutsPerSequence: 2, targetItems: 2, tiesTables: false,
          experts: { count: 4, selected: 2, hidden: 16 }, width: 16, heads: 2, layers: 1, hidden: 32, epochs: 2, warmup: 5,
          positionsPerBatch: 512, baselines: [popularity] }
        """
      let observer = ProgressRecorder()
      let fixture = Self.fixture(folder, section)
      try fixture.writeLog()
      let metrics = try Self.metrics(fixture.pipeline.run(observer: observer))
      #expect(try #require(metrics["Generator.recall@50"]) > 0)
      let steps = observer.lines.filter { $0.title == "train: training" }
      #expect(steps.last?.completed == steps.last?.total)
      #expect(steps.allSatisfy { $0.detail.contains("experts ") })
      #expect(try Self.served(folder).recommend(history: ["item-1", "item-2"], count: 5).count == 5)
      #expect(!ran(try fixture.run()).contains(.train))
    }
  }

  @Test func sessionsAreCountedInManifestAndRecord() throws {
    try withTemporaryDirectory { folder in
      let section = """
        { backbone: encoder-decoder, decoderLayers: 1, targetItems: 3, sessions: { gap: 20, minimumItems: 2 },
          width: 16, heads: 2, layers: 1, hidden: 32, epochs: 1, warmup: 5, positionsPerBatch: 512, baselines: [] }
        """
      let summary = try Self.fixture(folder, section).run()
      let metrics = try Self.metrics(summary)
      let sessions = try #require(metrics["sessions"]), kept = try #require(metrics["sessions.kept"])
      #expect(kept > 0 && sessions > kept && sessions == kept + (metrics["sessions.tooFewItems"] ?? 0))
      let log = try Data(contentsOf: URL(fileURLWithPath: folder + "/work/stages/train/training.json"))
      let record = try #require(try JSONSerialization.jsonObject(with: log) as? [String: Any])
      #expect((record["sessions"] as? [String: Any])?["kept"] as? Double == kept)
      let served = try Self.served(folder)
      for session in try [served.session(user: "u7", items: 3), served.session(history: ["item-1"], items: 3)] {
        #expect(Set(session.map(\.item)).count == 3 && session.allSatisfy { $0.score <= 0 })
      }
      #expect(
        try served.session(history: ["item-1"], items: 1).map(\.item)
          == served.recommend(history: ["item-1"], count: 1).map(\.item))
      let tooMany = #expect(throws: RecommenderError.self) { try served.session(user: "u7", items: 4) }
      #expect(tooMany?.message.contains("train an encoder-decoder with targetItems 4") == true)
    }
  }

  @Test func pathwaysAreTrainedMeasuredAndServed() throws {
    try withTemporaryDirectory { folder in
      let section = """
        { backbone: encoder-decoder, decoderLayers: 1, maximumHistory: 2, width: 16, heads: 2, layers: 1, hidden: 32,
          pathways: { traits: true, positive: 4, lifelong: 20, queries: 2 }, positive: { minimumRating: 4 },
          epochs: 1, positionsPerBatch: 512, baselines: [popularity] }
        """
      let fixture = Self.fixture(folder, section)
      let lines = fixture.log.enumerated().map { "\($1),\($0 % 3 + 3)" }
      let text = "user_id,item_id,timestamp,rating\n" + lines.joined(separator: "\n") + "\n"
      try text.write(toFile: folder + "/interactions.csv", atomically: true, encoding: .utf8)
      #expect(try #require(try Self.metrics(fixture.pipeline.run())["Generator.recall@50"]) > 0)
      let served = try Self.served(folder)
      #expect(try served.recommend(user: "u7", count: 5).count == 5)
      #expect(try served.recommend(history: ["item-1", "item-2", "item-3", "item-4"], count: 5).count == 5)
      #expect(try served.recommend(history: [], count: 5).count == 5)
      #expect(!ran(try fixture.pipeline.run()).contains(.train))
    }
  }

  @Test func aLogWithoutTimesIsWarnedOfAndTrainsOnTheNextItems() throws {
    try withTemporaryDirectory { folder in
      let section = """
        { backbone: encoder-decoder, decoderLayers: 1, targetItems: 2, sessions: {}, width: 16, heads: 2, layers: 1,
          hidden: 32, epochs: 1, positionsPerBatch: 512, baselines: [] }
        """
      let fixture = Self.fixture(folder, section), observer = ProgressRecorder()
      let text =
        "user_id,item_id,position\n"
        + fixture.log.enumerated().map { place, event in
          event.split(separator: ",").prefix(2).joined(separator: ",") + ",\(place)"
        }.joined(separator: "\n") + "\n"
      try text.write(toFile: folder + "/interactions.csv", atomically: true, encoding: .utf8)
      let metrics = try Self.metrics(fixture.pipeline.run(observer: observer))
      #expect(metrics["sessions"] == nil && metrics["steps"] != nil)
      #expect(observer.warnings.contains { $0.contains("train.sessions: the log has no times") })
    }
  }

  @Test func anUnchangedNightTrainsNothing() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder)
      _ = try fixture.run()
      #expect(!ran(try fixture.run()).contains(.train))
    }
  }

  @Test func aNewGenerationTrainsAnew() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder)
      _ = try fixture.run()
      fixture.pipeline.set("new-item", PipelineFixture.sentence(77))
      #expect(ran(try fixture.run()).contains(.train))
      #expect(try Self.served(folder).recommend(history: ["new-item"], count: 3).count == 3)
    }
  }

  @Test func itemsAreRecommendedToAUserAndAfterAHistory() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run()
      let served = try Self.served(folder)
      let toUser = try served.recommend(user: "u7", count: 5)
      #expect(toUser.count == 5)
      #expect(Set(toUser.map(\.item)).count == 5)
      #expect(zip(toUser, toUser.dropFirst()).allSatisfy { $0.score >= $1.score })
      let after = try served.recommend(history: ["item-1", "item-2"], count: 8)
      #expect(!after.contains { ["item-1", "item-2"].contains($0.item) })
      #expect(try served.recommend(history: [], count: 4).count == 4)
    }
  }

  @Test func whoAndWhatIsUnknownIsNamed() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run()
      let served = try Self.served(folder)
      let user = #expect(throws: PipelineError.self) { try served.recommend(user: "nobody", count: 5) }
      #expect(user?.message.contains("no user \"nobody\"") == true)
      let item = #expect(throws: PipelineError.self) { try served.recommend(history: ["nothing"], count: 5) }
      #expect(item?.message.contains("no item \"nothing\"") == true)
    }
  }

  @Test func aRecommenderOfAnotherGenerationIsRefused() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder)
      _ = try fixture.run()
      fixture.pipeline.set("new-item", PipelineFixture.sentence(77))
      _ = try fixture.run(until: .publish)
      let error = #expect(throws: PipelineError.self) { try Self.served(folder) }
      #expect(error?.message.contains("generation 2 is served") == true)
      #expect(error?.message.contains("run 'tessera train' again") == true)
    }
  }

  @Test func nothingTrainedSaysWhatToRun() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run(until: .publish)
      let error = #expect(throws: PipelineError.self) { try Self.served(folder) }
      #expect(error?.message.contains("run 'tessera train'") == true)
    }
  }

  @Test func severalSeedsGiveAMeanAndADeviation() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run()
      let table = try Self.served(folder).evaluate(seeds: 2, baselines: [.popularity])
      #expect(table.rows.map(\.recommender) == ["Popularity", "Generator"])
      let generator = try #require(table.rows.last)
      #expect(generator.runs == 2)
      #expect(generator.accuracy(at: 10)?.recall.deviation != nil)
      #expect(table.plainText().contains("Generator"))
    }
  }

  @Test func aDenseHeadHasARowOfItsOwn() throws {
    try withTemporaryDirectory { folder in
      let section = Self.section.replacingOccurrences(of: "hidden: 32", with: "hidden: 32, rerank: 2")
      let metrics = try Self.metrics(Self.fixture(folder, section).run())
      #expect(metrics["Generator.recall@50"] != nil)
      #expect(metrics["Generator-reranked.recall@50"] != nil)
      #expect(try Self.served(folder).recommend(history: ["item-1"], count: 3).count == 3)
    }
  }

  @Test(arguments: [
    ("{ width: 10, heads: 4 }", "train.heads: 4 does not divide train.width, 10"),
    ("{ baselines: [sasrek] }", "sasrec"), ("{ window: { leaveLast: 1, fraction: 0.5 } }", "exactly one of"),
    ("{ epoch: 3 }", "epochs"),
  ])
  func mistakesAreNamed(section: String, expected: String) throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder, section)
      try fixture.writeLog()
      let error = #expect(throws: PipelineError.self) { try fixture.pipeline.run() }
      #expect(try #require(error).message.contains(expected))
    }
  }
}
