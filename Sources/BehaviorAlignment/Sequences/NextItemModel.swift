internal import RealModule
package import TensorMath

/// A model of item IDs that is asked what a user meets next.
package protocol NextItemModel: Sendable {
  var vocabulary: ItemVocabulary { get }

  /// `vocabulary.count × width`.
  var itemVectors: Matrix { get }

  /// What users with these histories expect next, to be compared with ``itemVectors`` by inner product.
  /// - Parameter histories: rows of the item table, the earliest first; unknown items are skipped.
  /// - Returns: `histories × width`; zeros for a history without a known item.
  func states(_ histories: some Collection<ContiguousArray<UInt32>>) -> Matrix
}

/// A model's scores of all known items, made ready to be asked block by block.
package struct NextItemScorer<Model: NextItemModel>: Sendable {
  private let model: Model
  private let items: PackedMatrix
  private let popularity: ContiguousArray<Float>

  package init(_ model: Model) {
    self.model = model
    items = PackedMatrix(transposing: model.itemVectors)
    popularity = ContiguousArray(model.vocabulary.counts.map { Float.log(Float($0)) })
  }

  /// - Returns: `histories × vocabulary.count`. A history without a known item asks for what is popular.
  package func scores(_ histories: some Collection<ContiguousArray<UInt32>>) -> Matrix {
    let states = model.states(histories)
    var scores = items.parallelProduct(states)
    for row in 0..<states.rows where states.row(row).allSatisfy({ $0 == 0 }) {
      scores.elements.replaceSubrange(row * scores.columns..<(row + 1) * scores.columns, with: popularity)
    }
    return scores
  }
}

/// Histories whose scores are held at once.
private let scoredBlockRows = 256

extension NextItemModel {
  /// The place of each query's target among all known items; of items with equal scores, half count as before it.
  /// Infinite for an item that is not known.
  /// - Complexity: O(queries · items · width), and the states.
  package func ranks(of queries: [NextItemQuery]) -> [Double] {
    let scorer = NextItemScorer(self)
    return stride(from: 0, to: queries.count, by: scoredBlockRows).flatMap { start in
      let block = queries[start..<min(queries.count, start + scoredBlockRows)]
      let scores = scorer.scores(block.map(\.history))
      return Parallelism.mapChunks(of: block.count, size: 16) { range in
        range.map { row -> Double in
          guard let target = vocabulary.number(ofRow: block[block.startIndex + row].target) else {
            return Double.infinity
          }
          return scores.row(row).rank(of: target)
        }
      }.flatMap { $0 }
    }
  }
}

/// How well held-out next items are found among all known ones.
struct NextItemQuality: Sendable, Equatable {
  /// The share that is among the first ten.
  let recall: Double
  /// NDCG@10.
  let gain: Double

  /// - Parameter ranks: from 1; see ``NextItemModel/ranks(of:)``.
  init(ranks: [Double]) {
    let count = Double(max(1, ranks.count))
    let found = ranks.filter { $0 <= 10 }
    recall = Double(found.count) / count
    gain = found.reduce(0) { $0 + 1 / Double.log2(1 + $1) } / count
  }
}
