internal import ItemCatalog
internal import RealModule
package import TensorMath

/// The examples of a two-tower model: each event of the training window on a known item that has a known item before it,
/// with the items before it.
///
/// Some users' last training events are left out, to measure on: what lies beyond the window is never looked at.
///
/// Memory: 16 bytes per event of the window, and 8 more while an epoch is made.
package struct TwoTowerExamples: Sendable {
  /// A user in so many whose history is long enough gives a query at most.
  private static let usersPerQuery = 10
  /// Known items of a history from which on it can give its last one away.
  private static let shortestWithQuery = 3

  private let maximumHistory: Int
  private let itemCount: Int
  /// Where each user's items begin.
  private let offsets: [Int]
  /// Numbers of items, the earliest first, user by user.
  private let items: ContiguousArray<Int32>
  /// Each user's items once, ascending, without those that queries ask for, and where each user's begin.
  private let positives: ContiguousArray<Int32>
  private let positiveOffsets: [Int]
  /// Places in `items`.
  private let targets: ContiguousArray<Int>
  /// By item, its share of the targets.
  private let shares: ContiguousArray<Float>
  /// What the left-out events ask.
  package let queries: [NextItemQuery]

  /// - Parameters:
  ///   - maximumHistory: of the items before a target, the latest that many.
  ///   - queryLimit: queries at most.
  /// - Complexity: O(events · log(events of a user)).
  package init(_ split: TrainingSplit, _ vocabulary: ItemVocabulary, maximumHistory: Int, queryLimit: Int) {
    self.maximumHistory = maximumHistory
    itemCount = vocabulary.count
    var items = ContiguousArray<Int32>(), offsets = [0]
    for user in 0..<split.history.userCount {
      items += vocabulary.numbers(of: split.trainingItems(ofUser: user))
      offsets.append(items.count)
    }
    let asked = Self.askedUsers(offsets, limit: queryLimit)
    var positives = ContiguousArray<Int32>(), positiveOffsets = [0], targets = ContiguousArray<Int>()
    var counts = ContiguousArray<Float>(repeating: 0, count: vocabulary.count)
    var queries: [NextItemQuery] = []
    for user in 0..<split.history.userCount {
      var range = offsets[user]..<offsets[user + 1]
      if asked.contains(user) {
        range = range.dropLast()
        queries.append(
          NextItemQuery(
            user: user, history: ContiguousArray(items[range].suffix(maximumHistory).map { vocabulary.rows[Int($0)] }),
            target: vocabulary.rows[Int(items[range.upperBound])]))
      }
      for place in range.dropFirst() {
        targets.append(place)
        counts[Int(items[place])] += 1
      }
      for item in items[range].sorted() where positives.count == positiveOffsets[user] || positives.last != item {
        positives.append(item)
      }
      positiveOffsets.append(positives.count)
    }
    shares = ContiguousArray(counts.map { $0 / Float(max(1, targets.count)) })
    (self.items, self.offsets, self.positives, self.positiveOffsets) = (items, offsets, positives, positiveOffsets)
    (self.targets, self.queries) = (targets, queries)
  }

  /// Users who are asked for their last event, evenly spread.
  private static func askedUsers(_ offsets: [Int], limit: Int) -> Set<Int> {
    let eligible = (0..<offsets.count - 1).filter { offsets[$0 + 1] - offsets[$0] >= shortestWithQuery }
    let count = min(limit, eligible.count / usersPerQuery)
    return Set((0..<count).map { eligible[$0 * eligible.count / count] })
  }

  /// Examples.
  package var count: Int { targets.count }

  /// SHA-256, in hexadecimal, over what an epoch is made of.
  var fingerprint: String {
    var hasher = ContentHasher()
    hasher.update(UInt64(itemCount))
    hasher.update(UInt64(maximumHistory))
    hasher.update(UInt64(items.count))
    for item in items { hasher.update(UInt64(item)) }
    hasher.update(UInt64(targets.count))
    for place in targets { hasher.update(UInt64(place)) }
    return hasher.finalize().hex
  }

  /// The batches of an epoch, in a new order. Lazy: one batch is in memory at a time.
  /// - Parameters:
  ///   - size: histories of a batch; the last one has the rest.
  ///   - negatives: items that are drawn uniformly for each batch.
  ///   - correction: how far frequencies are taken out of scores, from 0 to 1.
  ///   - random: gives the order and a seed, so that where it stands next does not depend on the batches.
  package func epoch(
    size: Int, negatives: Int, correction: Float = 1, using random: inout RandomSource
  ) -> some Sequence<TwoTowerBatch> {
    let order = targets.shuffled(using: &random), seed = random.next()
    return stride(from: 0, to: order.count, by: size).lazy.map { start in
      var random = RandomSource(seed: seed, stream: UInt64(start))
      return self.batch(
        order[start..<min(order.count, start + size)], negatives: negatives, correction: correction, using: &random)
    }
  }

  private func batch(
    _ targets: ArraySlice<Int>, negatives: Int, correction: Float, using random: inout RandomSource
  ) -> TwoTowerBatch {
    var batch = TwoTowerBatch()
    let users = targets.map { user(at: $0) }
    for (target, user) in zip(targets, users) {
      batch.histories += items[max(offsets[user], target - maximumHistory)..<target]
      batch.offsets.append(batch.histories.count)
      batch.candidates.append(items[target])
    }
    for _ in 0..<negatives { batch.candidates.append(Int32.random(in: 0..<Int32(itemCount), using: &random)) }
    let drawn = Float(negatives) / Float(itemCount)
    batch.corrections = ContiguousArray(
      batch.candidates.map { -correction * Float.log(Float(targets.count) * shares[Int($0)] + drawn) })
    let places = CandidatePlaces(batch.candidates, itemCount: itemCount)
    batch.hidden = users.enumerated().map { row, user in
      places.places(of: positives[positiveOffsets[user]..<positiveOffsets[user + 1]]).filter { $0 != row }
    }
    return batch
  }

  /// Whose items have a place.
  private func user(at place: Int) -> Int {
    var low = 0, high = offsets.count - 1
    while low + 1 < high {
      let middle = (low + high) / 2
      if offsets[middle] <= place { low = middle } else { high = middle }
    }
    return low
  }
}
