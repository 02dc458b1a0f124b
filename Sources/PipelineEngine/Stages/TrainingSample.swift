package import TensorMath

/// The rows that codebooks are trained on, read without holding the others in memory.
package enum TrainingSample {
  /// All rows, or `limit` of them drawn without replacement, in file order.
  package static func read(_ vectors: ColumnFileReader<Float>, limit: Int, seed: UInt64) throws(PipelineError) -> Matrix
  {
    try read(vectors, rows(of: vectors.rows, limit: limit, seed: seed))
  }

  /// The rows that ``read(_:limit:seed:)`` reads, ascending.
  package static func rows(of count: Int, limit: Int, seed: UInt64) -> [Int] {
    guard count > limit else { return Array(0..<count) }
    var random = RandomSource(seed: seed, stream: 0x5341_4D50)
    var rows: [Int] = []
    rows.reserveCapacity(limit)
    // Selection sampling (Knuth, volume 2, algorithm 3.4.2S): every subset of `limit` rows is equally likely.
    for row in 0..<count where rows.count < limit {
      if Int.random(in: 0..<count - row, using: &random) < limit - rows.count { rows.append(row) }
    }
    return rows
  }

  /// - Parameter rows: ascending.
  static func read(_ vectors: ColumnFileReader<Float>, _ rows: [Int]) throws(PipelineError) -> Matrix {
    guard rows.count < vectors.rows else { return try vectors.matrix(0..<vectors.rows) }
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(rows.count * vectors.columns)
    var next = 0
    let block = 16_384
    for start in stride(from: 0, to: vectors.rows, by: block) where next < rows.count {
      let range = start..<min(vectors.rows, start + block)
      let read = try vectors.read(range)
      while next < rows.count, rows[next] < range.upperBound {
        let offset = (rows[next] - start) * vectors.columns
        elements.append(contentsOf: read[offset..<offset + vectors.columns])
        next += 1
      }
    }
    return Matrix(rows: rows.count, columns: vectors.columns, elements: elements)
  }
}
