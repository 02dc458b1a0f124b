package import TensorMath

/// How far nearest neighbors agree with labels that the vectors were not made from, such as genres.
///
/// Neighbors are exact, by cosine. The same figures over all pairs say what chance would give.
package struct NeighborAgreement: Sendable, CustomStringConvertible {
  /// Items that have a vector and a label.
  package let items: Int
  /// Share of (item, neighbor) pairs that have a label in common.
  package let sharing: Double
  /// Mean Jaccard index of the pairs' label sets.
  package let jaccard: Double
  /// The same over all pairs of items.
  package let chanceSharing: Double
  package let chanceJaccard: Double

  /// - Parameters:
  ///   - vectors: `n × d`, unit-length rows.
  ///   - labels: one bit per label, a word per item; items without a label are left out.
  ///   - isPresent: whether each item has a vector.
  ///   - neighbors: neighbors per item.
  /// - Complexity: O(n² · d).
  package init(vectors: Matrix, labels: [UInt64], isPresent: [Bool], neighbors: Int = 10) {
    let kept = labels.indices.filter { labels[$0] != 0 && isPresent[$0] }
    let selected = vectors.selectingRows(kept)
    let labels = kept.map { labels[$0] }
    var near = PairTally(), all = PairTally()
    for start in stride(from: 0, to: kept.count, by: 512) {
      let block = selected.rows(start..<min(kept.count, start + 512))
      let similarities = matrixProduct(block, selected, transposingRight: true)
      for row in 0..<block.rows {
        for other in labels.indices where other != start + row { all.add(labels[start + row], labels[other]) }
        for other in Self.nearest(similarities.row(row), except: start + row, count: neighbors) {
          near.add(labels[start + row], labels[other])
        }
      }
    }
    items = kept.count
    (sharing, jaccard) = (near.sharing, near.jaccard)
    (chanceSharing, chanceJaccard) = (all.sharing, all.jaccard)
  }

  package var description: String {
    func percent(_ value: Double) -> String { "\((value * 1000).rounded() / 10) %" }
    return "\(items) items: sharing \(percent(sharing)) (chance \(percent(chanceSharing))), "
      + "Jaccard \(percent(jaccard)) (chance \(percent(chanceJaccard)))"
  }

  /// Positions of the largest similarities; ties go to the lower position.
  private static func nearest(_ similarities: ArraySlice<Float>, except own: Int, count: Int) -> [Int] {
    var best: [(similarity: Float, position: Int)] = []
    for (position, similarity) in similarities.enumerated() where position != own {
      if best.count == count, similarity <= best[count - 1].similarity { continue }
      let place = best.firstIndex { $0.similarity < similarity } ?? best.count
      best.insert((similarity, position), at: place)
      if best.count > count { best.removeLast() }
    }
    return best.map(\.position)
  }
}

private struct PairTally {
  private var pairs = 0, sharingPairs = 0
  private var jaccardSum = 0.0

  mutating func add(_ left: UInt64, _ right: UInt64) {
    let common = (left & right).nonzeroBitCount
    pairs += 1
    sharingPairs += common > 0 ? 1 : 0
    jaccardSum += Double(common) / Double(max(1, (left | right).nonzeroBitCount))
  }

  var sharing: Double { Double(sharingPairs) / Double(max(1, pairs)) }
  var jaccard: Double { jaccardSum / Double(max(1, pairs)) }
}
