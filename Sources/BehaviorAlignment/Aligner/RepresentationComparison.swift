internal import TensorMath

/// Pair recall of the ways to represent the same items: what alignment changed.
public struct RepresentationComparison: Sendable, Equatable, Codable {
  public struct Row: Sendable, Equatable, Codable {
    public var name: String
    public var recall: PairRecall
  }

  public private(set) var rows: [Row] = []

  /// Measures each modality by itself, all of them joined without training, and the aligner with all modalities and with
  /// each alone.
  /// - Parameters:
  ///   - modalities: batches of the items that targets are looked for among.
  ///   - untrained: joins the modalities without training.
  ///   - pairs: held out from training.
  public init(
    _ modalities: [ModalityBatch], untrained: RepresentationModel, aligner: Aligner, pairs: HeldOutPairs
  ) {
    func add(_ name: String, _ vectors: Matrix) {
      rows.append(Row(name: name, recall: PairRecall.measure(vectors, pairs)))
    }
    for batch in modalities { add(batch.name, Self.units(batch)) }
    if modalities.count > 1 { add("joined", untrained.represent(modalities)) }
    add("aligned", aligner.represent(modalities))
    guard modalities.count > 1 else { return }
    for batch in modalities { add("aligned, \(batch.name) alone", aligner.represent([batch])) }
  }

  /// A modality's own vectors, centered and at unit length; zeros where it is missing.
  private static func units(_ batch: ModalityBatch) -> Matrix {
    let scaling = InputScaling(batch)
    var vectors = scaling.apply(batch, rows: 0..<batch.vectors.rows).vectors
    vectors.normalizeRows()
    return vectors
  }
}
