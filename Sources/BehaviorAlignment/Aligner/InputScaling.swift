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

  /// Some rows of a batch, standardized, on all threads; zeros where the modality is missing.
  func apply(_ batch: ModalityBatch, rows: some Collection<Int>) -> AlignerInput {
    let (rows, columns, mean, scale) = (Array(rows), batch.vectors.columns, mean, scale)
    let isPresent = rows.map { batch.isPresent[$0] }
    precondition(mean.count == columns, "a scaling of \(mean.count) dimensions for vectors of \(columns)")
    let vectors = unsafe Matrix(rows: rows.count, columns: columns) { target in
      let target = unsafe SharedPointer(target)
      Parallelism.forEachChunk(of: rows.count, size: Self.rowsPerTask) { range in
        unsafe batch.vectors.elements.withUnsafeBufferPointer { source in
          for place in range {
            let line = unsafe target.pointer + place * columns
            guard isPresent[place] else {
              unsafe line.initialize(repeating: 0, count: columns)
              continue
            }
            let given = rows[place] * columns
            for column in 0..<columns { unsafe line[column] = (source[given + column] - mean[column]) / scale }
          }
        }
      }
    }
    return AlignerInput(vectors: vectors, isPresent: isPresent)
  }

  private static let rowsPerTask = 64
}
