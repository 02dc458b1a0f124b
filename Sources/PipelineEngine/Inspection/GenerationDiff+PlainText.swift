internal import Quantizers

extension GenerationDiff {
  /// The figures and tables that a terminal shows.
  public func plainText() -> String {
    var text = "generation \(from) to \(to): \(churn.previousItems) to \(churn.currentItems) items, "
    text += "\(churn.added) added, \(churn.removed) removed\n"
    text += "churn \(percent(churn.rate)) of the items in both, "
    text += "\(percent(churn.rateOfSameContent)) of those whose content did not change\n"
    text += "collision rate \(percent(bucketsBefore.collisionRate)) to \(percent(bucketsAfter.collisionRate)), "
    text += "largest bucket \(bucketsBefore.largestBucket) to \(bucketsAfter.largestBucket)\n\n"
    text += churnText()
    for group in groups { text += "\n" + group.plainText() }
    return text
  }

  private func churnText() -> String {
    var table = TextTable([("items in both", .left), ("same content", .right), ("changed content", .right)])
    func row(_ name: String, _ count: (Churn.Counts) -> Int) {
      table.append([name, String(count(churn.sameContent)), String(count(churn.changedContent))])
    }
    row("all", \.items)
    row("semantic ID unchanged", \.unchanged)
    row("suffix changed", \.suffixChanged)
    for level in churn.sameContent.firstChangeByLevel.indices {
      row("first change at level \(level + 1)") { $0.firstChangeByLevel[level] }
    }
    return table.text()
  }
}

extension GenerationDiff.Group {
  fileprivate func plainText() -> String {
    var text = "\(change): \(items) item\(items == 1 ? "" : "s")\n"
    var table = TextTable([
      ("item", .left), ("before", .left), ("after", .left), ("content", .left), ("title", .left),
    ])
    for example in examples {
      table.append([
        shortened(example.id, to: 32), example.before ?? "", example.after ?? "",
        example.contentChanged ? "changed" : "", shortened(example.title ?? "", to: 48),
      ])
    }
    text += table.text(indent: 2)
    if items > examples.count { text += "  … and \(items - examples.count) more\n" }
    return text
  }
}
