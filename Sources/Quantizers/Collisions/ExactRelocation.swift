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
    guard count * 8 < contest.freeCodes.count else { return contest.freeCodes }
    var isCandidate = [Bool](repeating: false, count: (contest.freeCodes.last ?? -1) + 1)
    for item in 0..<count {
      for code in cheapestCodes(item, count: count) { isCandidate[code] = true }
    }
    return contest.freeCodes.filter { isCandidate[$0] }
  }

  /// The item's `count` cheapest codes within reach, ties to the lower code.
  private func cheapestCodes(_ item: Int, count: Int) -> [Int] {
    var best: [(cost: Float, code: Int)] = []
    best.reserveCapacity(count + 1)
    for code in contest.freeCodes {
      if best.count == count, let worst = best.last, !isCheaper(item, code, than: worst.cost) { continue }
      guard let cost = costs.added(item, code) else { continue }
      var position = best.count
      while position > 0 && cost < best[position - 1].cost { position -= 1 }
      best.insert((cost, code), at: position)
      if best.count > count { best.removeLast() }
    }
    return best.map(\.code)
  }

  private func isCheaper(_ item: Int, _ code: Int, than cost: Float) -> Bool {
    guard let added = costs.added(item, code) else { return false }
    return added < cost
  }

  /// The chosen code of every item, nil for those that found none.
  private func assign(_ codes: [Int]) -> [Int?] {
    let count = contest.rows.count
    var matrix = Matrix(rows: count, columns: codes.count)
    var lowest: Float = 0
    var highest: Float = 0
    var unreachable: [Int] = []
    for item in 0..<count {
      for (column, code) in codes.enumerated() {
        let position = item * codes.count + column
        guard let cost = costs.added(item, code) else {
          unreachable.append(position)
          continue
        }
        matrix.elements[position] = cost
        (lowest, highest) = (min(lowest, cost), max(highest, cost))
      }
    }
    // One code out of reach costs more than any assignment within reach could save.
    let penalty = min((highest - lowest + 1e-3) * Float(count + 1) + highest, .greatestFiniteMagnitude / 4)
    for position in unreachable { matrix.elements[position] = penalty }
    let isUnreachable = Set(unreachable)
    return LinearAssignment(matrix).columnOfRow.enumerated().map { item, column in
      column < 0 || isUnreachable.contains(item * codes.count + column) ? nil : codes[column]
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
