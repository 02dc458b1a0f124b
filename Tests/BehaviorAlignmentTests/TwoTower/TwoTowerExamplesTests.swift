import BehaviorAlignment
import Foundation
import TensorMath
import TestSupport
import Testing

@Suite struct TwoTowerExamplesTests {
  private func examples(
    _ split: TrainingSplit, maximumHistory: Int = 5, queries: Int = 0, itemLimit: Int = .max
  ) -> (TwoTowerExamples, ItemVocabulary) {
    let vocabulary = ItemVocabulary(split, maximum: itemLimit)
    return (
      TwoTowerExamples(split, vocabulary, maximumHistory: maximumHistory, queryLimit: queries), vocabulary
    )
  }

  /// (history, target) of all batches, as rows of the item table.
  private func seen(_ batches: some Sequence<TwoTowerBatch>, _ vocabulary: ItemVocabulary) -> [[UInt32]] {
    batches.flatMap { batch in
      (0..<batch.count).map { row in
        (batch.histories[batch.offsets[row]..<batch.offsets[row + 1]] + [batch.candidates[row]]).map {
          vocabulary.rows[Int($0)]
        }
      }
    }
  }

  private func sorted(_ rows: [[UInt32]]) -> [[UInt32]] { rows.sorted { $0.lexicographicallyPrecedes($1) } }

  @Test(arguments: [UInt64](1...6))
  func everyTrainingEventBehindAnotherIsATargetOnceAnEpoch(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    let rows = randomRows(users: 50, items: 30, longest: 14, using: &random) + [[3, 4, 5]]
    let split = try TrainingSplit(try history(rows, itemCount: 33), window: .leaveLast(1))
    let (examples, vocabulary) = examples(split)
    var expected: [[UInt32]] = []
    for user in 0..<split.history.userCount {
      let items = Array(split.trainingItems(ofUser: user))
      for place in items.indices.dropFirst() { expected.append(Array(items[max(0, place - 5)...place])) }
    }
    let batches = Array(examples.epoch(size: 16, negatives: 4, using: &random))
    #expect(examples.count == expected.count)
    #expect(sorted(seen(batches, vocabulary)) == sorted(expected))
    #expect(batches.dropLast().allSatisfy { $0.count == 16 && $0.candidates.count == 20 })
  }

  @Test func unknownItemsAreSkipped() throws {
    let split = try everything([[1, 2, 9, 3], [1, 2, 3, 1, 2, 3]], itemCount: 10)
    let (examples, vocabulary) = examples(split, itemLimit: 3)
    var random = RandomSource(seed: 1)
    let rows = seen(examples.epoch(size: 100, negatives: 0, using: &random), vocabulary)
    #expect(!rows.contains { $0.contains(9) } && rows.contains([1, 2, 3]))
  }

  @Test func noItemOfTheUserIsANegative() throws {
    var random = RandomSource(seed: 11)
    let split = try everything(randomRows(users: 60, items: 20, longest: 9, using: &random), itemCount: 20)
    let (examples, vocabulary) = examples(split)
    // Every (history, target) tells the user's items apart only together with the user: take the longest that fits.
    let met = (0..<split.history.userCount).map { Array(split.trainingItems(ofUser: $0)) }
    for batch in examples.epoch(size: 32, negatives: 40, using: &random) {
      for row in 0..<batch.count {
        let items = batch.histories[batch.offsets[row]..<batch.offsets[row + 1]] + [batch.candidates[row]]
        let window = items.map { vocabulary.rows[Int($0)] }
        let hidden = Set(batch.hidden[row].map { vocabulary.rows[Int(batch.candidates[Int($0)])] })
        let users = met.filter { user in user.indices.contains { Array(user[$0...].prefix(window.count)) == window } }
        let places = Set(batch.hidden[row])
        #expect(places.count == batch.hidden[row].count && !places.contains(Int32(row)))
        #expect(
          users.contains { user in
            let own = Set(user)
            return batch.candidates.enumerated().allSatisfy { place, item in
              place == row || own.contains(vocabulary.rows[Int(item)]) == places.contains(Int32(place))
            }
          }, "\(window) hides \(hidden)")
      }
    }
  }

  @Test func frequenciesAreCorrectedByTheExpectedNumberInABatch() throws {
    // Targets: item 1 three times, item 2 once; item 0 never.
    let (examples, vocabulary) = examples(try everything([[0, 1], [0, 1], [0, 1, 2]], itemCount: 3))
    #expect(examples.count == 4 && Array(vocabulary.rows) == [0, 1, 2])
    var random = RandomSource(seed: 3)
    for correction in [Float(1), 0.5, 0] {
      for batch in examples.epoch(size: 4, negatives: 6, correction: correction, using: &random) {
        let expected = batch.candidates.map { item in
          -correction * Float(log([0.0, 3, 1][Int(item)] / 4 * 4 + 6.0 / 3))
        }
        expectClose(batch.corrections, expected, tolerance: 1e-5)
      }
    }
  }

  @Test func drawnNegativesAreUniform() throws {
    let split = try everything((0..<400).map { [$0 % 2, 2 + $0 % 8] }, itemCount: 10)
    let (examples, _) = examples(split)
    var random = RandomSource(seed: 5)
    var counts = [Int](repeating: 0, count: 10)
    for batch in examples.epoch(size: 4, negatives: 100, using: &random) {
      for item in batch.candidates[batch.count...] { counts[Int(item)] += 1 }
    }
    #expect(counts.reduce(0, +) == 10_000)
    // Four standard deviations of a binomial with p = 0.1.
    #expect(counts.allSatisfy { abs($0 - 1000) < 120 }, "\(counts)")
  }

  @Test func epochsDifferAndSeedsRepeatThem() throws {
    var random = RandomSource(seed: 8)
    let (examples, _) = examples(
      try everything(randomRows(users: 80, items: 25, using: &random), itemCount: 25))
    var (first, second) = (RandomSource(seed: 4), RandomSource(seed: 4))
    let one = Array(examples.epoch(size: 32, negatives: 8, using: &first))
    #expect(one == Array(examples.epoch(size: 32, negatives: 8, using: &second)))
    #expect(one != Array(examples.epoch(size: 32, negatives: 8, using: &first)))
  }

  @Test func queriesAreLastTrainingEventsThatNothingElseUses() throws {
    let rows = (0..<60).map { user in (0..<6).map { user + 100 * $0 } }
    let split = try TrainingSplit(try history(rows, itemCount: 600), window: .leaveLast(2))
    let (examples, vocabulary) = examples(split, queries: 4)
    #expect(examples.queries.count == 4)
    #expect(self.examples(split, queries: 100).0.queries.count == 6)
    for query in examples.queries {
      let items = split.trainingItems(ofUser: query.user)
      #expect(query.target == items.last && Array(query.history) == Array(items.dropLast()))
    }
    var random = RandomSource(seed: 2)
    let asked = Set(examples.queries.map(\.target))
    let used = seen(examples.epoch(size: 50, negatives: 0, using: &random), vocabulary)
    #expect(used.count == 60 * 3 - 4)
    #expect(used.allSatisfy { asked.isDisjoint(with: $0) })
  }

  @Test func usersWithFewEventsGiveNone() throws {
    let (examples, _) = examples(try everything((0..<50).map { [$0 % 5, 5 + $0 % 5] }, itemCount: 10), queries: 100)
    #expect(examples.queries.isEmpty && examples.count == 50)
  }

  @Test func oneUserWithAllEventsIsHeldInBounds() throws {
    var random = RandomSource(seed: 9)
    let rows = [(0..<100_000).map { _ in Int.random(in: 0..<300, using: &random) }, [1, 2, 3]]
    let split = try TrainingSplit(try history(rows, itemCount: 300, maximum: 1000), window: .everything)
    let (examples, _) = examples(split)
    #expect(examples.count == 999 + 2)
    let batches = Array(examples.epoch(size: 256, negatives: 64, using: &random))
    #expect(batches.count == 4 && batches.allSatisfy { $0.histories.count <= 5 * $0.count })
    // Its own items leave it hardly a negative; the others keep theirs.
    #expect(batches[0].hidden.contains { $0.count > 250 })
  }
}
