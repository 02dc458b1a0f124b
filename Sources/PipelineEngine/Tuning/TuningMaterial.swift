internal import BehaviorAlignment
internal import ItemCatalog
internal import NeuralNetworks
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
  /// The aligner that makes these vectors, with what it makes them of; nil where it stays as it is.
  let aligned: AlignedRepresentations?

  /// Where vectors come from while codes are tuned.
  var representations: any RepresentationSource {
    if let aligned { return aligned }
    return FixedRepresentations(vectors)
  }

  /// Of the vectors.
  var digest: String { String(Checksum.of(vectors.elements), radix: 16) }

  /// Represents all items of the generation again, by its own models; embeddings come from the cache.
  /// - Parameters:
  ///   - context: of a run whose stages are up to date.
  ///   - tunesAligner: whether the aligner is to be tuned along.
  init(
    _ pipeline: Pipeline, _ context: RunContext, _ recorder: inout RunRecorder, tunesAligner: Bool = false
  ) throws {
    snapshot = try GenerationSnapshot(store: context.store())
    codebooks = try CodebookConversion.codebooks(snapshot.codebooks)
    data = try RecommenderData(GenerationItems(snapshot), configuration: context.configuration)
    try Self.representAll(pipeline, context, snapshot.manifest, &recorder)
    let table = try context.table()
    let places = try Self.places(context, snapshot, table)
    tableRows = places.tableRows
    vectors = try Self.vectors(context, snapshot, codebooks).selectingRows(places.rows)
    aligned = tunesAligner ? try Self.aligned(context, snapshot.manifest, places.rows) : nil
  }

  /// The mean over items of how far vectors are from those that parameters of the aligner make.
  func shift(to parameters: ParameterSet) -> Double {
    let moved = representations.servedVectors(parameters)
    let sum = (0..<vectors.rows).reduce(0.0) { sum, row in
      let square = zip(vectors.row(row), moved.row(row)).reduce(0.0) { sum, pair in
        let difference = Double(pair.0) - Double(pair.1)
        return sum + difference * difference
      }
      return sum + square.squareRoot()
    }
    return sum / Double(max(1, vectors.rows))
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

  /// What the codebooks code, of all rows of tonight's embeddings.
  private static func vectors(
    _ context: RunContext, _ snapshot: GenerationSnapshot, _ codebooks: ResidualCodebooks
  ) throws -> Matrix {
    let file = try ColumnFileReader<Float>(path: RepresentStage.path(context))
    let quantizer: any Quantizer =
      try snapshot.manifest.artifacts[QuantizerFile.role].map {
        try QuantizerFile.read($0, codebooks: codebooks, context)
      } ?? ResidualQuantizer(codebooks: codebooks)
    return try quantizer.codedVectors(try file.matrix(0..<file.rows))
  }

  /// Where the generation's items are, in its order: among tonight's embeddings, and in the item table.
  private static func places(
    _ context: RunContext, _ snapshot: GenerationSnapshot, _ table: ItemTable
  ) throws -> (rows: [Int], tableRows: ContiguousArray<UInt32>) {
    let rows = try ColumnFileReader<UInt32>(
      path: EncodeFiles.rows(context.workspace.stage(.encode)), columns: 1,
      rows: try ColumnFileReader<Float>(path: RepresentStage.path(context)).rows
    ).readAll()
    var places = [Int](repeating: -1, count: snapshot.count)
    for (place, row) in rows.enumerated() {
      if let item = snapshot.row(of: try table.id(at: Int(row))) { places[item] = place }
    }
    if let missing = places.firstIndex(of: -1) {
      throw PipelineError(
        .invalidData,
        "item \"\(snapshot.columns.ids[missing])\" of generation \(snapshot.manifest.generation) is no longer in the "
          + "catalogue; run 'tessera run' first, so that the generation holds what the catalogue does")
    }
    return (places, ContiguousArray(places.map { rows[$0] }))
  }

  /// The generation's aligner over the embeddings of its items, joined with behavior where items are served so.
  private static func aligned(
    _ context: RunContext, _ base: GenerationManifest, _ rows: [Int]
  ) throws -> AlignedRepresentations {
    guard let fingerprint = base.artifacts["representation"], context.finished[.align] != nil else {
      throw PipelineError(.internalFault, "an aligner is to be tuned in a pipeline without one")
    }
    let aligner = try Aligner(contentsOf: context.workspace.model(fingerprint))
    let joint = try base.artifacts[RepresentStage.jointRole].map {
      JoinedRepresentation(content: aligner, joint: try RepresentationModel(contentsOf: context.workspace.model($0)))
    }
    let behavior = try context.finished[.behavior].map {
      try BehaviorVectors(contentsOf: context.workspace.model($0.values[BehaviorStage.role] ?? ""))
    }
    return AlignedRepresentations(
      aligner, joint: joint, modalities: try EmbeddingReader(context, behavior: behavior).selecting(rows))
  }
}
