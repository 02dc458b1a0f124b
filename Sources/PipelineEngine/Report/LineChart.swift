/// Lines in a panel with a title, as wide as the panel.
package struct LineChart {
  package let title: String
  package let explanation: String
  /// The first one is solid, the others are dashed.
  package let lines: [[Double]]
  /// A word and a value beside the title.
  package let aside: (word: String, value: Double?)
  /// A place of the first line that is marked.
  package var mark: Int?
  /// What the width stands for.
  package let extent: String
  /// Where the lines' values stand from left to right, ascending, in any unit; nil for even steps.
  package var places: [Double]?
  /// The value at the bottom; values below it are drawn there.
  package var bottom = 0.0
  /// Whether each value is a dot too.
  package var hasDots = false

  package init(
    title: String, explanation: String, lines: [[Double]], aside: (word: String, value: Double?), mark: Int? = nil,
    extent: String, places: [Double]? = nil, bottom: Double = 0, hasDots: Bool = false
  ) {
    (self.title, self.explanation, self.lines, self.aside) = (title, explanation, lines, aside)
    (self.mark, self.extent, self.places, self.bottom, self.hasDots) = (mark, extent, places, bottom, hasDots)
  }

  private static let (width, height) = (256.0, 72.0)

  private var values: [Double] { lines.flatMap { $0 }.filter(\.isFinite) }

  /// Empty where there is nothing to draw.
  package var html: HTML {
    guard let most = values.max(), most > bottom, let solid = lines.first, let first = solid.first,
      let last = solid.last, let value = aside.value
    else { return .empty }
    let paths: [HTML] = lines.enumerated().map { index, line in
      "<path class=\"\(index == 0 ? "curve" : "curve dashed")\" d=\"\(path(line, most))\"/>"
    }
    let line: HTML =
      mark.map { "<line class=\"mean\" x1=\"\(number: x($0))\" x2=\"\(number: x($0))\" y1=\"0\" y2=\"72\"/>" } ?? .empty
    let kind = ReportFigure.Kind.decimal
    let range = bottom == 0 ? "most \(kind.text(most))" : "from \(kind.text(bottom)) to \(kind.text(most))"
    return """
      <article class="panel"><h3>\(title)<span class="aside">\(aside.word) \(kind.text(value))</span></h3>
      <svg class="chart" viewBox="0 0 256 72" preserveAspectRatio="none" role="img"><title>\(title) over \
      \(extent), from \(kind.text(first)) to \(kind.text(last))</title>\(paths)\(dots(most))\(line)</svg>
      <p class="axis" aria-hidden="true"><span>\(range)</span><span>\(extent)</span></p>
      <p class="small">\(explanation)</p></article>
      """
  }

  private func path(_ line: [Double], _ most: Double) -> HTML {
    var path: HTML = .empty
    for (place, value) in line.enumerated() where value.isFinite {
      path = "\(path)\(path.text.isEmpty ? "M" : "L")\(number: x(place)) \(number: y(value, most))"
    }
    return path
  }

  /// Strokes of no length with round ends: the panel stretches the drawing, and circles with it.
  private func dots(_ most: Double) -> HTML {
    guard hasDots else { return .empty }
    let dots: [HTML] = lines.flatMap { line in
      line.indices.filter { line[$0].isFinite }.map { place in
        "<path class=\"dot\" d=\"M\(number: x(place)) \(number: y(line[place], most))h0\"/>"
      }
    }
    return "\(dots)"
  }

  private func x(_ place: Int) -> Double {
    guard let places, places.indices.contains(place), let first = places.first, let last = places.last, last > first
    else { return Double(place) / Double(max(1, (lines.first?.count ?? 0) - 1)) * Self.width }
    return (places[place] - first) / (last - first) * Self.width
  }

  private func y(_ value: Double, _ most: Double) -> Double {
    Self.height - max(0, (value - bottom) / (most - bottom)) * (Self.height - 2)
  }
}
