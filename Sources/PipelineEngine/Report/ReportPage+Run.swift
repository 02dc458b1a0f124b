/// The parts about the run itself: rejected records, timings, and how it was made.
extension ReportPage {
  var rejectedSection: Section? {
    let rejected = data.rejected
    let lead: HTML = """
      \(figure(rejected.records, at: "rejected.records")) records were left out, \
      \(figure(rejected.warnings, at: "rejected.warnings")) were kept without a part. All are in rejected.jsonl.
      """
    guard !rejected.reasons.isEmpty || !rejected.examples.isEmpty else {
      return Section(id: "rejected", title: "Rejected records", lead: lead, body: .empty)
    }
    let most = Double(max(1, rejected.reasons.map(\.count).max() ?? 1))
    let reasons: [HTML] = rejected.reasons.enumerated().map { index, reason in
      """
      <div class="line"><span class="name">\(reason.reason) <span class="badge \(reason.severity == "error" ? "bad" : "")">\
      \(reason.severity)</span></span>\(bar(Double(reason.count) / most, kind: reason.severity == "error" ? "warm" : ""))\
      <span class="count">\(figure(reason.count, at: "rejected.reasons.\(index).count"))</span></div>
      """
    }
    let examples: [HTML] = rejected.examples.map { example in
      """
      <li><code>\(example.file):\(example.line)</code> <span class="badge \(example.severity == "error" ? "bad" : "")">\
      \(example.reason)</span><br>\(example.field.isEmpty ? "record" : example.field): found \
      <q dir="auto">\(example.found)</q>, expected \(example.expected)</li>
      """
    }
    let list: HTML =
      examples.isEmpty
      ? .empty
      : "<details class=\"plain\"><summary>Examples (\(examples.count))</summary><ul class=\"examples\">\(examples)</ul></details>"
    return Section(
      id: "rejected", title: "Rejected records", lead: lead, body: "<div class=\"lines\">\(reasons)</div>\(list)")
  }

  var stagesSection: Section? {
    guard !data.stages.isEmpty else { return nil }
    let most = max(data.stages.map(\.seconds).max() ?? 0, .leastNonzeroMagnitude)
    let rows: [HTML] = data.stages.enumerated().map { index, stage in
      let note: HTML = stage.note.isEmpty ? .empty : "<small>\(stage.note)</small>"
      return """
        <div class="line"><span class="name">\(stage.name) <span class="badge">\(stage.status)</span>\(note)</span>\
        \(bar(stage.seconds / most))<span class="count">\(figure(stage.seconds, .seconds, at: "stages.\(index).seconds"))\
        </span></div>
        """
    }
    return Section(id: "timings", title: "Timings", lead: .empty, body: "<div class=\"lines\">\(rows)</div>")
  }

  var detailsSection: Section? {
    guard !data.details.isEmpty || !data.configuration.isEmpty else { return nil }
    let tables: [HTML] = data.details.map { details in
      let rows: [HTML] = details.rows.map { "<div><dt>\($0.name)</dt><dd dir=\"auto\">\($0.value)</dd></div>" }
      return "<article class=\"panel\"><h3>\(details.title)</h3><dl class=\"facts-list\">\(rows)</dl></article>"
    }
    let configuration: HTML =
      data.configuration.isEmpty
      ? .empty
      : "<details class=\"plain\"><summary>Pipeline file</summary><pre tabindex=\"0\">\(data.configuration)</pre></details>"
    return Section(
      id: "run", title: "How it was made", lead: .empty, body: "<div class=\"levels\">\(tables)</div>\(configuration)")
  }
}
