internal import TensorMath

/// The rows that codebooks are trained on, read without holding the others in memory.
enum TrainingSample {
  /// All rows, or `limit` of them drawn without replacement, in file order.
  static func read(_ vectors: ColumnFileReader<Float>, limit: Int, seed: UInt64) throws(PipelineError) -> Matrix {
    guard vectors.rows > limit else { return try vectors.matrix(0..<vectors.rows) }
    var random = RandomSource(seed: seed, stream: 0x5341_4D50)
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(limit * vectors.columns)
    var wanted = limit
    let block = 16_384
    for start in stride(from: 0, to: vectors.rows, by: block) {
      let rows = start..<min(vectors.rows, start + block)
      let read = try vectors.read(rows)
      for row in rows where wanted > 0 {
        // Selection sampling (Knuth, volume 2, algorithm 3.4.2S): every subset of `limit` rows is equally likely.
        guard Int.random(in: 0..<vectors.rows - row, using: &random) < wanted else { continue }
        wanted -= 1
        let offset = (row - rows.lowerBound) * vectors.columns
        elements.append(contentsOf: read[offset..<offset + vectors.columns])
      }
    }
    return Matrix(rows: limit, columns: vectors.columns, elements: elements)
  }
}
