internal import Foundation

/// Loss against compute, on a page of its own: no script, no request to anywhere.
struct ScalingPage {
  private let result: ScalingStudy.Result

  init(_ result: ScalingStudy.Result) { self.result = result }

  var html: String {
    let body: HTML = """
      <header><p class="eyebrow">Scaling study</p><h1 dir="auto">\(result.pipeline)</h1>
      <p class="facts"><span>generation <b>\(result.generation)</b></span><span>\(result.backbone)</span>\
      <span><b>\(result.trainingEvents)</b> events</span><span><b>\(result.epochs)</b> epochs</span>\
      <span>\(result.precision)</span></p></header>
      <main>
      <section id="compute" aria-labelledby="compute-title"><h2 id="compute-title">Loss against compute</h2>
      <p class="lead">The same codes and events for every size. Compute is the matrix products of training, gradients \
      included, on a logarithmic scale from left to right.</p><div class="levels">\(charts)</div>\(table)</section>
      <section id="training" aria-labelledby="training-title"><h2 id="training-title">Training by size</h2>
      <div class="levels">\(result.rows.map(curve))</div></section>
      </main>
      <footer>Written by tessera. The same figures are in sweep.json beside this page.</footer>
      """
    return HTML.page(title: "\(result.pipeline), sizes of the recommender", styles: [ReportStyle.sheet], body: body)
      .text
  }

  private var charts: HTML {
    let trained = chart(
      "Training loss", "Of the last epoch, in nats per item, with dropout.", result.rows.map { $0.trainingLoss })
    let held = chart(
      "Validation loss", "Nats per held-out item, by the epoch with the best NDCG@10.",
      result.rows.compactMap(\.validationLoss))
    let gain = chart("NDCG@10", "On validation, by its best epoch.", result.rows.compactMap(\.validationNDCG))
    return "\(trained)\(held)\(gain)"
  }

  /// A figure of all sizes over the logarithm of their compute.
  private func chart(_ title: String, _ explanation: String, _ values: [Double]) -> HTML {
    let order = result.rows.indices.sorted { result.rows[$0].operations < result.rows[$1].operations }
    let finite = values.filter(\.isFinite)
    guard values.count == result.rows.count, finite.count > 1, let least = finite.min(), let most = finite.max(),
      let first = order.first, let last = order.last
    else { return .empty }
    return LineChart(
      title: title, explanation: explanation, lines: [order.map { values[$0] }],
      aside: ("at the largest", values[last]),
      extent: "\(teraflop(result.rows[first])) to \(teraflop(result.rows[last])) TFLOP",
      places: order.map { log10(max(1, result.rows[$0].operations)) },
      // Room below the least, so that its dot is seen.
      bottom: max(0, least - 0.1 * (most - least)), hasDots: true
    ).html
  }

  private func teraflop(_ row: ScalingStudy.Row) -> String { ReportFigure.Kind.decimal.text(row.operations / 1e12) }

  private func curve(_ row: ScalingStudy.Row) -> HTML {
    guard row.losses.count > 1 else { return .empty }
    return LineChart(
      title: "Width \(row.width), \(row.layers) layers", explanation: "Training loss in nats per item.",
      lines: [row.losses], aside: ("at the end", row.losses.last), extent: "\(row.losses.count) epochs"
    ).html
  }

  private var table: HTML {
    let decimal = ReportFigure.Kind.decimal
    let rows: [HTML] = result.rows.map { row in
      """
      <tr><th scope="row">\(row.width)</th><td>\(row.layers)</td><td>\(row.hidden)</td>\
      <td>\(ReportFigure.Kind.count.text(Double(row.parameters)))</td><td>\(teraflop(row))</td>\
      <td>\(decimal.text(row.trainingLoss))</td><td>\(row.validationLoss.map(decimal.text) ?? "–")</td>\
      <td>\(row.validationNDCG.map(decimal.text) ?? "–")</td><td>\(ReportFigure.Kind.seconds.text(row.seconds))</td>\
      <td>\(ReportFigure.Kind.percent.text(row.peakShare))</td></tr>
      """
    }
    let names = [
      "width", "layers", "hidden", "parameters", "TFLOP", "training loss", "validation loss", "NDCG@10", "time",
      "of peak",
    ]
    let heads: [HTML] = names.map { "<th scope=\"col\">\($0)</th>" }
    return "<table><thead><tr>\(heads)</tr></thead><tbody>\(rows)</tbody></table>"
  }
}
