import BehaviorAlignment
import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite("Held-out pairs")
struct HeldOutPairsTests {
  private func pairs() throws -> HeldOutPairs {
    var random = RandomSource(seed: 12)
    let rows = randomRows(users: 30, items: 20, using: &random)
    return try TrainingSplit(try history(rows, itemCount: 20), window: .leaveLast(3)).heldOutPairs()
  }

  @Test func theyAreReadAsTheyWereWritten() throws {
    let pairs = try pairs()
    #expect(pairs.count > 20)
    try withTemporaryDirectory { folder in
      let path = folder + "/held-out.safetensors"
      try pairs.write(to: path, itemCount: 20)
      #expect(try HeldOutPairs(contentsOf: path, itemCount: 20) == pairs)
      expectAlignmentError(.unreadablePairs, path, "no held-out pairs of 21 items") {
        _ = try HeldOutPairs(contentsOf: path, itemCount: 21)
      }
      expectAlignmentError(.unreadablePairs) { _ = try HeldOutPairs(contentsOf: folder + "/none", itemCount: 20) }
      expectAlignmentError(.unwritablePairs) { try pairs.write(to: folder + "/no/such", itemCount: 20) }
    }
  }

  @Test func damagedFilesAreRefusedOrReadAsTheyWere() throws {
    var random = RandomSource(seed: 13)
    let pairs = try pairs()
    let bytes = try withTemporaryDirectory { folder in
      try pairs.write(to: folder + "/pairs", itemCount: 20)
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/pairs")))
    }
    var refused = 0
    for _ in 0..<10_000 {
      do {
        let read = try HeldOutPairs(try SafetensorsFile(bytes: damaged(bytes, using: &random)), itemCount: 20)
        #expect(read == pairs)
      } catch {
        refused += 1
      }
    }
    #expect(refused > 9000)
  }

  @Test func pairsMoveWithTheirItems() throws {
    let rows: [Int32] = [3, -1, 0, 5]
    let table = PairTable(itemCount: 4, [pair(0, 2), pair(1, 2), pair(3, 0, .nearby), pair(3, 1, .nearby)])
    let moved = table.mapping(rows, itemCount: 6)
    #expect(moved.itemCount == 6 && (0..<moved.count).map { moved[$0] } == [pair(3, 0), pair(5, 3, .nearby)])
    let split = try TrainingSplit(try history([[0, 2, 3], [2, 1, 0]], itemCount: 4), window: .leaveLast(2))
    let held = split.heldOutPairs().mapping(rows)
    #expect(zip(held.triggers, held.targets).map { [$0, $1] } == [[3, 0], [0, 5]] && Array(held.places) == [1, 2])
  }
}
