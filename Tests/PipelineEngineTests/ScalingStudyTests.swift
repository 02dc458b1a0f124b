import Foundation
import PipelineEngine
import TestSupport
import Testing

@Suite("The scaling study")
struct ScalingStudyTests {
  private static func fixture(_ folder: String, _ more: String = "", window: String = "{ leaveLast: 2 }")
    -> PairsFixture
  {
    var fixture = PairsFixture(folder: folder)
    fixture.pipeline.extra = """
      train: { width: 16, heads: 2, layers: 1, hidden: 32, epochs: 3, warmup: 5, positionsPerBatch: 128, baselines: [],
        window: \(window), sweep: [ { width: 8 }, { width: 16 }, { width: 32, layers: 2 } ]\(more) }
      """
    return fixture
  }

  private static func pipeline(_ folder: String) throws -> Pipeline {
    Pipeline(try PipelineConfiguration(contentsOf: folder + "/pipeline.yaml"))
  }

  @Test func sizesAreTrainedOnTheSameDataAndCompared() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run(until: .publish)
      let result = try ScalingStudy(Self.pipeline(folder)).run()
      #expect(result.rows.map(\.width) == [8, 16, 32] && result.rows.map(\.layers) == [1, 1, 2])
      #expect(result.rows.map(\.hidden) == [16, 32, 64])
      #expect(Set(result.rows.map(\.steps)).count == 1, "equal data and epochs")
      #expect(zip(result.rows, result.rows.dropFirst()).allSatisfy { $0.parameters < $1.parameters })
      #expect(zip(result.rows, result.rows.dropFirst()).allSatisfy { $0.operations < $1.operations })
      for row in result.rows {
        #expect(row.trainingLoss.isFinite && row.losses.count == 3 && row.losses.last == row.trainingLoss)
        #expect(try #require(row.validationLoss) > 0)
        #expect((0...1).contains(try #require(row.validationNDCG)) && (1...3).contains(row.bestEpoch))
        #expect(row.seconds > 0 && row.peakShare > 0 && row.peakShare <= 1 && row.stopReason == nil)
      }
      #expect(result.generation == 1 && result.epochs == 3 && result.peak > 0 && result.backbone == "onePosition")
    }
  }

  @Test func figuresAndPlotAreInTheWorkspace() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run(until: .publish)
      let study = try ScalingStudy(Self.pipeline(folder))
      let result = try study.run()
      #expect(study.folder.hasSuffix("/work/studies"))
      let json = try Data(contentsOf: URL(fileURLWithPath: study.folder + "/sweep.json"))
      #expect(try JSONDecoder().decode(ScalingStudy.Result.self, from: json) == result)
      let page = try String(contentsOfFile: study.folder + "/sweep.html", encoding: .utf8)
      #expect(page.hasPrefix("<!DOCTYPE html>") && !page.contains("http://") && !page.contains("<script"))
      // Three figures over compute, and a curve for every size.
      #expect(page.components(separatedBy: "<svg").count - 1 == 6)
      #expect(page.components(separatedBy: "class=\"dot\"").count - 1 == 9)
      for title in ["Training loss", "Validation loss", "NDCG@10", "Width 32, 2 layers"] {
        #expect(page.contains(title), "\(title)")
      }
      let text = result.plainText()
      #expect(text.contains("generation 1, onePosition") && text.contains("TFLOP"))
      #expect(text.split(separator: "\n").count == 1 + 2 + 3)
    }
  }

  /// What is served answers as before, and a run finds nothing to do.
  @Test func theRecommenderThatIsServedIsNotTouched() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder)
      _ = try fixture.run()
      let before = try ServedRecommender(Self.pipeline(folder)).recommend(history: ["item-1", "item-2"], count: 6)
      let models = try FileManager.default.contentsOfDirectory(atPath: folder + "/work/models").sorted()
      _ = try ScalingStudy(Self.pipeline(folder)).run()
      let after = try ServedRecommender(Self.pipeline(folder)).recommend(history: ["item-1", "item-2"], count: 6)
      #expect(before == after)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/work/models").sorted() == models)
      #expect(ran(try fixture.run()).isEmpty)
    }
  }

  @Test func theSameSeedGivesTheSameLosses() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run(until: .publish)
      let study = try ScalingStudy(Self.pipeline(folder))
      let (first, second) = (try study.run(), try study.run())
      #expect(first.rows.map(\.losses) == second.rows.map(\.losses))
      #expect(first.rows.map(\.operations) == second.rows.map(\.operations))
      #expect(first.rows.map(\.validationLoss) == second.rows.map(\.validationLoss))
    }
  }

  @Test func anEncoderDecoderIsSweptToo() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder, ", backbone: encoder-decoder, decoderLayers: 1, experts: { count: 2, selected: 1 }")
        .run(until: .publish)
      let result = try ScalingStudy(Self.pipeline(folder)).run()
      #expect(result.backbone == "encoderDecoder" && result.rows.count == 3)
      #expect(result.rows.allSatisfy { $0.trainingLoss.isFinite && $0.validationLoss != nil })
    }
  }

  @Test func aWindowThatHoldsNothingOutHasNoValidation() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder, window: "{ until: 1e12 }").run(until: .publish)
      let study = try ScalingStudy(Self.pipeline(folder))
      let result = try study.run()
      #expect(result.rows.allSatisfy { $0.validationLoss == nil && $0.validationNDCG == nil && $0.bestEpoch == 3 })
      let page = try String(contentsOfFile: study.folder + "/sweep.html", encoding: .utf8)
      #expect(page.contains("Training loss") && !page.contains("Nats per held-out item"))
    }
  }

  @Test func progressNamesTheSizeAndWhatItReaches() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run(until: .publish)
      let observer = ProgressRecorder()
      _ = try ScalingStudy(Self.pipeline(folder)).run(observer: observer)
      let lines = observer.lines
      #expect(lines.contains { $0.step == "size 2 of 3, width 16" && $0.completed == $0.total })
      #expect(lines.allSatisfy { $0.detail.contains("loss ") && $0.detail.contains("tokens/s") })
    }
  }

  @Test func aStopIsHeard() throws {
    try withTemporaryDirectory { folder in
      _ = try Self.fixture(folder).run(until: .publish)
      let interruption = Interruption()
      interruption.request()
      let error = #expect(throws: (any Error).self) {
        try Interruption.$current.withValue(interruption) { try ScalingStudy(Self.pipeline(folder)).run() }
      }
      #expect(PipelineError(wrapping: try #require(error)).code == .interrupted)
    }
  }

  @Test func whatIsMissingIsNamed() throws {
    try withTemporaryDirectory { folder in
      let fixture = Self.fixture(folder)
      try fixture.writeLog()
      _ = try fixture.pipeline.pipeline()
      let unpublished = #expect(throws: PipelineError.self) { try ScalingStudy(Self.pipeline(folder)) }
      #expect(unpublished?.code == .inputMissing && unpublished?.message.contains("--until publish") == true)
      #expect(!FileManager.default.fileExists(atPath: folder + "/work/store"))
      var without = fixture.pipeline
      without.extra = ""
      let absent = #expect(throws: PipelineError.self) { try ScalingStudy(without.pipeline()) }
      #expect(absent?.code == .invalidData && absent?.message.contains("'train: {}'") == true)
    }
  }
}
