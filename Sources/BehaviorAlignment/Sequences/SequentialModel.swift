internal import NeuralNetworks
public import TensorMath

/// Predicts a user's next item from the items before it, by item ID alone: SASRec (Kang and McAuley, arXiv:1808.09781),
/// with the softmax over all items as its loss, which Klenitskiy and Vasilev (arXiv:2309.07602) found to be what it
/// lacked against newer models.
///
/// Its item vectors know who is used with whom and nothing of what an item is: the behavior-fitted part of a
/// representation, and the baseline that a recommender on semantic IDs has to meet. Trained by ``SequentialTraining``.
public struct SequentialModel: Sendable {
  public struct Configuration: Sendable, Equatable, Codable {
    public var width = 128
    public var layers = 2
    public var heads = 2
    /// Of the feed-forward part.
    public var hidden = 128
    /// Small logs need much: of an Amazon category's items, most have fewer than ten events.
    public var dropout: Float = 0.5
    /// Items that the model looks back on.
    public var maximumHistory = 50

    public init() {}
  }

  public let configuration: Configuration
  public let vocabulary: ItemVocabulary
  let network: SequentialNetwork
  let parameters: ParameterSet

  init(
    _ configuration: Configuration, _ vocabulary: ItemVocabulary, _ network: SequentialNetwork,
    _ parameters: ParameterSet
  ) {
    self.configuration = configuration
    self.vocabulary = vocabulary
    self.network = network
    self.parameters = parameters
  }

  func replacingParameters(_ parameters: ParameterSet) -> SequentialModel {
    SequentialModel(configuration, vocabulary, network, parameters)
  }

  /// `vocabulary.count × width`: the vector of each known item, not normalized.
  public var itemVectors: Matrix { parameters[network.items.weight] }

  /// What users with these histories expect next, to be compared with ``itemVectors`` by inner product.
  /// - Parameter histories: rows of the item table, the earliest first; unknown items are skipped.
  /// - Returns: `histories × width`; zeros for a history without a known item.
  package func states(_ histories: some Collection<ContiguousArray<UInt32>>) -> Matrix {
    let packed = PackedHistories(histories, vocabulary, maximum: configuration.maximumHistory)
    guard !packed.places.isEmpty else { return Matrix(rows: histories.count, columns: configuration.width) }
    let states = network(packed.items, offsets: packed.offsets, in: ModelPass(inferring: parameters)).value
    return packed.spreading(states.selectingRows(packed.offsets.dropFirst().map { $0 - 1 }))
  }
}

extension SequentialModel: NextItemModel {
  package typealias Scorer = NextItemScorer<SequentialModel>
}
