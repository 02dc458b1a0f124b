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

  let name = StageName.represent
  let codeVersion = StageCodeVersions.represent

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.represent?.stageInputs ?? [] }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    [
      StageInput(name: "embeddings", value: try context.manifest(.encode).digest),
      StageInput(
        name: "model",
        value: try context.finished[.align]?.values["aligner"] ?? context.requireNight().representation.rawValue),
    ]
  }

  static func path(_ context: RunContext) -> String { context.workspace.stage(.represent) + "/representations.f32" }

  func run(_ context: RunContext) throws -> StageResult {
    try FileSystem.makeDirectory(context.workspace.stage(.represent))
    let content = try self.model(context, try EmbeddingReader(context))
    let vectors = try context.finished[.behavior].map {
      try BehaviorVectors(contentsOf: context.workspace.model($0.values[BehaviorStage.role] ?? ""))
    }
    let embeddings = try EmbeddingReader(context, behavior: vectors)
    let joined = vectors == nil ? nil : try self.joined(context, content, embeddings)
    let model: any Representation = joined ?? content
    let writer = try ColumnFileWriter<Float>(path: Self.path(context), columns: model.dimensions)
    try embeddings.forEachBlock { batches, rows in
      try writer.append(model.represent(batches).elements.span)
      context.progress(.represent, "projecting", rows.upperBound, of: embeddings.rows)
    }
    try writer.finish()
    var result = StageResult()
    let models = [content.fingerprint] + [joined?.joint.fingerprint].compactMap { $0 }
    result.outputs = [Self.path(context)] + models.map { context.workspace.model($0) }
    result.values = ["representation": content.fingerprint, "dimensions": "\(model.dimensions)"]
    result.values[Self.jointRole] = joined?.joint.fingerprint
    result.metrics = ["rows": Double(embeddings.rows), "dimensions": Double(model.dimensions)]
    result.summary = "\(embeddings.rows) vectors of \(model.dimensions)"
    return result
  }

  private func model(_ context: RunContext, _ embeddings: EmbeddingReader) throws -> any Representation {
    if let aligner = context.finished[.align]?.values["aligner"] {
      return try Aligner(contentsOf: context.workspace.model(aligner))
    }
    let night = try context.requireNight()
    if night.representation == .frozen, let base = night.base,
      let fingerprint = try context.generation(base)?.artifacts["representation"]
    {
      return try RepresentationModel(contentsOf: context.workspace.model(fingerprint))
    }
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

  private func keep(_ model: RepresentationModel, _ context: RunContext) throws -> RepresentationModel {
    try context.workspace.keepModel(model.fingerprint) { try model.write(to: $0) }
    return model
  }

  /// Content and behavior in one: as the night before had them, or fitted tonight.
  private func joined(
    _ context: RunContext, _ content: any Representation, _ embeddings: EmbeddingReader
  ) throws -> JoinedRepresentation {
    let night = try context.requireNight()
    if night.representation == .frozen, let base = night.base,
      let fingerprint = try context.generation(base)?.artifacts[Self.jointRole]
    {
      let joint = try RepresentationModel(contentsOf: context.workspace.model(fingerprint))
      return JoinedRepresentation(content: content, joint: joint)
    }
    guard let settings = context.configuration.represent, let behavior = context.configuration.behavior else {
      throw PipelineError(.internalFault, "stage represent joins behavior without its section")
    }
    var fitting = try JoinedRepresentation.Fitting(
      content: content, dimensions: behavior.dimensions ?? settings.dimensions, weight: behavior.weight,
      sampleLimit: settings.sampleLimit, seed: context.configuration.seed)
    try embeddings.forEachBlock { batches, rows in
      fitting.add(batches)
      context.progress(.represent, "joining behavior", rows.upperBound, of: embeddings.rows)
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
    self.vectors = try roles.map { role in
      try ColumnFileReader(
        path: EncodeFiles.vectors(folder, role),
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
