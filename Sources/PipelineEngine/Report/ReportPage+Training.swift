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

  /// Lines from zero to the largest value, the first one solid; see ``LineChart``.
  func lineChart(
    _ title: String, _ explanation: String, _ lines: [[Double]], aside: (word: String, value: Double?),
    mark: Int? = nil, extent: String
  ) -> HTML {
    LineChart(title: title, explanation: explanation, lines: lines, aside: aside, mark: mark, extent: extent).html
  }
}
