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
  /// By input: what one of its items counts in the covariance, and the input's part of its group by that count; both 1
  /// for an input without a group.
  private var rowWeights: [Float]
  private var groupShares: [Float]
  /// Where each modality begins among the D joined dimensions.
  private let starts: [Int]
  /// D means over the items that have the modality.
  private var means: [Double]
  /// D factors, equal within a modality.
  private var scales: [Double]
  /// D means of the standardized, filled-in rows; zero but for what imputation shifts.
  private var shift: ContiguousArray<Float>
  /// `D × D` covariance of the standardized rows that have everything, one input of each group, zeros in the place of
  /// the group's others; zeros altogether where there are too few.
  private var completeCovariance: Matrix

  init(
    inputs: [RepresentationModel.Input], moments: [Int: SecondMoments], parameters: RepresentationModel.Parameters
  ) {
    self.inputs = inputs
    ridge = parameters.ridge
    rowWeights = Array(repeating: 1, count: inputs.count)
    groupShares = rowWeights
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
      standardize(
        modality, patterns, weight: parameters.weights[inputs[modality].group ?? inputs[modality].name] ?? 1)
    }
    weighGroups(patterns)
    addComplete(patterns.filter { inputs.isComplete($0.key) })
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

  /// Weighs the items of a group's inputs by the square root of their number; the group's items keep their total.
  private mutating func weighGroups(_ patterns: [(key: Int, value: SecondMoments)]) {
    let counts = inputs.indices.map { index in
      patterns.reduce(0) { $0 + ($1.key >> index & 1 == 1 ? $1.value.count : 0) }
    }
    for group in Set(inputs.compactMap(\.group)) {
      let members = inputs.indices.filter { inputs[$0].group == group && counts[$0] > 0 }
      let total = members.reduce(0) { $0 + counts[$1] }
      let roots = members.reduce(Float(0)) { $0 + Float(counts[$1]).squareRoot() }
      for member in members {
        let root = Float(counts[member]).squareRoot()
        rowWeights[member] = Float(total) / (root * roots)
        groupShares[member] = root / roots
      }
    }
  }

  private mutating func addComplete(_ patterns: [(key: Int, value: SecondMoments)]) {
    let total = patterns.reduce(0) { $0 + $1.value.count }
    for (pattern, raw) in patterns where raw.count >= 2 {
      let moments = standardized(raw, pattern: pattern).moments
      let share = Float(raw.count) / Float(total)
      let dimensions = dimensions(ofPattern: pattern)
      for (row, i) in dimensions.enumerated() {
        for (column, j) in dimensions.enumerated() { completeCovariance[i, j] += share * moments[row, column] }
      }
    }
  }

  /// The variance along each principal direction among the items that can have it. The covariance has a group's inputs
  /// by their share, which must decide about the order of directions, not about their length.
  func varianceWherePresent(_ eigen: SymmetricEigen) -> [Float] {
    guard groupShares.contains(where: { $0 != 1 }) else { return Array(eigen.values) }
    return eigen.values.indices.map { direction in
      var share: Float = 0
      for (index, start) in starts.enumerated() {
        for dimension in start..<start + inputs[index].dimensions {
          let component = eigen.vectors[direction, dimension]
          share += component * component * groupShares[index]
        }
      }
      return share > 0 ? eigen.values[direction] / share : 0
    }
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
      let weight = inputs.indices.reduce(Float(1)) { $0 * (pattern >> $1 & 1 == 1 ? rowWeights[$1] : 1) }
      let share = weight * (Float(raw.count) / Float(count))
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

  /// `present × D`: the identity where a dimension is present, the ridge regression `(C_pp + λ I)⁻¹ · C_pm` where it is
  /// missing, and zeros for the other inputs of a group that is present.
  private func imputation(ofPattern pattern: Int) -> Matrix {
    let present = dimensions(ofPattern: pattern)
    let missing = inputs.indices.filter { pattern >> $0 & 1 == 0 && !inputs.hasGroup(of: $0, in: pattern) }
      .flatMap { starts[$0]..<starts[$0] + inputs[$0].dimensions }
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
