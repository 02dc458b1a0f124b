internal import Synchronization
internal import TensorMath

/// Rows per request for distances: bounds memory (rows × centroids) and is enough to keep a matrix product busy.
private let rowsPerBatch = 256

/// The `relocate` policy: within each prefix that has a collision, a new assignment of items to last codes.
struct PrefixRelocation: Sendable {
  let parameters: CollisionResolver.Parameters
  let lastLevel: LastLevelDistances

  /// What was decided for some prefixes.
  struct Outcome: Sendable {
    var moves: [CodeMove] = []
    var fallbacks: [Int] = []
    var touchedPrefixes = 0
    var greedyPrefixes = 0

    mutating func append(_ other: Outcome) {
      moves += other.moves
      fallbacks += other.fallbacks
      touchedPrefixes += other.touchedPrefixes
      greedyPrefixes += other.greedyPrefixes
    }
  }

  /// Decides for all prefixes, in parallel over batches that depend on the codes alone.
  func relocate(
    _ codes: CodeMatrix, _ grouped: CodeBuckets, _ distances: ContiguousArray<Float>, _ fixed: FixedRows
  ) -> Outcome {
    let prefixes = contestedPrefixes(codes, grouped, fixed)
    let batches = batched(prefixes, fixed, grouped)
    let outcomes = Mutex([Outcome](repeating: Outcome(), count: batches.count))
    Parallelism.forEachChunk(of: batches.count, size: 1) { chunk in
      for index in chunk {
        let contests = prefixes[batches[index]].map {
          PrefixContest(grouped.rows[$0], codes: codes, fixed: fixed, size: lastLevel.size)
        }
        let outcome = decide(contests, distances)
        outcomes.withLock { $0[index] = outcome }
      }
    }
    return outcomes.withLock { all in
      var merged = Outcome()
      for outcome in all { merged.append(outcome) }
      return merged
    }
  }

  /// The positions in `grouped.rows` of every prefix in which an item that may move shares its codes.
  private func contestedPrefixes(
    _ codes: CodeMatrix, _ grouped: CodeBuckets, _ fixed: FixedRows
  ) -> [Range<Int>] {
    let elements = codes.elements.span
    func samePrefix(_ row: Int, _ other: Int) -> Bool {
      for level in 0..<codes.levels - 1 {
        if elements[row * codes.levels + level] != elements[other * codes.levels + level] { return false }
      }
      return true
    }
    var prefixes: [Range<Int>] = []
    var start = 0
    var isContested = false
    for bucket in 0..<grouped.count {
      let range = grouped.range(bucket)
      let startsPrefix = !samePrefix(Int(grouped.rows[range.lowerBound]), Int(grouped.rows[start]))
      if startsPrefix {
        if isContested { prefixes.append(start..<range.lowerBound) }
        (start, isContested) = (range.lowerBound, false)
      }
      if !isContested && range.count > 1 { isContested = range.contains { !fixed.isFixed[Int(grouped.rows[$0])] } }
    }
    if isContested { prefixes.append(start..<grouped.rows.count) }
    return prefixes
  }

  /// Consecutive prefixes whose movable rows fit one request for distances.
  private func batched(_ prefixes: [Range<Int>], _ fixed: FixedRows, _ grouped: CodeBuckets) -> [Range<Int>] {
    var batches: [Range<Int>] = []
    var start = 0
    var rows = 0
    for (index, prefix) in prefixes.enumerated() {
      let movable = prefix.reduce(0) { $0 + (fixed.isFixed[Int(grouped.rows[$1])] ? 0 : 1) }
      if index > start && rows + movable > rowsPerBatch {
        batches.append(start..<index)
        (start, rows) = (index, 0)
      }
      rows += movable
    }
    if start < prefixes.count { batches.append(start..<prefixes.count) }
    return batches
  }

  private func decide(_ contests: [PrefixContest], _ distances: ContiguousArray<Float>) -> Outcome {
    var outcome = Outcome()
    outcome.touchedPrefixes = contests.count
    let prices = lastLevel.prices ?? Array(repeating: 0, count: lastLevel.size)
    let isExact = contests.map { $0.rows.count * $0.freeCount <= parameters.exactEntries }
    let rows = zip(contests, isExact).flatMap { $1 ? $0.rows : [] }
    let squared = rows.isEmpty ? Matrix(rows: 0, columns: lastLevel.size) : lastLevel(rows)
    var offset = 0
    for (contest, exact) in zip(contests, isExact) {
      if exact {
        let costs = RelocationCosts(
          squared, from: offset, own: contest.ownCodes, prices: prices, budget: parameters.distanceBudget)
        offset += contest.rows.count
        outcome.append(ExactRelocation(contest: contest, costs: costs).solve())
      } else {
        outcome.greedyPrefixes += 1
        outcome.append(GreedyRelocation(contest: contest, relocation: self).solve(distances))
      }
    }
    return outcome
  }
}
