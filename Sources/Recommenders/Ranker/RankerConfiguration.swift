/// Which of an item's inputs a ranker has beside its number: the rows of QARM's comparison (2411.11739).
public enum RankerVariant: String, Sendable, Equatable, Codable, CaseIterable {
  /// The number alone.
  case ids
  /// The aligned vector as it is, through a projection that trains.
  case frozenVectors
  /// The nearest rows of an item set, each with an embedding that trains, and hits of them.
  case itemSetCodes
  /// The residual codes, each with an embedding that trains, and hits of their prefixes.
  case residualCodes
  /// Both kinds of codes.
  case allCodes

  var hasVectors: Bool { self == .frozenVectors }
  var hasNearest: Bool { self == .itemSetCodes || self == .allCodes }
  var hasTokens: Bool { self == .residualCodes || self == .allCodes }

  /// Whether the items have what the variant reads.
  public func isPossible(with items: RankerItems) -> Bool {
    (!hasVectors || items.vectors != nil) && (!hasNearest || items.nearest != nil)
      && (!hasTokens || items.tokens != nil)
  }

  /// For tables.
  public var title: String {
    switch self {
    case .ids: "item IDs"
    case .frozenVectors: "+ frozen vectors"
    case .itemSetCodes: "+ VQ codes"
    case .residualCodes: "+ RQ codes"
    case .allCodes: "+ VQ and RQ codes"
    }
  }
}

/// The shape of a ``Ranker``.
public struct RankerConfiguration: Sendable, Equatable, Codable {
  /// AW-MoE (2306.05011): experts in place of the last layers, weighed by a gate that attends to the history.
  public struct Experts: Sendable, Equatable, Codable {
    public var count = 4
    /// The probability with which the contrastive loss hides an item of a history: a long-tail user's gate is to be the
    /// one that the user would have with more of a history.
    public var maskRate: Float = 0.3
    /// The contrastive loss's weight beside the cross-entropy; 0 for none.
    public var contrastiveWeight: Float = 0.05
    /// What cosines of gates are divided by.
    public var temperature: Float = 0.2

    public init() {}
  }

  public var variant = RankerVariant.ids
  /// Of each input of an item: its number, its projected vector, its codes.
  public var width = 16
  /// The latest likes that are attended to.
  public var historyLength = 20
  /// The latest likes in which hits of codes are counted.
  public var hitHistoryLength = 50
  /// Width of the attention's hidden layer.
  public var attentionHidden = 32
  /// Widths of the layers behind the attention.
  public var hidden = [64, 32]
  public var dropout: Float = 0.1
  /// Nil for one set of layers behind the attention.
  public var experts: Experts?

  public init(_ variant: RankerVariant = .ids) { self.variant = variant }

  /// - Throws: ``RecommenderError/Code/invalidParameter``.
  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "ranker: \(expectation)") }
    }
    try check((1...1024).contains(width), "width is \(width), expected 1 to 1024")
    try check((1...10_000).contains(historyLength), "historyLength is \(historyLength), expected 1 to 10,000")
    try check((1...10_000).contains(hitHistoryLength), "hitHistoryLength is \(hitHistoryLength), expected 1 to 10,000")
    try check((1...4096).contains(attentionHidden), "attentionHidden is \(attentionHidden), expected 1 to 4096")
    try check(
      !hidden.isEmpty && hidden.allSatisfy { (1...8192).contains($0) },
      "hidden is \(hidden), expected widths from 1 to 8192")
    try check((0..<1).contains(dropout), "dropout is \(dropout), expected 0 to below 1")
    guard let experts else { return }
    try check((2...256).contains(experts.count), "experts.count is \(experts.count), expected 2 to 256")
    try check((0..<1).contains(experts.maskRate), "experts.maskRate is \(experts.maskRate), expected 0 to below 1")
    try check(
      experts.contrastiveWeight >= 0 && experts.contrastiveWeight.isFinite,
      "experts.contrastiveWeight is \(experts.contrastiveWeight), expected at least 0")
    try check(
      experts.temperature > 0.001 && experts.temperature <= 10,
      "experts.temperature is \(experts.temperature), expected 0.001 to 10")
  }

  /// - Throws: ``RecommenderError/Code/nothingToLearn`` where the variant needs what the items lack.
  func require(_ items: RankerItems) throws(RecommenderError) {
    func missing(_ what: String) -> RecommenderError {
      RecommenderError(.nothingToLearn, "the ranker with \(variant.title) needs \(what), which the items do not have")
    }
    if variant.hasVectors, items.vectors == nil { throw missing("aligned vectors") }
    if variant.hasNearest, items.nearest == nil { throw missing("the nearest rows of an item set") }
    if variant.hasTokens, items.tokens == nil { throw missing("residual codes") }
  }

  /// Numbers about an example beside its embeddings.
  func numberCount(_ items: RankerItems) -> Int {
    1 + (variant.hasNearest ? CodeHits.nearestNumbers : 0) + (variant.hasTokens ? items.tokens?.levels ?? 0 : 0)
  }
}
