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
      "what is recommended (mean popularity percentile of the targets: \(Self.text(targetPopularity)))\n"
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
          cutoffs.map { row.accuracy(at: $0, slice, level).map { Self.text(metric.1($0)) } ?? "-" }
        }
    }
    return Self.aligned([header] + lines)
  }

  private func exposureText(_ cutoffs: [Int]) -> String {
    let header =
      ["recommender"] + cutoffs.map { "coverage@\($0)" } + cutoffs.map { "popularity@\($0)" } + ["users/s"]
    let lines = rows.map { row in
      let exposures = cutoffs.compactMap { cutoff in row.exposures.first { $0.cutoff == cutoff } }
      return [row.recommender] + exposures.map { Self.text($0.coverage) } + exposures.map { Self.text($0.popularity) }
        + [String(format: "%.0f", row.usersPerSecond.mean)]
    }
    return Self.aligned([header] + lines)
  }

  private static func text(_ estimate: Estimate) -> String {
    guard let deviation = estimate.deviation else { return text(estimate.mean) }
    return "\(text(estimate.mean)) ± \(text(deviation))"
  }

  private static func text(_ value: Double) -> String { String(format: "%.4f", value) }

  /// Columns two spaces apart, the first to the left, the others to the right.
  private static func aligned(_ lines: [[String]]) -> String {
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      let cells = line.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + padding : padding + cell
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }
}
