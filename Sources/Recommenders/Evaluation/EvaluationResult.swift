/// Which queries a figure is about.
public enum EvaluationSlice: String, Sendable, Equatable, Codable, CaseIterable {
  case all
  /// Queries whose target has no event in the training window: nothing but its content tells of it.
  case coldItems
  /// Queries whose target has some, but fewer than the most popular items (``ItemPopularity/isLongTail(_:)``).
  case longTailItems

  /// For tables.
  public var title: String {
    switch self {
    case .all: "all queries"
    case .coldItems: "cold items"
    case .longTailItems: "long-tail items"
    }
  }
}

/// What counts as having found a target.
public enum EvaluationLevel: String, Sendable, Equatable, Codable, CaseIterable {
  /// The item itself. A model that generates semantic IDs has to order the items that share one.
  case item
  /// Any item with the same semantic ID, where the first of them stands; the item itself where it has no codes.
  case semanticID

  /// For tables.
  public var title: String { self == .item ? "item level" : "ID level" }
}

/// What one run of a recommender reached.
public struct EvaluationResult: Sendable, Equatable, Codable {
  /// How well targets are found.
  public struct Accuracy: Sendable, Equatable, Codable {
    public var slice: EvaluationSlice
    public var level: EvaluationLevel
    public var metrics: RankingMetrics

    package init(slice: EvaluationSlice, level: EvaluationLevel, metrics: RankingMetrics) {
      self.slice = slice
      self.level = level
      self.metrics = metrics
    }
  }

  /// What users get to see.
  public struct Exposure: Sendable, Equatable, Codable {
    public var cutoff: Int
    /// The share of the catalogue's items that are among somebody's first `cutoff`.
    public var coverage: Double
    /// The mean ``ItemPopularity/percentiles`` over all answers' first `cutoff` items: 0.5 where popularity plays no
    /// role, 1 where only the most popular item is recommended. Compare with ``EvaluationResult/targetPopularity``.
    public var popularity: Double

    package init(cutoff: Int, coverage: Double, popularity: Double) {
      self.cutoff = cutoff
      self.coverage = coverage
      self.popularity = popularity
    }
  }

  public var recommender: String
  /// By slice, then level. The ID level is there where semantic IDs were given.
  public var accuracies: [Accuracy]
  /// By cutoff, ascending.
  public var exposures: [Exposure]
  /// The mean popularity percentile of what users did go on to.
  public var targetPopularity: Double
  /// Queries whose target the filter forbids: no recommender can find it.
  public var forbiddenTargets: Int
  public var usersPerSecond: Double

  package init(
    recommender: String, accuracies: [Accuracy], exposures: [Exposure], targetPopularity: Double,
    forbiddenTargets: Int, usersPerSecond: Double
  ) {
    self.recommender = recommender
    self.accuracies = accuracies
    self.exposures = exposures
    self.targetPopularity = targetPopularity
    self.forbiddenTargets = forbiddenTargets
    self.usersPerSecond = usersPerSecond
  }

  /// The means of a slice at a level; nil for a level that was not measured.
  public func metrics(_ slice: EvaluationSlice = .all, _ level: EvaluationLevel = .item) -> RankingMetrics? {
    accuracies.first { $0.slice == slice && $0.level == level }?.metrics
  }
}
