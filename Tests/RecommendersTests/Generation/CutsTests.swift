import Recommenders
import TensorMath
import Testing

@Suite struct CutsTests {
  private func sequences(
    _ rows: [[Int]], perSequence: Int = 3, targetItems: Int = 1, maximumHistory: Int = 6
  ) throws -> TrainingSequences {
    let vocabulary = try GeneratorVocabulary(
      randomTokens(items: 50, sizes: [4, 4, 4], without: [49]), CircleFixture.configuration)
    return TrainingSequences(
      try split(rows, itemCount: 50), vocabulary, maximumHistory: maximumHistory,
      cuts: .init(perSequence: perSequence, targetItems: targetItems))
  }

  private func examples(
    _ sequences: TrainingSequences, epoch: Int = 0, seed: UInt64 = 1, positions: Int = 12
  ) -> [[[UInt32]]] {
    sequences.batches(epoch: epoch, seed: seed, positions: positions).flatMap { batch in
      let (users, targets) = sequences.examples(batch)
      #expect(batch.positions == users.reduce(0) { $0 + $1.items.count + 1 })
      return zip(users, targets).map { [$0.items, $1] }
    }.sorted { $0[1].lexicographicallyPrecedes($1[1]) }
  }

  @Test func aShortSequenceIsCutEverywhere() throws {
    #expect(examples(try sequences([[7, 8, 49, 9]])) == [[[], [7]], [[7], [8]], [[7, 8], [9]]])
    #expect(
      examples(try sequences([[1, 2, 3, 4, 5]], perSequence: 9, targetItems: 2, maximumHistory: 2)) == [
        [[], [1, 2]], [[1], [2, 3]], [[1, 2], [3, 4]], [[2, 3], [4, 5]], [[3, 4], [5]],
      ])
  }

  @Test func aLongSequenceIsCutAtSomePlacesThatDifferByEpochAndSeed() throws {
    let sequences = try sequences([Array(0..<40), Array(3..<43)], perSequence: 4)
    let found = examples(sequences)
    #expect(found.count == 8)
    for example in found { #expect(example[0].last == example[1][0] - 1 || example[0].isEmpty) }
    #expect(Set(found.map { $0[1] }).count >= 4)
    #expect(examples(sequences) == found)
    #expect(examples(sequences, epoch: 1) != found)
    #expect(examples(sequences, seed: 2) != found)
  }

  @Test func batchesKeepToTheirPositions() throws {
    let sequences = try sequences(randomRows(users: 60, items: 49, longest: 20, seed: 3), targetItems: 3)
    let batches = sequences.batches(epoch: 2, seed: 5, positions: 40)
    #expect(batches.count > 1)
    for batch in batches { #expect(batch.positions <= 40) }
  }

  @Test func historiesStandBehindEachOtherAsCodes() throws {
    let tokens = try ItemTokens(sizes: [3, 4], codes: [2, 1, 0, 3, 1, 2], isPresent: [true, true, true])
    let vocabulary = try GeneratorVocabulary(tokens, CircleFixture.configuration)
    let read = HistoryTokens([[1, 0], [], [2]], vocabulary)
    #expect(read.levels == [-1, 0, 1, 0, 1, -1, -1, 0, 1])
    #expect(read.codes == [[-1, 0, -1, 2, -1, -1, -1, 1, -1], [-1, -1, 3, -1, 1, -1, -1, -1, 2]])
    #expect(read.places == [-1, 1, 1, 0, 0, -1, -1, 0, 0])
    #expect(read.closedItems == [-1, -1, 1, -1, 0, -1, -1, -1, 2])
    #expect(read.offsets == [0, 5, 6, 9])
    #expect(read.lastRows == [4, 5, 8])
  }

  @Test func whatIsWrittenIsReadFromABeginningOnItemByItem() throws {
    let tokens = try ItemTokens(sizes: [3, 4], codes: [2, 1, 0, 3], isPresent: [true, true])
    let vocabulary = try GeneratorVocabulary(tokens, CircleFixture.configuration)
    var written = TargetTokens(levels: 2)
    written.append(session: [1], prefix: tokens.codes(ofItem: 0).prefix(1), vocabulary)
    #expect(written.kinds == [0, 1, 2, 0, 1])
    #expect(written.codes == [[-1, 0, -1, -1, 2], [-1, -1, 3, -1, -1]])
    #expect(written.places == [0, 0, 0, 1, 1])
    // The end of the same.
    var rest = TargetTokens(levels: 2)
    rest.append(session: [1], prefix: tokens.codes(ofItem: 0).prefix(1), from: 2, vocabulary)
    #expect(rest.kinds == [2, 0, 1])
    #expect(rest.codes == [[-1, -1, 2], [3, -1, -1]])
    #expect(TargetTokens.count(session: 1, prefix: 1, levels: 2) == 5)
  }
}
