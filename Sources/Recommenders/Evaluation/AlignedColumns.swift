internal import Foundation

/// Lines of cells as text: columns two spaces apart, the first to the left, the others to the right.
func alignedColumns(_ lines: [[String]]) -> String {
  let widths = (lines.first ?? []).indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
  return lines.map { line in
    let cells = line.enumerated().map { column, cell in
      let padding = String(repeating: " ", count: widths[column] - cell.count)
      return column == 0 ? cell + padding : padding + cell
    }
    return cells.joined(separator: "  ") + "\n"
  }.joined()
}

/// Four decimals: more than a sample of some thousand users can tell apart.
func figureText(_ value: Double) -> String { String(format: "%.4f", value) }

extension EvaluationTable.Estimate {
  /// `0.0660 ± 0.0012`, without the latter for one run.
  var plainText: String {
    guard let deviation else { return figureText(mean) }
    return "\(figureText(mean)) ± \(figureText(deviation))"
  }
}
