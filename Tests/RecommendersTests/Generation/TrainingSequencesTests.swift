import BehaviorAlignment
import Recommenders
import TensorMath
import Testing

@Suite struct TrainingSequencesTests {
  private func sequences(
    _ rows: [[Int]], maximumHistory: Int = 6, shuffledUsers: Int = 1 << 17
  ) throws -> TrainingSequences {
    let vocabulary = try GeneratorVocabulary(
      randomTokens(items: 50, sizes: [4, 4, 4], without: [49]), CircleFixture.configuration)
    return TrainingSequences(
      try split(rows, itemCount: 50), vocabulary, maximumHistory: maximumHistory, shuffledUsers: shuffledUsers)
  }

  /// Each window as its history with what follows every row of it.
  private func windows(_ sequences: TrainingSequences) -> [(items: [Int32], next: [Int32])] {
    sequences.batches(epoch: 0, seed: 1, positions: 1).map { batch in
      let (packed, next) = sequences.sequences(batch)
      return (Array(packed.items), Array(next))
    }.sorted { $0.next.lexicographicallyPrecedes($1.next) }
  }

  @Test func aShortSequenceIsOneWindowFromItsBeginning() throws {
    let found = windows(try sequences([[7, 8, 49, 9]]))
    #expect(found.count == 1)
    #expect(found[0].items == [-1, 7, 8])
    #expect(found[0].next == [7, 8, 9])
  }

  @Test func aWindowInTheMiddleDoesNotPredictItsFirstItemFromNothing() throws {
    let found = windows(try sequences([Array(0..<9)], maximumHistory: 4))
    #expect(found.count == 2)
    #expect(found[0].items == [-1, 4, 5, 6, 7])
    #expect(found[0].next == [-1, 5, 6, 7, 8])
    #expect(found[1].items == [-1, 0, 1, 2, 3])
    #expect(found[1].next == [0, 1, 2, 3, 4])
  }

  @Test func batchesHoldEveryWindowOnceAndKeepToTheirPositions() throws {
    let rows = randomRows(users: 80, items: 50, longest: 20, seed: 3)
    let sequences = try sequences(rows)
    let batches = sequences.batches(epoch: 2, seed: 5, positions: 40)
    var targets: [Int32] = []
    for batch in batches {
      #expect(batch.positions <= 40)
      let (packed, next) = sequences.sequences(batch)
      #expect(packed.rows == batch.positions && next.count == batch.positions)
      targets += next.filter { $0 >= 0 }
    }
    // A repetition right behind itself is one event.
    let events = try split(rows, itemCount: 50)
    let expected = (0..<80).flatMap { events.trainingItems(ofUser: $0).filter { $0 != 49 }.map { Int32($0) } }
    #expect(targets.sorted() == expected.sorted())
    for item in 0..<49 { #expect(Int(sequences.popularity[item]) == expected.count { $0 == item }) }
  }

  @Test func aWindowThatIsTooLongForABatchIsOneAlone() throws {
    let sequences = try sequences([[1, 2, 3, 4], [5, 6, 7]])
    let batches = sequences.batches(epoch: 0, seed: 1, positions: 2)
    #expect(batches.map(\.positions).sorted() == [3, 4])
  }

  @Test func theSeedAndTheEpochDecideTheOrder() throws {
    let sequences = try sequences((0..<40).map { [$0, $0 + 1, $0 + 2] })
    func order(epoch: Int, seed: UInt64) -> [[Int32]] {
      sequences.batches(epoch: epoch, seed: seed, positions: 12).map { Array(sequences.sequences($0).batch.items) }
    }
    #expect(order(epoch: 1, seed: 4) == order(epoch: 1, seed: 4))
    #expect(order(epoch: 1, seed: 4) != order(epoch: 2, seed: 4))
    #expect(order(epoch: 1, seed: 4) != order(epoch: 1, seed: 5))
  }

  /// What recommenders were trained with before users were shuffled in groups.
  @Test func ofFewUsersAllWindowsAreShuffledAtOnce() throws {
    let rows = (0..<30).map { [$0, $0 + 1, $0 + 2] }
    var random = RandomSource(seed: 4, stream: 2)
    let expected = rows.shuffled(using: &random).map { $0.map { Int32($0) } }
    let batches = try sequences(rows).batches(epoch: 2, seed: 4, positions: 3)
    #expect(batches.map { Array(try! sequences(rows).sequences($0).next) } == expected)
    #expect(batches.count == 30)
  }

  @Test(arguments: [1, 7, 30, 79])
  func ofManyUsersGroupsAreShuffledAndEveryWindowComesOnce(group: Int) throws {
    let rows = randomRows(users: 80, items: 49, longest: 20, seed: 3)
    let (all, grouped) = (try sequences(rows), try sequences(rows, shuffledUsers: group))
    func order(_ sequences: TrainingSequences, epoch: Int) -> [[Int32]] {
      sequences.batches(epoch: epoch, seed: 5, positions: 40).flatMap { batch in
        #expect(batch.positions <= 40)
        let (packed, next) = sequences.sequences(batch)
        return zip(packed.offsets, packed.offsets.dropFirst()).map { Array(next[$0..<$1]) }
      }
    }
    func sorted(_ windows: [[Int32]]) -> [[Int32]] { windows.sorted { $0.lexicographicallyPrecedes($1) } }
    let found = order(grouped, epoch: 1)
    #expect(sorted(found) == sorted(order(all, epoch: 1)))
    #expect(found == order(grouped, epoch: 1) && found != order(grouped, epoch: 2))
    // Users that stand side by side in the log are drawn far from each other.
    #expect(found != order(all, epoch: 1) && found != sorted(found))
  }
}
