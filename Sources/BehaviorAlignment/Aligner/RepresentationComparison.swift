internal import TensorMath

/// Pair recall of the ways to represent the same items: what alignment changed.
public struct RepresentationComparison: Sendable, Equatable, Codable {
  public struct Row: Sendable, Equatable, Codable {
    public var name: String
    public var recall: PairRecall
  }

  /// What is near an item before and after alignment.
  public struct Example: Sendable, Equatable, Codable {
    /// Row of the items; likewise the nearest, the nearest first.
    public var item: Int
    public var before: [Int]
    public var after: [Int]
  }

  public private(set) var rows: [Row] = []
  /// Of some items that behavior ties to others.
  public private(set) var examples: [Example] = []

  private static let exampleCount = 4
  private static let neighborCount = 3

  /// Measures each modality by itself, all of them joined without training, and the aligner with all modalities and with
  /// each alone.
  /// - Parameters:
  ///   - modalities: batches of the items that targets are looked for among.
  ///   - untrained: joins the modalities without training.
  ///   - tuned: batches that the aligner represents in place of those, where their encoder was tuned with it; nil for
  ///     the same.
  ///   - pairs: held out from training.
  ///   - candidates: the items that targets are looked for among, by row, which include all targets; nil for all.
  public init(
    _ modalities: [ModalityBatch], untrained: RepresentationModel, aligner: Aligner, tuned: [ModalityBatch]? = nil,
    pairs: HeldOutPairs, among candidates: [Bool]? = nil
  ) {
    func add(_ name: String, _ vectors: Matrix) {
      rows.append(Row(name: name, recall: PairRecall.measure(vectors, pairs, among: candidates)))
    }
    for batch in modalities { add(batch.name, Self.units(batch)) }
    let before = untrained.represent(modalities), after = aligner.represent(tuned ?? modalities)
    if modalities.count > 1 { add("joined", before) }
    add("aligned", after)
    examples = Self.examples(before, after, pairs)
    guard modalities.count > 1 else { return }
    for batch in tuned ?? modalities { add("aligned, \(batch.name) alone", aligner.represent([batch])) }
  }

  /// Triggers of held-out pairs, evenly spread: popular items are more often among them.
  private static func examples(_ before: Matrix, _ after: Matrix, _ pairs: HeldOutPairs) -> [Example] {
    let triggers = Set(pairs.triggers).sorted()
    guard !triggers.isEmpty, after.rows > neighborCount else { return [] }
    let step = max(1, triggers.count / exampleCount)
    let items = stride(from: step / 2, to: triggers.count, by: step).prefix(exampleCount).map { Int(triggers[$0]) }
    // An item without any modality has a row of zeros, which is near to nothing and yet not far from anything.
    let candidates = (0..<after.rows).filter { row in after.row(row).contains { $0 != 0 } }
    let places = Dictionary(uniqueKeysWithValues: candidates.enumerated().map { ($1, Int32($0)) })
    guard candidates.count > neighborCount else { return [] }
    func nearest(_ vectors: Matrix) -> [[Int]] {
      let found = NearestRows(vectors.selectingRows(candidates)).search(
        vectors.selectingRows(items), count: neighborCount,
        excluding: ContiguousArray(items.map { places[$0] ?? -1 }))
      return items.indices.map { index in
        (0..<neighborCount).map { candidates[Int(found.rows[index * neighborCount + $0])] }
      }
    }
    return zip(items, zip(nearest(before), nearest(after))).map { Example(item: $0, before: $1.0, after: $1.1) }
  }

  /// A modality's own vectors, centered and at unit length; zeros where it is missing.
  private static func units(_ batch: ModalityBatch) -> Matrix {
    let scaling = InputScaling(batch)
    var vectors = scaling.apply(batch, rows: 0..<batch.vectors.rows).vectors
    vectors.normalizeRows()
    return vectors
  }
}
