internal import ItemCatalog
public import TensorMath

/// The untrained representation: standardize each modality, fill in what is missing, join, and whiten by principal
/// components.
///
/// Modalities are centered on the mean of the items that have them and scaled as a whole, so that each brings the
/// variance of its weight; scaling every dimension on its own would lift the noise in an encoder's last dimensions to
/// the level of its first. A missing modality is predicted from the present ones by ridge regression: an item without
/// an image then lies among items of similar text, where a mean would draw all such items together. Principal
/// directions are scaled by their variance to `-whitening / 2`, and rows to unit length.
///
/// Vectors of different models for one modality (a group, such as texts routed by their script) share no space: each
/// model's vectors are centered and scaled by their own statistics and have joined dimensions of their own, zero for
/// the items of the others. Put into the same dimensions, items of two models would be near each other by chance;
/// apart, they are near through the modalities that they share. What the items of one model tell by their number,
/// they tell by its square root: in proportion, the few items of a small route would have hardly a direction to
/// themselves, and their codes would not tell them apart; with equal shares they would take half of the space from
/// the many. (Multilingual models sample their languages likewise: Conneau and Lample, arXiv:1901.07291, equation 1,
/// with the exponent ½.)
///
/// All of that is linear but for the last step, so the model holds one matrix per set of present modalities. It is
/// fitted once and frozen between nights.
public struct RepresentationModel: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// Floats per representation.
    public var dimensions = 128
    /// Each modality's share, by the name of it or of its group; 1 where none is given. Only ratios matter. Images count half, because what the
    /// built-in image encoder sees (color, edges, layout) tells less of an item than its text: on MovieLens, 51 % of
    /// the ten nearest neighbors share a genre, against 47 % with equal shares.
    public var weights: [String: Float] = ["image": 0.5]
    /// 0 leaves the principal components' variances as they are, 1 makes them equal. The middle agrees best with
    /// genres when modalities are taken one by one (text 51.7, 51.5 and 50.6 % at 0, ½ and 1; images 39.5, 39.8, 38.4
    /// %).
    public var whitening: Float = 0.5
    /// The share of the mean variance that is mixed into every direction's before whitening, so that directions that
    /// the sample hardly supports are not blown up.
    public var shrinkage: Float = 0.01
    /// Added to the regression's covariance, as a multiple of its mean diagonal.
    public var ridge: Float = 1
    /// Rows to fit on; more than these are sampled.
    public var sampleLimit = 100_000
    /// Of the sample.
    public var seed: UInt64 = 1

    public init() {}

    /// The rows to fit on, ascending: all of `count`, or `sampleLimit` of them drawn without replacement (selection
    /// sampling: Knuth, volume 2, algorithm S).
    /// - Complexity: O(count).
    public func sampleRows(of count: Int) -> [Int] {
      guard count > sampleLimit else { return Array(0..<count) }
      var random = RandomSource(seed: seed)
      var rows: [Int] = []
      rows.reserveCapacity(sampleLimit)
      for row in 0..<count where Int.random(in: 0..<count - row, using: &random) < sampleLimit - rows.count {
        rows.append(row)
      }
      return rows
    }
  }

  /// A modality that the model was fitted with.
  struct Input: Sendable, Equatable {
    let name: String
    /// Of inputs of one group, an item has at most one.
    var group: String?
    let dimensions: Int
  }

  /// `x · projection − offset` for the joined present modalities x.
  struct Map: Sendable, Equatable {
    /// `present dimensions × dimensions`.
    let projection: Matrix
    let offset: ContiguousArray<Float>
  }

  let inputs: [Input]

  /// The sets of modalities that an item can have (bit i for `inputs[i]`), ascending; none is empty, since nothing is
  /// predicted from nothing.
  let patterns: [Int]

  /// One per pattern.
  let maps: [Map]

  /// Floats per representation: as many as asked for, or fewer where the modalities' dimensions or the sample's rows
  /// span no more.
  public let dimensions: Int

  /// SHA-256, in hexadecimal, over everything that a representation depends on but the vectors.
  public let fingerprint: String

  init(inputs: [Input], maps: [Map]) {
    patterns = inputs.patterns
    precondition(maps.count == patterns.count, "\(maps.count) maps for \(inputs.count) modalities")
    self.inputs = inputs
    self.maps = maps
    dimensions = maps[0].offset.count
    fingerprint = Self.fingerprint(inputs: inputs, maps: maps)
  }

  /// The modalities' names, in the model's order.
  public var modalities: [String] { inputs.map(\.name) }

  /// The modalities of which the sample had fewer than two different vectors: theirs are mapped to nothing.
  public var unfittedModalities: [String] {
    inputs.enumerated().filter { index, _ in
      let alone = zip(patterns, maps).first { $0.0 == 1 << index }
      return alone.map { $0.1.projection.elements.allSatisfy { $0 == 0 } } ?? true
    }.map(\.element.name)
  }

  /// Fits a model to vectors that are in memory, on a sample of them where they are many.
  public static func fit(
    _ modalities: [ModalityBatch], parameters: Parameters = Parameters()
  ) throws(AlignmentError) -> RepresentationModel {
    var fitting = try Fitting(parameters: parameters)
    let rows = parameters.sampleRows(of: modalities.first?.vectors.rows ?? 0)
    for start in stride(from: 0, to: rows.count, by: 8192) {
      let block = rows[start..<min(rows.count, start + 8192)]
      fitting.add(modalities.map { $0.selecting(block) })
    }
    return try fitting.finish()
  }

  /// Rows per parallel task. Matrix products always have this many rows, so that a representation's bits do not
  /// depend on how many others it is made with.
  private static let chunkSize = 128

  /// The representations of a batch of items.
  ///
  /// - Parameter modalities: Batches of the same items, in any order; a modality of the model that is left out counts
  ///   as missing everywhere.
  /// - Returns: `n × dimensions`, unit-length rows. An item with no modality at all has a row of zeros: there is
  ///   nothing to represent, and such a row must not be quantized.
  public func represent(_ modalities: [ModalityBatch]) -> Matrix {
    let ordered = inputs.ordering(modalities)
    let count = modalities.first?.vectors.rows ?? 0
    var result = Matrix(rows: count, columns: dimensions)
    let width = dimensions
    unsafe result.elements.withUnsafeMutableBufferPointer { buffer in
      guard let first = buffer.baseAddress else { return }
      let target = unsafe SharedPointer(first)
      Parallelism.forEachChunk(of: count, size: Self.chunkSize) { chunk in
        for (pattern, map) in zip(patterns, maps) {
          let rows = chunk.filter { ordered.pattern(ofRow: $0) == pattern }
          guard !rows.isEmpty else { continue }
          let mapped = map.apply(to: ordered.joined(rows, pattern: pattern, padding: Self.chunkSize), rows: rows.count)
          for (offset, row) in rows.enumerated() {
            for column in 0..<width { unsafe target.pointer[row * width + column] = mapped[offset, column] }
          }
        }
      }
    }
    return result
  }
}

extension [RepresentationModel.Input] {
  /// The sets of inputs that an item can have, as bits, ascending: any but none, and of a group at most one.
  var patterns: [Int] {
    (1..<1 << count).filter { pattern in
      let groups = indices.filter { pattern >> $0 & 1 == 1 }.compactMap { self[$0].group }
      return Set(groups).count == groups.count
    }
  }

  /// Whether a set has one input of every group and all that are in no group.
  func isComplete(_ pattern: Int) -> Bool {
    indices.allSatisfy { pattern >> $0 & 1 == 1 || self[$0].group != nil && hasGroup(of: $0, in: pattern) }
  }

  /// Whether a set has an input of the same group.
  func hasGroup(of index: Int, in pattern: Int) -> Bool {
    guard let group = self[index].group else { return false }
    return indices.contains { pattern >> $0 & 1 == 1 && self[$0].group == group }
  }
}

extension RepresentationModel.Map {
  /// Maps the first `rows` rows and scales them to unit length.
  fileprivate func apply(to x: Matrix, rows: Int) -> Matrix {
    var result = matrixProduct(x, projection)
    for row in 0..<rows {
      let range = row * result.columns..<(row + 1) * result.columns
      var square: Float = 0
      for (index, column) in zip(range, offset.indices) {
        result.elements[index] -= offset[column]
        square += result.elements[index] * result.elements[index]
      }
      let scale = square > 0 ? 1 / square.squareRoot() : 0
      for index in range { result.elements[index] *= scale }
    }
    return result
  }
}
