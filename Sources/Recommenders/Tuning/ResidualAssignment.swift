package import Quantizers
package import TensorMath

/// The codes of a batch of items as something that has gradients: a chain of choices, each by a softmax over the negative
/// squared distances to a level's centroids.
///
///     r_0 = x
///     p_l = softmax_k(−(‖r_l − c_lk‖² + price_lk) / τ_l)
///     r_{l+1} = r_l − a_l C_l
///
/// a_l is one-hot at the code of the serving rule, and its gradient is taken for that of p_l (straight-through; Bengio et
/// al., 2013, section 4), or it is p_l itself. Codes are found by the same search as in serving, so that those of training
/// are those of serving to the last tie. Gradients reach the centroids, as what is chosen and as what distances are
/// measured to, and `x`.
package struct ResidualAssignment {
  package enum Estimator: String, Sendable, CaseIterable, Codable {
    /// Forward the code, backward the probabilities.
    case straightThrough = "straight-through"
    /// The probabilities both ways: what is computed is no longer what serves, but gradients are exact.
    case soft
  }

  package struct Level {
    /// `n × dimensions`: what the levels before left over.
    package let residual: Variable
    /// `size × dimensions`.
    package let centroids: Variable
    /// `n × size`: −distances² / temperature, but for one number a row.
    package let logits: Variable
    /// The softmax of them.
    package let probabilities: Variable
    /// The nearest centroids by the serving rule.
    package let codes: ContiguousArray<Int32>
  }

  /// `n × dimensions`.
  package let x: Variable
  package let levels: [Level]
  package let estimator: Estimator

  /// - Parameters:
  ///   - x: `n × dimensions`.
  ///   - codebooks: for the prices; its centroids are not looked at.
  ///   - centroids: of every level, on the tape of `x`.
  ///   - temperatures: of every level, in units of squared distance; positive.
  /// - Complexity: O(n · Σ sizes · dimensions) time, O(n · Σ sizes) memory.
  package init(
    _ x: Variable, prices codebooks: ResidualCodebooks, centroids: [Variable], temperatures: [Float],
    estimator: Estimator = .straightThrough
  ) {
    precondition(
      centroids.count == codebooks.levels.count && temperatures.count == centroids.count,
      "\(centroids.count) levels of \(codebooks.levels.count), with \(temperatures.count) temperatures")
    self.x = x
    self.estimator = estimator
    var (levels, residual): ([Level], Variable) = ([], x)
    for (index, table) in centroids.enumerated() {
      let level = Self.level(residual, table, codebooks.levels[index].prices, temperature: temperatures[index])
      levels.append(level)
      guard index + 1 < centroids.count else { break }
      let choices = estimator == .straightThrough ? level.codes : nil
      residual = residual - level.probabilities.mixingRows(of: table, choices: choices)
    }
    self.levels = levels
  }

  private static func level(
    _ residual: Variable, _ centroids: Variable, _ prices: [Float]?, temperature: Float
  ) -> Level {
    let tape = residual.tape
    // −(‖c‖² + price) / 2; with r·c it is −½ of the distance, less ‖r‖², which is the same for all centroids.
    let ones = tape.constant(
      Matrix(rows: 1, columns: centroids.columns, elements: ContiguousArray(repeating: 1, count: centroids.columns)))
    var offsets = (centroids * centroids).linear(ones).reshaped(rows: 1, columns: centroids.rows)
    if let prices {
      offsets = offsets + tape.constant(Matrix(rows: 1, columns: prices.count, elements: ContiguousArray(prices)))
    }
    let logits = (2 / temperature) * residual.linear(centroids, bias: -0.5 * offsets)
    return Level(
      residual: residual, centroids: centroids, logits: logits, probabilities: logits.softmaxRows(),
      codes: nearest(residual.value, centroids.value, prices))
  }

  /// The serving rule, on all threads.
  private static func nearest(_ residuals: Matrix, _ centroids: Matrix, _ prices: [Float]?) -> ContiguousArray<Int32> {
    // What diverged has no nearest centroid; its loss is no number either, and training stops there.
    guard centroids.elements.allSatisfy(\.isFinite), residuals.elements.allSatisfy(\.isFinite) else {
      return ContiguousArray(repeating: 0, count: residuals.rows)
    }
    let search = NearestCentroids(centroids, prices: prices)
    let parts = Parallelism.mapChunks(of: residuals.rows, size: 128) { range in
      search.assignBlock(residuals.rows(range)).codes
    }
    return ContiguousArray(parts.lazy.joined().map { Int32($0) })
  }

  /// Items.
  package var count: Int { x.rows }

  /// The codes of all levels.
  package var codes: CodeMatrix {
    var result = CodeMatrix(count: count, levels: levels.count)
    for (index, level) in levels.enumerated() {
      for row in 0..<count { result[row, index] = UInt16(level.codes[row]) }
    }
    return result
  }

  /// Rows of a table that has one for each code of a level, as the items' codes choose them.
  /// - Parameters:
  ///   - table: `size × width`.
  ///   - codes: those that the values are of, where they are not the nearest ones.
  /// - Returns: `n × width`.
  package func rows(of table: Variable, level: Int, codes: ContiguousArray<Int32>? = nil) -> Variable {
    levels[level].probabilities.mixingRows(
      of: table, choices: estimator == .straightThrough ? codes ?? levels[level].codes : nil)
  }
}
