internal import NeuralNetworks
public import TensorMath

/// Maps an item's modality vectors to a representation in which items that behavior ties are near (QARM, arXiv
/// 2411.11739, section 3.1). Items with some of the modalities, and items that nobody met yet, are mapped likewise.
///
/// Trained by ``AlignerTraining``, then frozen between nights.
public struct Aligner: Sendable {
  public let configuration: AlignerConfiguration
  /// SHA-256, in hexadecimal, over everything that a representation depends on but the vectors.
  public let fingerprint: String

  let network: AlignerNetwork
  let parameters: ParameterSet
  let scalings: [InputScaling]

  init(
    _ configuration: AlignerConfiguration, _ network: AlignerNetwork, _ parameters: ParameterSet,
    _ scalings: [InputScaling]
  ) {
    self.configuration = configuration
    self.network = network
    self.parameters = parameters
    self.scalings = scalings
    fingerprint = Self.fingerprint(configuration, parameters, scalings)
  }

  /// Items that go through the network at once.
  private static let blockRows = 512

  /// The representations of a batch of items. An item's does not depend on the others.
  /// - Parameter modalities: batches of the same items, in any order; one of the configuration's that is left out counts
  ///   as missing everywhere.
  /// - Returns: `items × dimensions`, unit-length rows. An item without any modality has a row of zeros, which must not
  ///   be quantized.
  public func represent(_ modalities: [ModalityBatch]) -> Matrix {
    let ordered = ordering(modalities)
    let count = modalities.first?.vectors.rows ?? 0
    var result = Matrix(rows: count, columns: configuration.dimensions)
    for start in stride(from: 0, to: count, by: Self.blockRows) {
      let rows = start..<min(count, start + Self.blockRows)
      let pass = ModelPass(inferring: parameters)
      let vectors = network(inputs(ordered, rows: rows), in: pass).value
      for (place, row) in rows.enumerated() where ordered.contains(where: { $0?.isPresent[row] == true }) {
        result.elements.replaceSubrange(
          row * result.columns..<(row + 1) * result.columns, with: vectors.row(place))
      }
    }
    return result
  }

  /// Batches in the configuration's order.
  func ordering(_ modalities: [ModalityBatch]) -> [ModalityBatch?] {
    configuration.modalities.map { wanted in
      let batch = modalities.first { $0.name == wanted.name }
      precondition(
        batch.map { $0.vectors.columns == wanted.dimensions } ?? true,
        "\(batch?.vectors.columns ?? 0)-dimensional \(wanted.name) vectors for an aligner of \(wanted.dimensions)")
      return batch
    }
  }

  func inputs(_ ordered: [ModalityBatch?], rows: some Collection<Int>) -> [AlignerInput] {
    ordered.indices.map { index in
      guard let batch = ordered[index] else {
        return AlignerInput(
          vectors: Matrix(rows: rows.count, columns: configuration.modalities[index].inputs),
          isPresent: Array(repeating: false, count: rows.count))
      }
      return scalings[index].apply(batch, rows: rows)
    }
  }
}
