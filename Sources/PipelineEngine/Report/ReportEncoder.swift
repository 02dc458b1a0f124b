/// One encoder of the run, and what it did.
public struct ReportEncoder: Sendable, Equatable, Codable {
  /// `text`, `image`, or `text route 2`.
  public var role: String
  /// Which texts the route takes: scripts, or `default`; nil where all texts go to one encoder.
  public var rule: String?
  public var model: String
  public var architecture = ""
  /// Of the products that were computed; nil for a worker's, which are its own affair.
  public var precision: String?
  public var fingerprint: String
  public var dimensions = 0
  /// Items of the generation that have a vector of this encoder.
  public var items = 0
  /// Vectors computed tonight.
  public var encoded = 0
  /// Vectors that were in the cache tonight.
  public var fromCache = 0

  public init(role: String, model: String, fingerprint: String) {
    (self.role, self.model, self.fingerprint) = (role, model, fingerprint)
  }
}

extension ReportPage {
  var encodersSection: Section? {
    guard !data.encoders.isEmpty else { return nil }
    let withoutRoute: HTML =
      data.textsWithoutRoute.map {
        " The texts of \(figure($0, at: "textsWithoutRoute")) of tonight's items match no rule and are not used."
      } ?? .empty
    let panels: [HTML] = data.encoders.enumerated().map { index, encoder in
      let place = "encoders.\(index)"
      let rule: HTML = encoder.rule.map { "<div><dt>takes</dt><dd>\($0)</dd></div>" } ?? .empty
      let precision: HTML = encoder.precision.map { "<div><dt>precision</dt><dd>\($0)</dd></div>" } ?? .empty
      return """
        <article class="panel"><h3>\(encoder.role)</h3><dl class="facts-list">\
        <div><dt>model</dt><dd dir="auto">\(encoder.model)</dd></div>\(rule)\
        <div><dt>architecture</dt><dd>\(encoder.architecture)</dd></div>\(precision)\
        <div><dt>dimensions</dt><dd>\(figure(encoder.dimensions, at: place + ".dimensions"))</dd></div>\
        <div><dt>fingerprint</dt><dd><code>\(String(encoder.fingerprint.prefix(12)))</code></dd></div>\
        <div><dt>items with its vector</dt><dd>\(figure(encoder.items, at: place + ".items"))</dd></div>\
        <div><dt>vectors made tonight</dt><dd>\(figure(encoder.encoded, at: place + ".encoded"))</dd></div>\
        <div><dt>vectors from the cache</dt><dd>\(figure(encoder.fromCache, at: place + ".fromCache"))</dd></div>\
        </dl></article>
        """
    }
    return Section(
      id: "encoders", title: "Encoders",
      lead: "What turned texts and images into vectors. The same fingerprint gives the same vectors.\(withoutRoute)",
      body: "<div class=\"levels\">\(panels)</div>")
  }
}
