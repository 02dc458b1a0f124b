/// Draws a report as one HTML file: no script, no request to anywhere, light and dark, from a phone's width up, and
/// fit for print.
///
/// Every figure that the page takes from the data as it is carries `data-figure` (where it is in `report.json`) and
/// `data-kind` (how it is written), so that a program can compare page and data.
public struct ReportPage {
  let data: ReportData
  let thumbnails: ThumbnailSet

  /// Reads the pictures that the page shows.
  ///
  /// - Parameter pictures: A file that keeps them for the next report.
  public init(_ data: ReportData, pictures: String? = nil) {
    self.data = data
    let bucketImages = data.worstBuckets.flatMap { $0.items.map(\.imagePath) }
    let paths =
      bucketImages + Self.imagePaths(data.pairs) + Self.imagePaths(data.alignment)
      + data.prefixes.flatMap(Self.imagePaths)
    thumbnails = ThumbnailSet(paths: paths.compactMap { $0 }, cache: pictures)
  }

  private static func imagePaths(below prefix: ReportPrefix) -> [String?] {
    prefix.examples.map(\.imagePath) + prefix.children.flatMap(imagePaths)
  }

  /// The whole page.
  public func html() -> String {
    let body: HTML = """
      \(header)
      <main>
      \(sections.map { $0.html })
      </main>
      <footer>Written by tessera. The same figures are in report.json beside this page.</footer>
      """
    return HTML.page(
      title: "\(data.pipeline), generation \(data.generation)", styles: [ReportStyle.sheet, thumbnails.styleSheet],
      body: body
    ).text
  }

  private var header: HTML {
    let parent: HTML = data.parent.map { "<span>parent <b>\($0)</b></span>" } ?? "<span>first generation</span>"
    let links: [HTML] = sections.filter { !$0.title.isEmpty }.map { "<a href=\"#\($0.id)\">\($0.title)</a>" }
    return """
      <header>
      <p class="eyebrow">Run report</p>
      <h1 dir="auto">\(data.pipeline)</h1>
      <p class="facts"><span>generation <b data-figure="generation" data-kind="text">\(data.generation)</b></span>\(parent)\
      <time datetime="\(data.createdAt)">\(readableTime)</time></p>
      <nav aria-label="Sections">\(links)</nav>
      </header>
      """
  }

  /// The time without the letters that ISO 8601 puts between its parts.
  private var readableTime: String {
    let time = data.createdAt
    guard time.utf8.count == 20, time.hasSuffix("Z") else { return time }
    return "\(time.prefix(10)) \(time.dropFirst(11).prefix(5)) UTC"
  }

  /// The sections that have something to show, in order.
  private var sections: [Section] {
    [
      figuresSection, levelsSection, trainingSection, bucketsSection, worstBucketsSection, prefixesSection,
      encodersSection, pairsSection, alignmentSection, recommenderSection, tuningSection, preferenceSection,
      rejectedSection, stagesSection, detailsSection,
    ].compactMap { $0 }
  }

  /// One part of the page.
  struct Section {
    let id: String
    let title: String
    /// What the part shows and how to read it.
    let lead: HTML
    let body: HTML

    var html: HTML {
      let text: HTML = lead.text.isEmpty ? .empty : "<p class=\"lead\">\(lead)</p>"
      return
        "<section id=\"\(id)\" aria-labelledby=\"\(id)-title\"><h2 id=\"\(id)-title\">\(title)</h2>\(text)\(body)</section>\n"
    }
  }
}

/// Pieces that several sections use.
extension ReportPage {
  /// A value of the data, marked with its place in `report.json`.
  func figure(_ value: Double, _ kind: ReportFigure.Kind, at place: String) -> HTML {
    "<span class=\"num\" data-figure=\"\(place)\" data-kind=\"\(kind.rawValue)\">\(kind.text(value))</span>"
  }

  func figure(_ value: Int, at place: String) -> HTML { figure(Double(value), .count, at: place) }

  /// A horizontal bar for a share from 0 to 1. The number stands beside it, so that readers of the text miss nothing.
  func bar(_ share: Double, kind: String = "") -> HTML {
    let width = share > 0 ? min(100, max(0.5, share * 100)) : 0
    return "<span class=\"bar \(kind)\" aria-hidden=\"true\"><i style=\"width:\(number: width)%\"></i></span>"
  }

  /// An item's picture, or a tile with its initials. Pictures are backgrounds, so that one that is shown at several
  /// places is in the file once.
  func picture(of item: ReportItem, tooltip: Bool = false) -> HTML {
    let hint: HTML = tooltip ? " title=\"\(item.title.isEmpty ? item.id : item.title)\"" : .empty
    if let number = thumbnails.number(of: item.imagePath) {
      return "<span class=\"pic\" style=\"background-image:var(--p\(number))\"\(hint)></span>"
    }
    return
      "<span class=\"pic tile\" style=\"--h:\(hue(of: item.id))\" aria-hidden=\"true\"\(hint)>\(initials(of: item))</span>"
  }

  /// An item with picture, title and ids.
  func card(of item: ReportItem) -> HTML {
    let title: HTML = item.title.isEmpty ? "<span class=\"untitled\">no title</span>" : "\(item.title)"
    return """
      <li class="item">\(picture(of: item))<span class="item-text"><span class="item-title" dir="auto">\(title)</span>\
      <code class="item-id" dir="auto">\(item.id)</code></span></li>
      """
  }

  /// The first letters of up to two words.
  private func initials(of item: ReportItem) -> String {
    let words = (item.title.isEmpty ? item.id : item.title).split(separator: " ")
    let letters = words.compactMap { word in word.first { $0.isLetter || $0.isNumber } }
    return letters.isEmpty ? "?" : letters.prefix(2).map { $0.uppercased() }.joined()
  }

  /// A hue that is always the same for an id (FNV-1a).
  private func hue(of id: String) -> Int {
    var hash: UInt32 = 2_166_136_261
    for byte in id.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return Int(hash % 360)
  }
}
