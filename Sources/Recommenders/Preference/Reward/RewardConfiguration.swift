/// The shape of a ``RewardModel``.
public struct RewardConfiguration: Sendable, Equatable, Codable {
  /// Of an item's vector.
  public var width = 32
  /// Of both attentions; a divisor of the width.
  public var heads = 2
  /// Of the hidden layer of each tower and of the fused head.
  public var hidden = 32
  /// Of the towers' hidden layers, in training.
  public var dropout: Float = 0.1
  /// Only that many of a history's latest items are read.
  public var maximumHistory = 30
  /// Whether an item is read by its codes too, so that one without an event in training is not unknown.
  public var readsCodes = true
  /// The technical report's P-score (2506.13695, section 2.4): a head over the user's state, the items and the hidden
  /// layers of all towers that makes one number of them, in place of the weighted mean of the towers' probabilities.
  public var hasFusedHead = false

  public init() {}

  /// - Throws: ``RecommenderError/Code/invalidParameter``.
  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "reward: \(expectation)") }
    }
    try check((1...4096).contains(width), "width is \(width), expected 1 to 4096")
    try check(heads > 0 && width % heads == 0, "heads is \(heads), expected a divisor of the width \(width)")
    try check((1...8192).contains(hidden), "hidden is \(hidden), expected 1 to 8192")
    try check((0..<1).contains(dropout), "dropout is \(dropout), expected at least 0 and below 1")
    try check((1...65_536).contains(maximumHistory), "maximumHistory is \(maximumHistory), expected 1 to 65,536")
  }
}
