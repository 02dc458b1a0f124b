import BehaviorAlignment
import Foundation
import ItemCatalog
import Recommenders
import TensorMath
import TestSupport
import Testing

/// Two reward models of MovieLens 100K, each of half the users, and a generator aligned with one and judged by the other.
@Suite(
  .enabled(
    if: realData("movielens-100k") != nil && ProcessInfo.processInfo.environment["TESSERA_LONG_TESTS"] != nil,
    "trains for minutes: set TESSERA_LONG_TESTS, and TESSERA_DATA to the folder of the sets"))
struct MovieLensPreferenceTests {
  private func trainedReward(_ log: InteractionLog, _ users: UserPart, seed: UInt64) throws -> RewardModel {
    var parameters = RewardSplit.Parameters()
    (parameters.users, parameters.historyRating) = (users, 4)
    let split = try RewardSplit(log, catalog: log.items, objectives: [.like, .love], parameters: parameters)
    var configuration = RewardConfiguration()
    configuration.readsCodes = false
    var training = RewardTraining.Parameters()
    training.seed = seed
    return try RewardTraining(configuration, parameters: training).train(split).model
  }

  @Test func aRewardCarriesOverToOtherUsersAndAnotherJudge() throws {
    let folder = try #require(realData("movielens-100k"))
    let log = try InteractionReader().read([folder + "/interactions.csv"])
    let reward = try trainedReward(log, .firstHalf, seed: 1), judge = try trainedReward(log, .secondHalf, seed: 2)
    print("held-out:", reward.quality, judge.quality)
    #expect(try #require(reward.quality.least) > 0.65)
    #expect(try #require(judge.quality.least) > 0.6)

    let liked = try InteractionReader(minimumRating: 4).read([folder + "/interactions.csv"])
    let split = try TrainingSplit(try InteractionHistory(liked, catalog: log.items), window: .leaveLast(1))
    let validation = split.nextItemQueries(place: 1)
    let tokens = try randomTokens(items: log.items.count, sizes: [32, 32, 32])
    var configuration = GeneratorConfiguration()
    (configuration.width, configuration.hidden, configuration.dropout) = (64, 128, 0.2)
    var training = GeneratorTraining.Parameters()
    training.epochs = 20
    let generator = try GeneratorTraining(configuration, parameters: training).train(
      tokens, split: split, validation: validation
    ).generator
    var direct = PreferenceOptimization.DirectPreference(), group = PreferenceOptimization.GroupPolicy()
    (direct.candidates, group.groupSize) = (64, 64)
    for method in [PreferenceOptimization.Method.ipa(direct), .ecpo(group)] {
      var parameters = PreferenceOptimization.Parameters()
      (parameters.method, parameters.share, parameters.training.learningRate) = (method, 0.5, 1e-3)
      // Of 943 queries one item more or less moves it by several percent.
      parameters.guards.ndcgTolerance = 0.2
      parameters.format = PreferenceOptimization.FormatReward()
      let result = try PreferenceOptimization(parameters).optimize(
        generator, reward: reward, judge: judge, split: split, validation: validation)
      for measurement in result.measurements { print(measurement) }
      print(result.stopReason ?? "all epochs were made")
      let first = result.measurements[0], last = result.measurements[result.epoch]
      #expect(try #require(last.judgeReward) >= (try #require(first.judgeReward)))
      #expect(try #require(last.ndcg) > 0.8 * (try #require(first.ndcg)))
    }
  }
}
