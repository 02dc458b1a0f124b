internal import Quantizers

extension CollisionInspection {
  /// The figures and tables that a terminal shows.
  public func plainText() -> String {
    var text = "generation \(generation): \(metrics.items) items, \(metrics.buckets) different codes, "
    text += "\(uniqueSemanticIDs) semantic IDs with suffixes\n"
    text += "colliding items \(metrics.collidingItems) (\(percent(metrics.collisionRate))), "
    text += "duplicates \(percent(metrics.duplicateRate)), largest bucket \(metrics.largestBucket)\n"
    text += "told apart by suffix \(suffixedItems), moved by the collision policy \(movedItems)\n"
    guard metrics.collidingItems > 0 else { return text }
    text += "\n" + histogramText() + "\n" + causesText()
    for bucket in largest { text += "\n" + bucket.plainText() }
    let hidden = metrics.histogram.filter { $0.bucketSize > 1 }.reduce(0) { $0 + $1.buckets } - largest.count
    if hidden > 0 { text += "\n\(hidden) smaller buckets not shown; raise --limit to see them\n" }
    return text
  }

  private func histogramText() -> String {
    var table = TextTable([("bucket size", .right), ("buckets", .right), ("items", .right), ("share", .right)])
    for range in histogramRanges() {
      table.append([
        range.name, String(range.buckets), String(range.items),
        percent(Double(range.items) / Double(max(1, metrics.items))),
      ])
    }
    return table.text()
  }

  /// Sizes 1 to 4 alone, then by powers of two, so that the table stays short whatever the largest bucket.
  private func histogramRanges() -> [(name: String, buckets: Int, items: Int)] {
    var ranges: [(name: String, buckets: Int, items: Int)] = []
    for entry in metrics.histogram {
      let size = entry.bucketSize
      var name = String(size)
      if size > 4 {
        let low = 1 << (Int.bitWidth - 1 - (size - 1).leadingZeroBitCount)
        name = "\(low + 1)-\(low * 2)"
      }
      if ranges.last?.name != name { ranges.append((name, 0, 0)) }
      ranges[ranges.count - 1].buckets += entry.buckets
      ranges[ranges.count - 1].items += entry.buckets * size
    }
    return ranges
  }

  private func causesText() -> String {
    var parts = [CollisionCause.equalContent, .equalText, .equalImage]
      .map { "\($0.explanation) \(causesByHash[$0])" }
    parts.append("different or similar \(itemsNotExplainedByHash)")
    return "colliding items by cause: " + parts.joined(separator: ", ") + "\n"
  }
}

extension CollisionInspection.Bucket {
  fileprivate func plainText() -> String {
    var text = "\(codes): \(size) items"
    if let cause { text += ", \(cause.explanation)" }
    if let causes {
      let parts = CollisionCause.allCases.filter { causes[$0] > 0 }.map { "\($0.explanation) \(causes[$0])" }
      if parts.count > 1 { text += " (\(parts.joined(separator: ", ")))" }
    }
    text += ", mean distance \(decimal(meanDistance)), largest \(decimal(largestDistance))\n"
    var table = TextTable([
      ("semantic ID", .left), ("distance", .right), ("item", .left), ("title", .left), ("image", .left),
      ("flags", .left),
    ])
    for member in members {
      table.append([
        member.semanticID, decimal(Double(member.distance)), shortened(member.id, to: 32),
        shortened(member.title ?? "", to: 48), shortened(member.image ?? "", to: 32),
        member.flags.joined(separator: " "),
      ])
    }
    text += table.text(indent: 2)
    if size > members.count { text += "  … and \(size - members.count) more\n" }
    return text
  }
}
