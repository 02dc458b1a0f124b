internal import ItemCatalog
public import TensorMath

/// A representation of what an item is joined with what behavior says of it: the vectors of both side by side, in their
/// principal components, at unit length.
///
/// An item that behavior has no vector for (a new one) gets the one that its content predicts, by the ridge regression
/// that ``RepresentationModel`` fills in missing modalities with. With an ``Aligner`` for the content, that is the
/// aligner's guess of whom a new item will be used with.
public struct JoinedRepresentation: Representation {
  private static let contentModality = "content"

  /// Of all modalities but behavior.
  public let content: any Representation
  /// Of content and behavior.
  public let joint: RepresentationModel

  /// - Precondition: `joint` was fitted by ``Fitting``.
  public init(content: any Representation, joint: RepresentationModel) {
    precondition(joint.modalities == [Self.contentModality, BehaviorVectors.modality], "a model of other modalities")
    self.content = content
    self.joint = joint
  }

  public var dimensions: Int { joint.dimensions }

  public var fingerprint: String {
    var hasher = ContentHasher()
    hasher.updateField("tessera joined representation 1")
    hasher.updateField(content.fingerprint)
    hasher.updateField(joint.fingerprint)
    return hasher.finalize().hex
  }

  /// - Parameter modalities: those of the content, and ``BehaviorVectors/modality`` where there is one.
  public func represent(_ modalities: [ModalityBatch]) -> Matrix {
    joint.represent(Self.parts(modalities, content))
  }

  private static func parts(_ modalities: [ModalityBatch], _ content: any Representation) -> [ModalityBatch] {
    let vectors = content.represent(modalities.filter { $0.name != BehaviorVectors.modality })
    let isPresent = (0..<vectors.rows).map { row in vectors.row(row).contains { $0 != 0 } }
    return [ModalityBatch(name: contentModality, vectors: vectors, isPresent: isPresent)]
      + modalities.filter { $0.name == BehaviorVectors.modality }
  }

  /// A fit in progress; memory does not grow with the items.
  public struct Fitting {
    private let content: any Representation
    private var joint: RepresentationModel.Fitting

    /// - Parameters:
    ///   - dimensions: floats per joined representation.
    ///   - weight: the length that behavior vectors have beside the content's; its square is what they bring to the variance.
    public init(
      content: any Representation, dimensions: Int, weight: Float, sampleLimit: Int = 100_000, seed: UInt64 = 1
    ) throws(AlignmentError) {
      self.content = content
      var parameters = RepresentationModel.Parameters()
      parameters.dimensions = dimensions
      parameters.weights = [JoinedRepresentation.contentModality: 1, BehaviorVectors.modality: weight]
      // Both parts are unit vectors of models that were trained for cosines: their directions mean what they mean.
      parameters.whitening = 0
      parameters.sampleLimit = sampleLimit
      parameters.seed = seed
      joint = try RepresentationModel.Fitting(parameters: parameters)
    }

    /// Adds items.
    /// - Parameter modalities: those of the content, and behavior.
    public mutating func add(_ modalities: [ModalityBatch]) {
      joint.add(JoinedRepresentation.parts(modalities, content))
    }

    public func finish() throws(AlignmentError) -> JoinedRepresentation {
      JoinedRepresentation(content: content, joint: try joint.finish())
    }
  }
}
