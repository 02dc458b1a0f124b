import BehaviorAlignment
import TensorMath
import Testing

@Suite struct SequenceSamplerTests {
  /// (input, target) with the inputs before it in its piece, of an epoch.
  private func positions(_ sampler: SequenceSampler, seed: UInt64) -> [[Int32]] {
    var random = RandomSource(seed: seed)
    return sampler.epoch(using: &random).flatMap { batch in
      zip(batch.offsets, batch.offsets.dropFirst()).flatMap { start, end in
        (start..<end).map { Array(batch.inputs[start...$0]) + [batch.targets[$0]] }
      }
    }
  }

  @Test func everyEventButTheFirstIsATargetOnceAnEpoch() {
    var random = RandomSource(seed: 4)
    let sequences = (0..<40).map { user in
      ContiguousArray((0..<Int.random(in: 0...23, using: &random)).map { Int32(user * 100 + $0) })
    }
    let sampler = SequenceSampler(sequences, maximumHistory: 5, positionsPerBatch: 16)
    let targets = positions(sampler, seed: 1).compactMap(\.last).sorted()
    #expect(targets == sequences.flatMap { $0.dropFirst() }.sorted())
    #expect(sampler.positions == targets.count)
  }

  @Test func inputsAreTheItemsJustBeforeTheTarget() {
    let sampler = SequenceSampler([[0, 1, 2, 3, 4, 5, 6, 7]], maximumHistory: 3, positionsPerBatch: 4)
    let found = positions(sampler, seed: 1)
    #expect(found.count == 7)
    for window in found {
      #expect(window.count <= 4)
      #expect(zip(window, window.dropFirst()).allSatisfy { $0 + 1 == $1 })
    }
  }

  @Test func everyEpochHasAsManyBatchesInAnotherOrder() {
    let sequences = (0..<200).map { user in ContiguousArray((0...(user % 9)).map { Int32($0 + user) }) }
    let sampler = SequenceSampler(sequences, maximumHistory: 8, positionsPerBatch: 50)
    var random = RandomSource(seed: 9)
    let first = Array(sampler.epoch(using: &random)), second = Array(sampler.epoch(using: &random))
    #expect(first.count == sampler.batchesPerEpoch)
    #expect(second.count == sampler.batchesPerEpoch)
    #expect(first[0].inputs != second[0].inputs)
    #expect(first.allSatisfy { $0.positions <= 58 && $0.positions >= 1 })
  }

  /// Short pieces before long ones: batches that are filled as far as they go would be one fewer than in another order.
  @Test func anEpochHasAsManyBatchesInWhateverOrder() {
    var random = RandomSource(seed: 2)
    for _ in 0..<300 {
      let sequences = (0..<Int.random(in: 1...6, using: &random)).map { _ in
        ContiguousArray((0...Int.random(in: 1...10, using: &random)).map { Int32($0) })
      }
      let sampler = SequenceSampler(
        sequences, maximumHistory: Int.random(in: 1...10, using: &random),
        positionsPerBatch: Int.random(in: 1...12, using: &random))
      let batches = Array(sampler.epoch(using: &random))
      #expect(batches.count == sampler.batchesPerEpoch)
      #expect(batches.allSatisfy { $0.positions > 0 })
      #expect(batches.reduce(0) { $0 + $1.positions } == sampler.positions)
    }
  }

  @Test func theSameSeedGivesTheSameEpoch() {
    let sequences = (0..<50).map { user in ContiguousArray((0...(user % 7)).map { Int32($0 + user) }) }
    let sampler = SequenceSampler(sequences, maximumHistory: 4, positionsPerBatch: 20)
    #expect(positions(sampler, seed: 3) == positions(sampler, seed: 3))
    #expect(positions(sampler, seed: 3) != positions(sampler, seed: 4))
  }

  @Test func usersWithOneItemTeachNothing() {
    let sampler = SequenceSampler([[3], [], [4]], maximumHistory: 4, positionsPerBatch: 20)
    #expect(sampler.positions == 0)
    #expect(sampler.batchesPerEpoch == 0)
  }
}
