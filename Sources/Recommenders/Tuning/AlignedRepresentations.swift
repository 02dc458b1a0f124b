public import BehaviorAlignment
public import NeuralNetworks
public import TensorMath

/// Vectors that an aligner makes, which is trained along with the codes; joined with behavior, or with untrained content, by
/// a fitted map that stays, where items are served so.
///
/// The encoders below the aligner stay as they are: their vectors are given.
public struct AlignedRepresentations: RepresentationSource {
  private let aligner: Aligner
  private let joint: JoinedRepresentation?
  private let modalities: [ModalityBatch]
  private let beside: JoinedRepresentation.Beside?
  public let itemCount: Int

  /// - Parameters:
  ///   - aligner: of the content.
  ///   - joint: that the items are served with, fitted on this aligner's representations; nil for the aligner's own.
  ///   - modalities: of all items, in the order of the item table; behavior among them where `joint` is given.
  ///   - frozenPaths: of the aligner's parameters that are not to be trained, as ``ParameterSet/setTrainable(_:below:)``
  ///     has them.
  public init(
    _ aligner: Aligner, joint: JoinedRepresentation? = nil, modalities: [ModalityBatch], frozenPaths: [String] = []
  ) {
    self.aligner = aligner
    self.joint = joint
    self.modalities = modalities.filter { $0.name != BehaviorVectors.modality }
    beside = joint?.beside(modalities)
    itemCount = modalities.first?.vectors.rows ?? 0
    var own = aligner.trainableParameters
    for path in frozenPaths { own.setTrainable(false, below: path) }
    parameters = own
  }

  public var dimensions: Int { joint?.dimensions ?? aligner.dimensions }
  public let parameters: ParameterSet?

  public func vectors(_ items: ContiguousArray<Int32>, in pass: ModelPass) -> Variable {
    let rows = items.map { Int($0) }
    let content = aligner.represent(modalities, rows: rows, in: pass)
    guard let joint, let beside else { return content }
    return joint.joining(content, beside, rows: rows)
  }

  /// What serves, with the parameters that a training made.
  public func representation(_ parameters: ParameterSet) -> any Representation {
    let moved = aligner.replacingParameters(parameters)
    return joint.map { JoinedRepresentation(content: moved, untrained: $0.untrained, joint: $0.joint) } ?? moved
  }
}
