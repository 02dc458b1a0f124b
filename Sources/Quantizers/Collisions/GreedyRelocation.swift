internal import TensorMath

/// The fallback for prefixes too large for the exact assignment: each contested code stays with its nearest item, the
/// others take, in row order, the cheapest code that is still free.
struct GreedyRelocation {
  private static let rowsPerRequest = 256

  let contest: PrefixContest
  let relocation: PrefixRelocation

  func solve(_ distances: ContiguousArray<Float>) -> PrefixRelocation.Outcome {
    var outcome = PrefixRelocation.Outcome()
    var free = contest.freeCodes
    let movers = moversAfterStaying(distances, &free)
    var position = 0
    while position < movers.count && !free.isEmpty {
      let block = Array(movers[position..<min(movers.count, position + Self.rowsPerRequest)])
      place(block, &free, &outcome)
      position += block.count
    }
    outcome.fallbacks += movers[position...].map { contest.rows[$0] }
    return outcome
  }

  /// Lets the nearest item of each free code stay, and returns the other items.
  private func moversAfterStaying(_ distances: ContiguousArray<Float>, _ free: inout [Int]) -> [Int] {
    var stayer: [Int: Int] = [:]
    for (item, code) in contest.ownCodes.enumerated() {
      if let present = stayer[code], distances[contest.rows[present]] <= distances[contest.rows[item]] { continue }
      stayer[code] = item
    }
    let isFree = Set(free)
    free = free.filter { stayer[$0] == nil }
    return contest.rows.indices.filter { stayer[contest.ownCodes[$0]] != $0 || !isFree.contains(contest.ownCodes[$0]) }
  }

  private func place(_ items: [Int], _ free: inout [Int], _ outcome: inout PrefixRelocation.Outcome) {
    let squared = relocation.lastLevel(items.map { contest.rows[$0] })
    let costs = RelocationCosts(
      squared, from: 0, own: items.map { contest.ownCodes[$0] },
      prices: relocation.lastLevel.prices ?? Array(repeating: 0, count: relocation.lastLevel.size),
      budget: relocation.parameters.distanceBudget)
    for (position, item) in items.enumerated() {
      let added = costs.added(position, free)
      guard let best = added.indices.min(by: { added[$0] < added[$1] }), added[best] < .infinity else {
        outcome.fallbacks.append(contest.rows[item])
        continue
      }
      outcome.moves.append(costs.move(position, row: contest.rows[item], to: free.remove(at: best)))
    }
  }
}
