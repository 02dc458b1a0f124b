public import TensorMath

/// How well vectors find the targets of pairs by cosine among all items: what alignment is to improve.
public struct PairRecall: Sendable, Equatable, Codable {
  /// The shares of pairs whose target is among the `k` items nearest to the trigger, by `k`.
  public var recall: [Int: Double] = [:]
  /// The mean of 1 / rank.
  public var meanReciprocalRank = 0.0
  /// Pairs that were measured.
  public var pairs = 0

  /// Triggers that are compared with all items at once.
  private static let blockRows = 64

  /// Ranks every pair's target among all items but the trigger itself. A target's rank counts the items that are nearer
  /// and half of those that are as near, so that equal vectors earn no recall by their order.
  ///
  /// - Parameters:
  ///   - vectors: `items × dimensions`, unit-length rows; a row of zeros stands for an item without a vector, which is
  ///     ranked like any other.
  ///   - pairs: rows of `vectors`.
  ///   - cutoffs: the `k` of the recalls.
  ///   - known: pairs that a model learned from. The trigger's other partners are not ranked: a model that puts them
  ///     first has learned what it was taught, and should not count as missing its target (Bordes et al., 2013, section
  ///     4.1, call such ranks filtered).
  ///   - candidates: the items that targets are looked for among, by row, which include all targets; nil for all.
  /// - Complexity: O(triggers · items · dimensions) time, O(items) memory a thread.
  public static func measure(
    _ vectors: Matrix, _ pairs: HeldOutPairs, cutoffs: [Int] = [10, 50], excluding known: PairLookup? = nil,
    among candidates: [Bool]? = nil
  ) -> PairRecall {
    let byTrigger = Dictionary(grouping: 0..<pairs.count) { pairs.triggers[$0] }
    let triggers = byTrigger.keys.sorted()
    let rows = candidates.map { candidates in candidates.indices.filter { candidates[$0] } } ?? Array(0..<vectors.rows)
    let places = places(of: rows, count: vectors.rows)
    let items = PackedMatrix(transposing: candidates == nil ? vectors : vectors.selectingRows(rows))
    let parts = Parallelism.mapChunks(of: triggers.count, size: blockRows) { range in
      let block = vectors.selectingRows(triggers[range].map { Int($0) })
      let scores = items.product(block)
      return range.enumerated().flatMap { row, index in
        let line = scores.row(row)
        let known = Set(known?.partners(of: triggers[index]) ?? []).union([triggers[index]])
        let excluded = known.map { places[Int($0)] }.filter { $0 >= 0 }
        return (byTrigger[triggers[index]] ?? []).map {
          rank(of: places[Int(pairs.targets[$0])], excluding: excluded, line)
        }
      }
    }
    return PairRecall(ranks: parts.flatMap { $0 }, cutoffs: cutoffs)
  }

  /// Of every item its place among `rows`; -1 for one that is not there.
  private static func places(of rows: [Int], count: Int) -> [Int] {
    var places = [Int](repeating: -1, count: count)
    for (place, row) in rows.enumerated() { places[row] = place }
    return places
  }

  private static func rank(of target: Int, excluding excluded: [Int], _ scores: ArraySlice<Float>) -> Double {
    let bar = scores[scores.startIndex + target]
    var rank = scores.rank(of: target)
    for item in excluded where item != target {
      let score = scores[scores.startIndex + item]
      if score > bar { rank -= 1 }
      if score == bar { rank -= 0.5 }
    }
    return rank
  }

  package init(ranks: [Double], cutoffs: [Int]) {
    pairs = ranks.count
    let count = Double(max(1, ranks.count))
    for cutoff in cutoffs { recall[cutoff] = Double(ranks.count { $0 <= Double(cutoff) }) / count }
    meanReciprocalRank = ranks.reduce(0) { $0 + 1 / $1 } / count
  }
}

extension ArraySlice<Float> {
  /// The place of an element when all are sorted descending, from 1; half of its equals come before it.
  func rank(of place: Int) -> Double {
    let bar = self[startIndex + place]
    var (above, equal) = (0, 0)
    for value in self {
      if value > bar { above += 1 }
      if value == bar { equal += 1 }
    }
    return 1 + Double(above) + Double(equal - 1) / 2
  }
}
