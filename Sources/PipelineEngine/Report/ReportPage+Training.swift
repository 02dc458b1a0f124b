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
    let values = lines.flatMap { $0 }.filter(\.isFinite)
    guard let most = values.max(), most > 0, let solid = lines.first, let last = solid.last else { return .empty }
    let (width, height) = (256.0, 72.0)
    func x(_ epoch: Int) -> Double { Double(epoch) / Double(max(1, solid.count - 1)) * width }
    func y(_ value: Double) -> Double { height - value / most * (height - 2) }
    let paths: [HTML] = lines.enumerated().map { index, line in
      var path: HTML = .empty
      for (epoch, value) in line.enumerated() where value.isFinite {
        path = "\(path)\(epoch == 0 ? "M" : "L")\(number: x(epoch)) \(number: y(value))"
      }
      return "<path class=\"\(index == 0 ? "curve" : "curve dashed")\" d=\"\(path)\"/>"
    }
    let mark: HTML =
      "<line class=\"mean\" x1=\"\(number: x(bestEpoch))\" x2=\"\(number: x(bestEpoch))\" y1=\"0\" y2=\"72\"/>"
    let served = best ? solid[bestEpoch] : last
    let kind = ReportFigure.Kind.decimal
    return """
      <article class="panel"><h3>\(title)<span class="aside">\(best ? "best" : "at the end") \(kind.text(served))</span></h3>
      <svg class="chart" viewBox="0 0 256 72" preserveAspectRatio="none" role="img"><title>\(title) over \
      \(solid.count) epochs, from \(kind.text(solid[0])) to \(kind.text(last))</title>\(paths)\(mark)</svg>
      <p class="axis" aria-hidden="true"><span>most \(kind.text(most))</span><span>\(solid.count) epochs</span></p>
      <p class="small">\(explanation)</p></article>
      """
  }
}
