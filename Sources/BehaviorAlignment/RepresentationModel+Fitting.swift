internal import Foundation
internal import TensorMath

extension RepresentationModel {
  /// A fit in progress: add the sample in batches, then finish. Memory does not grow with the sample.
  public struct Fitting {
    private let parameters: Parameters
    private var inputs: [Input] = []
    /// By the set of present modalities.
    private var moments: [Int: SecondMoments] = [:]

    /// More would mean more sets of present modalities than are worth a matrix each. A group counts as one.
    static let maximumModalities = 4

    /// Models of all modalities together.
    static let maximumInputs = 12

    static func accepts(_ inputs: [Input]) -> Bool {
      let modalities = Set(inputs.map { $0.group ?? "alone " + $0.name })
      return (1...maximumModalities).contains(modalities.count) && inputs.count <= maximumInputs
        && Set(inputs.compactMap(\.group)).count <= 1
    }

    public init(parameters: Parameters = Parameters()) throws(AlignmentError) {
      try parameters.validate()
      self.parameters = parameters
    }

    /// Adds items; the first batch decides which modalities there are.
    /// - Precondition: every batch has the same modalities, and no item has two of a group.
    public mutating func add(_ modalities: [ModalityBatch]) {
      if inputs.isEmpty {
        inputs = modalities.map { Input(name: $0.name, group: $0.group, dimensions: $0.vectors.columns) }
        precondition(Self.accepts(inputs), "a representation of \(modalities.count) modalities")
      }
      let ordered = inputs.ordering(modalities)
      var rows: [Int: [Int]] = [:]
      for row in 0..<(modalities.first?.vectors.rows ?? 0) {
        rows[ordered.pattern(ofRow: row), default: []].append(row)
      }
      for (pattern, rows) in rows where pattern != 0 {
        precondition(inputs.patterns.contains(pattern), "an item has vectors of two models of one group")
        let joined = ordered.joined(rows, pattern: pattern, padding: 0)
        moments[pattern, default: SecondMoments(columns: joined.columns)].add(joined)
      }
    }

    /// Fits the model to what was added.
    ///
    /// Throws where fewer than two items have a modality, or all items are alike.
    /// - Complexity: O(D³) for D joined dimensions.
    public func finish() throws(AlignmentError) -> RepresentationModel {
      let statistics = JointStatistics(inputs: inputs, moments: moments, parameters: parameters)
      guard statistics.count >= 2 else {
        throw AlignmentError(
          .tooFewItems, "\(statistics.count) items have a vector, a representation needs at least 2 to be fitted on")
      }
      let eigen = SymmetricEigen(of: statistics.covariance)
      let largest = eigen.values.first ?? 0
      let supported = eigen.values.prefix { $0 > largest * 1e-6 && $0 > 0 }.count
      let dimensions = min(parameters.dimensions, supported, statistics.count - 1)
      guard dimensions > 0 else {
        throw AlignmentError(
          .tooFewItems, "the \(statistics.count) items of the sample have the same vectors; expected items that differ")
      }
      let basis = whitening(eigen, statistics, dimensions: dimensions)
      return RepresentationModel(
        inputs: inputs, maps: inputs.patterns.map { statistics.map(ofPattern: $0, onto: basis) })
    }

    /// `D × dimensions`: principal directions, scaled.
    private func whitening(_ eigen: SymmetricEigen, _ statistics: JointStatistics, dimensions: Int) -> Matrix {
      let values = statistics.varianceWherePresent(eigen)
      let mean = values.reduce(0, +) / Float(values.count)
      var basis = Matrix(rows: eigen.vectors.columns, columns: dimensions)
      for direction in 0..<dimensions {
        let variance = (1 - parameters.shrinkage) * values[direction] + parameters.shrinkage * mean
        let scale = pow(variance, -parameters.whitening / 2)
        for row in 0..<basis.rows { basis[row, direction] = eigen.vectors[direction, row] * scale }
      }
      return basis
    }
  }
}

extension RepresentationModel.Parameters {
  fileprivate func validate() throws(AlignmentError) {
    func check(_ condition: Bool, _ expectation: String) throws(AlignmentError) {
      guard condition else { throw AlignmentError(.invalidParameter, "representation: \(expectation)") }
    }
    try check(dimensions > 0, "dimensions is \(dimensions), expected at least 1")
    try check((0...1).contains(whitening), "whitening is \(whitening), expected 0 to 1")
    try check((0...1).contains(shrinkage), "shrinkage is \(shrinkage), expected 0 to 1")
    try check(ridge > 0 && ridge.isFinite, "ridge is \(ridge), expected a positive number")
    try check(sampleLimit >= 2, "sampleLimit is \(sampleLimit), expected at least 2")
    for (name, weight) in weights.sorted(by: { $0.key < $1.key }) {
      try check(weight > 0 && weight.isFinite, "the weight of \(name) is \(weight), expected a positive number")
    }
  }
}
