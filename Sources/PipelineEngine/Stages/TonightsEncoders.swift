internal import ItemCatalog
internal import ItemEncoders
internal import SemanticIDStore
internal import TensorMath

/// The encoders of one night: fitted state comes from the base generation's models, or is fitted and kept for later
/// nights under its fingerprint.
struct TonightsEncoders {
  typealias Entry = (role: EncoderRole, encoder: any ItemEncoder)

  let all: [Entry]
  let text: PipelineConfiguration.Text?

  init(_ context: RunContext) throws {
    text = context.configuration.encode?.text
    all = try EncoderRole.all(context.configuration).map { ($0, try Self.encoder($0, context)) }
    warnAboutPrecision(context)
    try requireTheBasesEncoders(context)
  }

  /// Halves and bfloat16 are computed where the processor has them. Where it does not, the vectors are those of f32, and
  /// the fingerprint says so too.
  private func warnAboutPrecision(_ context: RunContext) {
    for (role, encoder) in all {
      guard case .pretrained(_, let wanted) = Self.source(role, context.configuration),
        let precision = encoder.description.precision, precision != wanted.rawValue
      else { continue }
      let lack = wanted == .half ? "halves (AVX-512 FP16)" : "bfloat16 numbers (AVX-512 BF16)"
      context.observer.observe(
        .warning(
          "this processor does not multiply \(lack), so the \(role.title) encoder computes in \(precision) instead of "
            + wanted.rawValue))
    }
  }

  /// A worker says only when it runs which model it has: another one's vectors must not be put through a representation
  /// that was fitted to the old one's.
  private func requireTheBasesEncoders(_ context: RunContext) throws {
    let night = try context.requireNight()
    guard night.representation == .frozen, let base = night.base else { return }
    for (role, encoder) in all {
      let before = try context.generation(base)?.artifacts["encoder.\(role.name)"]
      guard let before, before != encoder.fingerprint else { continue }
      throw PipelineError(
        .invalidData,
        "the \(role.title) encoder is not the one that generation \(base) was made with; take that one "
          + "again, or fit everything anew with --force encode, which changes all IDs")
    }
  }

  /// An encoder's fingerprint as far as it is known without fitting or starting it.
  static func knownFingerprint(_ role: EncoderRole, _ configuration: PipelineConfiguration) throws -> String? {
    let source = source(role, configuration)
    if case .pretrained(let folder, _) = source { try ModelLibrary.requireFolder(folder, of: role) }
    switch (role.modality, source) {
    case (.text, .pretrained(let folder, let precision)):
      guard let route = configuration.encode?.text?.route(role) else { return nil }
      return try PretrainedTextEncoder.fingerprint(
        folder: folder, template: route.textTemplate(), prefix: route.prefix, precision: precision)
    case (.image, .pretrained(let folder, let precision)):
      return try PretrainedImageEncoder.fingerprint(folder: folder, precision: precision)
    case (.image, .builtin): return builtinImageEncoder(configuration).fingerprint
    case (.text, .builtin), (_, .worker), (_, nil): return nil
    }
  }

  private static func source(_ role: EncoderRole, _ configuration: PipelineConfiguration) -> EncoderSource? {
    switch role.modality {
    case .text: configuration.encode?.text?.route(role).source
    case .image: configuration.encode?.image?.source
    }
  }

  private static func encoder(_ role: EncoderRole, _ context: RunContext) throws -> any ItemEncoder {
    let configuration = context.configuration
    guard let source = source(role, configuration) else {
      throw PipelineError(.internalFault, "the \(role.title) encoder is not configured")
    }
    guard role.modality == .text, let route = configuration.encode?.text?.route(role) else {
      return try imageEncoder(source, context)
    }
    switch source {
    case .builtin: return try textEncoder(role, route, context)
    case .pretrained(let folder, let precision):
      return try PretrainedTextEncoder(
        folder: folder, template: route.textTemplate(), prefix: route.prefix, precision: precision)
    case .worker(let worker): return try externalEncoder(worker, .text, route.textTemplate(), context)
    }
  }

  private static func imageEncoder(_ source: EncoderSource, _ context: RunContext) throws -> any ItemEncoder {
    switch source {
    case .builtin: return builtinImageEncoder(context.configuration)
    case .pretrained(let folder, let precision):
      return try PretrainedImageEncoder(
        folder: folder, limits: limits(context.configuration), precision: precision)
    case .worker(let worker): return try externalEncoder(worker, .image, .textOrTitle, context)
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
    _ role: EncoderRole, _ route: PipelineConfiguration.TextRoute, _ context: RunContext
  ) throws -> BuiltinTextEncoder {
    let night = try context.requireNight()
    if night.text == .frozen, let base = night.base,
      let fingerprint = try context.generation(base)?.artifacts["encoder.\(role.name)"]
    {
      return try BuiltinTextEncoder(contentsOf: context.workspace.model(fingerprint))
    }
    let encoder = try fit(role, route, context)
    try context.workspace.keepModel(encoder.fingerprint) { try encoder.write(to: $0) }
    return encoder
  }

  /// Fits the built-in encoder to the texts that it is to encode.
  private static func fit(
    _ role: EncoderRole, _ route: PipelineConfiguration.TextRoute, _ context: RunContext
  ) throws -> BuiltinTextEncoder {
    var parameters = BuiltinTextEncoder.Parameters()
    parameters.dimensions = route.dimensions
    parameters.seed = context.configuration.seed
    parameters.template = try route.textTemplate()
    var fitting = try BuiltinTextEncoder.Fitting(parameters: parameters)
    let table = try context.table()
    let router = role.route == nil ? nil : try context.configuration.encode?.text?.router()
    for start in stride(from: 0, to: table.count, by: 4096) {
      try Interruption.check()
      let rows = start..<min(table.count, start + 4096)
      let items = try table.items(in: rows)
      fitting.add(router.map { router in items.filter { router.route(of: $0).map { $0 + 1 } == role.route } } ?? items)
      context.progress(.encode, "fitting the \(role.title) encoder", rows.upperBound, of: table.count)
    }
    return fitting.finish()
  }
}
