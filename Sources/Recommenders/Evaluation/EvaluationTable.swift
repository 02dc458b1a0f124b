/// Several recommenders side by side, each with one run or more: means over runs, usually seeds, and their deviations.
public struct EvaluationTable: Sendable, Equatable, Codable {
  /// A figure over runs.
  public struct Estimate: Sendable, Equatable, Codable {
    public var mean: Double
    /// The sample's standard deviation (n − 1); nil for one run.
    public var deviation: Double?

    public init(_ values: [Double]) {
      precondition(!values.isEmpty, "a mean of at least one run")
      let mean = values.reduce(0, +) / Double(values.count)
      self.mean = mean
      guard values.count > 1 else { return }
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      deviation = (squares / Double(values.count - 1)).squareRoot()
    }
  }

  /// The metrics of ``RankingMetrics`` over runs.
  public struct Accuracy: Sendable, Equatable, Codable {
    public var slice: EvaluationSlice
    public var level: EvaluationLevel
    public var cutoff: Int
    public var recall: Estimate
    public var ndcg: Estimate
    public var mrr: Estimate
  }

  public struct Exposure: Sendable, Equatable, Codable {
    public var cutoff: Int
    public var coverage: Estimate
    public var popularity: Estimate
  }

  /// One recommender.
  public struct Row: Sendable, Equatable, Codable {
    public var recommender: String
    public var runs: Int
    public var accuracies: [Accuracy]
    public var exposures: [Exposure]
    public var usersPerSecond: Estimate

    /// The figures of a slice at a level and a cutoff; nil where they were not measured.
    public func accuracy(
      at cutoff: Int, _ slice: EvaluationSlice = .all, _ level: EvaluationLevel = .item
    ) -> Accuracy? {
      accuracies.first { $0.cutoff == cutoff && $0.slice == slice && $0.level == level }
    }
  }

  /// Queries of a slice, the same for every row.
  public struct SliceSize: Sendable, Equatable, Codable {
    public var slice: EvaluationSlice
    public var queries: Int
  }

  /// In the order in which recommenders first come in the results.
  public var rows: [Row]
  public var slices: [SliceSize]
  /// The mean popularity percentile of the targets: what a row's exposure is compared with.
  public var targetPopularity: Double
  /// Targets that the filter forbids in every row.
  public var forbiddenTargets: Int

  /// - Parameter results: several of one name are runs of one recommender.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for no result, and for results that were not measured alike:
  ///   on other queries, at other cutoffs or levels, or under another filter.
  public init(_ results: [EvaluationResult]) throws(RecommenderError) {
    guard let first = results.first else {
      throw RecommenderError(.invalidParameter, "a table of no result; evaluate at least one recommender")
    }
    for other in results where !Self.isComparable(first, other) {
      throw RecommenderError(
        .invalidParameter,
        "\(other.recommender) was not measured as \(first.recommender) was; use the same queries, cutoffs, tokens and "
          + "filter for all rows of a table")
    }
    var names: [String] = []
    for result in results where !names.contains(result.recommender) { names.append(result.recommender) }
    rows = names.map { name in Self.row(results.filter { $0.recommender == name }) }
    slices = first.accuracies.filter { $0.level == .item }.map {
      SliceSize(slice: $0.slice, queries: $0.metrics.queries)
    }
    targetPopularity = first.targetPopularity
    forbiddenTargets = first.forbiddenTargets
  }

  private static func isComparable(_ first: EvaluationResult, _ other: EvaluationResult) -> Bool {
    first.targetPopularity == other.targetPopularity && first.forbiddenTargets == other.forbiddenTargets
      && first.exposures.map(\.cutoff) == other.exposures.map(\.cutoff)
      && first.accuracies.count == other.accuracies.count
      && zip(first.accuracies, other.accuracies).allSatisfy {
        $0.slice == $1.slice && $0.level == $1.level && $0.metrics.queries == $1.metrics.queries
      }
  }

  private static func row(_ runs: [EvaluationResult]) -> Row {
    let accuracies = runs[0].accuracies.indices.flatMap { place in
      runs[0].exposures.indices.map { index in
        func estimate(_ figure: (RankingMetrics.AtCutoff) -> Double) -> Estimate {
          Estimate(runs.map { figure($0.accuracies[place].metrics.atCutoffs[index]) })
        }
        return Accuracy(
          slice: runs[0].accuracies[place].slice, level: runs[0].accuracies[place].level,
          cutoff: runs[0].exposures[index].cutoff, recall: estimate(\.recall), ndcg: estimate(\.ndcg),
          mrr: estimate(\.mrr))
      }
    }
    let exposures = runs[0].exposures.indices.map { index in
      Exposure(
        cutoff: runs[0].exposures[index].cutoff, coverage: Estimate(runs.map { $0.exposures[index].coverage }),
        popularity: Estimate(runs.map { $0.exposures[index].popularity }))
    }
    return Row(
      recommender: runs[0].recommender, runs: runs.count, accuracies: accuracies, exposures: exposures,
      usersPerSecond: Estimate(runs.map(\.usersPerSecond)))
  }
}
