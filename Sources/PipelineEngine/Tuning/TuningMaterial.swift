internal import ItemCatalog
internal import Quantizers
internal import Recommenders
internal import SemanticIDStore
internal import TensorMath

/// What codes are tuned on: the served generation, and the vectors that its codes stand for, whole.
struct TuningMaterial {
  let snapshot: GenerationSnapshot
  let data: RecommenderData
  let codebooks: ResidualCodebooks
  /// A row per item of the generation: what its codebooks code.
  let vectors: Matrix
  /// Rows of the item table, in the order of the generation.
  let tableRows: ContiguousArray<UInt32>

  /// Represents all items of the generation again, by its own models; embeddings come from the cache.
  /// - Parameter context: of a run whose stages are up to date.
  init(_ pipeline: Pipeline, _ context: RunContext, _ recorder: inout RunRecorder) throws {
    snapshot = try GenerationSnapshot(store: context.store())
    codebooks = try CodebookConversion.codebooks(snapshot.codebooks)
    data = try RecommenderData(GenerationItems(snapshot), configuration: context.configuration)
    try Self.representAll(pipeline, context, snapshot.manifest, &recorder)
    let table = try context.table()
    (vectors, tableRows) = try Self.vectors(context, snapshot, table, codebooks)
  }

  /// Runs the stages up to the representations for all items, everything frozen.
  private static func representAll(
    _ pipeline: Pipeline, _ context: RunContext, _ base: GenerationManifest, _ recorder: inout RunRecorder
  ) throws {
    let decided = try context.requireNight()
    guard base.properties["represent"] == ModelKeys(context.configuration).represent else {
      throw PipelineError(
        .invalidData,
        "generation \(base.generation) has another representation than the pipeline describes; run 'tessera run' first")
    }
    var night = decided
    night.base = base.generation
    night.text = decided.text.map { _ in .frozen }
    night.representation = .frozen
    night.codebooks = .frozen
    night.carriesIDs = false
    night.reason = "all items are tuned"
    context.night = night
    // What the night before decided goes with the files that it left: by it a next run would fit everything anew. Without
    // it the next run decides by the generation that is served then.
    FileSystem.remove(context.workspace.nightRecord)
    let wanted: Set<StageName> = [.encode, .align, .behavior, .represent]
    for stage in pipeline.stages(until: .represent) where wanted.contains(stage.name) {
      try Interruption.check()
      try pipeline.runStage(stage, context, &recorder)
    }
  }

  private static func vectors(
    _ context: RunContext, _ snapshot: GenerationSnapshot, _ table: ItemTable, _ codebooks: ResidualCodebooks
  ) throws -> (Matrix, ContiguousArray<UInt32>) {
    let file = try ColumnFileReader<Float>(path: RepresentStage.path(context))
    let rows = try ColumnFileReader<UInt32>(
      path: EncodeFiles.rows(context.workspace.stage(.encode)), columns: 1, rows: file.rows
    ).readAll()
    let quantizer: any Quantizer =
      try snapshot.manifest.artifacts[QuantizerFile.role].map {
        try QuantizerFile.read($0, codebooks: codebooks, context)
      } ?? ResidualQuantizer(codebooks: codebooks)
    let all = try quantizer.codedVectors(try file.matrix(0..<file.rows))
    var places = ContiguousArray<Int>(repeating: -1, count: snapshot.count)
    for (place, row) in rows.enumerated() {
      if let item = snapshot.row(of: try table.id(at: Int(row))) { places[item] = place }
    }
    if let missing = places.firstIndex(of: -1) {
      throw PipelineError(
        .invalidData,
        "item \"\(snapshot.columns.ids[missing])\" of generation \(snapshot.manifest.generation) is no longer in the "
          + "catalogue; run 'tessera run' first, so that the generation holds what the catalogue does")
    }
    return (all.selectingRows(Array(places)), ContiguousArray(places.map { rows[$0] }))
  }
}
