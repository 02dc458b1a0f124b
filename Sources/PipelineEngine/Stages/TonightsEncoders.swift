internal import ItemCatalog
internal import ItemEncoders
internal import SemanticIDStore

/// The encoders of one night: fitted state comes from the base generation's models, or is fitted and kept for later
/// nights under its fingerprint.
struct TonightsEncoders {
  let all: [any ItemEncoder]

  init(_ context: RunContext) throws {
    var encoders: [any ItemEncoder] = []
    if let text = context.configuration.encode?.text {
      encoders.append(try Self.textEncoder(text, context))
    }
    if context.configuration.encode?.image != nil {
      encoders.append(Self.imageEncoder(context.configuration))
    }
    all = encoders
  }

  static func imageEncoder(_ configuration: PipelineConfiguration) -> BuiltinImageEncoder {
    BuiltinImageEncoder()
  }

  private static func textEncoder(
    _ settings: PipelineConfiguration.Text, _ context: RunContext
  ) throws -> BuiltinTextEncoder {
    let night = try context.requireNight()
    if night.text == .frozen, let base = night.base,
      let fingerprint = try context.generation(base)?.artifacts["encoder.text"]
    {
      return try BuiltinTextEncoder(contentsOf: context.workspace.model(fingerprint))
    }
    let encoder = try fit(settings, context)
    let path = context.workspace.model(encoder.fingerprint)
    if !FileSystem.exists(path) {
      try encoder.write(to: path + ".tmp")
      try FileSystem.rename(path + ".tmp", to: path)
    }
    return encoder
  }

  private static func fit(
    _ settings: PipelineConfiguration.Text, _ context: RunContext
  ) throws -> BuiltinTextEncoder {
    var parameters = BuiltinTextEncoder.Parameters()
    parameters.dimensions = settings.dimensions
    parameters.seed = context.configuration.seed
    if let template = settings.template { parameters.template = try TextTemplate(template) }
    var fitting = try BuiltinTextEncoder.Fitting(parameters: parameters)
    let table = try context.table()
    for start in stride(from: 0, to: table.count, by: 4096) {
      try Interruption.check()
      let rows = start..<min(table.count, start + 4096)
      fitting.add(try table.items(in: rows))
      context.progress(.encode, "fitting the text encoder", rows.upperBound, of: table.count)
    }
    return fitting.finish()
  }
}
