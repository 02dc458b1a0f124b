public import NeuralNetworks

/// The shape of a ``Generator``. The defaults are those that did best on 5-core Amazon Beauty.
public struct GeneratorConfiguration: Sendable, Equatable, Codable {
  /// How a history becomes what codes are written from.
  public enum Backbone: String, Sendable, Equatable, Codable {
    /// One position per item, causal: every position of a sequence teaches at once. The cheaper one.
    case onePosition
    /// OneRec's (2502.18965; 2506.13695): an encoder over the codes of the history, each a position, and a decoder over
    /// the codes written so far. A sequence teaches its cuts: ``GeneratorTraining/Parameters/cutsPerSequence``.
    case encoderDecoder
  }

  public var backbone = Backbone.onePosition
  /// Of an item's state.
  public var width = 128
  /// Of the causal backbone over items, whose decoder of codes has one; of the encoder in an encoder-decoder.
  public var layers = 2
  /// Of the decoder in an encoder-decoder.
  public var decoderLayers = 2
  /// Of each attention; a divisor of the width.
  public var heads = 4
  /// Width inside the feed-forward parts.
  public var hidden = 512
  /// Of the items' vectors and of the results of attention and feed-forward parts, in training. Prefix tables remember
  /// items, so they need more of it than codes alone do.
  public var dropout: Float = 0.4
  /// Only that many of a history's latest items are read.
  public var maximumHistory = 30
  /// The lengths of the prefixes that have a vector of their own on the input side; nil for every length above 1, and
  /// empty for items that are read by their codes alone.
  ///
  /// At full length, with unique IDs, that is a table of item vectors. What is generated are codes in any case. Tables
  /// start at zeros, so an item that training never met, with prefixes that it never met, is read by its codes.
  public var prefixTables: [Int]?
  /// Of the items of a history, that part is read by their codes alone in a step of training, others in each step; nil for
  /// none. So codes learn to say what a table would remember, as they have to for an item that training never met.
  public var prefixDropout: Float?
  /// Whether the choice of a code is also by the vector of the prefix that it leads to, one of ``prefixTables``: then what
  /// such a table remembers of an item is asked when items are written, and not only when they are read. Nil for false.
  ///
  /// A prefix that training never met has the mean of those met behind the same codes, when training is over: so items that
  /// are new are told from others by their codes, as ever.
  public var prefixOutputs: Bool?
  /// Whether there is a second head that compares the state with items' input vectors, as SASRec does, for reranking
  /// what was generated.
  public var hasDenseHead = false
  /// Whether a code's logit is an inner product with the vector that it is read as; otherwise there are tables for it.
  public var tiesTables = true
  /// Of an encoder-decoder: in place of the feed-forward part of each layer of the decoder; nil for a dense one.
  public var experts: MixtureOfExperts.Configuration?
  /// Of an encoder-decoder: items that it learns to write one behind another, a session. 1 for the next item alone.
  public var targetItems = 1
  /// Of an encoder-decoder: what is read beside the latest items; nil for those alone.
  public var pathways: UserPathways?

  public init() {}

  /// How many of the latest items of a query's history matter to it: all of them where pathways look further back than
  /// ``maximumHistory``.
  public var queryHistory: Int { pathways == nil ? maximumHistory : .max }

  /// Lengths, ascending.
  func prefixLengths(levels: Int) -> [Int] {
    prefixTables.map { $0.sorted() } ?? (levels > 1 ? Array(2...levels) : [])
  }

  /// - Parameter levels: of the codes; nil where they are not known yet.
  func validate(levels: Int? = nil) throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "generator: \(expectation)") }
    }
    try check((1...4096).contains(width), "width is \(width), expected 1 to 4096")
    try check((1...48).contains(layers), "layers is \(layers), expected 1 to 48")
    try check(heads > 0 && width % heads == 0, "heads is \(heads), expected a divisor of the width \(width)")
    try check((1...65_536).contains(hidden), "hidden is \(hidden), expected 1 to 65,536")
    try check((0..<1).contains(dropout), "dropout is \(dropout), expected at least 0 and below 1")
    try check(
      prefixDropout.map { $0 > 0 && $0 < 1 } ?? true,
      "prefixDropout is \(prefixDropout ?? 0), expected above 0 and below 1, or none")
    try check(
      prefixDropout == nil || prefixTables != [],
      "prefixDropout is for items' prefix tables, and prefixTables leaves none")
    try check(
      prefixOutputs != true || prefixTables != [],
      "prefixOutputs is for the vectors of prefixes, and prefixTables leaves none")
    try check(
      (1...65_536).contains(maximumHistory), "maximumHistory is \(maximumHistory), expected 1 to 65,536")
    try check((1...48).contains(decoderLayers), "decoderLayers is \(decoderLayers), expected 1 to 48")
    try check((1...256).contains(targetItems), "targetItems is \(targetItems), expected 1 to 256")
    try check(
      backbone == .encoderDecoder || (experts == nil && targetItems == 1 && pathways == nil),
      "experts, pathways, and targetItems above 1, are the encoder-decoder's; choose that as the backbone or leave them out"
    )
    try pathways?.validate()
    if let experts {
      try check(
        (1...4096).contains(experts.count) && (1...experts.count).contains(experts.selected)
          && (1...65_536).contains(experts.hidden),
        "experts is \(experts.count), \(experts.selected) of them selected, of \(experts.hidden) inside; expected 1 to "
          + "4096, of which 1 and up to all are selected, of 1 to 65,536")
    }
    let lengths = prefixTables ?? []
    try check(Set(lengths).count == lengths.count, "prefixTables \(lengths) names a length twice")
    try check(
      lengths.allSatisfy { (1...(levels ?? 64)).contains($0) },
      "prefixTables is \(lengths), expected lengths from 1 to \(levels.map { "\($0)" } ?? "the number of levels")")
  }
}
