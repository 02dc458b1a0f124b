package import Quantizers
package import TensorMath

// What keeps codes that a recommender pulls at from falling apart. All are `1 × 1` and at least 0.
extension ResidualAssignment {
  /// The mean over items of Σ_l ‖r_l − sg(c_l)‖²: pulls vectors, and the residuals that centroids of levels before
  /// leave, to the centroids chosen (van den Oord et al., 2017, equation 3).
  package var commitment: Variable {
    sum { level in level.residual.meanSquaredDistance(to: chosen(level).detached) }
  }

  /// The mean over items of ‖sg(x) − Σ_l c_l‖²: pulls the chosen centroids to the vectors.
  package var reconstruction: Variable {
    var decoded = chosen(levels[0])
    for level in levels.dropFirst() { decoded = decoded + chosen(level) }
    return x.detached.meanSquaredDistance(to: decoded)
  }

  /// Σ_l (ln size_l − H(mean of p_l over the items)), in nats: 0 where a batch uses all codes alike.
  package var unevenness: Variable {
    sum { level in
      let limit = Float(LevelMetrics(occupancy: Array(repeating: 1, count: level.centroids.rows)).entropy)
      return x.tape.constant(Matrix(rows: 1, columns: 1, elements: [limit])) - level.probabilities.entropyOfMeanRow()
    }
  }

  /// The mean over items of Σ_l −log p_l(served code): pulls items to the codes that they are served with, which bounds
  /// churn.
  ///
  /// An item whose nearest code at a level is no longer the served one is pulled back at that level; deeper ones, whose
  /// residual is another than the one that the served code was chosen for, say nothing. For an item that the collision
  /// policy moved the served code counts, not its nearest: it is drawn to where it was put.
  /// - Parameter served: of the same items.
  package func anchor(to served: CodeMatrix) -> Variable {
    precondition(served.count == count && served.levels == levels.count, "served codes of other items")
    var agrees = [Bool](repeating: true, count: count)
    var total = x.tape.constant(Matrix(rows: 1, columns: 1))
    for (index, level) in levels.enumerated() {
      let targets = ContiguousArray((0..<count).lazy.map { agrees[$0] ? Int32(served[$0, index]) : -1 })
      let share = Float(targets.count { $0 >= 0 }) / Float(max(1, count))
      if share > 0 { total = total + share * level.logits.softmaxCrossEntropy(targets: targets) }
      for row in 0..<count where level.codes[row] != Int32(served[row, index]) { agrees[row] = false }
    }
    return total
  }

  /// The chosen centroids, without a gradient for the choice.
  private func chosen(_ level: Level) -> Variable { level.centroids.selectingRows(level.codes) }

  private func sum(_ term: (Level) -> Variable) -> Variable {
    levels.dropFirst().reduce(term(levels[0])) { $0 + term($1) }
  }
}
