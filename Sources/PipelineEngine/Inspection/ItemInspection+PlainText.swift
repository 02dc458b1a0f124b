extension ItemInspection {
  /// The figures and tables that a terminal shows.
  public func plainText() -> String {
    var text = "item \(cleaned(item.id)) in generation \(generation): \(item.semanticID)\n"
    if let title = item.title { text += "title     \(shortened(title, to: 100))\n" }
    if let image = item.image { text += "image     \(cleaned(image))\n" }
    text += "distance  \(decimal(Double(item.distance)))\n"
    text += "flags     \(item.flags.isEmpty ? "none" : item.flags.joined(separator: " "))\n"
    if let textRoute { text += "route     \(cleaned(textRoute))\n" }
    text += "content   \(contentHash)\n"
    text += "bucket    \(bucketSize) item\(bucketSize == 1 ? "" : "s") with these codes\n\n"
    var table = TextTable([
      ("level", .right), ("code", .right), ("items with code", .right), ("items with prefix", .right),
    ])
    for code in codes {
      table.append([
        String(code.level), String(code.code), String(code.itemsWithCode), String(code.itemsWithPrefix),
      ])
    }
    text += table.text()
    text += neighbors.isEmpty ? "\nno other item shares its first code\n" : "\n" + neighborsText()
    return text + vectorNeighborsText()
  }

  private func neighborsText() -> String {
    var table = TextTable([
      ("shared", .right), ("semantic ID", .left), ("item", .left), ("title", .left), ("distance", .right),
      ("flags", .left),
    ])
    for neighbor in neighbors {
      table.append([
        String(neighbor.sharedLevels), neighbor.item.semanticID, shortened(neighbor.item.id, to: 32),
        shortened(neighbor.item.title ?? "", to: 48), decimal(Double(neighbor.item.distance)),
        neighbor.item.flags.joined(separator: " "),
      ])
    }
    return table.text()
  }
}
