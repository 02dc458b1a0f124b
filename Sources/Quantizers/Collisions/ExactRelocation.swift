internal import TensorMath

/// The cheapest assignment of one prefix's items to its free codes: as many items as possible get a code of their own,
/// and among such assignments the sum of what moving adds (squared distance, and price) is least.
struct ExactRelocation {
  let contest: PrefixContest
  let costs: RelocationCosts

  func solve() -> PrefixRelocation.Outcome {
    let codes = candidateCodes()
    var chosen = codes.isEmpty ? [Int?](repeating: nil, count: contest.rows.count) : assign(codes)
    preferLowerRows(&chosen)
    var outcome = PrefixRelocation.Outcome()
    for (item, code) in chosen.enumerated() {
      guard let code else {
        outcome.fallbacks.append(contest.rows[item])
        continue
      }
      if code != contest.ownCodes[item] { outcome.moves.append(costs.move(item, row: contest.rows[item], to: code)) }
    }
    return outcome
  }

  /// The free codes that an optimal assignment of m items can need: each item's m cheapest, since the m − 1 others
  /// leave at least one of them free. All free codes where picking would not pay.
  private func candidateCodes() -> [Int] {
    let count = contest.rows.count
    guard count * 8 < contest.freeCount else { return contest.freeCodes }
    var candidates: Set<Int> = []
    for item in 0..<count { candidates.formUnion(costs.cheapestCodes(item, count: count, in: contest)) }
    return candidates.sorted()
  }

  /// The chosen code of every item, nil for those that found none.
  private func assign(_ codes: [Int]) -> [Int?] {
    let count = contest.rows.count
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(count * codes.count)
    for item in 0..<count { elements.append(contentsOf: costs.added(item, codes)) }
    var lowest: Float = 0
    var highest: Float = 0
    for cost in elements where cost < .infinity { (lowest, highest) = (min(lowest, cost), max(highest, cost)) }
    // One code out of reach costs more than any assignment within reach could save.
    let penalty = min((highest - lowest + 1e-3) * Float(count + 1) + highest, .greatestFiniteMagnitude / 4)
    let matrix = Matrix(
      rows: count, columns: codes.count, elements: ContiguousArray(elements.map { $0 < .infinity ? $0 : penalty }))
    return LinearAssignment(matrix).columnOfRow.enumerated().map { item, column in
      column < 0 || elements[item * codes.count + column] == .infinity ? nil : codes[column]
    }
  }

  /// Where an item that keeps its code could swap with a lower row of the same code at no loss, it does: the solver's
  /// choice among equal optima is no reason for a later item to displace an earlier one.
  private func preferLowerRows(_ chosen: inout [Int?]) {
    for item in chosen.indices.reversed() where chosen[item] == contest.ownCodes[item] {
      let own = contest.ownCodes[item]
      for other in 0..<item where contest.ownCodes[other] == own {
        if canSwap(item, taking: chosen[other], from: other) {
          (chosen[item], chosen[other]) = (chosen[other], own)
          break
        }
      }
    }
  }

  private func canSwap(_ item: Int, taking code: Int?, from other: Int) -> Bool {
    guard let code else { return true }
    guard let gain = costs.added(other, code), let loss = costs.added(item, code) else { return false }
    let rounding = 1e-6 * (costs.squaredDistance(item, code) + costs.squaredDistance(other, code))
    return loss <= gain + rounding
  }
}
