internal import Foundation

extension EvaluationTable {
  /// The table as text in aligned columns: one block for every slice with queries and every level, and one for what
  /// users get to see. Recall and NDCG stand first, MRR behind; deviations stand behind ± where a row has several runs.
  /// - Parameters:
  ///   - cutoffs: of the columns; those that were not measured are left out. All where nil.
  ///   - slices: blocks; one without queries is left out.
  public func plainText(
    cutoffs: [Int]? = nil, slices wanted: [EvaluationSlice] = EvaluationSlice.allCases
  ) -> String {
    guard let first = rows.first else { return "" }
    let measured = first.exposures.map(\.cutoff)
    let cutoffs = measured.filter { cutoffs?.contains($0) ?? true }
    var blocks: [String] = []
    for size in slices where size.queries > 0 && wanted.contains(size.slice) {
      for level in EvaluationLevel.allCases
      where first.accuracies.contains(where: { $0.slice == size.slice && $0.level == level }) {
        blocks.append(
          "\(size.slice.title), \(level.title), \(size.queries) queries\n" + accuracyText(size.slice, level, cutoffs))
      }
    }
    blocks.append(
      "what is recommended (mean popularity percentile of the targets: \(figureText(targetPopularity)))\n"
        + exposureText(cutoffs))
    if forbiddenTargets > 0 {
      blocks.append("the filter forbids \(forbiddenTargets) of the targets: no row can find them\n")
    }
    return blocks.joined(separator: "\n")
  }

  private func accuracyText(_ slice: EvaluationSlice, _ level: EvaluationLevel, _ cutoffs: [Int]) -> String {
    let metrics: [(String, (Accuracy) -> Estimate)] = [("R", \.recall), ("NDCG", \.ndcg), ("MRR", \.mrr)]
    let header = ["recommender", "runs"] + metrics.flatMap { metric in cutoffs.map { "\(metric.0)@\($0)" } }
    let lines = rows.map { row in
      [row.recommender, "\(row.runs)"]
        + metrics.flatMap { metric in
          cutoffs.map { row.accuracy(at: $0, slice, level).map { metric.1($0).plainText } ?? "-" }
        }
    }
    return alignedColumns([header] + lines)
  }

  private func exposureText(_ cutoffs: [Int]) -> String {
    let header =
      ["recommender"] + cutoffs.map { "coverage@\($0)" } + cutoffs.map { "popularity@\($0)" } + ["users/s"]
    let lines = rows.map { row in
      let exposures = cutoffs.compactMap { cutoff in row.exposures.first { $0.cutoff == cutoff } }
      return [row.recommender] + exposures.map { $0.coverage.plainText } + exposures.map { $0.popularity.plainText }
        + [String(format: "%.0f", row.usersPerSecond.mean)]
    }
    return alignedColumns([header] + lines)
  }
}
