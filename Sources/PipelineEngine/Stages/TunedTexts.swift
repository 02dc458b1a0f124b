internal import ItemCatalog
internal import ItemEncoders
internal import SemanticIDStore
internal import TensorMath

/// The text encoder that was tuned with the aligner, and its vectors of tonight's items, which take the place of the
/// `encode` stage's: the same rows in the same order.
struct TunedTexts {
  /// What a generation and the align stage's manifest call it.
  static let role = "tuned.text"
  static let encoderRole = EncoderRole(modality: .text)

  private let context: RunContext
  private let fingerprint: String

  /// - Parameter fingerprint: of weights that the workspace keeps.
  init(_ fingerprint: String, _ context: RunContext) {
    self.context = context
    self.fingerprint = fingerprint
  }

  static func path(_ context: RunContext) -> String {
    EncodeFiles.vectors(context.workspace.stage(.align), encoderRole)
  }

  /// The fingerprint that the generation has that tonight builds on; nil where the encoder is not tuned, or anew.
  static func frozen(_ context: RunContext) throws -> String? {
    let night = try context.requireNight()
    guard context.configuration.align?.tunedDepth != nil, night.representation == .frozen, let base = night.base else {
      return nil
    }
    return try context.generation(base)?.artifacts[role]
  }

  /// The encoder to tune, with the texts of some rows of the item table in their order; nil where none is to be.
  static func tuning(of rows: [UInt32], _ context: RunContext) throws -> TextEncoderTuning? {
    guard let depth = context.configuration.align?.tunedDepth else { return nil }
    let (folder, route, precision) = try source(context)
    var tuning = try TextEncoderTuning(
      folder: folder, template: route.textTemplate(), prefix: route.prefix, precision: precision, depth: depth)
    let table = try context.table()
    for start in stride(from: 0, to: rows.count, by: EncodingPass.blockRows) {
      try Interruption.check()
      let block = rows[start..<min(rows.count, start + EncodingPass.blockRows)]
      tuning.append(try block.map { try table.item(at: Int($0)) })
    }
    return tuning
  }

  private static func source(
    _ context: RunContext
  ) throws -> (folder: String, route: PipelineConfiguration.TextRoute, precision: WeightPrecision) {
    guard let route = context.configuration.encode?.text?.routes.first,
      case .pretrained(let folder, let precision) = route.source
    else {
      throw PipelineError(.internalFault, "a text encoder is tuned that is not pretrained")
    }
    return (folder, route, precision)
  }

  /// Makes the vectors of tonight's items, cache first, a block at a time.
  /// - Parameter result: of the align stage.
  func encode(into result: inout StageResult) throws {
    let (folder, route, precision) = try Self.source(context)
    let encoder = try PretrainedTextEncoder(
      folder: folder, template: route.textTemplate(), prefix: route.prefix, precision: precision,
      tuned: try TunedTextWeights(contentsOf: context.workspace.model(fingerprint)))
    try FileSystem.makeDirectory(context.workspace.stage(.align))
    let cache = try EmbeddingCache(
      path: context.workspace.cache, limit: context.configuration.encode?.cacheLimit ?? .max
    ) { [context] in context.observer.observe(.warning($0)) }
    let encoded = try write(encoder, cache)
    try cache.flush()
    _ = try cache.endNight(
      context.runNumber, used: [EmbeddingCache.encoderKey(fingerprint)],
      keepNights: context.configuration.encode?.cacheNights ?? 14)
    result.outputs += [context.workspace.model(fingerprint), Self.path(context)]
    result.values[Self.role] = fingerprint
    result.metrics["textsEncoded"] = Double(encoded)
  }

  /// - Returns: texts that the cache did not have.
  private func write(_ encoder: PretrainedTextEncoder, _ cache: EmbeddingCache) throws -> Int {
    let folder = context.workspace.stage(.encode)
    let count = Int(try context.manifest(.encode).values["rows"] ?? "") ?? 0
    let rows = try ColumnFileReader<UInt32>(path: EncodeFiles.rows(folder), columns: 1, rows: count)
    let presence = try ColumnFileReader<UInt8>(
      path: EncodeFiles.presence(folder, Self.encoderRole), columns: 1, rows: count)
    let writer = try ColumnFileWriter<Float>(path: Self.path(context), columns: encoder.dimensions)
    var encoded = 0
    for start in stride(from: 0, to: count, by: EncodingPass.blockRows) {
      try Interruption.check()
      let range = start..<min(count, start + EncodingPass.blockRows)
      let isPresent = try presence.read(range).map { $0 != 0 }
      let (vectors, made) = try block(try rows.read(range), isPresent, encoder, cache)
      try writer.append(vectors.elements.span)
      encoded += made
      context.progress(.align, "encoding texts", range.upperBound, of: count)
    }
    try writer.finish()
    return encoded
  }

  private func block(
    _ rows: ContiguousArray<UInt32>, _ isPresent: [Bool], _ encoder: PretrainedTextEncoder, _ cache: EmbeddingCache
  ) throws -> (vectors: Matrix, made: Int) {
    let table = try context.table()
    let key = EmbeddingCache.encoderKey(fingerprint)
    let hashes = rows.indices.map { isPresent[$0] ? table.textHash(at: Int(rows[$0])) : nil }
    var vectors = Matrix(rows: rows.count, columns: encoder.dimensions)
    let found = try cache.fill(&vectors, encoder: key, hashes: hashes)
    let misses = rows.indices.filter { isPresent[$0] && !found[$0] }
    guard !misses.isEmpty else { return (vectors, 0) }
    let batch = try encoder.encode(try misses.map { try table.item(at: Int(rows[$0])) })
    for (place, row) in misses.enumerated() {
      guard batch.isPresent[place] else {
        let reason = batch.failures.first { $0.index == place }?.reason ?? "no vector"
        throw PipelineError(
          .invalidData,
          "the tuned text encoder fails on the item '\(try table.id(at: Int(rows[row])))', which it did not before it was "
            + "tuned: \(reason); lower align.encoderRate and align anew (--force align)")
      }
      let vector = batch.vectors.row(place)
      vectors.elements.replaceSubrange(row * encoder.dimensions..<(row + 1) * encoder.dimensions, with: vector)
      if let hash = hashes[row] { try cache.insert(vector, key: EmbeddingCache.Key(encoder: key, content: hash)) }
    }
    return (vectors, misses.count)
  }
}
