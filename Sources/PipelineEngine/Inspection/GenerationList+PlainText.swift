extension GenerationList {
  /// Metrics that get a column, where some generation has them; the rest is in the JSON.
  private static let headlines = ["collisionRate", "relativeError", "utilization", "churn"]

  /// The table that a terminal shows; an asterisk marks the generation that is served.
  public func plainText() -> String {
    guard !generations.isEmpty else { return "no generation published yet\n" }
    let shown = shownMetrics()
    var table = TextTable(
      [
        ("", .left), ("generation", .right), ("created", .left), ("parent", .right), ("items", .right),
        ("semantic IDs", .right), ("unique", .right), ("codebooks", .left),
      ] + shown.map { ($0, .right) })
    for entry in generations {
      let fixed = [
        entry.isCurrent ? "*" : "", String(entry.generation), entry.createdAt ?? "",
        entry.parent.map { String($0) } ?? "", String(entry.items), String(entry.semanticIDs),
        percent(entry.uniqueShare), codebooksText(entry),
      ]
      table.append(fixed + shown.map { name in entry.metrics[name].map { decimal($0) } ?? "" })
    }
    return table.text()
  }

  private func codebooksText(_ entry: Entry) -> String {
    entry.codebookSizes.isEmpty
      ? "\(entry.levels) levels" : entry.codebookSizes.map { String($0) }.joined(separator: " × ")
  }

  /// The headline metrics that exist, and others by name up to four columns.
  private func shownMetrics() -> [String] {
    let known = Set(generations.flatMap { $0.metrics.keys })
    let first = Self.headlines.filter { known.contains($0) }
    let others = known.subtracting(first).sorted()
    return first + others.prefix(max(0, 4 - first.count))
  }
}
