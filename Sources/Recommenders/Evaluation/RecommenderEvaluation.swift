public import BehaviorAlignment

/// Runs recommenders over the same queries and compares their answers with what came next, ranking all items.
///
/// Memory: one block of answers, a bit per item, and whole-number counts of places: it does not grow with the queries.
/// The figures, speed apart, depend neither on the blocks nor on threads.
public struct RecommenderEvaluation: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// Ascending or not; answers are as long as the largest.
    public var cutoffs = [5, 10, 20, 50]
    /// Queries that a recommender is given at once.
    public var blockSize = 1024
    /// The same for every recommender of a table.
    public var filter = RecommendationFilter()
    /// Of the items with training events, the most popular that are not the long tail.
    public var headShare = 0.2

    public init() {}
  }

  public let parameters: Parameters
  public let popularity: ItemPopularity
  private let tokens: ItemTokens?

  /// - Parameters:
  ///   - split: what recommenders may have learned from; slices and popularity are those of its training window.
  ///   - tokens: for figures at the level of semantic IDs.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for cutoffs or blocks without an element, and for tokens of
  ///   another catalogue.
  public init(
    _ split: TrainingSplit, tokens: ItemTokens? = nil, parameters: Parameters = Parameters()
  ) throws(RecommenderError) {
    guard !parameters.cutoffs.isEmpty, parameters.cutoffs.allSatisfy({ (1...10_000).contains($0) }) else {
      throw RecommenderError(
        .invalidParameter, "cutoffs are \(parameters.cutoffs), expected one or more from 1 to 10,000")
    }
    guard Set(parameters.cutoffs).count == parameters.cutoffs.count else {
      throw RecommenderError(.invalidParameter, "cutoffs are \(parameters.cutoffs), expected each only once")
    }
    guard parameters.blockSize > 0, (0...1).contains(parameters.headShare) else {
      throw RecommenderError(
        .invalidParameter,
        "blockSize is \(parameters.blockSize) and headShare \(parameters.headShare), expected at least 1, and 0 to 1")
    }
    guard tokens.map({ $0.itemCount == split.history.itemCount }) ?? true else {
      throw RecommenderError(
        .invalidParameter,
        "tokens of \(tokens?.itemCount ?? 0) items for a log of \(split.history.itemCount); both must be of one catalogue"
      )
    }
    self.parameters = parameters
    self.tokens = tokens
    popularity = ItemPopularity(split, headShare: parameters.headShare)
  }

  /// Asks a recommender all queries.
  /// - Parameters:
  ///   - isCancelled: asked before every block.
  ///   - observe: told how many queries are answered, behind every block.
  /// - Throws: what the recommender throws, ``RecommenderError/Code/cancelled``, and
  ///   ``RecommenderError/Code/nothingToLearn`` for no query.
  public func measure(
    _ recommender: any NextItemRecommender, on queries: [NextItemQuery], isCancelled: () -> Bool = { false },
    observe: (Int) -> Void = { _ in }
  ) throws -> EvaluationResult {
    guard !queries.isEmpty else {
      throw RecommenderError(
        .nothingToLearn, "no user has a held-out event to ask for; hold one out, as leaveLast does")
    }
    var tally = EvaluationTally(
      cutoffs: parameters.cutoffs.sorted(), popularity: popularity, tokens: tokens, filter: parameters.filter)
    let depth = parameters.cutoffs.max() ?? 0
    var elapsed = Duration.zero
    for start in stride(from: 0, to: queries.count, by: parameters.blockSize) {
      guard !isCancelled() else { throw RecommenderError(.cancelled, "the evaluation was stopped") }
      let block = queries[start..<min(start + parameters.blockSize, queries.count)]
      let begin = ContinuousClock.now
      let answers = try recommender.recommend(block, count: depth, filter: parameters.filter)
      elapsed += ContinuousClock.now - begin
      precondition(answers.count == block.count, "\(recommender.name) gave \(answers.count) of \(block.count) answers")
      for (query, answer) in zip(block, answers) { tally.add(query, answer) }
      observe(block.endIndex)
    }
    return tally.result(recommender.name, usersPerSecond: Double(queries.count) / max(elapsed / .seconds(1), 1e-9))
  }
}
