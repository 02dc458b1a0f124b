import BehaviorAlignment
import TensorMath

/// A log given as each user's items in order, cut by a window.
func split(_ rows: [[Int]], itemCount: Int, window: TrainingWindow = .everything) throws -> TrainingSplit {
  let users = rows.enumerated().flatMap { user, row in row.map { _ in Int32(user) } }
  let history = try InteractionHistory(
    users: users, items: rows.joined().map { Int32($0) }, userCount: rows.count, itemCount: itemCount)
  return try TrainingSplit(history, window: window)
}

/// Users whose items are drawn with a chance that falls with the item's number.
func randomRows(users: Int, items: Int, longest: Int, seed: UInt64) -> [[Int]] {
  var random = RandomSource(seed: seed)
  return (0..<users).map { _ in
    (0..<Int.random(in: 1...longest, using: &random)).map { _ in
      let place = random.nextUniform()
      return min(items - 1, Int(Float(items) * place * place))
    }
  }
}

func query(_ history: [UInt32], target: UInt32 = 0, user: Int = 0) -> NextItemQuery {
  NextItemQuery(user: user, history: ContiguousArray(history), target: target)
}
