internal import TensorMath

/// What a modality's vectors are centered on and divided by: the mean of those that are present, and their root mean
/// squared distance from it per dimension. One number for all dimensions: an encoder's last dimensions hold little but
/// noise, which scaling each on its own would lift to the level of the first.
struct InputScaling: Sendable, Equatable {
  let mean: ContiguousArray<Float>
  let scale: Float

  init(mean: ContiguousArray<Float>, scale: Float) {
    self.mean = mean
    self.scale = scale
  }

  init(_ batch: ModalityBatch) {
    let columns = batch.vectors.columns
    var (sums, squares, count) = ([Double](repeating: 0, count: columns), 0.0, 0.0)
    for row in 0..<batch.vectors.rows where batch.isPresent[row] {
      count += 1
      for (column, value) in batch.vectors.row(row).enumerated() { sums[column] += Double(value) }
    }
    let means = sums.map { $0 / max(1, count) }
    for row in 0..<batch.vectors.rows where batch.isPresent[row] {
      for (value, mean) in zip(batch.vectors.row(row), means) {
        squares += (Double(value) - mean) * (Double(value) - mean)
      }
    }
    mean = ContiguousArray(means.map { Float($0) })
    let variance = squares / max(1, count * Double(columns))
    scale = variance > 0 ? Float(variance.squareRoot()) : 1
  }

  /// Some rows of a batch, standardized; zeros where the modality is missing.
  func apply(_ batch: ModalityBatch, rows: some Collection<Int>) -> AlignerInput {
    let columns = batch.vectors.columns
    var vectors = Matrix(rows: rows.count, columns: columns)
    let isPresent = rows.map { batch.isPresent[$0] }
    for (place, row) in rows.enumerated() where isPresent[place] {
      for column in 0..<columns {
        vectors.elements[place * columns + column] =
          (batch.vectors.elements[row * columns + column] - mean[column]) / scale
      }
    }
    return AlignerInput(vectors: vectors, isPresent: isPresent)
  }
}
