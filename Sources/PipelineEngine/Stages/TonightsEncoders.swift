internal import ItemCatalog
internal import ItemEncoders
internal import SemanticIDStore

/// The encoders of one night: fitted state comes from the base generation's models, or is fitted and kept for later
/// nights under its fingerprint.
struct TonightsEncoders {
  let all: [any ItemEncoder]

  init(_ context: RunContext) throws {
    var encoders: [any ItemEncoder] = []
    if let text = context.configuration.encode?.text { encoders.append(try Self.encoder(text, context)) }
    if let image = context.configuration.encode?.image { encoders.append(try Self.encoder(image, context)) }
    all = encoders
    try requireTheBasesEncoders(context)
  }

  /// A worker says only when it runs which model it has: another one's vectors must not be put through a representation
  /// that was fitted to the old one's.
  private func requireTheBasesEncoders(_ context: RunContext) throws {
    let night = try context.requireNight()
    guard night.representation == .frozen, let base = night.base else { return }
    for encoder in all {
      let role = "encoder.\(encoder.modality.rawValue)"
      guard let before = try context.generation(base)?.artifacts[role], before != encoder.fingerprint else { continue }
      throw PipelineError(
        .invalidData,
        "the \(encoder.modality.rawValue) encoder is not the one that generation \(base) was made with; take that one "
          + "again, or fit everything anew with --force encode, which changes all IDs")
    }
  }

  /// An encoder's fingerprint as far as it is known without fitting or starting it.
  static func knownFingerprint(_ modality: Modality, _ configuration: PipelineConfiguration) throws -> String? {
    switch modality {
    case .text:
      guard let text = configuration.encode?.text, case .pretrained(let folder, let isHalf) = text.source else {
        return nil
      }
      return try PretrainedTextEncoder.fingerprint(
        folder: folder, template: template(text), prefix: text.prefix, usesHalfPrecision: isHalf)
    case .image:
      switch configuration.encode?.image?.source {
      case .builtin: return builtinImageEncoder(configuration).fingerprint
      case .pretrained(let folder, let isHalf):
        return try PretrainedImageEncoder.fingerprint(folder: folder, usesHalfPrecision: isHalf)
      case .worker, nil: return nil
      }
    }
  }

  private static func template(_ settings: PipelineConfiguration.Text) throws -> TextTemplate {
    try settings.template.map { try TextTemplate($0) } ?? .textOrTitle
  }

  private static func encoder(
    _ settings: PipelineConfiguration.Image, _ context: RunContext
  ) throws -> any ItemEncoder {
    switch settings.source {
    case .builtin: return builtinImageEncoder(context.configuration)
    case .pretrained(let folder, let isHalf):
      return try PretrainedImageEncoder(
        folder: folder, limits: limits(context.configuration), usesHalfPrecision: isHalf)
    case .worker(let worker): return try externalEncoder(worker, .image, .textOrTitle, context)
    }
  }

  private static func encoder(
    _ settings: PipelineConfiguration.Text, _ context: RunContext
  ) throws -> any ItemEncoder {
    switch settings.source {
    case .builtin: return try textEncoder(settings, context)
    case .pretrained(let folder, let isHalf):
      return try PretrainedTextEncoder(
        folder: folder, template: template(settings), prefix: settings.prefix, usesHalfPrecision: isHalf)
    case .worker(let worker): return try externalEncoder(worker, .text, template(settings), context)
    }
  }

  private static func externalEncoder(
    _ worker: EncoderSource.Worker, _ modality: Modality, _ template: TextTemplate, _ context: RunContext
  ) throws -> ExternalEncoder {
    var settings = ExternalEncoder.Settings(command: worker.command, modality: modality)
    settings.version = worker.version
    settings.template = template
    settings.folder = worker.folder
    settings.answerTimeout = .seconds(worker.timeout)
    let (observer, interruption) = (context.observer, Interruption.current)
    return try ExternalEncoder(
      settings, log: { observer.observe(.note("\(modality.rawValue) worker: \($0)")) },
      isCancelled: { interruption.isRequested })
  }

  private static func limits(_ configuration: PipelineConfiguration) -> ImageLimits {
    var limits = ImageLimits()
    if let bytes = configuration.catalog.imageBytes { limits.fileBytes = bytes }
    if let pixels = configuration.catalog.imagePixels { limits.pixels = pixels }
    return limits
  }

  private static func builtinImageEncoder(_ configuration: PipelineConfiguration) -> BuiltinImageEncoder {
    BuiltinImageEncoder(limits: limits(configuration))
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
    parameters.template = try template(settings)
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
