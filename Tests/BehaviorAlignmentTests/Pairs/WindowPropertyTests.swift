import BehaviorAlignment
import TensorMath
import TestSupport
import Testing

/// Windows, held-out pairs and questions against the definitions, on random logs.
@Suite("Windows on random logs")
struct WindowPropertyTests {
  /// A log of random times, some of them equal, and each user's events in the order of times.
  private static func log(_ seed: UInt64) throws -> (history: InteractionHistory, rows: [[(item: Int, time: Double)]]) {
    var random = RandomSource(seed: seed)
    var lines = "user_id,item_id,timestamp\n"
    var byUser: [Int: [(item: Int, time: Double)]] = [:]
    var order: [Int] = []
    for _ in 0..<120 {
      let user = Int.random(in: 0..<12, using: &random), item = Int.random(in: 0..<9, using: &random)
      let time = Double(Int.random(in: 0...40, using: &random))
      lines += "u\(user),i\(item),\(Int(time))\n"
      if byUser[user] == nil { order.append(user) }
      byUser[user, default: []].append((item, time))
    }
    let history = try BehaviorAlignmentTests.history(csv: lines, items: (0..<9).map { "i\($0)" })
    // Sorted by time, equal times as they came; a repeat of the event before is dropped.
    let rows = order.map { user -> [(item: Int, time: Double)] in
      let sorted = byUser[user]!.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
      return sorted.map(\.element).reduce(into: []) { kept, event in
        if kept.last?.item != event.item { kept.append(event) }
      }
    }
    return (history, rows)
  }

  private func expectSplit(
    _ split: TrainingSplit, _ rows: [[(item: Int, time: Double)]], ends: [Int],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var training: Set<Int> = [], heldOut: Set<Int> = []
    for (user, row) in rows.enumerated() {
      let (first, rest) = (row[..<ends[user]].map(\.item), row[ends[user]...].map(\.item))
      #expect(split.trainingItems(ofUser: user).map { Int($0) } == first, sourceLocation: sourceLocation)
      #expect(split.heldOutItems(ofUser: user).map { Int($0) } == rest, sourceLocation: sourceLocation)
      training.formUnion(first)
      heldOut.formUnion(rest)
    }
    let counts = (0..<9).map { item in rows.indices.reduce(0) { $0 + rows[$1][..<ends[$1]].count { $0.item == item } } }
    #expect(split.itemEventCounts().map { Int($0) } == counts, sourceLocation: sourceLocation)
    let users = (0..<9).map { item in rows.indices.count { rows[$0][..<ends[$0]].contains { $0.item == item } } }
    #expect(split.itemUserCounts().map { Int($0) } == users, sourceLocation: sourceLocation)
    let summary = split.summary
    #expect(summary.trainingEvents == ends.reduce(0, +), sourceLocation: sourceLocation)
    #expect(
      summary.heldOutEvents == zip(rows, ends).reduce(0) { $0 + $1.0.count - $1.1 }, sourceLocation: sourceLocation)
    #expect(summary.trainingUsers == ends.count { $0 > 0 }, sourceLocation: sourceLocation)
    #expect(summary.heldOutUsers == zip(rows, ends).count { $0.count > $1 }, sourceLocation: sourceLocation)
    #expect(
      summary.trainingItems == training.count && summary.heldOutItems == heldOut.count, sourceLocation: sourceLocation)
    let cold = zip(rows, ends).reduce(0) { $0 + $1.0[$1.1...].count { !training.contains($0.item) } }
    #expect(summary.heldOutEventsOfColdItems == cold, sourceLocation: sourceLocation)
  }

  @Test(arguments: 0..<6 as Range<UInt64>) func everyWindowCutsWhereItsRuleSays(seed: UInt64) throws {
    let (history, rows) = try Self.log(seed)
    #expect(history.userCount == rows.count && history.hasTimes)
    for count in [1, 2, 5] {
      let split = try TrainingSplit(history, window: .leaveLast(count))
      expectSplit(split, rows, ends: rows.map { $0.count > count ? $0.count - count : $0.count })
      #expect(split.summary.usersTooShort == rows.count { $0.count <= count } && split.summary.cut == nil)
    }
    expectSplit(try TrainingSplit(history, window: .everything), rows, ends: rows.map(\.count))
    for cut in [5.0, 20, 20.5, 41] {
      let split = try TrainingSplit(history, window: .until(cut))
      expectSplit(split, rows, ends: rows.map { row in row.count { $0.time < cut } })
      #expect(split.summary.cut == cut)
    }
    for share in [0.2, 0.5, 0.9] {
      let times = rows.flatMap { $0.map(\.time) }.sorted()
      let cut = times[Int(share * Double(times.count))]
      let split = try TrainingSplit(history, window: .fraction(share))
      expectSplit(split, rows, ends: rows.map { row in row.count { $0.time < cut } })
      // No more than the share, since events at the cut's time are held out.
      #expect(Double(split.summary.trainingEvents) <= share * Double(times.count))
    }
  }

  @Test(arguments: 0..<6 as Range<UInt64>) func pairsAndQuestionsAreThoseOfTheHeldOutEvents(seed: UInt64) throws {
    let (history, rows) = try Self.log(50 + seed)
    for window in [TrainingWindow.leaveLast(2), .until(15), .fraction(0.6)] {
      let split = try TrainingSplit(history, window: window)
      let pairs = split.heldOutPairs()
      var expected: [[Int]] = []
      for (user, row) in rows.enumerated() {
        let end = split.trainingItems(ofUser: user).count
        for position in end..<row.count where position > 0 {
          expected.append([row[position - 1].item, row[position].item, position - end + 1])
        }
      }
      #expect(
        (0..<pairs.count).map { [Int(pairs.triggers[$0]), Int(pairs.targets[$0]), Int(pairs.places[$0])] } == expected)
      for place in [1, 2, 3] {
        #expect(pairs.at(place: place).count == expected.count { $0[2] == place })
        for limit in [1, 3, Int.max] {
          let queries = split.nextItemQueries(place: place, maximumHistory: limit)
          var users: [Int] = []
          for (user, row) in rows.enumerated() {
            let target = split.trainingItems(ofUser: user).count + place - 1
            guard target < row.count, target > 0 else { continue }
            users.append(user)
            guard users.count <= queries.count else { continue }
            let query = queries[users.count - 1]
            #expect(query.user == user && Int(query.target) == row[target].item)
            #expect(query.history.map { Int($0) } == row[..<target].suffix(limit).map(\.item))
          }
          #expect(queries.map(\.user) == users)
        }
      }
    }
  }
}

/// Tables of pairs against sets.
@Suite("Pairs on random tables")
struct PairPropertyTests {
  @Test(arguments: 0..<6 as Range<UInt64>) func aLookupKnowsWhatTheTableHolds(seed: UInt64) {
    var random = RandomSource(seed: seed)
    let table = randomTable(120, items: 14, using: &random)
    for source in [nil] + PairSource.allCases.map({ Optional($0) }) {
      let lookup = PairLookup(table, source: source)
      var known: Set<Set<UInt32>> = []
      for row in 0..<table.count where source == nil || table.sources[row] == source {
        known.insert([table.triggers[row], table.targets[row]])
      }
      #expect(lookup.count == known.count)
      for first in 0..<14 as Range<UInt32> {
        let partners = (0..<14 as Range<UInt32>).filter { known.contains([first, $0]) && $0 != first }
        #expect(Set(lookup.partners(of: first)) == Set(partners) && lookup.partners(of: first).count == partners.count)
        for second in 0..<14 as Range<UInt32> where first != second {
          #expect(lookup.contains(first, second) == known.contains([first, second]))
        }
      }
      let asked = (0..<50).map { _ in
        (UInt32.random(in: 0..<7, using: &random), UInt32.random(in: 7..<14, using: &random))
      }
      #expect(lookup.covered(HeldOutPairs(asked)) == asked.count { known.contains([$0.0, $0.1]) })
    }
  }

  @Test(arguments: 0..<5 as Range<UInt64>) func rowsOfASourceAreItsOwnWhicheverAreThere(seed: UInt64) {
    var random = RandomSource(seed: 20 + seed)
    let table = randomTable(40, items: 9, using: &random)
    for source in PairSource.allCases {
      #expect(Array(table.rows(of: source)) == (0..<table.count).filter { table.sources[$0] == source })
    }
    let alone = PairTable(itemCount: 9, (0..<table.count).map { table[$0] }.filter { $0.source == .userToItem })
    #expect(alone.presentSources == (alone.isEmpty ? [] : [.userToItem]) && alone.rows(of: .nearby).isEmpty)
    // In any order the same table; apart and together again likewise.
    #expect(PairTable(itemCount: 9, (0..<table.count).map { table[$0] }.shuffled(using: &random)) == table)
    let parts = PairSource.allCases.reversed().map { source in
      PairTable(itemCount: 9, table.rows(of: source).map { table[$0] })
    }
    #expect(PairTable.merging(Array(parts)) == table && PairTable.merging([]).count == 0)
  }

  @Test(arguments: 0..<5 as Range<UInt64>) func pairsMoveWithTheirItemsAndGoWithThem(seed: UInt64) {
    var random = RandomSource(seed: 40 + seed)
    let table = randomTable(60, items: 10, using: &random)
    var places = Array(0..<20 as Range<Int32>).shuffled(using: &random)
    let rows = (0..<10).map { _ in Bool.random(using: &random) ? places.removeLast() : Int32(-1) }
    let mapped = table.mapping(rows, itemCount: 20)
    let expected = (0..<table.count).map { table[$0] }.filter {
      rows[Int($0.trigger)] >= 0 && rows[Int($0.target)] >= 0
    }
    #expect(mapped.count == expected.count && mapped.itemCount == 20)
    for old in expected {
      let new = PairTable.Pair(
        trigger: UInt32(rows[Int(old.trigger)]), target: UInt32(rows[Int(old.target)]), source: old.source,
        weight: old.weight, support: old.support)
      #expect((0..<mapped.count).contains { mapped[$0] == new })
    }
    let order = (0..<mapped.count).map {
      [Int(mapped.sources[$0].rawValue), Int(mapped.triggers[$0]), Int(mapped.targets[$0])]
    }
    #expect(zip(order, order.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
    #expect(table.mapping(Array(repeating: -1, count: 10), itemCount: 0).isEmpty)
  }

  @Test(arguments: [1, 2, 7, 100]) func theBestAreThoseOfASort(limit: Int) {
    var random = RandomSource(seed: UInt64(limit))
    for _ in 0..<20 {
      var best = BestItems(limit: limit)
      var all: [BestItems.Entry] = []
      for item in Array(0..<40 as Range<UInt32>).shuffled(using: &random) {
        let entry = BestItems.Entry(item: item, score: Float(Int.random(in: 0...5, using: &random)), support: item % 3)
        // What cannot be added is not; what is taken may still lose to an equal score of a lower row.
        let before = best.entries.map(\.item)
        let takes = best.takes(entry.score)
        best.add(entry)
        if !takes { #expect(best.entries.map(\.item) == before) }
        all.append(entry)
        let sorted = all.sorted { ($1.score, $0.item) < ($0.score, $1.item) }.prefix(limit)
        #expect(best.entries.map(\.item) == sorted.map(\.item) && best.entries.map(\.score) == sorted.map(\.score))
      }
      best.removeAll()
      #expect(best.entries.isEmpty && best.takes(-.infinity))
    }
  }
}

/// Recall against ranks that are counted one by one.
@Suite("Recall on random vectors")
struct RecallPropertyTests {
  @Test(arguments: 0..<6 as Range<UInt64>) func ranksAreCountedAmongWhatCompetes(seed: UInt64) {
    var random = RandomSource(seed: seed)
    // Few different vectors of whole numbers: many scores are equal, and products are exact.
    let vectors = Matrix(
      rows: 30, columns: 3,
      elements: ContiguousArray((0..<90).map { _ in Float(Int.random(in: -1...1, using: &random)) }))
    var pairs: [(UInt32, UInt32)] = []
    for _ in 0..<90 {
      let (trigger, target) = (UInt32.random(in: 0..<30, using: &random), UInt32.random(in: 0..<30, using: &random))
      if trigger != target { pairs.append((trigger, target)) }
    }
    let known = PairLookup(randomTable(40, items: 30, using: &random))
    var candidates = (0..<30).map { _ in Bool.random(using: &random) }
    for pair in pairs { candidates[Int(pair.1)] = true }
    candidates[Int(pairs[0].0)] = false
    for (lookup, among) in [(nil, nil), (known, nil), (nil, candidates), (known, candidates)]
      as [(PairLookup?, [Bool]?)]
    {
      if among != nil, pairs.contains(where: { !candidates[Int($0.1)] }) { continue }
      let found = PairRecall.measure(
        vectors, HeldOutPairs(pairs), cutoffs: [1, 4, 30], excluding: lookup, among: among)
      var ranks: [Double] = []
      for (trigger, target) in pairs {
        func score(_ item: UInt32) -> Float {
          zip(vectors.row(Int(trigger)), vectors.row(Int(item))).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let rivals = (0..<30 as Range<UInt32>).filter { item in
          item != target && item != trigger && among?[Int(item)] ?? true && !(lookup?.contains(trigger, item) ?? false)
        }
        let (above, equal) = (rivals.count { score($0) > score(target) }, rivals.count { score($0) == score(target) })
        ranks.append(1 + Double(above) + Double(equal) / 2)
      }
      #expect(found.pairs == pairs.count)
      for cutoff in [1, 4, 30] {
        #expect(found.recall[cutoff] == Double(ranks.count { $0 <= Double(cutoff) }) / Double(ranks.count), "\(cutoff)")
      }
      #expect(abs(found.meanReciprocalRank - ranks.reduce(0) { $0 + 1 / $1 } / Double(ranks.count)) < 1e-9)
    }
  }

  @Test func threadsChangeNothing() {
    var random = RandomSource(seed: 9)
    var vectors = normalMatrix(400, 16, using: &random)
    vectors.normalizeRows()
    let pairs = HeldOutPairs((0..<300).map { (UInt32($0), UInt32(399 - $0)) }.filter { $0.0 != $0.1 })
    let one = withThreads(1) { PairRecall.measure(vectors, pairs) }
    #expect(withThreads(3) { PairRecall.measure(vectors, pairs) } == one)
  }
}
