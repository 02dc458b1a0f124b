import Recommenders
import TensorMath
import Testing

@Suite struct RewardQualityTests {
  /// All pairs of one that is true and one that is not; ties count half.
  private func area(_ scores: [Float], _ labels: [Float]) -> Double? {
    var (sum, pairs) = (0.0, 0)
    for liked in scores.indices where labels[liked] > 0.5 {
      for other in scores.indices where labels[other] <= 0.5 {
        sum += scores[liked] > scores[other] ? 1 : scores[liked] == scores[other] ? 0.5 : 0
        pairs += 1
      }
    }
    return pairs > 0 ? sum / Double(pairs) : nil
  }

  @Test(arguments: [false, true])
  func areasAreThoseOfScores(isFused: Bool) throws {
    let world = try RewardWorld(users: 50)
    let objectives = [RewardObjective("like", .rating(atLeast: 4), weight: 3), .love]
    let model = try world.model(objectives) { $0.hasFusedHead = isFused }
    let sessions = try world.split(objectives).validation
    let quality = try model.quality(on: sessions)
    let scores = try model.scores(
      of: (0..<sessions.count).map { [Array(sessions.items(of: $0))] },
      behind: (0..<sessions.count).map { Array(sessions.history(of: $0)) }
    ).map { $0[0] }
    var reward = 0.0
    for place in 0..<2 {
      let labels = (0..<sessions.count).map { sessions.label(of: $0, place) ?? .nan }
      let expected = try #require(area(scores.map { $0.probabilities[place] }, labels))
      let found = quality.objectives[place]
      // Probabilities near 0 and 1 round to ties that logits have not.
      #expect(abs(try #require(found.auc) - expected) < 1e-3)
      #expect(found.sessions == sessions.count)
      #expect(found.positiveShare == Double(labels.count { $0 > 0.5 }) / Double(sessions.count))
      reward += (place == 0 ? 0.75 : 0.25) * (try #require(area(scores.map(\.reward), labels)))
    }
    #expect(abs(try #require(quality.reward) - reward) < 1e-3)
  }

  @Test func aModelCarriesTheQualityOnItsTestSessions() throws {
    let world = try RewardWorld(users: 50), model = try world.model()
    #expect(try model.quality == model.quality(on: world.split().test))
  }

  @Test func theLeastIsThatOfObjectivesAndReward() {
    func quality(_ areas: [Double?], _ reward: Double?) -> RewardQuality {
      RewardQuality(
        objectives: areas.map { .init(name: "a", auc: $0, sessions: 1, positiveShare: 0.5) }, reward: reward)
    }
    #expect(quality([0.7, 0.6], 0.8).least == 0.6)
    #expect(quality([0.7, 0.6], 0.5).least == 0.5)
    #expect(quality([0.7, nil], 0.8).least == nil)
    #expect(quality([0.7], nil).least == nil)
    #expect(RewardQuality.unknown.least == nil)
  }

  @Test func theRewardIsTheWeightedMeanOfProbabilities() throws {
    let objectives = [RewardObjective("like", .rating(atLeast: 4), weight: 3), .love]
    let model = try RewardWorld(users: 50).model(objectives)
    for score in try model.scores(of: [[[1], [2], [3, 4]]], behind: [[5, 6]])[0] {
      let mean = (3 * score.probabilities[0] + score.probabilities[1]) / 4
      #expect(abs(score.reward - mean) < 1e-6)
      #expect(score.probabilities.allSatisfy { $0 > 0 && $0 < 1 })
    }
  }

  @Test func anObjectiveWithoutWeightCountsForNothingInTheReward() throws {
    let objectives = [RewardObjective.like, RewardObjective("love", .rating(atLeast: 5), weight: 0)]
    let model = try RewardWorld(users: 50).model(objectives)
    let score = try model.scores(of: [[[7]]], behind: [[2, 12]])[0][0]
    #expect(abs(score.reward - score.probabilities[0]) < 1e-6)
  }
}
