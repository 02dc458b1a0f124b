internal import NeuralNetworks
public import TensorMath

/// Retrieves items for users by item ID alone: a tower that makes a vector of the items a user met, a tower that makes
/// one of an item, and their cosine (Yi et al., 2019). It is the model that QARM (arXiv:2411.11739, section 3.1) takes the
/// item ID embeddings of user-to-item pairs from; see ``UserToItemMiner``.
///
/// Both towers share the table of item vectors. Trained by ``TwoTowerTraining``.
public struct TwoTowerModel: Sendable {
  public struct Configuration: Sendable, Equatable, Codable {
    /// How the vectors of the items that a user met become one.
    public enum Pooling: String, Sendable, Codable, CaseIterable {
      /// Their mean.
      case mean
      /// Their mean by weights that depend on them, on how long ago they were met and on the latest of them.
      case attention
    }

    public var width = 128
    /// Of the user tower's perceptron.
    public var hidden = 128
    public var pooling = Pooling.attention
    public var dropout: Float = 0.5
    /// Items that the user tower looks back on.
    public var maximumHistory = 50

    public init() {}
  }

  public let configuration: Configuration
  public let vocabulary: ItemVocabulary
  let network: TwoTowerNetwork
  let parameters: ParameterSet

  init(
    _ configuration: Configuration, _ vocabulary: ItemVocabulary, _ network: TwoTowerNetwork, _ parameters: ParameterSet
  ) {
    self.configuration = configuration
    self.vocabulary = vocabulary
    self.network = network
    self.parameters = parameters
  }

  /// `vocabulary.count × width`: the unit-length vector of each known item.
  public var itemVectors: Matrix {
    var vectors = parameters[network.items.weight]
    vectors.normalizeRows()
    return vectors
  }

  /// `items × width`: the vector of each row of the item table, zeros for an item that is not known: the embeddings
  /// that ``UserToItemMiner`` takes.
  public var rowVectors: Matrix { itemVectors.selecting(vocabulary.numbers) }

  /// The vectors of users with these histories, to be compared with ``itemVectors`` by inner product.
  /// - Parameter histories: rows of the item table, the earliest first; unknown items are skipped.
  /// - Returns: `histories × width`, unit-length rows; zeros for a history without a known item.
  public func userVectors(_ histories: some Collection<ContiguousArray<UInt32>>) -> Matrix {
    let packed = PackedHistories(histories, vocabulary, maximum: configuration.maximumHistory)
    guard !packed.places.isEmpty else { return Matrix(rows: histories.count, columns: configuration.width) }
    let users = network.userVectors(packed.items, offsets: packed.offsets, in: ModelPass(inferring: parameters))
    return packed.spreading(users.value)
  }
}

extension TwoTowerModel: NextItemModel {
  package func states(_ histories: some Collection<ContiguousArray<UInt32>>) -> Matrix { userVectors(histories) }
}

extension TwoTowerModel.Configuration {
  func validate() throws(AlignmentError) {
    func check(_ condition: Bool, _ expectation: String) throws(AlignmentError) {
      guard condition else { throw AlignmentError(.invalidParameter, "two-tower: \(expectation)") }
    }
    try check((1...4096).contains(width), "width is \(width), expected 1 to 4,096")
    try check((1...65_536).contains(hidden), "hidden is \(hidden), expected 1 to 65,536")
    try check((0..<1).contains(dropout), "dropout is \(dropout), expected 0 to below 1")
    try check((1...4096).contains(maximumHistory), "maximumHistory is \(maximumHistory), expected 1 to 4,096")
  }
}
