internal import CVectorKernels
internal import RealModule

/// How ``Variable/contrastiveLoss(with:_:)`` compares rows.
public struct ContrastiveOptions: Sendable {
  /// What inner products are divided by.
  public var temperature: Float
  /// Added to the products with each target: −log of how often it is drawn, so that frequent targets are not pushed away
  /// for being frequent (Yi et al., 2019). None where nil.
  public var offsets: ContiguousArray<Float>?
  /// For each anchor the targets that are no negatives of it: the same item again, or a known pair. Its own is never one.
  public var hidden: [[Int32]]
  /// Of each anchor in the mean; 1 for all where nil.
  public var weights: ContiguousArray<Float>?
  /// Whether each target is to find its anchor too; the loss is then the mean of both directions.
  public var isSymmetric: Bool

  public init(
    temperature: Float = 0.07, offsets: ContiguousArray<Float>? = nil, hidden: [[Int32]] = [],
    weights: ContiguousArray<Float>? = nil, isSymmetric: Bool = true
  ) {
    self.temperature = temperature
    self.offsets = offsets
    self.hidden = hidden
    self.weights = weights
    self.isSymmetric = isSymmetric
  }
}

extension Variable {
  /// InfoNCE (van den Oord et al., 2018, equation 4) with the other rows as negatives: row i is to find row i of
  /// `targets` among all of them by inner product.
  /// - Parameter targets: at least as many rows as anchors; those beyond are negatives only. Unit-length rows make the
  ///   products cosines.
  /// - Returns: `1 × 1`, in nats.
  /// - Complexity: O(anchors · targets) memory.
  public func contrastiveLoss(with targets: Variable, _ options: ContrastiveOptions = ContrastiveOptions()) -> Variable
  {
    precondition(targets.rows >= rows && targets.columns == columns, "\(targets.rows) targets for \(rows) anchors")
    precondition(options.hidden.isEmpty || options.hidden.count == rows, "a list of hidden targets for each anchor")
    precondition(options.temperature > 0, "a temperature of \(options.temperature)")
    let (a, b, anchors, others) = (index, targets.index, value, targets.value)
    tape.countProduct(Double(rows) * Double(targets.rows) * Double(columns), gradientsFor: [self, targets])
    let scores = ContrastiveScores(anchors, others, options)
    return tape.record(Matrix(scalar: scores.loss), from: [self, targets]) { gradient, gradients in
      let outer = scores.gradient(times: gradient.elements[0] / options.temperature)
      if gradients.needs(a) { gradients.add(PackedMatrix(others).parallelProduct(outer), to: a) }
      gradients.accumulate(b) { $0.addTransposedProduct(outer, anchors) }
    }
  }
}

/// The scaled, masked inner products of one contrastive loss.
private struct ContrastiveScores {
  private let scores: Matrix
  private let rowSums: ContiguousArray<Float>
  private let columnSums: ContiguousArray<Float>?
  private let shares: ContiguousArray<Float>
  let loss: Float

  /// What stands for a hidden score: its exponential is zero next to any other's.
  private static let hiddenScore: Float = -1e9

  init(_ anchors: Matrix, _ targets: Matrix, _ options: ContrastiveOptions) {
    let offsets = options.offsets.map { offsets in ContiguousArray(offsets.lazy.map { $0 * options.temperature }) }
    var scores = PackedMatrix(transposing: targets).parallelProduct(anchors, bias: offsets)
    let inverse = 1 / options.temperature
    scores = unsafe scores.mapped { source, target, range in
      for element in 0..<range.count { unsafe target[element] = inverse * source[element] }
    }
    for (row, hidden) in options.hidden.enumerated() {
      for column in hidden where Int(column) != row { scores[row, Int(column)] = Self.hiddenScore }
    }
    shares = CrossEntropy.shares(repeatElement(Int32(0), count: anchors.rows), options.weights)
    rowSums = scores.rowLogSumExps()
    columnSums = options.isSymmetric ? scores.leadingColumnLogSumExps(anchors.rows) : nil
    self.scores = scores
    var loss = 0.0
    for row in 0..<anchors.rows {
      var sum = rowSums[row]
      if let columnSums { sum = (sum + columnSums[row]) / 2 }
      loss += Double(shares[row]) * Double(sum - scores[row, row])
    }
    self.loss = Float(loss)
  }

  /// The loss's gradient with respect to the scores, times `factor`: share · (softmax − 1 at the anchor's own target).
  func gradient(times factor: Float) -> Matrix {
    let columns = scores.columns, direction = columnSums == nil ? factor : factor / 2
    // A column's probabilities times its share, as one exponential: e^(score − sum + log share).
    let shifts = columnSums.map { sums in
      ContiguousArray(zip(sums, shares).lazy.map { sum, share in share > 0 ? sum - Float.log(share) : .infinity })
    }
    return unsafe scores.mappedRows { source, target, rows in
      var byColumn = ContiguousArray<Float>(repeating: 0, count: shifts?.count ?? 0)
      for (place, row) in rows.enumerated() {
        let (line, given) = unsafe (target + place * columns, source + place * columns)
        unsafe line.initialize(from: given, count: columns)
        unsafe tessera_exponentials(line, columns, rowSums[row], direction * shares[row])
        if let shifts {
          for column in shifts.indices { byColumn[column] = unsafe given[column] - shifts[column] }
          unsafe byColumn.withUnsafeMutableBufferPointer { byColumn in
            unsafe tessera_exponentials(byColumn.baseAddress, byColumn.count, 0, direction)
            unsafe tessera_add_scaled(line, byColumn.baseAddress, 1, byColumn.count)
          }
        }
        unsafe line[row] -= factor * shares[row]
      }
    }
  }
}

extension Matrix {
  /// log Σ exp of each of the first columns. Some columns at a time are copied to rows, a line of the cache each.
  fileprivate func leadingColumnLogSumExps(_ count: Int) -> ContiguousArray<Float> {
    let parts = Parallelism.mapChunks(of: count, size: 16) { range in
      var lines = ContiguousArray<Float>(repeating: 0, count: range.count * rows)
      for row in 0..<rows {
        for (place, column) in range.enumerated() { lines[place * rows + row] = elements[row * columns + column] }
      }
      return unsafe lines.withUnsafeBufferPointer { lines in
        ContiguousArray(
          range.indices.map { unsafe tessera_log_sum_exp(lines.baseAddress! + ($0 - range.lowerBound) * rows, rows) })
      }
    }
    return joined(parts)
  }
}
