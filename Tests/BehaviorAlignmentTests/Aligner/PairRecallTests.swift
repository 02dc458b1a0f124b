import BehaviorAlignment
import TensorMath
import TestSupport
import Testing

@Suite struct PairRecallTests {
  /// Sorts all items for every pair.
  static func reference(_ vectors: Matrix, _ pairs: [(UInt32, UInt32)], cutoff: Int) -> Double {
    let found = pairs.count { trigger, target in
      let scores = (0..<vectors.rows).map { row in
        zip(vectors.row(Int(trigger)), vectors.row(row)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      }
      let better = (0..<vectors.rows).count { $0 != trigger && scores[$0] > scores[Int(target)] }
      return better < cutoff
    }
    return Double(found) / Double(pairs.count)
  }

  @Test(arguments: [1, 5, 20])
  func recallIsThatOfTheSortedItems(cutoff: Int) {
    var random = RandomSource(seed: 3)
    var vectors = normalMatrix(150, 7, using: &random)
    vectors.normalizeRows()
    let pairs = (0..<400).map { _ in
      (UInt32.random(in: 0..<150, using: &random), UInt32.random(in: 0..<150, using: &random))
    }.filter { $0.0 != $0.1 }
    let recall = PairRecall.measure(vectors, HeldOutPairs(pairs), cutoffs: [cutoff])
    #expect(abs(recall.recall[cutoff]! - Self.reference(vectors, pairs, cutoff: cutoff)) < 1e-9)
    #expect(recall.pairs == pairs.count)
  }

  /// Items that are all alike are found by chance only: the target stands in the middle of them.
  @Test func equalVectorsEarnNothing() {
    let vectors = Matrix(rows: 101, columns: 2, elements: ContiguousArray(repeating: 1, count: 202))
    let recall = PairRecall.measure(vectors, HeldOutPairs([(0, 1), (100, 0), (5, 99)]), cutoffs: [10, 51])
    #expect(recall.recall[10] == 0)
    #expect(recall.recall[51] == 1)
    #expect(abs(recall.meanReciprocalRank - 1 / 50.5) < 1e-9)
  }

  @Test func theTriggerItselfIsNoCompetitor() {
    let vectors = Matrix(rows: 3, columns: 2, elements: [1, 0, 0.8, 0.6, 0, 1])
    let recall = PairRecall.measure(vectors, HeldOutPairs([(0, 1)]), cutoffs: [1])
    #expect(recall.recall[1] == 1)
    #expect(recall.meanReciprocalRank == 1)
  }

  /// Only candidates compete; a trigger need not be one of them.
  @Test func targetsCanBeLookedForAmongSomeItems() {
    let vectors = Matrix(rows: 4, columns: 2, elements: [1, 0, 0.96, 0.28, 0.8, 0.6, 0.6, 0.8])
    let pairs = HeldOutPairs([(0, 3)])
    #expect(PairRecall.measure(vectors, pairs, cutoffs: [1]).meanReciprocalRank == 1.0 / 3)
    let some = PairRecall.measure(vectors, pairs, cutoffs: [1], among: [false, false, true, true])
    #expect(some.meanReciprocalRank == 0.5)
    let alone = PairRecall.measure(vectors, pairs, cutoffs: [1], among: [false, false, false, true])
    #expect(alone.recall[1] == 1)
  }

  /// Partners that training knows stand before the target, and are not counted; the target itself may be one of them.
  @Test func knownPartnersAreNoCompetitors() {
    let vectors = Matrix(rows: 4, columns: 2, elements: [1, 0, 0.96, 0.28, 0.8, 0.6, 0.6, 0.8])
    let known = PairLookup(PairTable(itemCount: 4, [pair(0, 1), pair(0, 3)]))
    let pairs = HeldOutPairs([(0, 2), (0, 3)])
    let plain = PairRecall.measure(vectors, pairs, cutoffs: [1])
    #expect(plain.recall[1] == 0)
    #expect(abs(plain.meanReciprocalRank - (0.5 + 1.0 / 3) / 2) < 1e-9)
    let filtered = PairRecall.measure(vectors, pairs, cutoffs: [1], excluding: known)
    #expect(filtered.recall[1] == 0.5)
    #expect(abs(filtered.meanReciprocalRank - (1 + 0.5) / 2) < 1e-9)
  }

  @Test func withoutPairsThereIsNoRecall() {
    let recall = PairRecall.measure(Matrix(rows: 3, columns: 2), HeldOutPairs(), cutoffs: [10])
    #expect(recall == PairRecall(ranks: [], cutoffs: [10]))
    #expect(recall.recall[10] == 0)
  }
}
