/// The shape of an ``Aligner``.
public struct AlignerConfiguration: Sendable, Equatable, Codable {
  /// How an item's modalities become one vector.
  public enum Fusion: String, Sendable, Equatable, Codable, CaseIterable {
    /// Learned query tokens attend to the modalities' tokens: OneRec's QFormer in small (technical report, section 2.1).
    case queries
    /// One hidden layer over all tokens.
    case perceptron
  }

  public struct Modality: Sendable, Equatable, Codable {
    public var name: String
    public var dimensions: Int
    /// Principal components that the vectors are reduced to before anything is learned from them; nil for none. A vector
    /// of more numbers than a catalogue has items for can be told from all others, so that a network remembers items by
    /// it instead of learning what makes them alike, which new items have nothing of.
    public var components: Int?
    /// The fingerprint of the encoder that was tuned with the aligner: vectors of another one are no inputs of it. Nil
    /// where the encoder was left as it was.
    public var encoder: String?

    public init(name: String, dimensions: Int, components: Int? = nil) {
      self.name = name
      self.dimensions = dimensions
      self.components = components
    }

    /// Numbers that the network reads.
    var inputs: Int { components ?? dimensions }
  }

  public var modalities: [Modality]
  public var fusion = Fusion.queries
  /// Of a token.
  public var width = 64
  /// Tokens that a modality's vector is projected to.
  public var tokensPerModality = 4
  public var queries = 4
  public var layers = 2
  public var heads = 4
  /// Of the representation.
  public var dimensions = 128
  /// Of the modalities' vectors and inside the layers, in training.
  public var dropout: Float = 0.2

  public init(modalities: [Modality]) { self.modalities = modalities }

  /// Tokens of an item.
  var tokens: Int { modalities.count * tokensPerModality }

  func validate() throws(AlignmentError) {
    func check(_ condition: Bool, _ expectation: String) throws(AlignmentError) {
      guard condition else { throw AlignmentError(.invalidParameter, "align: \(expectation)") }
    }
    try check((1...8).contains(modalities.count), "\(modalities.count) modalities, expected 1 to 8")
    for modality in modalities {
      try check(
        (1...65_536).contains(modality.dimensions), "\(modality.name) has \(modality.dimensions) dimensions")
      try check(
        (1...modality.dimensions).contains(modality.inputs),
        "\(modality.inputs) components of \(modality.name), expected 1 to its \(modality.dimensions) dimensions")
    }
    try check((1...4096).contains(dimensions), "dimensions is \(dimensions), expected 1 to 4096")
    try check((1...4096).contains(width), "width is \(width), expected 1 to 4096")
    try check(heads > 0 && width % heads == 0, "heads is \(heads), expected a divisor of the width \(width)")
    try check((1...64).contains(tokensPerModality), "tokensPerModality is \(tokensPerModality), expected 1 to 64")
    try check((1...64).contains(queries), "queries is \(queries), expected 1 to 64")
    try check((1...24).contains(layers), "layers is \(layers), expected 1 to 24")
    try check((0..<1).contains(dropout), "dropout is \(dropout), expected at least 0 and below 1")
  }
}
