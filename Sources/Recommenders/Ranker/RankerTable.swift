internal import Foundation

/// Rankers side by side, each with one training or more: means over trainings, usually seeds, and their deviations.
public struct RankerTable: Sendable, Equatable, Codable {
  public typealias Estimate = EvaluationTable.Estimate

  /// The figures of one slice; nil where no user or example of both kinds is in it.
  public struct Figures: Sendable, Equatable, Codable {
    public var slice: RankerSlice
    public var examples: Int
    public var users: Int
    public var auc: Estimate?
    public var uauc: Estimate?
    public var gauc: Estimate?
    public var logLoss: Estimate
  }

  public struct Row: Sendable, Equatable, Codable {
    public var name: String
    public var runs: Int
    public var figures: [Figures]

    public subscript(slice: RankerSlice) -> Figures? { figures.first { $0.slice == slice } }
  }

  /// In the order in which names first come in the results.
  public var rows: [Row]

  /// - Parameter results: several of one name are trainings of one variant.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for no result, and for results on other examples.
  public init(_ results: [RankerResult]) throws(RecommenderError) {
    guard let first = results.first else {
      throw RecommenderError(.invalidParameter, "a table of no result; train at least one ranker")
    }
    let sizes = first.slices.map(\.metrics.examples)
    for other in results where other.slices.map(\.metrics.examples) != sizes {
      throw RecommenderError(
        .invalidParameter,
        "\(other.name) was not measured on the examples of \(first.name); use one split for all rows of a table")
    }
    var names: [String] = []
    for result in results where !names.contains(result.name) { names.append(result.name) }
    rows = names.map { name in
      let runs = results.filter { $0.name == name }
      return Row(name: name, runs: runs.count, figures: sizes.indices.map { Self.figures(runs, slice: $0) })
    }
  }

  private static func figures(_ runs: [RankerResult], slice: Int) -> Figures {
    func estimate(_ figure: (RankerMetrics) -> Double?) -> Estimate? {
      let values = runs.compactMap { figure($0.slices[slice].metrics) }
      return values.isEmpty ? nil : Estimate(values)
    }
    let metrics = runs[0].slices[slice].metrics
    return Figures(
      slice: runs[0].slices[slice].slice, examples: metrics.examples, users: metrics.users, auc: estimate(\.auc),
      uauc: estimate(\.uauc), gauc: estimate(\.gauc), logLoss: Estimate(runs.map { $0.slices[slice].metrics.logLoss }))
  }

  /// The table as text in aligned columns, one block for every slice with examples.
  public func plainText() -> String {
    guard let first = rows.first else { return "" }
    let blocks = first.figures.indices.filter { first.figures[$0].examples > 0 }.map { index in
      let slice = first.figures[index]
      let lines = rows.map { row in
        let figures = row.figures[index]
        return [
          row.name, "\(row.runs)", text(figures.auc), text(figures.uauc), text(figures.gauc), text(figures.logLoss),
        ]
      }
      return "\(slice.slice.title), \(slice.examples) examples, \(slice.users) users with likes and dislikes\n"
        + alignedColumns([["ranker", "runs", "AUC", "UAUC", "GAUC", "log loss"]] + lines)
    }
    return blocks.joined(separator: "\n")
  }

  private func text(_ estimate: Estimate?) -> String { estimate?.plainText ?? "-" }
}
