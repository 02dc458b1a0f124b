import Foundation
import PipelineEngine
import Recommenders
import TestSupport
import Testing

/// Aligning a pipeline's recommender with ratings that a user's group foretells.
@Suite struct PreferenceAlignmentTests {
  static let train = """
    train: { epochs: 3, width: 16, layers: 1, heads: 2, hidden: 32, warmup: 5, positionsPerBatch: 128,
      baselines: [popularity], window: { fraction: 0.8 } }
    """

  static func fixture(
    _ folder: String, preference: String? = "{ ratings: [5], rewardEpochs: 60, epochs: 2, candidates: 8, users: 8 }",
    minimumRating: String = ", minimumRating: 4", train: String = Self.train, extra: String = ""
  ) -> RatedFixture {
    RatedFixture(
      folder: folder, neighbors: false, minimumRating: minimumRating,
      extra: train + (preference.map { "\npreference: \($0)" } ?? "") + extra)
  }

  @Test func rewardJudgeAndRecommenderAreMeasuredEpochByEpoch() throws {
    try withTemporaryDirectory { folder in
      let pipeline = try Self.fixture(folder).published(until: .train)
      let before = try ServedRecommender(pipeline).recommend(user: "u3", count: 5)
      let outcome = try PreferenceAlignment(pipeline).run()
      #expect(outcome.generation == 1)
      for quality in [outcome.reward, outcome.judge] {
        #expect(quality.objectives.map(\.name) == ["rating>=5.0"])
        #expect(try #require(quality.least) >= 0.6)
      }
      #expect(outcome.measurements.map(\.epoch) == Array(0..<outcome.measurements.count))
      for measurement in outcome.measurements {
        #expect((0...1).contains(try #require(measurement.reward)))
        #expect((0...1).contains(try #require(measurement.judgeReward)))
        #expect((0...1).contains(try #require(measurement.ndcg)))
      }
      let after = try ServedRecommender(pipeline).recommend(user: "u3", count: 5)
      #expect((after == before) == (outcome.epoch == 0))
      let text = outcome.plainText()
      #expect(text.contains("judge") && text.contains("area under the curve"))
      #expect(text.contains(outcome.epoch > 0 ? "answers for generation 1 now" : "stays as it was"))
    }
  }

  @Test func theSeedDecides() throws {
    try withTemporaryDirectory { folder in
      let pipeline = try Self.fixture(folder).published(until: .train)
      let first = try PreferenceAlignment(pipeline).run()
      _ = try pipeline.run(Pipeline.RunOptions(until: .train, force: .train), observer: SilentObserver())
      let second = try PreferenceAlignment(pipeline).run()
      #expect(second.measurements == first.measurements)
      #expect(second.reward == first.reward && second.judge == first.judge)
    }
  }

  /// Ratings that come after a user's training window are not learned from.
  @Test func whatIsHeldOutTeachesNothing() throws {
    func qualities(_ rating: String) throws -> [RewardQuality] {
      try withTemporaryDirectory { folder in
        var fixture = Self.fixture(folder)
        for (row, line) in fixture.log.enumerated() where row >= fixture.log.count * 9 / 10 {
          let parts = line.split(separator: ",")
          fixture.log[row] = parts.dropLast().joined(separator: ",") + ",\(rating)"
        }
        let outcome = try PreferenceAlignment(try fixture.published(until: .train)).run()
        return [outcome.reward, outcome.judge]
      }
    }
    #expect(try qualities("4") == qualities("5"))
  }

  @Test func aRewardThatCannotBeTrustedIsNotLearnedFrom() throws {
    try withTemporaryDirectory { folder in
      let preference = "{ ratings: [5], candidates: 8, users: 8, guards: { minimumRewardAUC: 1 } }"
      let pipeline = try Self.fixture(folder, preference: preference).published(until: .train)
      let before = try ServedRecommender(pipeline).recommend(user: "u3", count: 5)
      let error = #expect(throws: PipelineError.self) { try PreferenceAlignment(pipeline).run() }
      #expect(error?.code == .invalidData)
      #expect(error?.message.contains("expected 1.0 or more") == true, "\(error?.message ?? "")")
      #expect(try ServedRecommender(pipeline).recommend(user: "u3", count: 5) == before)
    }
  }

  @Test func whatIsMissingIsNamed() throws {
    try withTemporaryDirectory { folder in
      let pipeline = try Self.fixture(folder).published()
      let untrained = #expect(throws: PipelineError.self) { try PreferenceAlignment(pipeline).run() }
      #expect(untrained?.code == .inputMissing)
      #expect(untrained?.message.contains("run 'tessera train'") == true)
    }
    try withTemporaryDirectory { folder in
      let pipeline = try Self.fixture(folder, preference: nil).published()
      let error = #expect(throws: PipelineError.self) { try PreferenceAlignment(pipeline) }
      #expect(error?.message.contains("'preference: {}'") == true)
    }
  }

  @Test func aLogWithoutTimesIsRefused() throws {
    try withTemporaryDirectory { folder in
      var fixture = RatedFixture(
        folder: folder, neighbors: false, minimumRating: "",
        extra: Self.train.replacing("{ fraction: 0.8 }", with: "{ leaveLast: 2 }") + "\npreference: {}")
      fixture.header = "user_id,item_id,position,rating"
      let pipeline = try fixture.published(until: .train)
      let error = #expect(throws: PipelineError.self) { try PreferenceAlignment(pipeline).run() }
      #expect(error?.code == .invalidData)
      #expect(error?.message.contains("give every event a timestamp") == true, "\(error?.message ?? "")")
    }
  }
}
