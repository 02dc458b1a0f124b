import Foundation
import Recommenders
import TensorMath
import TestSupport
import Testing

@Suite struct RewardTrainingTests {
  @Test func whatIsLikedIsLearnedAndHoldsForWhatComesLater() throws {
    let model = try RewardWorld().model([.like, .love])
    #expect(try #require(model.quality.least) > 0.7)
    #expect(model.quality.objectives.map(\.name) == ["like", "love"])
    #expect(try #require(model.quality.objectives[0].auc) > 0.9)
    // Liked items of the topic above others, for a user of whom ten items are known.
    let history = (0..<10).map { UInt32($0 * 5 + 2) }
    let rewards = try model.rewards(of: [[2, 12, 7, 3]], behind: [history])[0]
    #expect(rewards[0] > rewards[2] && rewards[1] > rewards[2] && rewards[0] > rewards[3])
  }

  @Test func theFusedHeadLearnsTheWeightedLabels() throws {
    let model = try RewardWorld().model([.like, .love]) { $0.hasFusedHead = true }
    #expect(try #require(model.quality.reward) > 0.75)
    let score = try model.scores(of: [[[2]]], behind: [[2, 7, 12]])[0][0]
    let mean = (score.probabilities[0] + score.probabilities[1]) / 2
    #expect(score.reward != mean && abs(score.reward - mean) < 0.3)
  }

  @Test func itemsThatWereMetAreToldFromDrawnOnes() throws {
    let model = try RewardWorld().model([.met])
    #expect(try #require(model.quality.least) > 0.7)
  }

  @Test func ratingsThatSayNothingGiveAModelAtChance() throws {
    let model = try RewardWorld(isNoise: true).model()
    #expect(abs(try #require(model.quality.least) - 0.5) < 0.1)
  }

  @Test func longSessionsHaveARewardToo() throws {
    let world = try RewardWorld()
    let result = try RewardTraining(RewardWorld.configuration, parameters: RewardWorld.training())
      .train(world.split { $0.maximumSession = 4 }, tokens: world.tokens)
    let history = (0..<10).map { UInt32($0 * 5 + 2) }
    let rewards = try result.model.scores(of: [[[2, 12, 22], [7, 17, 27], [2, 12, 27]]], behind: [history])[0]
    #expect(rewards[0].reward > rewards[1].reward)
    #expect(result.measurements.map(\.epoch) == Array(1...result.measurements.count))
  }

  @Test func theSameSeedMakesTheSameModel() throws {
    let world = try RewardWorld(users: 60)
    #expect(try world.model().fingerprint == world.model().fingerprint)
    #expect(try world.model().fingerprint != world.model(seed: 2).fingerprint)
  }

  @Test func scoresDoNotDependOnWhatElseIsScored() throws {
    let model = try RewardWorld(users: 60).model()
    let histories: [[UInt32]] = (0..<90).map { user in (0..<UInt32(user % 7)).map { $0 * 5 } }
    let candidates = histories.indices.map { user in (0..<60).map { UInt32(($0 + user) % 60) } }
    let all = try model.rewards(of: candidates, behind: histories)
    for user in stride(from: 0, to: 90, by: 17) {
      let own = try model.rewards(of: [[candidates[user][31]]], behind: [histories[user]])
      #expect(abs(all[user][31] - own[0][0]) < 1e-5)
    }
    #expect(try model.rewards(of: [[], [3]], behind: [[], []]).map(\.count) == [0, 1])
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let world = try RewardWorld(users: 40), model = try world.model()
    func code(_ body: () throws -> Void) -> RecommenderError.Code? {
      #expect(throws: RecommenderError.self) { try body() }?.code
    }
    #expect(code { _ = try model.rewards(of: [[120]], behind: [[]]) } == .unknown)
    #expect(code { _ = try model.rewards(of: [[1]], behind: [[199]]) } == .unknown)
    #expect(code { _ = try model.scores(of: [[[]]], behind: [[]]) } == .invalidParameter)
    #expect(code { _ = try model.quality(on: world.split([.love]).test) } == .invalidParameter)
    let split = try world.split()
    #expect(code { _ = try RewardTraining().train(split) } == .invalidParameter)
    #expect(code { _ = try RewardTraining().train(split, tokens: world.tokens, isCancelled: { true }) } == .cancelled)
    let changes: [(inout RewardTraining.Parameters) -> Void] = [
      { $0.batch = 0 }, { $0.epochs = 0 }, { $0.learningRate = 0 }, { $0.warmup = -1 }, { $0.weightDecay = -1 },
      { $0.clip = 0 }, { $0.maximumValidation = 0 }, { $0.patience = 0 },
    ]
    for change in changes {
      var parameters = RewardTraining.Parameters()
      change(&parameters)
      #expect(code { _ = try RewardTraining(parameters: parameters) } == .invalidParameter)
    }
    let shapes: [(inout RewardConfiguration) -> Void] = [
      { $0.width = 0 }, { $0.heads = 3 }, { $0.hidden = 0 }, { $0.dropout = 1 }, { $0.maximumHistory = 0 },
    ]
    for change in shapes {
      var configuration = RewardConfiguration()
      change(&configuration)
      #expect(code { _ = try RewardTraining(configuration) } == .invalidParameter)
    }
  }

  @Test func aRateThatIsTooHighIsToldFromALesson() throws {
    let world = try RewardWorld(users: 40)
    var parameters = RewardWorld.training()
    (parameters.learningRate, parameters.warmup, parameters.clip) = (1e30, 0, 1e30)
    let error = #expect(throws: RecommenderError.self) {
      try RewardTraining(RewardWorld.configuration, parameters: parameters).train(world.split(), tokens: world.tokens)
    }
    #expect(error?.code == .diverged && error?.message.contains("learningRate") == true)
  }
}

@Suite struct RewardPersistenceTests {
  @Test(arguments: [true, false])
  func aModelThatIsReadIsTheOneThatWasWritten(readsCodes: Bool) throws {
    try withTemporaryDirectory { directory in
      let world = try RewardWorld(users: 40), path = directory + "/reward.safetensors"
      let model = try world.model([.like, .love]) {
        $0.hasFusedHead = true
        $0.readsCodes = readsCodes
      }
      try model.write(to: path)
      let again = try RewardModel(contentsOf: path, tokens: readsCodes ? world.tokens : nil)
      #expect(again.fingerprint == model.fingerprint && again.quality == model.quality)
      #expect(again.objectives == model.objectives && again.configuration == model.configuration)
      let items: [[UInt32]] = [[1, 2, 3]], histories: [[UInt32]] = [[4, 5]]
      #expect(try again.rewards(of: items, behind: histories) == model.rewards(of: items, behind: histories))
    }
  }

  @Test func aModelOfOtherCodesIsRefused() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/reward.safetensors"
      try RewardWorld(users: 40).model().write(to: path)
      for tokens in [nil, try randomTokens(items: 120, sizes: [5, 4, 16]), try randomTokens(items: 119, sizes: [5])] {
        let error = #expect(throws: RecommenderError.self) { try RewardModel(contentsOf: path, tokens: tokens) }
        #expect(error?.code == .otherGeneration)
      }
      let missing = #expect(throws: RecommenderError.self) { try RewardModel(contentsOf: directory + "/none") }
      #expect(missing?.code == .unreadableModel)
    }
  }

  @Test func aDamagedModelIsRefused() throws {
    try withTemporaryDirectory { directory in
      let world = try RewardWorld(users: 40), path = directory + "/reward.safetensors"
      let model = try world.model {
        $0.width = 4
        $0.hidden = 4
        $0.hasFusedHead = true
      }
      try model.write(to: path)
      let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      var random = RandomSource(seed: 4)
      for _ in 0..<3_000 {
        let bytes = damaged(whole, using: &random)
        guard bytes != whole else { continue }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        // Space in the header may be damaged and say the same.
        do {
          let read = try RewardModel(contentsOf: path, tokens: world.tokens)
          #expect(read.fingerprint == model.fingerprint)
        } catch let error as RecommenderError {
          #expect([.unreadableModel, .otherGeneration, .invalidParameter].contains(error.code))
        }
      }
    }
  }
}
