internal import Quantizers

extension CodebookInspection {
  /// The figures and tables that a terminal shows.
  public func plainText() -> String {
    var text = "generation \(generation): \(items) items, \(buckets.buckets) different codes, "
    text += "collision rate \(percent(buckets.collisionRate))\n\n"
    var table = TextTable([
      ("level", .right), ("size", .right), ("used", .right), ("dead", .right), ("overfull", .right),
      ("entropy", .right), ("of ln(size)", .right), ("perplexity", .right), ("Gini", .right), ("", .left),
    ])
    for level in levels {
      let metrics = level.metrics
      table.append([
        String(level.level), String(metrics.size), percent(metrics.utilization), String(metrics.deadCodes.count),
        String(metrics.overfullCodes.count), decimal(metrics.entropy), decimal(metrics.normalizedEntropy),
        decimal(metrics.perplexity), decimal(metrics.gini), level.isPriced ? "priced" : "",
      ])
    }
    text += table.text()
    for level in levels { text += "\n" + level.plainText() }
    return text
  }
}

extension CodebookInspection.Level {
  fileprivate func plainText() -> String {
    var text = "level \(self.level): \(mostUsed.count) of \(metrics.size) codes, most used first\n"
    var table = TextTable([
      ("code", .right), ("items", .right), ("share", .right), ("example", .left), ("title", .left),
      ("distance", .right),
    ])
    for use in mostUsed {
      table.append([
        String(use.code), String(use.items), percent(use.share), shortened(use.example?.id ?? "", to: 32),
        shortened(use.example?.title ?? "", to: 48), use.example.map { decimal(Double($0.distance)) } ?? "",
      ])
    }
    text += table.text(indent: 2)
    text += list("dead codes", metrics.deadCodes) + list("overfull codes", metrics.overfullCodes)
    return text
  }

  private func list(_ name: String, _ codes: [Int]) -> String {
    guard !codes.isEmpty else { return "" }
    let shown = codes.prefix(16).map { String($0) }.joined(separator: " ")
    return "  \(name): \(shown)\(codes.count > 16 ? " … \(codes.count) in all" : "")\n"
  }
}
