import BehaviorAlignment
import Recommenders
import TensorMath

/// A made-up world in which users walk along items of their own topic, rate those of it that are of high grade better,
/// and all others badly: what is liked can be read from the past and the codes.
///
/// Item i is of topic i mod `topics`; its grade is high where i / topics is even. Codes are the topic, the grade, and a
/// number that makes them unique.
struct RewardWorld {
  static let topics = 5
  static let itemCount = 120

  let events: [RewardEvent]
  let tokens: ItemTokens
  let userCount: Int

  static func isLiked(_ item: UInt32, by topic: Int) -> Bool {
    Int(item) % topics == topic && Int(item) / topics % 2 == 0
  }

  /// - Parameter isNoise: whether ratings say nothing.
  init(users: Int = 240, meetings: Int = 16, isNoise: Bool = false, firstUser: Int = 0, seed: UInt64 = 1) throws {
    var random = RandomSource(seed: seed)
    var events: [RewardEvent] = []
    for user in firstUser..<firstUser + users {
      let topic = user % Self.topics
      for meeting in 0..<meetings {
        var item = Int.random(in: 0..<Self.itemCount, using: &random)
        // Most of what a user meets is of the user's topic, whatever its grade.
        if random.nextUniform() < 0.7 { item = item / Self.topics * Self.topics + topic }
        let isLiked = isNoise ? random.nextUniform() < 0.5 : Self.isLiked(UInt32(item), by: topic)
        let rating: Float = isLiked ? (random.nextUniform() < 0.5 ? 5 : 4) : (random.nextUniform() < 0.5 ? 1 : 3)
        events.append(
          RewardEvent(user: Int32(user), item: UInt32(item), time: Double(meeting), rating: rating))
      }
    }
    self.events = events
    userCount = firstUser + users
    tokens = try Self.tokens()
  }

  private static func tokens() throws -> ItemTokens {
    var codes = ContiguousArray<UInt16>()
    for item in 0..<itemCount {
      codes += [UInt16(item % topics), UInt16(item / topics % 2), UInt16(item / topics / 2)]
    }
    return try ItemTokens(sizes: [topics, 4, 16], codes: codes, isPresent: Array(repeating: true, count: itemCount))
  }

  static func splitParameters() -> RewardSplit.Parameters {
    var parameters = RewardSplit.Parameters()
    parameters.trainingShare = 0.7
    parameters.validationShare = 0.15
    return parameters
  }

  func split(
    _ objectives: [RewardObjective] = [.like], _ change: (inout RewardSplit.Parameters) -> Void = { _ in }
  ) throws -> RewardSplit {
    var parameters = Self.splitParameters()
    change(&parameters)
    return try RewardSplit(events, itemCount: Self.itemCount, objectives: objectives, parameters: parameters)
  }

  static var configuration: RewardConfiguration {
    var configuration = RewardConfiguration()
    configuration.width = 16
    configuration.hidden = 16
    configuration.dropout = 0
    configuration.maximumHistory = 10
    return configuration
  }

  static func training(seed: UInt64 = 1) -> RewardTraining.Parameters {
    var parameters = RewardTraining.Parameters()
    parameters.batch = 64
    parameters.epochs = 8
    parameters.learningRate = 5e-3
    parameters.warmup = 20
    parameters.seed = seed
    return parameters
  }

  func model(
    _ objectives: [RewardObjective] = [.like], seed: UInt64 = 1,
    _ change: (inout RewardConfiguration) -> Void = { _ in }
  ) throws -> RewardModel {
    var configuration = Self.configuration
    change(&configuration)
    return try RewardTraining(configuration, parameters: Self.training(seed: seed))
      .train(try split(objectives), tokens: tokens).model
  }

  /// Every user's events in order, as a recommender learns from them.
  func trainingSplit() throws -> TrainingSplit {
    try TrainingSplit(
      InteractionHistory(
        users: events.map(\.user), items: events.map { Int32($0.item) }, times: events.map(\.time),
        userCount: userCount, itemCount: Self.itemCount), window: .leaveLast(1))
  }
}
