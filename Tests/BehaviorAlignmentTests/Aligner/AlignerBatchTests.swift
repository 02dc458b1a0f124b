import BehaviorAlignment
import TestSupport
import Testing

@Suite struct AlignerBatchTests {
  static func table(_ pairs: [(UInt32, UInt32)]) -> PairTable {
    PairTable(
      itemCount: 10,
      pairs.map { PairTable.Pair(trigger: $0.0, target: $0.1, source: .swing, weight: 1, support: 1) })
  }

  @Test func everyItemStandsOnce() {
    let table = Self.table([(0, 1), (1, 2), (4, 1)])
    let batch = AlignerBatch(table, [0, 1, 2, 0], known: PairLookup(table))
    #expect(batch.items.sorted() == [0, 1, 2, 4])
    #expect(
      zip(batch.triggers, batch.targets).map { [batch.items[Int($0)], batch.items[Int($1)]] } == [
        [0, 1], [1, 2], [4, 1], [0, 1],
      ])
    #expect(batch.targetItems == [1, 2, 1, 1])
  }

  /// Against the definition, pair by pair.
  @Test func whatMayBelongToATriggerIsHiddenFromIt() {
    let table = Self.table([(0, 1), (0, 2), (3, 0), (3, 4), (5, 2), (6, 7)])
    let rows = [0, 2, 3, 4, 5, 1, 0], known = PairLookup(table)
    let batch = AlignerBatch(table, rows, known: known)
    for (place, row) in rows.enumerated() {
      let expected = rows.indices.filter { other in
        let (trigger, target) = (table.triggers[row], table.targets[rows[other]])
        return target == trigger || target == table.targets[row] || known.contains(trigger, target)
      }
      #expect(batch.hidden[place].map { Int($0) }.sorted() == expected, "pair \(place)")
    }
  }
}
