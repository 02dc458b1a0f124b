/// What an encoder-decoder reads of a user beside the latest items, code by code: the user-side pathways of OneRec's
/// technical report (2506.13695, section 2.2), at a size that a pipeline chooses.
///
/// The latest ``GeneratorConfiguration/maximumHistory`` items are the short-term pathway; 20 in the report.
public struct UserPathways: Sendable, Equatable, Codable {
  /// Whether a position tells what is known of the user as a whole. Where the report has sex and age, a log has how much a
  /// user did, how often, and how much of it was positive: ``UserTraits``.
  public var hasTraits = false
  /// The latest items of positive feedback that are read, a position each; 0 for no such pathway, 256 in the report.
  public var positiveItems = 0
  /// Of the items before the latest ones, so many of the latest are read, compressed; 0 for no such pathway. The report
  /// reads 2000 that stand for up to 100,000.
  public var lifelongItems = 0
  /// The positions that those are compressed to: learned queries that attend to them; 128 in the report.
  public var lifelongQueries = 16

  public init() {}

  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      guard condition else { throw RecommenderError(.invalidParameter, "pathways: \(expectation)") }
    }
    try check((0...65_536).contains(positiveItems), "positiveItems is \(positiveItems), expected 0 to 65,536")
    try check((0...65_536).contains(lifelongItems), "lifelongItems is \(lifelongItems), expected 0 to 65,536")
    try check((1...4096).contains(lifelongQueries), "lifelongQueries is \(lifelongQueries), expected 1 to 4096")
    try check(
      hasTraits || positiveItems > 0 || lifelongItems > 0,
      "none is chosen; choose one, or leave pathways out to read the latest items alone")
  }
}

/// What is known of a user as a whole at some point, in steps that an embedding has a vector for.
package struct UserTraits: Sendable, Equatable {
  /// How many vectors each has.
  package static let sizes = [16, 34, 12]

  /// Of each: the number of events in powers of two; their mean distance in time likewise, 0 where there are no times, or
  /// fewer than two events; the tenth that is positive, from 1, and 0 where feedback is not told apart.
  package let steps: [Int32]

  /// - Parameters:
  ///   - events: before the point.
  ///   - duration: from the first to the last; nil where there are no times.
  ///   - positives: of them; nil where feedback is not told apart.
  package init(events: Int, duration: Double?, positives: Int?) {
    var gap = 0
    if let duration, events > 1 { gap = 1 + Self.power(1 + max(0, duration) / Double(events - 1), below: 33) }
    var share = 0
    if let positives, events > 0 { share = 1 + positives * 10 / events }
    steps = [Int32(Self.power(Double(1 + events), below: 16)), Int32(gap), Int32(share)]
  }

  /// The whole part of a logarithm to base 2, bounded.
  private static func power(_ value: Double, below bound: Int) -> Int {
    value.isFinite ? min(bound - 1, Int(value.exponent)) : bound - 1
  }
}

/// What a network reads of one user.
package struct UserContext: Sendable, Equatable {
  /// The latest items, the earliest first; with codes, like all of it.
  package var items: [UInt32]
  /// The latest items of positive feedback, whether among ``items`` or not.
  package var positives: [UInt32]
  /// The items before ``items``.
  package var older: [UInt32]
  /// Nil where they are not read.
  package var traits: UserTraits?

  package init(
    items: [UInt32], positives: [UInt32] = [], older: [UInt32] = [], traits: UserTraits? = nil
  ) {
    (self.items, self.positives, self.older, self.traits) = (items, positives, older, traits)
  }
}

/// Takes from a user's events what a network reads.
struct ContextReader {
  let maximumHistory: Int
  /// Nil for the latest items alone.
  let pathways: UserPathways?

  init(maximumHistory: Int, pathways: UserPathways?) {
    (self.maximumHistory, self.pathways) = (maximumHistory, pathways)
  }

  init(_ configuration: GeneratorConfiguration) {
    self.init(maximumHistory: configuration.maximumHistory, pathways: configuration.pathways)
  }

  /// - Parameters:
  ///   - items: all of the user's before some point, with codes.
  ///   - times: one an item, or none.
  ///   - positives: likewise; none where all are positive.
  /// - Complexity: O(items); without pathways, of those that are read.
  func context(
    _ items: some BidirectionalCollection<UInt32>, times: some BidirectionalCollection<Double>,
    positives: some BidirectionalCollection<Bool>
  ) -> UserContext {
    var context = UserContext(items: Array(items.suffix(maximumHistory)))
    guard let pathways else { return context }
    if pathways.lifelongItems > 0 {
      context.older = Array(items.dropLast(maximumHistory).suffix(pathways.lifelongItems))
    }
    if pathways.positiveItems > 0 {
      context.positives =
        positives.isEmpty
        ? Array(items.suffix(pathways.positiveItems))
        : zip(items, positives).filter(\.1).suffix(pathways.positiveItems).map(\.0)
    }
    if pathways.hasTraits {
      let duration = times.first.flatMap { first in times.last.map { $0 - first } }
      context.traits = UserTraits(
        events: items.count, duration: duration, positives: positives.isEmpty ? nil : positives.count { $0 })
    }
    return context
  }
}
