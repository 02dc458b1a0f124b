internal import TensorMath

/// Pairs new centroids with old ones, at most one each.
struct CentroidMatcher {
  private static let rowsPerBlock = 1024

  private let new: Matrix
  private let old: Matrix
  private let exactLimit: Int

  /// The old centroid of every new one, -1 for none.
  private(set) var oldOfNew: [Int]

  /// The sum of squared distances of the pairs.
  private(set) var shift = 0.0

  private(set) var isExact = true

  init(new: Matrix, old: Matrix, exactLimit: Int) {
    self.new = new
    self.old = old
    self.exactLimit = exactLimit
    oldOfNew = Array(repeating: -1, count: new.rows)
  }

  mutating func match() {
    guard new.rows > 0, old.rows > 0 else { return }
    if max(new.rows, old.rows) > exactLimit {
      isExact = false
      matchMutuallyNearest()
    }
    let freeNew = oldOfNew.indices.filter { oldOfNew[$0] < 0 }
    let taken = Set(oldOfNew)
    let freeOld = (0..<old.rows).filter { !taken.contains($0) }
    if max(freeNew.count, freeOld.count) <= exactLimit {
      matchExactly(freeNew, freeOld)
    } else {
      matchGreedily(freeNew, freeOld)
    }
  }

  private mutating func pair(_ centroid: Int, _ label: Int, _ squared: Float) {
    oldOfNew[centroid] = label
    shift += Double(squared)
  }

  private mutating func matchExactly(_ centroids: [Int], _ labels: [Int]) {
    guard !centroids.isEmpty, !labels.isEmpty else { return }
    let costs = pairwiseSquaredDistances(new.selectingRows(centroids), old.selectingRows(labels))
    for (position, column) in LinearAssignment(costs).columnOfRow.enumerated() where column >= 0 {
      pair(centroids[position], labels[column], costs[position, column])
    }
  }

  /// Pairs that are each other's nearest are in every optimal matching unless a chain of others outweighs them.
  private mutating func matchMutuallyNearest() {
    var nearestOld = [(Float, Int)](repeating: (.infinity, -1), count: new.rows)
    var nearestNew = [(Float, Int)](repeating: (.infinity, -1), count: old.rows)
    for start in stride(from: 0, to: new.rows, by: Self.rowsPerBlock) {
      let rows = start..<min(new.rows, start + Self.rowsPerBlock)
      let block = pairwiseSquaredDistances(new.rows(rows), old)
      for row in rows {
        for column in 0..<old.rows {
          let squared = block.elements[(row - start) * old.rows + column]
          if squared < nearestOld[row].0 { nearestOld[row] = (squared, column) }
          if squared < nearestNew[column].0 { nearestNew[column] = (squared, row) }
        }
      }
    }
    for (row, (squared, column)) in nearestOld.enumerated() where column >= 0 && nearestNew[column].1 == row {
      pair(row, column, squared)
    }
  }

  private mutating func matchGreedily(_ centroids: [Int], _ labels: [Int]) {
    var isFree = [Bool](repeating: true, count: labels.count)
    let candidates = old.selectingRows(labels)
    for start in stride(from: 0, to: centroids.count, by: Self.rowsPerBlock) {
      let block = Array(centroids[start..<min(centroids.count, start + Self.rowsPerBlock)])
      let squared = pairwiseSquaredDistances(new.selectingRows(block), candidates)
      for (position, centroid) in block.enumerated() {
        var best = -1
        for column in labels.indices where isFree[column] {
          if best < 0 || squared[position, column] < squared[position, best] { best = column }
        }
        guard best >= 0 else { return }
        isFree[best] = false
        pair(centroid, labels[best], squared[position, best])
      }
    }
  }
}

/// Squared Euclidean distances between the rows of `a` and of `b`, `a.rows × b.rows`.
func pairwiseSquaredDistances(_ a: Matrix, _ b: Matrix) -> Matrix {
  let allNorms = ContiguousArray((0..<b.rows).map { squaredNorm(b.row($0)) })
  let norms = allNorms.span
  var result = matrixProduct(a, b, transposingRight: true)
  for row in 0..<a.rows {
    let norm = squaredNorm(a.row(row))
    var values = result.elements.mutableSpan
    let offset = row * b.rows
    for column in 0..<b.rows {
      // Within bounds: the product is a.rows × b.rows, and there is a norm per row of b.
      unsafe values[unchecked: offset + column] = max(
        0, norm + norms[unchecked: column] - 2 * values[unchecked: offset + column])
    }
  }
  return result
}

private func squaredNorm(_ vector: ArraySlice<Float>) -> Float {
  var sum: Float = 0
  for value in vector { sum += value * value }
  return sum
}
