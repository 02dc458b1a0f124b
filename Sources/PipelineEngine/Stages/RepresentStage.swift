internal import BehaviorAlignment
internal import ItemCatalog
internal import SemanticIDStore
internal import TensorMath

/// Fuses an item's embeddings into one unit-length vector, by a model that is fitted once and then frozen.
struct RepresentStage: Stage {
  /// Rows per block: 8,192 × 640 floats are 21 MB.
  static let blockRows = 8192

  /// What a generation calls the model that joins content and behavior.
  static let jointRole = "joint"
  /// And the one of untrained content beside an aligner's.
  static let untrainedRole = "untrained"

  let name = StageName.represent
  let codeVersion = StageCodeVersions.represent

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] {
    (configuration.represent?.stageInputs ?? []) + (configuration.align?.joinInputs ?? [])
      + (configuration.behavior?.joinInputs ?? [])
  }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    [
      StageInput(name: "embeddings", value: try context.manifest(.encode).digest),
      StageInput(
        name: "model",
        value: try context.finished[.align]?.values["aligner"] ?? context.requireNight().representation.rawValue),
    ] + (context.finished[.behavior].map { [StageInput(name: "behavior vectors", value: $0.digest)] } ?? [])
  }

  static func path(_ context: RunContext) -> String { context.workspace.stage(.represent) + "/representations.f32" }

  func run(_ context: RunContext) throws -> StageResult {
    try FileSystem.makeDirectory(context.workspace.stage(.represent))
    let parts = try self.parts(context, try EmbeddingReader(context))
    let vectors = try context.finished[.behavior].map {
      try BehaviorVectors(contentsOf: context.workspace.model($0.values[BehaviorStage.role] ?? ""))
    }
    let embeddings = try EmbeddingReader(context, behavior: vectors)
    let joined = vectors == nil && parts.untrained == nil ? nil : try self.joined(context, parts, embeddings)
    let model: any Representation = joined ?? parts.content
    let writer = try ColumnFileWriter<Float>(path: Self.path(context), columns: model.dimensions)
    try embeddings.forEachBlock { batches, rows in
      try writer.append(model.represent(batches).elements.span)
      context.progress(.represent, "projecting", rows.upperBound, of: embeddings.rows)
    }
    try writer.finish()
    return result(parts, joined, rows: embeddings.rows, dimensions: model.dimensions, context)
  }

  private func result(
    _ parts: Parts, _ joined: JoinedRepresentation?, rows: Int, dimensions: Int, _ context: RunContext
  ) -> StageResult {
    var result = StageResult()
    result.values = ["representation": parts.content.fingerprint]
    result.values[Self.untrainedRole] = parts.untrained?.fingerprint
    result.values[Self.jointRole] = joined?.joint.fingerprint
    result.outputs = [Self.path(context)] + result.values.values.sorted().map { context.workspace.model($0) }
    result.values["dimensions"] = "\(dimensions)"
    result.metrics = ["rows": Double(rows), "dimensions": Double(dimensions)]
    result.summary = "\(rows) vectors of \(dimensions)"
    return result
  }

  /// What represents the content of an item.
  private struct Parts {
    var content: any Representation
    /// Beside an aligner; nil for none.
    var untrained: RepresentationModel?
  }

  private func parts(_ context: RunContext, _ embeddings: EmbeddingReader) throws -> Parts {
    guard let aligner = context.finished[.align]?.values["aligner"] else {
      return Parts(content: try untrained(context, embeddings, role: "representation"))
    }
    let joinsContent = context.configuration.align?.joinsContent == true
    return Parts(
      content: try Aligner(contentsOf: context.workspace.model(aligner)),
      untrained: joinsContent ? try untrained(context, embeddings, role: Self.untrainedRole) : nil)
  }

  /// The model of a role that is not trained: as the night before had it, or fitted tonight.
  private func untrained(
    _ context: RunContext, _ embeddings: EmbeddingReader, role: String
  ) throws -> RepresentationModel {
    if let frozen = try frozen(context, role: role) { return frozen }
    guard let settings = context.configuration.represent else {
      throw PipelineError(.internalFault, "stage represent runs without its section")
    }
    var fitting = try RepresentationModel.Fitting(parameters: Self.parameters(settings, context))
    try embeddings.forEachBlock { batches, rows in
      fitting.add(batches)
      context.progress(.represent, "fitting", rows.upperBound, of: embeddings.rows)
    }
    return try keep(try fitting.finish(), context)
  }

  private func frozen(_ context: RunContext, role: String) throws -> RepresentationModel? {
    let night = try context.requireNight()
    guard night.representation == .frozen, let base = night.base,
      let fingerprint = try context.generation(base)?.artifacts[role]
    else { return nil }
    return try RepresentationModel(contentsOf: context.workspace.model(fingerprint))
  }

  private func keep(_ model: RepresentationModel, _ context: RunContext) throws -> RepresentationModel {
    try context.workspace.keepModel(model.fingerprint) { try model.write(to: $0) }
    return model
  }

  /// Content, untrained content and behavior in one: as the night before had them, or fitted tonight.
  private func joined(
    _ context: RunContext, _ parts: Parts, _ embeddings: EmbeddingReader
  ) throws -> JoinedRepresentation {
    if let joint = try frozen(context, role: Self.jointRole) {
      return JoinedRepresentation(content: parts.content, untrained: parts.untrained, joint: joint)
    }
    let configuration = context.configuration
    guard let settings = configuration.represent else {
      throw PipelineError(.internalFault, "stage represent joins vectors without its section")
    }
    var fitting = try JoinedRepresentation.Fitting(
      content: parts.content, untrained: parts.untrained, untrainedWeight: configuration.align?.content ?? 0,
      dimensions: configuration.behavior?.dimensions ?? settings.dimensions,
      // Where the pipeline has no behavior vectors, nothing is weighed by it.
      weight: configuration.behavior?.weight ?? 1, sampleLimit: settings.sampleLimit, seed: configuration.seed)
    try embeddings.forEachBlock { batches, rows in
      fitting.add(batches)
      context.progress(.represent, "joining", rows.upperBound, of: embeddings.rows)
    }
    let joined = try fitting.finish()
    _ = try keep(joined.joint, context)
    return joined
  }
}

extension RepresentStage {
  /// Of the representation that is not trained.
  static func parameters(
    _ settings: PipelineConfiguration.Represent, _ context: RunContext
  ) -> RepresentationModel.Parameters {
    var parameters = RepresentationModel.Parameters()
    parameters.dimensions = settings.dimensions
    parameters.sampleLimit = settings.sampleLimit
    for (modality, weight) in settings.weights { parameters.weights[modality.rawValue] = Float(weight) }
    parameters.seed = context.configuration.seed
    return parameters
  }
}

/// Reads what the encode stage left, block by block.
struct EmbeddingReader {
  let rows: Int
  private let roles: [EncoderRole]
  private let vectors: [ColumnFileReader<Float>]
  private let presence: [ColumnFileReader<UInt8>]
  private let behavior: (vectors: BehaviorVectors, table: ItemTable, tableRows: ColumnFileReader<UInt32>)?

  /// - Parameter behavior: vectors by item id, which come as another modality of the items that have one.
  init(_ context: RunContext, behavior vectors: BehaviorVectors? = nil) throws {
    let manifest = try context.manifest(.encode)
    let folder = context.workspace.stage(.encode)
    let rows = Int(manifest.values["rows"] ?? "") ?? 0
    roles = EncoderRole.all(in: manifest.values)
    // Where the text encoder was tuned, the align stage made the vectors that count.
    let isTuned = context.finished[.align]?.values[TunedTexts.role] != nil
    self.vectors = try roles.map { role in
      try ColumnFileReader(
        path: isTuned && role == TunedTexts.encoderRole
          ? TunedTexts.path(context) : EncodeFiles.vectors(folder, role),
        columns: manifest.values["dimensions.\(role.name)"].flatMap { Int($0) }, rows: rows)
    }
    presence = try roles.map {
      try ColumnFileReader(path: EncodeFiles.presence(folder, $0), columns: 1, rows: rows)
    }
    behavior = try vectors.map { vectors in
      (
        vectors, try context.table(),
        try ColumnFileReader<UInt32>(path: EncodeFiles.rows(folder), columns: 1, rows: rows)
      )
    }
    self.rows = rows
  }

  /// Calls `body` with consecutive rows' batches, one per encoder. Those of text routes are a group: each is put into
  /// the representation by its own statistics.
  func forEachBlock(_ body: ([ModalityBatch], Range<Int>) throws -> Void) throws {
    for start in stride(from: 0, to: rows, by: RepresentStage.blockRows) {
      try Interruption.check()
      let range = start..<min(rows, start + RepresentStage.blockRows)
      try body(try batches(range), range)
    }
  }

  /// Some rows' batches in the order given, in memory.
  func selecting(_ rows: [Int]) throws -> [ModalityBatch] {
    var parts: [[ModalityBatch]] = []
    try forEachBlock { batches, _ in parts.append(batches) }
    return (parts.first ?? []).indices.map { modality in
      ModalityBatch(joining: parts.map { $0[modality] }).selecting(rows)
    }
  }

  private func batches(_ range: Range<Int>) throws -> [ModalityBatch] {
    let encoded = try roles.indices.map { index in
      ModalityBatch(
        name: roles[index].name, group: roles[index].route == nil ? nil : roles[index].modality.rawValue,
        vectors: try vectors[index].matrix(range),
        isPresent: try presence[index].read(range).map { $0 != 0 })
    }
    guard let behavior else { return encoded }
    let ids = try behavior.tableRows.read(range).map { try behavior.table.id(at: Int($0)) }
    return encoded + [behavior.vectors.batch(of: ids)]
  }
}
