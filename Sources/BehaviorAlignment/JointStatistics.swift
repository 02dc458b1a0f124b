internal import TensorMath

/// What a representation needs to know of its sample: means and scales per modality, how the modalities predict each
/// other, and the covariance of the items once what they miss is filled in.
struct JointStatistics {
  /// Items with at least one modality.
  let count: Int

  /// `D × D`, of the standardized, filled-in, joined rows.
  private(set) var covariance: Matrix

  private let inputs: [RepresentationModel.Input]
  private let ridge: Float
  /// Where each modality begins among the D joined dimensions.
  private let starts: [Int]
  /// D means over the items that have the modality.
  private var means: [Double]
  /// D factors, equal within a modality.
  private var scales: [Double]
  /// D means of the standardized, filled-in rows; zero but for what imputation shifts.
  private var shift: ContiguousArray<Float>
  /// `D × D` covariance of the standardized rows that have everything; zeros where there are too few.
  private var completeCovariance: Matrix

  init(
    inputs: [RepresentationModel.Input], moments: [Int: SecondMoments], parameters: RepresentationModel.Parameters
  ) {
    self.inputs = inputs
    ridge = parameters.ridge
    count = moments.values.reduce(0) { $0 + $1.count }
    starts = inputs.indices.map { index in inputs[..<index].reduce(0) { $0 + $1.dimensions } }
    let width = inputs.reduce(0) { $0 + $1.dimensions }
    means = Array(repeating: 0, count: width)
    scales = means
    shift = ContiguousArray(repeating: 0, count: width)
    completeCovariance = Matrix(rows: width, columns: width)
    covariance = completeCovariance
    let patterns = moments.sorted { $0.key < $1.key }
    for modality in inputs.indices {
      standardize(modality, patterns, weight: parameters.weights[inputs[modality].name] ?? 1)
    }
    if let complete = moments[1 << inputs.count - 1], complete.count >= 2 {
      completeCovariance = standardized(complete, pattern: 1 << inputs.count - 1).moments
    }
    fillIn(patterns)
  }

  /// The joined dimensions of a set of modalities.
  private func dimensions(ofPattern pattern: Int) -> [Int] {
    inputs.indices.filter { pattern >> $0 & 1 == 1 }.flatMap { starts[$0]..<starts[$0] + inputs[$0].dimensions }
  }

  /// Finds one modality's means and scale: its total variance becomes the square of its weight.
  private mutating func standardize(_ modality: Int, _ patterns: [(key: Int, value: SecondMoments)], weight: Float) {
    let size = inputs[modality].dimensions
    var sums = [Double](repeating: 0, count: size), squares = sums
    var present = 0
    for (pattern, moments) in patterns where pattern >> modality & 1 == 1 {
      let first = inputs.indices.filter { $0 < modality && pattern >> $0 & 1 == 1 }.reduce(0) {
        $0 + inputs[$1].dimensions
      }
      present += moments.count
      for offset in 0..<size {
        sums[offset] += moments.sums[first + offset]
        squares[offset] += moments.products[(first + offset) * (moments.columns + 1)]
      }
    }
    guard present > 0 else { return }
    var variance = 0.0
    for offset in 0..<size {
      let mean = sums[offset] / Double(present)
      means[starts[modality] + offset] = mean
      variance += max(0, squares[offset] / Double(present) - mean * mean)
    }
    let scale = variance > 1e-12 ? Double(weight) / variance.squareRoot() : 0
    for offset in 0..<size { scales[starts[modality] + offset] = scale }
  }

  /// Mean and second moments about the modality means of a pattern's standardized rows.
  private func standardized(_ raw: SecondMoments, pattern: Int) -> (mean: Matrix, moments: Matrix) {
    let dimensions = dimensions(ofPattern: pattern)
    let n = Double(raw.count)
    var mean = Matrix(rows: 1, columns: dimensions.count)
    var moments = Matrix(rows: dimensions.count, columns: dimensions.count)
    for (row, i) in dimensions.enumerated() {
      mean[0, row] = Float((raw.sums[row] / n - means[i]) * scales[i])
      for (column, j) in dimensions.enumerated() {
        let product = raw.products[row * raw.columns + column] / n
        let centered = product - means[i] * raw.sums[column] / n - means[j] * raw.sums[row] / n + means[i] * means[j]
        moments[row, column] = Float(centered * scales[i] * scales[j])
      }
    }
    return (mean, moments)
  }

  /// Computes the covariance over all patterns' rows after imputation.
  private mutating func fillIn(_ patterns: [(key: Int, value: SecondMoments)]) {
    for (pattern, raw) in patterns {
      let (mean, moments) = standardized(raw, pattern: pattern)
      let imputation = imputation(ofPattern: pattern)
      let share = Float(raw.count) / Float(count)
      let filledMean = matrixProduct(mean, imputation)
      let half = matrixProduct(moments, imputation)
      let filled = matrixProduct(imputation.transposed, half)
      for index in shift.indices { shift[index] += share * filledMean.elements[index] }
      for index in filled.elements.indices { covariance.elements[index] += share * filled.elements[index] }
    }
    for row in shift.indices {
      for column in shift.indices { covariance[row, column] -= shift[row] * shift[column] }
    }
  }

  /// `present × D`: the identity where a dimension is present, and the ridge regression
  /// `(C_pp + λ I)⁻¹ · C_pm` where it is missing.
  private func imputation(ofPattern pattern: Int) -> Matrix {
    let present = dimensions(ofPattern: pattern)
    let missing = dimensions(ofPattern: (1 << inputs.count - 1) & ~pattern)
    var result = Matrix(rows: present.count, columns: means.count)
    for (row, dimension) in present.enumerated() { result[row, dimension] = 1 }
    let within = completeCovariance.selecting(present, present)
    let trace = present.indices.reduce(Float(0)) { $0 + within[$1, $1] }
    guard !missing.isEmpty, trace > 0 else { return result }
    let eigen = SymmetricEigen(of: within)
    var solved = matrixProduct(eigen.vectors, completeCovariance.selecting(present, missing))
    for row in 0..<solved.rows {
      let scale = 1 / (max(0, eigen.values[row]) + ridge * trace / Float(present.count))
      for column in 0..<solved.columns { solved[row, column] *= scale }
    }
    let coefficients = matrixProduct(eigen.vectors.transposed, solved)
    for row in present.indices {
      for (column, dimension) in missing.enumerated() { result[row, dimension] = coefficients[row, column] }
    }
    return result
  }

  /// The affine map of a pattern's raw rows onto a basis of the joined space.
  func map(ofPattern pattern: Int, onto basis: Matrix) -> RepresentationModel.Map {
    let dimensions = dimensions(ofPattern: pattern)
    var projection = matrixProduct(imputation(ofPattern: pattern), basis)
    var offset = matrixProduct(Matrix(rows: 1, columns: shift.count, elements: shift), basis).elements.map {
      Double($0)
    }
    for (row, dimension) in dimensions.enumerated() {
      for column in 0..<basis.columns {
        projection[row, column] *= Float(scales[dimension])
        offset[column] += means[dimension] * Double(projection[row, column])
      }
    }
    return RepresentationModel.Map(projection: projection, offset: ContiguousArray(offset.lazy.map { Float($0) }))
  }
}

extension Matrix {
  fileprivate var transposed: Matrix {
    var result = Matrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns { result.elements[column * rows + row] = elements[row * columns + column] }
    }
    return result
  }

  /// The elements at the crossings of some rows and columns.
  fileprivate func selecting(_ selectedRows: [Int], _ selectedColumns: [Int]) -> Matrix {
    let elements = selectedRows.flatMap { row in selectedColumns.map { self.elements[row * columns + $0] } }
    return Matrix(rows: selectedRows.count, columns: selectedColumns.count, elements: ContiguousArray(elements))
  }
}
