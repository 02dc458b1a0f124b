import Foundation
import PipelineEngine
import Recommenders
import SemanticIDStore
import TestSupport
import Testing

/// `train --stage preference` that is stopped and run again.
@Suite("An alignment with a reward that goes on where it stopped")
struct PreferenceResumeTests {
  /// Guards that nothing trips: with so little data chance decides otherwise.
  static let preference = """
    { ratings: [5], rewardEpochs: 20, epochs: 2, candidates: 8, users: 8,
      guards: { minimumRewardAUC: 0, ndcgTolerance: 1, legalityTolerance: 1 } }
    """

  /// Stops at the first event of a step.
  private static func stop(_ pipeline: Pipeline, at step: String) throws {
    let interruption = Interruption()
    let observer = RecordingObserver { event in
      if case .progress(_, step, _, _, _, _) = event { interruption.request() }
    }
    let error = #expect(throws: PipelineError.self, "not stopped at \(step)") {
      try Interruption.$current.withValue(interruption) {
        try PreferenceAlignment(pipeline, observer: observer).run()
      }
    }
    #expect(error?.code == .interrupted)
  }

  private static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  @Test func stoppedInAnyPartItComesToTheSame() throws {
    let whole = try withTemporaryDirectory { folder in
      let pipeline = try PreferenceAlignmentTests.fixture(folder, preference: Self.preference).published(until: .train)
      let outcome = try PreferenceAlignment(pipeline).run()
      return (outcome, try ServedRecommender(pipeline).recommend(user: "u3", count: 5))
    }
    #expect(whole.0.epoch == 2)
    try withTemporaryDirectory { folder in
      let pipeline = try PreferenceAlignmentTests.fixture(folder, preference: Self.preference).published(until: .train)
      let before = try ServedRecommender(pipeline).recommend(user: "u3", count: 5)
      let work = folder + "/work/unfinished/preference"
      for (step, made) in [
        ("training the reward model", "label.json"), ("training the judge", "reward-0.safetensors"),
        ("aligning", "reward-1.safetensors"),
      ] {
        try Self.stop(pipeline, at: step)
        #expect(Self.exists(work + "/" + made), "\(step)")
        #expect(try ServedRecommender(pipeline).recommend(user: "u3", count: 5) == before)
      }
      let recorder = ProgressRecorder()
      let outcome = try PreferenceAlignment(pipeline, observer: recorder).run()
      #expect(!recorder.lines.contains { $0.step.hasPrefix("training the") }, "both models are there")
      #expect(outcome.measurements == whole.0.measurements && outcome.epoch == whole.0.epoch)
      #expect(outcome.reward == whole.0.reward && outcome.judge == whole.0.judge)
      #expect(try ServedRecommender(pipeline).recommend(user: "u3", count: 5) == whole.1)
      #expect(!Self.exists(work))
    }
  }

  @Test func whatIsDamagedOrOfOtherSettingsIsMadeAgain() throws {
    try withTemporaryDirectory { folder in
      let fixture = PreferenceAlignmentTests.fixture(folder, preference: Self.preference)
      let pipeline = try fixture.published(until: .train)
      try Self.stop(pipeline, at: "aligning")
      let path = folder + "/work/unfinished/preference/reward-0.safetensors"
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      bytes[bytes.count - 40] ^= 2
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let recorder = ProgressRecorder(), observer = RecordingObserver { recorder.observe($0) }
      #expect(try PreferenceAlignment(pipeline, observer: observer).run().measurements.count == 3)
      #expect(recorder.lines.contains { $0.step == "training the reward model" })
      #expect(!recorder.lines.contains { $0.step == "training the judge" })
      #expect(observer.notes.contains { $0.contains("made again") && $0.contains("reward-0") }, "\(observer.notes)")
      try Self.stop(pipeline, at: "training the judge")
      let other = PreferenceAlignmentTests.fixture(
        folder, preference: Self.preference.replacing("epochs: 2", with: "epochs: 1"))
      let again = RecordingObserver()
      let outcome = try PreferenceAlignment(try other.published(until: .train), observer: again).run()
      #expect(outcome.measurements.count == 2)
      #expect(again.notes.contains { $0.contains("is discarded: configuration preference.") }, "\(again.notes)")
    }
  }
}

/// What a report says of an alignment, and sessions.
@Suite("An alignment with a reward in the report")
struct PreferenceReportTests {
  private static func report(_ folder: String, run: Int) throws -> ReportData {
    let digits = String(run)
    let path = folder + "/work/runs/" + String(repeating: "0", count: 6 - digits.count) + digits + "/report.json"
    return try JSONDecoder().decode(ReportData.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test func theReportShowsItAtOnce() throws {
    try withTemporaryDirectory { folder in
      let fixture = PreferenceAlignmentTests.fixture(
        folder, preference: PreferenceResumeTests.preference, extra: "\nreport: {}")
      let pipeline = try fixture.published(until: .report)
      #expect(try Self.report(folder, run: 1).preference == nil)
      let outcome = try PreferenceAlignment(pipeline).run()
      #expect(outcome.epoch == 2)
      let (before, after) = (try Self.report(folder, run: 1), try Self.report(folder, run: 2))
      let preference = try #require(after.preference)
      #expect(preference.epochs.map(\.judgeReward) == outcome.measurements.map(\.judgeReward))
      #expect(preference.epochs.map(\.ndcg) == outcome.measurements.map(\.ndcg))
      #expect(preference.epochs.map(\.legality) == outcome.measurements.map(\.legality))
      #expect(preference.served == 2 && preference.stopReason == outcome.stopReason)
      #expect(preference.judge.objectives["rating>=5.0"] == outcome.judge.objectives[0].auc)
      // The recommender is measured anew, and its training is still known.
      #expect(after.recommender?.rows != before.recommender?.rows)
      #expect(after.recommender?.steps == before.recommender?.steps && after.recommender?.steps.isEmpty == false)
      let page = try String(contentsOfFile: folder + "/work/runs/000002/report.html", encoding: .utf8)
      #expect(page.contains("Alignment with a reward"))
      let next = try pipeline.run(Pipeline.RunOptions(), observer: SilentObserver())
      #expect(ran(next).isEmpty, "\(ran(next))")
      // Another recommender in its place: the account is of the one before.
      _ = try pipeline.run(Pipeline.RunOptions(force: .train), observer: SilentObserver())
      #expect(try Self.report(folder, run: 4).preference == nil)
    }
  }

  @Test func whatStaysAsItWasIsShownToo() throws {
    try withTemporaryDirectory { folder in
      let preference =
        "{ ratings: [5], rewardEpochs: 20, epochs: 2, candidates: 8, users: 8, learningRate: 1, "
        + "guards: { minimumRewardAUC: 0, ndcgTolerance: 0, legalityTolerance: 0 } }"
      let fixture = PreferenceAlignmentTests.fixture(folder, preference: preference, extra: "\nreport: {}")
      let pipeline = try fixture.published(until: .report)
      let outcome = try PreferenceAlignment(pipeline).run()
      #expect(outcome.epoch == 0 && outcome.stopReason != nil)
      let report = try Self.report(folder, run: 2)
      #expect(report.preference?.served == 0 && report.preference?.stopReason == outcome.stopReason)
    }
  }

  @Test func aCatalogueThatChangedKeepsTheFormerReport() throws {
    try withTemporaryDirectory { folder in
      var fixture = PreferenceAlignmentTests.fixture(
        folder, preference: PreferenceResumeTests.preference, extra: "\nreport: {}")
      _ = try fixture.published(until: .report)
      fixture.pipeline.set("newcomer", PipelineFixture.sentence(77))
      let observer = RecordingObserver()
      let outcome = try PreferenceAlignment(try fixture.pipeline.pipeline(), observer: observer).run()
      #expect(outcome.generation == 1)
      #expect(observer.notes.contains { $0.contains("the report is of the run before") }, "\(observer.notes)")
      #expect(try fixture.pipeline.generations() == [1], "nothing is published on the way")
    }
  }

  @Test func sessionsAreAlignedWithAnEncoderDecoder() throws {
    try withTemporaryDirectory { folder in
      let train = """
        train: { backbone: encoder-decoder, targetItems: 2, epochs: 2, width: 16, layers: 1, decoderLayers: 1, heads: 2,
          hidden: 32, warmup: 5, positionsPerBatch: 128, baselines: [], window: { fraction: 0.8 } }
        """
      let preference = PreferenceResumeTests.preference.replacing(
        "{ ratings", with: "{ method: ipa, sessionItems: 2, ratings")
      let fixture = PreferenceAlignmentTests.fixture(folder, preference: preference, train: train)
      let outcome = try PreferenceAlignment(try fixture.published(until: .train)).run()
      #expect(outcome.measurements.allSatisfy { $0.sessionReward != nil && $0.sessionJudgeReward != nil })
      #expect(outcome.measurements.last?.preferenceSteps ?? 0 > 0)
      #expect(outcome.plainText().contains("sessions"))
    }
  }

  @Test func sessionsLongerThanTheRecommenderWritesAreAMistake() throws {
    let yaml = """
      name: a
      catalog: { items: x.jsonl, interactions: log.csv }
      encode: { text: {} }
      represent: {}
      quantize: {}
      resolve: {}
      publish: {}
      train: {}
      preference: { sessionItems: 3 }
      """
    let error = #expect(throws: PipelineError.self) { try configuration(yaml) }
    #expect(error?.message.contains("/jobs/job.yaml:9: preference.sessionItems: sessions of 3 items") == true)
    let longer = yaml.replacing("train: {}", with: "train: { backbone: encoder-decoder, targetItems: 3 }")
    #expect(try configuration(longer).preference != nil)
  }
}
