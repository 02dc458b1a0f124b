/// The parts that show items: the fullest buckets and the tree of prefixes.
extension ReportPage {
  var worstBucketsSection: Section? {
    guard !data.worstBuckets.isEmpty else { return nil }
    return Section(
      id: "collisions", title: "Fullest buckets", lead: "Items that share all codes, and why.",
      body: "<div class=\"buckets\">\(data.worstBuckets.indices.map(bucket))</div>")
  }

  private func bucket(_ index: Int) -> HTML {
    let bucket = data.worstBuckets[index]
    let hidden = bucket.size - bucket.items.count
    let more: HTML =
      hidden > 0 ? "<li class=\"more\">and \(ReportFigure.Kind.count.text(Double(hidden))) more</li>" : .empty
    let explanation: HTML = bucket.explanation.isEmpty ? .empty : "<p class=\"small\">\(bucket.explanation)</p>"
    return """
      <article class="panel bucket"><h3><code>\(bucket.codes)</code><span class="aside">\
      \(figure(bucket.size, at: "worstBuckets.\(index).size")) items</span></h3>
      <p><span class="badge">\(bucket.reason)</span></p>\(explanation)
      <ul class="items">\(bucket.items.map(card))\(more)</ul></article>
      """
  }

  var prefixesSection: Section? {
    guard let most = data.prefixes.map(\.items).max(), most > 0 else { return nil }
    let nodes = data.prefixes.enumerated().map { node($1, place: "prefixes.\($0)", of: most) }
    return Section(
      id: "prefixes", title: "Largest prefixes",
      lead: "The codes of the first level with the most items; open one to see what its items have in common.",
      body: "<div class=\"tree\">\(nodes)</div>")
  }

  private func node(_ prefix: ReportPrefix, place: String, of most: Int) -> HTML {
    let strip: [HTML] = prefix.examples.prefix(5).map { picture(of: $0, tooltip: true) }
    let children = prefix.children.enumerated().map {
      node($1, place: "\(place).children.\($0)", of: max(1, prefix.items))
    }
    let below: HTML = children.isEmpty ? .empty : "<div class=\"tree\">\(children)</div>"
    return """
      <details><summary><code>\(prefix.prefix)</code>\(bar(Double(prefix.items) / Double(most)))\
      <span class="count">\(figure(prefix.items, at: "\(place).items"))</span><span class="strip">\(strip)</span></summary>
      <ul class="items">\(prefix.examples.map(card))</ul>\(below)</details>
      """
  }
}
