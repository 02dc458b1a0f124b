import Recommenders
import TensorMath
import TestSupport

/// A made-up world in which a user likes the items of one topic, and content tells an item's topic: what item numbers
/// cannot say of an item that nobody met before.
///
/// Item i is of topic i mod `topics`. Users meet random items, the cold ones only at the end.
struct RankingWorld {
  static let topics = 6

  let split: RankingSplit
  let items: RankerItems
  let itemCount: Int
  let coldItems: Range<Int>

  init(
    users: Int = 200, items itemCount: Int = 120, cold: Int = 30, meetings: Int = 30, noise: Float = 0.05,
    seed: UInt64 = 1
  ) throws {
    var random = RandomSource(seed: seed)
    self.itemCount = itemCount
    coldItems = itemCount - cold..<itemCount
    var events: [RankingSplit.Event] = []
    for user in 0..<users {
      let topic = user % Self.topics
      for meeting in 0..<meetings {
        let isLate = meeting >= meetings * 9 / 10
        // Half of what a user meets is of the user's topic.
        let range = isLate ? 0..<itemCount : 0..<coldItems.lowerBound
        var item = Int.random(in: range, using: &random)
        if random.nextUniform() < 0.5 { item = item / Self.topics * Self.topics + topic }
        item = min(item, range.upperBound - 1)
        let likes = (item % Self.topics == topic) != (random.nextUniform() < noise)
        events.append(.init(user: Int32(user), item: UInt32(item), time: Double(meeting), label: likes ? 1 : 0))
      }
    }
    var parameters = RankingSplit.Parameters()
    parameters.trainingShare = 0.8
    parameters.validationShare = 0.1
    split = try RankingSplit(events, userCount: users, itemCount: itemCount, parameters: parameters)
    items = try Self.features(itemCount, &random)
  }

  /// Vectors near their topic's, residual codes whose first level is the topic, and an item set of three per topic.
  private static func features(_ count: Int, _ random: inout RandomSource) throws -> RankerItems {
    let centers = normalMatrix(topics, 8, using: &random)
    var vectors = Matrix(rows: count, columns: 8)
    var codes = ContiguousArray<UInt16>(), rows = ContiguousArray<UInt32>()
    for item in 0..<count {
      let topic = item % topics
      for column in 0..<8 { vectors[item, column] = centers[topic, column] + 0.3 * random.nextNormal() }
      codes += [UInt16(topic), UInt16.random(in: 0..<4, using: &random)]
      let first = Int.random(in: 0..<3, using: &random)
      rows += [UInt32(topic * 3 + first), UInt32(topic * 3 + (first + 1) % 3)]
    }
    let isPresent = Array(repeating: true, count: count)
    return try RankerItems(
      itemCount: count, vectors: vectors,
      nearest: try .init(setSize: topics * 3, perItem: 2, rows: rows, isPresent: isPresent),
      tokens: try ItemTokens(sizes: [topics, 4], codes: codes, isPresent: isPresent))
  }

  static func configuration(_ variant: RankerVariant) -> RankerConfiguration {
    var configuration = RankerConfiguration(variant)
    configuration.width = 8
    configuration.historyLength = 8
    configuration.hitHistoryLength = 20
    configuration.attentionHidden = 12
    configuration.hidden = [16]
    configuration.dropout = 0
    return configuration
  }

  static func training(seed: UInt64 = 1) -> RankerTraining.Parameters {
    var parameters = RankerTraining.Parameters()
    parameters.batch = 128
    parameters.epochs = 12
    parameters.learningRate = 5e-3
    parameters.warmup = 20
    parameters.evaluationInterval = 100
    parameters.seed = seed
    return parameters
  }

  /// What a variant reaches on the test examples.
  func result(
    _ configuration: RankerConfiguration, _ parameters: RankerTraining.Parameters = training()
  ) throws -> RankerResult {
    let trained = try RankerTraining(configuration, parameters: parameters)
      .train(split.training, validation: split.validation, items: items)
    var limits = RankerResult.Limits()
    limits.coldItemExamples = 0
    return RankerResult(
      configuration.variant.title, logits: try trained.ranker.logits(of: split.test), of: split.test,
      trainingCounts: split.training.countsByItem(), limits: limits)
  }
}
