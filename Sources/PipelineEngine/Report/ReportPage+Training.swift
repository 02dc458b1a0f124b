internal import Quantizers

/// How an rq-vae learned: its error, and the use of its codes, epoch by epoch.
extension ReportPage {
  var trainingSection: Section? {
    guard let epochs = data.training, epochs.count > 1, let first = epochs.first else { return nil }
    let errors = curves(
      "Reconstruction error", "‖x − decoded‖², a mean over items. Solid: held out; dashed: trained on.",
      [epochs.map(\.heldOutError), epochs.map(\.trainingError)], best: true)
    let levels: [HTML] = first.levels.indices.map { level in
      let restarted = epochs.reduce(0) { $0 + $1.levels[level].restarted }
      return curves(
        "Level \(level)", "Entropy in nats. \(restarted) dead codes were restarted in all.",
        [epochs.map { $0.levels[level].entropy }], best: false)
    }
    let settling = epochs.count(where: \.isSettling)
    return Section(
      id: "training", title: "Training",
      lead: """
        The quantizer was trained for \(epochs.count) epochs; in the last \(settling) the encoder stood still. The mark is \
        the epoch that serves, \(bestEpoch + 1).
        """,
      body: "<div class=\"levels\">\(errors)\(levels)</div>")
  }

  private var bestEpoch: Int {
    let errors = data.training?.map(\.heldOutError) ?? []
    return errors.indices.min { errors[$0] < errors[$1] } ?? 0
  }

  /// Lines over the epochs, the first one solid; from zero to the largest value.
  private func curves(_ title: String, _ explanation: String, _ lines: [[Double]], best: Bool) -> HTML {
    let served = best ? lines.first?[bestEpoch] : lines.first?.last
    return lineChart(
      title, explanation, lines, aside: (best ? "best" : "at the end", served), mark: bestEpoch,
      extent: "\(lines.first?.count ?? 0) epochs")
  }

  /// Lines from zero to the largest value, the first one solid.
  /// - Parameters:
  ///   - aside: a word and a value beside the title.
  ///   - mark: a place of the first line that is marked.
  ///   - extent: what the width stands for.
  func lineChart(
    _ title: String, _ explanation: String, _ lines: [[Double]], aside: (word: String, value: Double?),
    mark: Int? = nil, extent: String
  ) -> HTML {
    let values = lines.flatMap { $0 }.filter(\.isFinite)
    guard let most = values.max(), most > 0, let solid = lines.first, let first = solid.first, let last = solid.last,
      let value = aside.value
    else { return .empty }
    let (width, height) = (256.0, 72.0)
    func x(_ place: Int) -> Double { Double(place) / Double(max(1, solid.count - 1)) * width }
    func y(_ value: Double) -> Double { height - value / most * (height - 2) }
    let paths: [HTML] = lines.enumerated().map { index, line in
      var path: HTML = .empty
      for (place, value) in line.enumerated() where value.isFinite {
        path = "\(path)\(place == 0 ? "M" : "L")\(number: x(place)) \(number: y(value))"
      }
      return "<path class=\"\(index == 0 ? "curve" : "curve dashed")\" d=\"\(path)\"/>"
    }
    let line: HTML =
      mark.map { "<line class=\"mean\" x1=\"\(number: x($0))\" x2=\"\(number: x($0))\" y1=\"0\" y2=\"72\"/>" } ?? .empty
    let kind = ReportFigure.Kind.decimal
    return """
      <article class="panel"><h3>\(title)<span class="aside">\(aside.word) \(kind.text(value))</span></h3>
      <svg class="chart" viewBox="0 0 256 72" preserveAspectRatio="none" role="img"><title>\(title) over \
      \(extent), from \(kind.text(first)) to \(kind.text(last))</title>\(paths)\(line)</svg>
      <p class="axis" aria-hidden="true"><span>most \(kind.text(most))</span><span>\(extent)</span></p>
      <p class="small">\(explanation)</p></article>
      """
  }
}
