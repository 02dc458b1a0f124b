public import TensorMath

/// New centroids renamed so that each takes the label of the old centroid it continues: a refit then keeps the codes
/// of the items whose cluster persists.
///
/// The matching minimises the sum of squared distances between new and old centroids of the same label. It is exact up
/// to `exactLimit` centroids; above, centroids that are each other's nearest are matched first, and what remains
/// is matched exactly where it fits and by nearest free centroid where it does not.
public struct LabelMatching: Sendable, Equatable, Codable {
  /// The label that each new centroid takes: a permutation.
  public let labels: [Int]

  /// Mean squared distance between the new centroids and the old ones whose labels they took.
  public let meanSquaredShift: Double

  /// Whether the matching is optimal for certain.
  public let isExact: Bool

  /// Matches one level.
  ///
  /// Where there are more new centroids than old ones, the surplus takes the new labels; where there are fewer, only
  /// labels below the new size can be kept.
  ///
  /// - Parameters:
  ///   - new: size × dimensions.
  ///   - old: old size × dimensions.
  /// - Complexity: O(size² × dimensions + size³) at worst, memory for size² distances up to `exactLimit`.
  public init(new: Matrix, old: Matrix, exactLimit: Int = 4096) {
    precondition(new.columns == old.columns, "centroids of \(new.columns) and \(old.columns) dimensions")
    let kept = old.rows > new.rows ? old.rows(0..<new.rows) : old
    var matcher = CentroidMatcher(new: new, old: kept, exactLimit: exactLimit)
    matcher.match()
    isExact = matcher.isExact
    meanSquaredShift = kept.rows == 0 ? 0 : matcher.shift / Double(kept.rows)
    var free = kept.rows
    labels = matcher.oldOfNew.map { label in
      if label >= 0 { return label }
      defer { free += 1 }
      return free
    }
  }

  /// Reorders centroids (or their prices) so that row `labels[c]` is what was row `c`.
  public func relabeled(_ codebook: Codebook) -> Codebook {
    precondition(codebook.size == labels.count, "\(labels.count) labels for \(codebook.size) centroids")
    var sources = [Int](repeating: 0, count: labels.count)
    for (centroid, label) in labels.enumerated() { sources[label] = centroid }
    return Codebook(
      centroids: codebook.centroids.selectingRows(sources),
      prices: codebook.prices.map { prices in sources.map { prices[$0] } })
  }
}

/// Residual codebooks with the labels of their predecessors.
public struct RelabeledCodebooks: Sendable, Equatable {
  public let codebooks: ResidualCodebooks

  /// Per level, how its labels were matched.
  public let matchings: [LabelMatching]

  /// Matches level by level. Renaming a level permutes its codes and changes no residual, so levels are independent,
  /// and an encoding changes by the same permutations (`relabel`) instead of being computed anew.
  ///
  /// Levels that only one of the two has keep their own labels.
  public init(_ new: ResidualCodebooks, like old: ResidualCodebooks) throws(QuantizerError) {
    guard new.dimensions == old.dimensions else {
      throw QuantizerError(
        .dimensionMismatch,
        "codebooks of \(new.dimensions) dimensions cannot take the labels of codebooks of \(old.dimensions)")
    }
    var matchings: [LabelMatching] = []
    for (level, codebook) in new.levels.enumerated() {
      let previous = level < old.levels.count ? old.levels[level].centroids : Matrix(rows: 0, columns: old.dimensions)
      matchings.append(LabelMatching(new: codebook.centroids, old: previous))
    }
    codebooks = try ResidualCodebooks(levels: zip(matchings, new.levels).map { $0.relabeled($1) })
    self.matchings = matchings
  }

  /// The codes under the new labels of items encoded before the renaming.
  public func relabel(_ codes: CodeMatrix) -> CodeMatrix {
    precondition(codes.levels == matchings.count, "\(codes.levels) levels of codes for \(matchings.count) codebooks")
    var elements = codes.elements
    for position in elements.indices {
      elements[position] = UInt16(matchings[position % codes.levels].labels[Int(elements[position])])
    }
    return CodeMatrix(count: codes.count, levels: codes.levels, elements: elements)
  }
}
