internal import ItemCatalog
public import TensorMath

/// A representation of what an item is joined with what behavior says of it: vectors side by side, in their principal
/// components, at unit length.
///
/// Up to three vectors are joined. The content is what a trained model makes of the modalities. Beside it may stand what
/// the same modalities are without training: training moves the items that behavior knows toward their partners, away
/// from a new item that is like them and that nobody met yet, so that new items are crowded out among the neighbors of
/// all. In the untrained part known items and new ones lie as they would had nobody met any. Every item has it with the
/// same weight: a cosine compares two items only by what both have, so a part of new items alone would bring them near
/// each other, whatever they are, and no nearer to the known ones. The third is behavior's own vector.
///
/// An item that behavior has no vector for (a new one) gets the one that its content predicts, by the ridge regression
/// that ``RepresentationModel`` fills in missing modalities with. With an ``Aligner`` for the content, that is the
/// aligner's guess of whom a new item will be used with.
public struct JoinedRepresentation: Representation {
  private static let contentModality = "content"
  private static let untrainedModality = "untrained content"

  /// Of all modalities but behavior.
  public let content: any Representation
  /// Of the same modalities, beside the content; nil where that stands alone.
  public let untrained: RepresentationModel?
  /// Of content, untrained content where there is any, and behavior where there is any.
  public let joint: RepresentationModel

  /// - Precondition: `joint` was fitted by ``Fitting`` with or without an untrained part, as here.
  public init(content: any Representation, untrained: RepresentationModel? = nil, joint: RepresentationModel) {
    let expected = [Self.contentModality] + (untrained == nil ? [] : [Self.untrainedModality])
    precondition(
      joint.modalities == expected + [BehaviorVectors.modality] || untrained != nil && joint.modalities == expected,
      "a model of \(joint.modalities), expected \(expected) and \(BehaviorVectors.modality)")
    self.content = content
    self.untrained = untrained
    self.joint = joint
  }

  public var dimensions: Int { joint.dimensions }

  public var fingerprint: String {
    var hasher = ContentHasher()
    hasher.updateField("tessera joined representation 1")
    hasher.updateField(content.fingerprint)
    // Without the part, fingerprints are as they were before there was one.
    if let untrained { hasher.updateField(untrained.fingerprint) }
    hasher.updateField(joint.fingerprint)
    return hasher.finalize().hex
  }

  /// - Parameter modalities: those of the content, and ``BehaviorVectors/modality`` where there is one.
  public func represent(_ modalities: [ModalityBatch]) -> Matrix {
    joint.represent(Self.parts(modalities, content, untrained))
  }

  private static func parts(
    _ modalities: [ModalityBatch], _ content: any Representation, _ untrained: RepresentationModel?
  ) -> [ModalityBatch] {
    let own = modalities.filter { $0.name != BehaviorVectors.modality }
    return [part(contentModality, content.represent(own))] + fixedParts(modalities, untrained)
  }

  /// All parts but the content: what stays while that is trained.
  /// - Parameter modalities: as for ``represent(_:)``.
  func fixedParts(_ modalities: [ModalityBatch]) -> [ModalityBatch] { Self.fixedParts(modalities, untrained) }

  private static func fixedParts(_ modalities: [ModalityBatch], _ untrained: RepresentationModel?) -> [ModalityBatch] {
    let own = modalities.filter { $0.name != BehaviorVectors.modality }
    return (untrained.map { [part(untrainedModality, $0.represent(own))] } ?? [])
      + modalities.filter { $0.name == BehaviorVectors.modality }
  }

  /// A row of zeros is no vector.
  private static func part(_ name: String, _ vectors: Matrix) -> ModalityBatch {
    ModalityBatch(
      name: name, vectors: vectors, isPresent: (0..<vectors.rows).map { row in vectors.row(row).contains { $0 != 0 } })
  }

  /// A fit in progress; memory does not grow with the items.
  public struct Fitting {
    private let content: any Representation
    private let untrained: RepresentationModel?
    private var joint: RepresentationModel.Fitting

    /// - Parameters:
    ///   - untrained: of the content's modalities, to stand beside it; nil for none.
    ///   - untrainedWeight: its length beside the content's, which is 1.
    ///   - dimensions: floats per joined representation.
    ///   - weight: the length that behavior vectors have beside the content's; its square is what they bring to the variance.
    public init(
      content: any Representation, untrained: RepresentationModel? = nil, untrainedWeight: Float = 0.5, dimensions: Int,
      weight: Float, sampleLimit: Int = 100_000, seed: UInt64 = 1
    ) throws(AlignmentError) {
      self.content = content
      self.untrained = untrained
      var parameters = RepresentationModel.Parameters()
      parameters.dimensions = dimensions
      parameters.weights = [JoinedRepresentation.contentModality: 1, BehaviorVectors.modality: weight]
      if untrained != nil { parameters.weights[JoinedRepresentation.untrainedModality] = untrainedWeight }
      // All parts are unit vectors that are compared by cosine: their directions mean what they mean.
      parameters.whitening = 0
      parameters.sampleLimit = sampleLimit
      parameters.seed = seed
      joint = try RepresentationModel.Fitting(parameters: parameters)
    }

    /// Adds items.
    /// - Parameter modalities: those of the content, and behavior where it is to be joined; always the same ones.
    public mutating func add(_ modalities: [ModalityBatch]) {
      joint.add(JoinedRepresentation.parts(modalities, content, untrained))
    }

    public func finish() throws(AlignmentError) -> JoinedRepresentation {
      JoinedRepresentation(content: content, untrained: untrained, joint: try joint.finish())
    }
  }
}
