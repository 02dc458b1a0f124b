internal import Quantizers

/// The headline figures, the use of codes per level, and the sizes of buckets.
extension ReportPage {
  var figuresSection: Section? {
    guard !data.figures.isEmpty else { return nil }
    let cards = data.figures.filter(\.isHeadline).map(card)
    let rest = data.figures.filter { !$0.isHeadline }.map(row)
    let more: HTML = rest.isEmpty ? .empty : "<dl class=\"rows\">\(rest)</dl>"
    return Section(id: "figures", title: "Figures", lead: .empty, body: "<div class=\"cards\">\(cards)</div>\(more)")
  }

  private func card(_ item: ReportFigure) -> HTML {
    """
    <div class="card" title="\(item.explanation)"><p class="label">\(item.title)</p>\
    <p class="value">\(figure(item.value, item.kind, at: "figures.\(item.key).value"))</p>\
    <p class="change">\(change(of: item))</p><p class="explanation">\(item.explanation)</p></div>
    """
  }

  private func row(_ item: ReportFigure) -> HTML {
    """
    <div><dt>\(item.title)<small>\(item.explanation)</small></dt>\
    <dd>\(figure(item.value, item.kind, at: "figures.\(item.key).value"))<small>\(change(of: item))</small></dd></div>
    """
  }

  private func change(of item: ReportFigure) -> HTML {
    guard let previous = item.previous, previous.isFinite, item.value.isFinite else {
      return item.isHeadline && data.parent == nil ? "<span class=\"neutral\">first generation</span>" : .empty
    }
    let text = item.kind.change(from: previous, to: item.value)
    let since: HTML = data.parent.map { " <span class=\"since\">since \($0)</span>" } ?? .empty
    guard text != "±0" else { return "<span class=\"neutral\">unchanged</span>\(since)" }
    let rises = item.value > previous
    let verdict: (style: String, word: String) =
      switch item.preference {
      case .neither: ("neutral", "")
      case .higher: rises ? ("good", ", better") : ("bad", ", worse")
      case .lower: rises ? ("bad", ", worse") : ("good", ", better")
      }
    let arrow = rises ? "▲" : "▼"
    return """
      <span class="\(verdict.style)"><span aria-hidden="true">\(arrow) </span>\(text)\
      <span class="hidden">\(verdict.word)</span></span>\(since)
      """
  }

  var levelsSection: Section? {
    guard !data.levels.isEmpty else { return nil }
    return Section(
      id: "levels", title: "Codes per level",
      lead: """
        Items of each code, the fullest on the left. A flat curve is even use; the dashed line is the mean, the shaded \
        end is codes that no item has.
        """,
      body: "<div class=\"levels\">\(data.levels.indices.map(level))</div>")
  }

  private func level(_ index: Int) -> HTML {
    let level = data.levels[index]
    let place = "levels.\(index)"
    let fullest: [HTML] = level.fullest.map {
      "<li><code>\($0.code)</code> \(ReportFigure.Kind.count.text(Double($0.items)))</li>"
    }
    return """
      <article class="panel"><h3>Level \(level.level)<span class="aside">\(figure(level.used, at: "\(place).used")) of \
      \(figure(level.size, at: "\(place).size")) codes</span></h3>
      \(chart(of: level))
      <dl class="pairs">
      <div><dt>Utilization</dt><dd>\(figure(level.utilization, .percent, at: "\(place).utilization"))</dd></div>
      <div><dt>Entropy, nats</dt><dd>\(figure(level.entropy, .decimal, at: "\(place).entropy"))</dd></div>
      <div><dt>Perplexity</dt><dd>\(figure(level.perplexity, .decimal, at: "\(place).perplexity"))</dd></div>
      <div><dt>Gini</dt><dd>\(figure(level.gini, .decimal, at: "\(place).gini"))</dd></div>
      <div><dt>Dead codes</dt><dd>\(figure(level.dead, at: "\(place).dead"))</dd></div>
      <div><dt>Overfull codes</dt><dd>\(figure(level.overfull, at: "\(place).overfull"))</dd></div>
      </dl>
      <p class="small">Fullest codes</p><ul class="inline">\(fullest)</ul></article>
      """
  }

  /// The occupancy of a level's codes in falling order, stretched to the panel's width.
  private func chart(of level: ReportLevel) -> HTML {
    let (width, height) = (256.0, 72.0)
    let count = level.occupancy.count
    guard count > 0, let most = level.occupancy.first, most > 0 else { return .empty }
    let mean = level.size > 0 ? Double(level.items) / Double(level.size) : 0
    let step = width / Double(count)
    var outline: HTML = "M0 \(number: height)"
    for (rank, value) in level.occupancy.enumerated() {
      let y = height - Double(value) / Double(most) * (height - 2)
      outline = "\(outline)L\(number: Double(rank) * step) \(number: y)L\(number: Double(rank + 1) * step) \(number: y)"
    }
    let dead = level.size > 0 ? Double(level.dead) / Double(level.size) * width : 0
    let meanY = height - min(1, mean / Double(most)) * (height - 2)
    let label = """
      Level \(level.level): the fullest code has \(ReportFigure.Kind.count.text(Double(most))) items, the mean is \
      \(ReportFigure.Kind.count.text(mean)), \(level.dead) codes have none.
      """
    return """
      <svg class="chart" viewBox="0 0 256 72" preserveAspectRatio="none" role="img"><title>\(label)</title>\
      <rect class="dead" x="\(number: width - dead)" y="0" width="\(number: dead)" height="72"/>\
      <path class="area" d="\(outline)L256 72Z"/>\
      <line class="mean" x1="0" x2="256" y1="\(number: meanY)" y2="\(number: meanY)"/></svg>
      <p class="axis" aria-hidden="true"><span>most \(ReportFigure.Kind.count.text(Double(most)))</span>\
      <span>mean \(ReportFigure.Kind.count.text(mean))</span></p>
      """
  }

  var bucketsSection: Section? {
    guard let buckets = data.buckets, buckets.items > 0 else { return nil }
    let rows: [HTML] = bins(of: buckets).map { bin in
      let share = Double(bin.items) / Double(buckets.items)
      return """
        <tr><th scope="row">\(bin.label)</th><td class="wide">\(bar(share, kind: bin.first == 1 ? "" : "warm"))</td>\
        <td>\(ReportFigure.Kind.count.text(Double(bin.buckets)))</td>\
        <td>\(ReportFigure.Kind.count.text(Double(bin.items)))</td><td>\(ReportFigure.Kind.percent.text(share))</td></tr>
        """
    }
    return Section(
      id: "buckets", title: "Bucket sizes",
      lead: """
        A bucket holds the items that share all codes. \(figure(buckets.collidingItems, at: "buckets.collidingItems")) \
        items share theirs; the fullest bucket has \(figure(buckets.largestBucket, at: "buckets.largestBucket")).
        """,
      body: """
        <table class="histogram"><thead><tr><th scope="col">Items in bucket</th><th class="wide" scope="col">\
        <span class="hidden">Share of items, drawn</span></th><th scope="col">Buckets</th><th scope="col">Items</th>\
        <th scope="col">Share</th></tr></thead><tbody>\(rows)</tbody></table>
        """)
  }

  private struct Bin {
    let first: Int
    let last: Int
    var buckets = 0
    var items = 0
    var label: String { first == last ? "\(first)" : "\(first)–\(last)" }
  }

  /// Sizes one to four by themselves, then each bin twice as wide as the one before.
  private func bins(of metrics: BucketMetrics) -> [Bin] {
    var bins: [Bin] = []
    for entry in metrics.histogram where entry.bucketSize > 0 {
      if bins.last.map({ entry.bucketSize > $0.last }) ?? true {
        var (first, last) = (entry.bucketSize, entry.bucketSize)
        if entry.bucketSize > 4 {
          (first, last) = (5, 8)
          while last < entry.bucketSize && last < 1 << 40 { (first, last) = (last + 1, last * 2) }
        }
        bins.append(Bin(first: first, last: last))
      }
      bins[bins.count - 1].buckets += entry.buckets
      bins[bins.count - 1].items += entry.bucketSize * entry.buckets
    }
    return bins
  }
}
