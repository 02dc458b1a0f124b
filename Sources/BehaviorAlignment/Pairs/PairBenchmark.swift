internal import Foundation
internal import TensorMath

/// Mines pairs from a generated log whose items and users are as unevenly busy as in life.
package enum PairBenchmark {
  package struct Result: Sendable, Encodable {
    package var product = ""
    package var interactions: Int
    package var users: Int
    package var items: Int
    package var pairs = 0
    package var candidates = 0
    /// Of grouping the log by user and cutting it.
    package var history_s = 0.0
    /// Of Swing alone.
    package var mine_s = 0.0
    package var pairs_per_s = 0.0
    /// Of both steps together.
    package var interactions_per_s = 0.0
    package var peak_mib = 0
  }

  /// Half of a user's items are drawn from the whole catalogue and half from the user's topic, both with a chance
  /// inverse to the item's rank (Zipf, by inversion of its continuous form).
  /// - Precondition: all counts are at least 2.
  package static func run(
    interactions: Int, users: Int, items: Int, parameters: SwingMiner.Parameters
  ) throws(AlignmentError) -> Result {
    var result = Result(interactions: interactions, users: users, items: items)
    var log = GeneratedLog(interactions: interactions, users: users, items: items)
    let clock = ContinuousClock()
    let start = clock.now
    let history = try InteractionHistory(users: log.users, items: log.items, userCount: users, itemCount: items)
    let split = try TrainingSplit(history, window: .leaveLast(1))
    log = GeneratedLog()
    let grouped = clock.now
    let mined = try SwingMiner(parameters: parameters).mine(split)
    let end = clock.now
    result.pairs = mined.table.count
    result.candidates = mined.candidates
    result.history_s = seconds(grouped - start)
    result.mine_s = seconds(end - grouped)
    result.pairs_per_s = (Double(result.pairs) / result.mine_s).rounded()
    result.interactions_per_s = (Double(interactions) / (result.history_s + result.mine_s)).rounded()
    var usage = rusage()
    if unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
      result.peak_mib = Int(usage.ru_maxrss) >> 10
    }
    return result
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }
}

private struct GeneratedLog {
  var users: [Int32] = []
  var items: [Int32] = []

  init() {}

  init(interactions: Int, users userCount: Int, items itemCount: Int) {
    users.reserveCapacity(interactions)
    items.reserveCapacity(interactions)
    let topics = max(1, itemCount / 200), perTopic = (itemCount + topics - 1) / topics
    var random = RandomSource(seed: 1)
    for _ in 0..<interactions {
      let place = Double(random.nextUniform())
      let user = min(userCount - 1, Int(Double(userCount) * place * place))
      let isOfTopic = random.next() & 1 == 0
      let rank = Int(exp(Double(random.nextUniform()) * log(Double(isOfTopic ? perTopic : itemCount)))) - 1
      users.append(Int32(user))
      items.append(Int32(isOfTopic ? min(itemCount - 1, rank * topics + user % topics) : min(itemCount - 1, rank)))
    }
  }
}
