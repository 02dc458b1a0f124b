/// The part about pairs that behavior ties.
extension ReportPage {
  static func imagePaths(_ pairs: ReportPairs?) -> [String?] {
    (pairs?.sources ?? []).flatMap { $0.examples.flatMap { [$0.trigger.imagePath, $0.target.imagePath] } }
  }

  var pairsSection: Section? {
    guard let pairs = data.pairs else { return nil }
    let lead: HTML = """
      \(figure(pairs.pairs, at: "pairs.pairs")) pairs of items that behavior ties, mined from the training window alone. \
      Of the \(figure(pairs.heldOut, at: "pairs.heldOut")) pairs that were held out, \
      \(figure(pairs.covered, at: "pairs.covered")) are among them.
      """
    let rows: [HTML] = pairs.log.enumerated().map { index, count in
      "<div><dt>\(count.name)</dt><dd>\(figure(count.count, at: "pairs.log.\(index).count"))</dd></div>"
    }
    let log: HTML = "<article class=\"panel\"><h3>Behavior log</h3><dl class=\"facts-list\">\(rows)</dl></article>"
    return Section(
      id: "pairs", title: "Pairs from behavior", lead: lead,
      body:
        "<div class=\"levels\">\(log)\(pairs.sources.indices.map(source))\(sharedCodes(pairs))</div>\(examples(pairs))")
  }

  private func sharedCodes(_ pairs: ReportPairs) -> HTML {
    guard !pairs.sharedCodes.isEmpty else { return .empty }
    let rows: [HTML] = pairs.sharedCodes.enumerated().map { level, codes in
      let place = "pairs.sharedCodes.\(level)"
      return """
        <div><dt>\(level == 0 ? "the first code" : "the first \(level + 1) codes")</dt>\
        <dd>\(figure(codes.share, .percent, at: place + ".share")), by chance \
        \(figure(codes.byChance, .percent, at: place + ".byChance"))</dd></div>
        """
    }
    return """
      <article class="panel"><h3>Codes that held-out pairs share</h3><dl class="facts-list">\(rows)</dl></article>
      """
  }

  private func source(_ index: Int) -> HTML {
    guard let source = data.pairs?.sources[index] else { return .empty }
    let place = "pairs.sources.\(index)"
    let filters: [HTML] = source.filters.enumerated().map { number, filter in
      """
      <div><dt>\(filter.name)</dt><dd>\(figure(filter.kept, at: "\(place).filters.\(number).kept")) kept, \
      \(figure(filter.dropped, at: "\(place).filters.\(number).dropped")) dropped</dd></div>
      """
    }
    return """
      <article class="panel"><h3>\(source.name)<span class="aside">\(figure(source.pairs, at: "\(place).pairs")) pairs</span>\
      </h3><dl class="facts-list">\(filters)<div><dt>held-out pairs found</dt>\
      <dd>\(figure(source.covered, at: "\(place).covered"))</dd></div><div><dt>time</dt>\
      <dd>\(figure(source.seconds, .seconds, at: "\(place).seconds"))</dd></div></dl></article>
      """
  }

  private func examples(_ pairs: ReportPairs) -> HTML {
    let cards: [HTML] = pairs.sources.enumerated().flatMap { index, source in
      source.examples.enumerated().map { number, example in
        let place = "pairs.sources.\(index).examples.\(number)"
        return """
          <article class="panel bucket"><h3>\(source.name)<span class="aside">\
          \(figure(example.users, at: "\(place).users")) users, weight \
          \(figure(example.weight, .decimal, at: "\(place).weight"))</span></h3>
          <ul class="items">\(card(of: example.trigger))\(card(of: example.target))</ul></article>
          """
      }
    }
    guard !cards.isEmpty else { return .empty }
    return """
      <details class="plain"><summary>Examples, drawn at random (\(cards.count))</summary>\
      <div class="buckets examples">\(cards)</div></details>
      """
  }
}
