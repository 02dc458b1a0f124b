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
  /// All that serves, behavior included.
  private let served: [ModalityBatch]
  /// Those of the aligner.
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
    let own = modalities.filter { $0.name != BehaviorVectors.modality }
    served = joint == nil ? own : modalities
    self.modalities = own
    beside = joint?.beside(modalities)
    itemCount = modalities.first?.vectors.rows ?? 0
    var parameters = aligner.trainableParameters
    for path in frozenPaths { parameters.setTrainable(false, below: path) }
    self.parameters = parameters
  }

  public var dimensions: Int { joint?.dimensions ?? aligner.dimensions }
  public let parameters: ParameterSet?

  public func vectors(_ items: ContiguousArray<Int32>, in pass: ModelPass) -> Variable {
    let rows = items.map { Int($0) }
    let content = aligner.represent(modalities, rows: rows, in: pass)
    guard let joint, let beside else { return content }
    return joint.joining(content, beside, rows: rows)
  }

  /// The aligner with the parameters that a training made.
  public func aligner(_ parameters: ParameterSet) -> Aligner { aligner.replacingParameters(parameters) }

  /// What serves, with the parameters that a training made.
  public func representation(_ parameters: ParameterSet) -> any Representation {
    let moved = aligner(parameters)
    return joint.map { JoinedRepresentation(content: moved, untrained: $0.untrained, joint: $0.joint) } ?? moved
  }

  /// By the representation that serves, without a tape.
  public func servedVectors(_ parameters: ParameterSet?) -> Matrix {
    let model = representation(parameters ?? aligner.trainableParameters)
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(itemCount * dimensions)
    for start in stride(from: 0, to: itemCount, by: 8192) {
      let rows = start..<min(start + 8192, itemCount)
      elements += model.represent(served.map { $0.selecting(rows) }).elements
    }
    return Matrix(rows: itemCount, columns: dimensions, elements: elements)
  }
}
