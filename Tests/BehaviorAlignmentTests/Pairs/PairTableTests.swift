import BehaviorAlignment
import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite("Pair tables")
struct PairTableTests {
  @Test func rowsAreOrderedBySourceTriggerAndTarget() {
    let table = PairTable(
      itemCount: 5, [pair(1, 2, .nearby), pair(3, 0), pair(0, 4), pair(0, 1), pair(2, 1, .userToItem)])
    #expect(Array(table.triggers) == [0, 0, 3, 2, 1] && Array(table.targets) == [1, 4, 0, 1, 2])
    #expect(table.rows(of: .swing) == 0..<3 && table.rows(of: .userToItem) == 3..<4 && table.rows(of: .nearby) == 4..<5)
    #expect(table.presentSources == [.swing, .userToItem, .nearby])
    #expect(PairTable(itemCount: 5).presentSources.isEmpty && PairTable(itemCount: 5).isEmpty)
  }

  @Test func mergingKeepsEverySource() {
    let swing = PairTable(itemCount: 4, [pair(0, 1), pair(2, 1)])
    let nearby = PairTable(itemCount: 4, [pair(0, 1, .nearby)])
    let merged = PairTable.merging([nearby, swing, PairTable(itemCount: 4)])
    #expect((0..<merged.count).map { merged[$0] } == [pair(0, 1), pair(2, 1), pair(0, 1, .nearby)])
    #expect(PairTable.merging([]).isEmpty)
  }

  @Test func aTableIsReadAsItWasWritten() throws {
    var random = RandomSource(seed: 2)
    for count in [0, 1, 500] {
      let table = randomTable(count, items: 60, using: &random)
      try withTemporaryDirectory { folder in
        try table.write(to: folder + "/pairs.safetensors")
        #expect(try PairTable(contentsOf: folder + "/pairs.safetensors") == table)
        #expect(
          try PairTable(contentsOf: folder + "/pairs.safetensors", itemCount: 60).fingerprint == table.fingerprint)
      }
    }
  }

  @Test func tablesOfOtherCataloguesAndOtherFilesAreRefused() throws {
    let table = PairTable(itemCount: 3, [pair(0, 1)])
    try withTemporaryDirectory { folder in
      let path = folder + "/pairs.safetensors"
      try table.write(to: path)
      expectAlignmentError(.unreadablePairs, "3 items, expected 4", "mine the pairs anew", path) {
        _ = try PairTable(contentsOf: path, itemCount: 4)
      }
      expectAlignmentError(.unreadablePairs) { _ = try PairTable(contentsOf: folder + "/none") }
      expectAlignmentError(.unwritablePairs) { try table.write(to: folder + "/no/such/folder") }
      try SafetensorsWriter.write([], metadata: ["architecture": "another"], to: path)
      expectAlignmentError(.unreadablePairs, "not a \"tessera pairs 1\" file") { _ = try PairTable(contentsOf: path) }
    }
  }

  /// A file with some columns replaced, and a fingerprint that fits nothing.
  private func forged(
    _ change: (inout [String: [UInt32]]) -> Void, source: [UInt8] = [0, 0], weight: [Float] = [1, 1]
  )
    throws -> SafetensorsFile
  {
    var columns: [String: [UInt32]] = ["trigger": [0, 1], "target": [1, 2], "support": [2, 2]]
    change(&columns)
    let tensors =
      columns.map { NamedTensor(name: $0.key, shape: [$0.value.count], integers: $0.value) } + [
        NamedTensor(name: "source", shape: [source.count], integers: source),
        NamedTensor(name: "weight", shape: [weight.count], floats: weight),
      ]
    let metadata = ["architecture": "tessera pairs 1", "items": "3", "fingerprint": "0"]
    return try SafetensorsFile(bytes: SafetensorsWriter.bytes(tensors, metadata: metadata))
  }

  @Test func whatIsNoTableOfPairsIsRefused() throws {
    let forgeries: [(String, SafetensorsFile)] = [
      ("row 1 is no pair", try forged { $0["target"] = [1, 3] }),
      ("row 0 is no pair", try forged { $0["target"] = [0, 2] }),
      ("row 1 is no pair", try forged { $0["support"] = [1, 0] }),
      ("not in order", try forged { $0["trigger"] = [2, 0] }),
      ("row 0 is no pair", try forged({ _ in }, source: [3, 0])), ("columns of 2", try forged { $0["support"] = [1] }),
      ("row 1 is no pair", try forged({ _ in }, weight: [1, -1])),
      ("row 0 is no pair", try forged({ _ in }, weight: [.nan, 1])),
      ("not in order", try forged { $0 = ["trigger": [0, 0], "target": [1, 1], "support": [1, 1]] }),
      ("other pairs than were written", try forged { _ in }), ("\"support\"", try forged { $0["support"] = nil }),
    ]
    for (words, file) in forgeries {
      expectAlignmentError(.unreadablePairs, words) { _ = try PairTable(file) }
    }
  }

  @Test func damagedFilesAreRefusedOrReadAsTheyWere() throws {
    var random = RandomSource(seed: 11)
    let table = randomTable(40, items: 30, using: &random)
    let bytes = try withTemporaryDirectory { folder in
      try table.write(to: folder + "/pairs")
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/pairs")))
    }
    var refused = 0
    for _ in 0..<10_000 {
      do {
        let read = try PairTable(try SafetensorsFile(bytes: damaged(bytes, using: &random)))
        #expect(read == table)
      } catch {
        refused += 1
      }
    }
    #expect(refused > 9000)
  }

  @Test func lookupsIgnoreDirection() {
    let table = PairTable(itemCount: 6, [pair(0, 1), pair(1, 0), pair(4, 2), pair(3, 5, .nearby), pair(1, 0, .nearby)])
    let all = PairLookup(table), swing = PairLookup(table, source: .swing)
    #expect(all.count == 3 && swing.count == 2)
    #expect(all.contains(0, 1) && all.contains(1, 0) && all.contains(2, 4) && all.contains(5, 3))
    #expect(!all.contains(0, 2) && !all.contains(5, 5) && !swing.contains(3, 5))
    #expect(!PairLookup(PairTable(itemCount: 2)).contains(0, 1))
  }

  @Test func coverageCountsHeldOutPairs() throws {
    let split = try TrainingSplit(try history([[0, 1, 2], [3, 4, 1], [2, 0]], itemCount: 5), window: .leaveLast(1))
    let lookup = PairLookup(PairTable(itemCount: 5, [pair(2, 1), pair(0, 4)]))
    #expect(split.heldOutPairs().count == 3 && lookup.covered(split.heldOutPairs()) == 1)
  }
}

@Suite("Drawing pairs")
struct PairSamplerTests {
  private let table = PairTable(
    itemCount: 5,
    [pair(0, 1, weight: 1), pair(0, 2, weight: 3), pair(1, 2, .nearby, weight: 10), pair(2, 3, .nearby, weight: 10)])

  private func frequencies(_ shares: [PairSource: PairSampler.Share], draws: Int = 40_000) throws -> [Double] {
    var random = RandomSource(seed: 1)
    var counts = [Double](repeating: 0, count: table.count)
    for row in try PairSampler(table, shares: shares).draw(draws, using: &random) { counts[row] += 1 / Double(draws) }
    return counts
  }

  @Test func sourcesAndWeightsDecideHowOftenAPairIsDrawn() throws {
    func expect(_ shares: [PairSource: PairSampler.Share], _ expected: [Double]) throws {
      for (found, wanted) in zip(try frequencies(shares), expected) { #expect(abs(found - wanted) < 0.01) }
    }
    try expect([.swing: .init(1), .nearby: .init(1)], [0.125, 0.375, 0.25, 0.25])
    try expect([.swing: .init(3, weightExponent: 0), .nearby: .init(1)], [0.375, 0.375, 0.125, 0.125])
    try expect([.nearby: .init(0.1)], [0, 0, 0.5, 0.5])
    // Nobody mined user-to-item pairs: their share goes to the others.
    try expect([.swing: .init(1, weightExponent: 2), .userToItem: .init(9)], [0.1, 0.9, 0, 0])
  }

  @Test func drawsFollowTheSeed() throws {
    let sampler = try PairSampler(table, shares: [.swing: .init(1), .nearby: .init(1)])
    var first = RandomSource(seed: 4), second = RandomSource(seed: 4)
    #expect(sampler.draw(100, using: &first) == sampler.draw(100, using: &second))
    #expect(sampler.draw(0, using: &first).isEmpty)
  }

  @Test func sharesThatDrawNothingAreRefused() {
    expectAlignmentError(.noPairs, "4 of [\"swing\", \"nearby\"]", "relax the filters") {
      _ = try PairSampler(table, shares: [.userToItem: .init(1)])
    }
    expectAlignmentError(.noPairs) { _ = try PairSampler(table, shares: [.swing: .init(0)]) }
    expectAlignmentError(.invalidParameter, "swing") { _ = try PairSampler(table, shares: [.swing: .init(-1)]) }
    expectAlignmentError(.invalidParameter) {
      _ = try PairSampler(table, shares: [.swing: .init(1, weightExponent: .nan)])
    }
  }
}

@Suite struct PairPartnerTests {
  @Test func partnersAreThoseThatTheLookupKnows() {
    var random = RandomSource(seed: 8)
    let pairs = (0..<40).flatMap { first in
      (0..<40).filter { $0 != first && Int.random(in: 0..<5, using: &random) == 0 }.map {
        PairTable.Pair(trigger: UInt32(first), target: UInt32($0), source: .nearby, weight: 1, support: 1)
      }
    }
    let lookup = PairLookup(PairTable(itemCount: 40, pairs))
    for item in 0..<UInt32(40) {
      #expect(lookup.partners(of: item).sorted() == (0..<40).filter { lookup.contains(item, $0) })
    }
  }
}
