import BehaviorAlignment
import TensorMath

/// Users who stay within a group of ten items, and models small enough to learn that in a second.
enum TwoTowerFixture {
  static let itemsPerGroup = 10

  static var configuration: TwoTowerModel.Configuration {
    var configuration = TwoTowerModel.Configuration()
    configuration.width = 16
    configuration.hidden = 16
    configuration.dropout = 0
    configuration.maximumHistory = 8
    return configuration
  }

  static func parameters(epochs: Int = 6) -> TwoTowerTraining.Parameters {
    var parameters = TwoTowerTraining.Parameters()
    parameters.learningRate = 1e-2
    parameters.warmup = 10
    parameters.epochs = epochs
    parameters.positionsPerBatch = 128
    parameters.negatives = 64
    return parameters
  }

  /// Item i is of group i mod `groups`.
  static func rows(users: Int, groups: Int, length: Int = 10, seed: UInt64 = 1) -> [[Int]] {
    var random = RandomSource(seed: seed)
    return (0..<users).map { user in
      (0..<length).map { _ in user % groups + groups * Int.random(in: 0..<itemsPerGroup, using: &random) }
    }
  }

  static func split(users: Int = 160, groups: Int = 8, leaving count: Int = 1) throws -> TrainingSplit {
    try TrainingSplit(
      try history(rows(users: users, groups: groups), itemCount: groups * itemsPerGroup + 3), window: .leaveLast(count))
  }
}
