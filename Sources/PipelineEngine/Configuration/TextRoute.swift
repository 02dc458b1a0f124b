public import ItemEncoders

extension PipelineConfiguration {
  /// How texts become embeddings: by one encoder, or by one of several that rules choose between.
  public struct Text: Sendable, Equatable {
    /// At least one, in the file's order.
    public var routes: [TextRoute]
    /// Whether the file has a list of rules. One without it has a single route, which takes every text.
    public var isRouted: Bool
  }

  /// An encoder of texts, and which texts it takes.
  public struct TextRoute: Sendable, Equatable {
    /// Nil: what no rule before takes.
    public var condition: TextRouter.Condition?
    public var source: EncoderSource
    /// Of the built-in encoder; the others bring their own.
    public var dimensions: Int
    public var template: String?
    /// Put before every text that a pretrained model reads.
    public var prefix: String

    /// The rule in a word: `Arabic, Hebrew` or `default`.
    public var name: String { condition?.description ?? "default" }
  }
}

extension PipelineConfiguration.Text {
  /// From the value of `text`: a section, or a list of them.
  init?(_ value: CheckedValue?, paths: PathResolver) {
    switch value {
    case .section(let section):
      routes = [PipelineConfiguration.TextRoute(section, paths: paths)]
      isRouted = false
    case .list(let rules):
      routes = rules.compactMap {
        if case .section(let section) = $0 { PipelineConfiguration.TextRoute(section, paths: paths) } else { nil }
      }
      isRouted = true
    default: return nil
    }
  }

  /// The sections that name encoders, with their paths in the file.
  static func sections(_ value: CheckedValue?) -> [(path: String, section: CheckedSection)] {
    switch value {
    case .section(let section): [("encode.text", section)]
    case .list(let rules):
      rules.enumerated().compactMap { index, rule in
        if case .section(let section) = rule { ("encode.text[\(index)]", section) } else { nil }
      }
    default: []
    }
  }

  /// Rules that no item can reach, by index.
  var mistakes: [(index: Int, problem: String)] {
    let conditions = routes.map(\.condition)
    return conditions.indices.compactMap { index in
      TextRouter.problem(of: index, in: conditions).map { (index, $0) }
    }
  }

  /// The route of a text role.
  func route(_ role: EncoderRole) -> PipelineConfiguration.TextRoute { routes[(role.route ?? 1) - 1] }

  func router() throws(EncoderError) -> TextRouter {
    var rules: [TextRouter.Rule] = []
    for route in routes { rules.append(TextRouter.Rule(route.condition, template: try route.textTemplate())) }
    return try TextRouter(rules)
  }

  var stageInputs: [StageInput] {
    guard isRouted else { return routes[0].stageInputs("encode.text") }
    return routes.enumerated().flatMap { index, route in
      [StageInput(name: "encode.text[\(index)].when", value: route.name)] + route.stageInputs("encode.text[\(index)]")
    }
  }
}

extension PipelineConfiguration.TextRoute {
  fileprivate init(_ section: CheckedSection, paths: PathResolver) {
    // The schema has checked the names.
    condition = section.section("when").flatMap { try? TextRouter.Condition(scriptNames: $0.texts("script")) }
    source = EncoderSource(section, paths)
    dimensions = section.integer("dimensions") ?? 384
    template = section.text("template")
    prefix = section.text("prefix") ?? ""
  }

  func textTemplate() throws(EncoderError) -> TextTemplate {
    guard let template else { return .textOrTitle }
    return try TextTemplate(template)
  }

  fileprivate func stageInputs(_ key: String) -> [StageInput] {
    [
      StageInput(name: key + ".dimensions", value: "\(dimensions)"),
      StageInput(name: key + ".template", value: template ?? "default"),
      StageInput(name: key + ".prefix", value: prefix),
    ] + source.stageInputs(key)
  }
}
