internal import ItemEncoders
internal import TensorMath

/// What a modality's vectors are centered on and divided by: the mean of those that are present, and their root mean
/// squared distance from it per dimension. One number for all dimensions: an encoder's last dimensions hold little but
/// noise, which scaling each on its own would lift to the level of the first.
///
/// Where the modality is reduced to principal components, it is these that have a root mean square of 1.
struct InputScaling: Sendable, Equatable {
  let mean: ContiguousArray<Float>
  let scale: Float
  /// To principal components, from vectors that are not centered yet; nil where the dimensions stay as they are.
  let reduction: LinearReduction?

  /// - Parameter projection: `dimensions × components`; nil where the dimensions stay as they are.
  init(mean: ContiguousArray<Float>, scale: Float, projection: Matrix? = nil) {
    self.mean = mean
    self.scale = scale
    reduction = projection.map { LinearReduction(mean: mean, projection: $0) }
  }

  /// - Parameters:
  ///   - components: principal components to reduce the vectors to; nil to leave their dimensions as they are.
  ///   - seed: of the search for these.
  init(_ batch: ModalityBatch, components: Int? = nil, seed: UInt64 = 0) {
    let present = batch.isPresent.indices.filter { batch.isPresent[$0] }
    let columns = batch.vectors.columns
    guard let components, components < columns else {
      let (mean, scale) = Self.statistics(batch.vectors, present)
      self.init(mean: mean, scale: scale)
      return
    }
    var moments = SecondMoments(columns: columns)
    for start in stride(from: 0, to: present.count, by: Self.rowsOfMoments) {
      moments.add(batch.vectors.selectingRows(present[start..<min(present.count, start + Self.rowsOfMoments)]))
    }
    let reduction = LinearReduction(principalDirectionsOf: moments, dimensions: components, seed: seed)
    var squares = 0.0
    for start in stride(from: 0, to: present.count, by: Self.rowsOfMoments) {
      let rows = present[start..<min(present.count, start + Self.rowsOfMoments)]
      for value in reduction(batch.vectors.selectingRows(rows)).elements { squares += Double(value) * Double(value) }
    }
    let variance = squares / Double(max(1, present.count * components))
    self.init(
      mean: reduction.mean, scale: variance > 0 ? Float(variance.squareRoot()) : 1, projection: reduction.projection)
  }

  private static func statistics(_ vectors: Matrix, _ present: [Int]) -> (mean: ContiguousArray<Float>, scale: Float) {
    let columns = vectors.columns
    var (sums, squares) = ([Double](repeating: 0, count: columns), 0.0)
    for row in present {
      for (column, value) in vectors.row(row).enumerated() { sums[column] += Double(value) }
    }
    let count = Double(present.count)
    let means = sums.map { $0 / max(1, count) }
    for row in present {
      for (value, mean) in zip(vectors.row(row), means) { squares += (Double(value) - mean) * (Double(value) - mean) }
    }
    let variance = squares / max(1, count * Double(columns))
    return (ContiguousArray(means.map { Float($0) }), variance > 0 ? Float(variance.squareRoot()) : 1)
  }

  /// Some rows of a batch, standardized, on all threads; zeros where the modality is missing.
  func apply(_ batch: ModalityBatch, rows: some Collection<Int>) -> AlignerInput {
    let rows = Array(rows)
    let isPresent = rows.map { batch.isPresent[$0] }
    precondition(
      mean.count == batch.vectors.columns,
      "a scaling of \(mean.count) dimensions for vectors of \(batch.vectors.columns)")
    guard let reduction else {
      return AlignerInput(vectors: centered(batch.vectors, rows, isPresent), isPresent: isPresent)
    }
    var vectors = reduction(batch.vectors.selectingRows(rows))
    for (row, isPresent) in isPresent.enumerated() {
      for index in row * vectors.columns..<(row + 1) * vectors.columns {
        vectors.elements[index] = isPresent ? vectors.elements[index] / scale : 0
      }
    }
    return AlignerInput(vectors: vectors, isPresent: isPresent)
  }

  /// The same of vectors on a tape, all of which are present.
  func apply(_ vectors: Variable) -> Variable {
    let tape = vectors.tape
    guard let reduction else {
      let means = Matrix(
        rows: vectors.rows, columns: mean.count,
        elements: ContiguousArray((0..<vectors.rows).lazy.flatMap { _ in mean }))
      return (1 / scale) * (vectors - tape.constant(means))
    }
    let projection = reduction.projection
    var weights = Matrix(rows: projection.columns, columns: projection.rows)
    var offset = Matrix(rows: 1, columns: projection.columns)
    for input in 0..<projection.rows {
      for component in 0..<projection.columns {
        weights[component, input] = projection[input, component] / scale
        offset[0, component] -= mean[input] * weights[component, input]
      }
    }
    return vectors.linear(tape.constant(weights), bias: tape.constant(offset))
  }

  private func centered(_ source: Matrix, _ rows: [Int], _ isPresent: [Bool]) -> Matrix {
    let (columns, mean, scale) = (source.columns, mean, scale)
    return unsafe Matrix(rows: rows.count, columns: columns) { target in
      let target = unsafe SharedPointer(target)
      Parallelism.forEachChunk(of: rows.count, size: Self.rowsPerTask) { range in
        unsafe source.elements.withUnsafeBufferPointer { source in
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
  }

  private static let rowsPerTask = 64
  private static let rowsOfMoments = 4096
}
