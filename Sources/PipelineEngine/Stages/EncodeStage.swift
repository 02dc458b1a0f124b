internal import ItemCatalog
internal import ItemEncoders
internal import TensorMath

/// Embeds tonight's items: those that are new or changed, or all where models are made anew. What the cache has is
/// not encoded again.
struct EncodeStage: Stage {
  let name = StageName.encode
  let codeVersion = StageCodeVersions.encode

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] {
    let pixels = configuration.catalog.imagePixels.map { "\($0)" } ?? "default"
    return (configuration.encode?.text?.stageInputs ?? []) + (configuration.encode?.image?.stageInputs ?? [])
      + [StageInput(name: "catalog.limits.imagePixels", value: pixels)]
  }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    let night = try context.requireNight()
    var inputs = [
      StageInput(name: "catalog", value: try context.manifest(.catalog).digest),
      StageInput(name: "base generation", value: night.base.map { "\($0)" } ?? "none"),
      StageInput(name: "items", value: night.needsAllItems ? "all" : "new and changed"),
      StageInput(name: "text encoder", value: night.text?.rawValue ?? "none"),
    ]
    for (role, known) in try context.knownFingerprints() {
      inputs.append(StageInput(name: "\(role.title) encoder's fingerprint", value: known))
    }
    return inputs
  }

  func run(_ context: RunContext) throws -> StageResult {
    let night = try context.requireNight()
    let table = try context.table()
    let encoders = try TonightsEncoders(context)
    let rows = night.needsAllItems ? Array(0..<table.count) : try context.baseComparison().pendingRows
    let folder = context.workspace.stage(.encode)
    try FileSystem.makeDirectory(folder)
    let cache = try EmbeddingCache(
      path: context.workspace.cache, limit: context.configuration.encode?.cacheLimit ?? .max
    ) { context.observer.observe(.warning($0)) }
    var pass = try EncodingPass(
      table: table, encoders: encoders.all, router: try TextRouting(context), cache: cache, folder: folder)
    let block = EncodingPass.blockRows
    for start in stride(from: 0, to: rows.count, by: block) {
      try Interruption.check()
      try pass.encode(Array(rows[start..<min(rows.count, start + block)]))
      context.progress(.encode, "embedding", min(rows.count, start + block), of: rows.count)
    }
    try pass.finish()
    pass.router?.warnAboutItemsWithoutRoute(context)
    try endCacheNight(cache, pass, context, encoders)
    return result(pass, encoders: encoders, folder: folder)
  }

  private func endCacheNight(
    _ cache: EmbeddingCache, _ pass: EncodingPass, _ context: RunContext, _ encoders: TonightsEncoders
  ) throws {
    if cache.isFull {
      context.observer.observe(
        .warning("the embedding cache is full; raise encode.cache.maxMegabytes or delete '\(context.workspace.cache)'"))
    }
    if cache.damagedEntries > 0 {
      context.observer.observe(.warning("\(cache.damagedEntries) damaged embeddings in the cache were computed anew"))
    }
    guard pass.statistics.encoded > 0 || pass.statistics.fromCache > 0 else { return }
    let keepNights = context.configuration.encode?.cacheNights ?? 14
    var used = encoders.all.map { ($0.role.modality, EmbeddingCache.encoderKey($0.encoder.fingerprint)) }
    if let tuned = try TunedTexts.frozen(context) { used.append((.text, EmbeddingCache.encoderKey(tuned))) }
    let dropped = try cache.endNight(context.runNumber, used: used.map(\.1), keepNights: keepNights)
    let table = try context.table()
    let gone = try cache.sweep(context.runNumber, keepNights: keepNights) {
      used.map { modality, encoder in
        let hashes = (0..<table.count).lazy.compactMap {
          modality == .text ? table.textHash(at: $0) : table.imageHash(at: $0)
        }
        return EmbeddingCache.Live(encoder: encoder, contents: Set(hashes))
      }
    }
    if gone > 0 {
      context.observer.observe(
        .note("\(gone) embeddings of items that are gone or changed were dropped from the cache"))
    }
    if dropped > 0 {
      context.observer.observe(.note("\(dropped) embeddings of encoders no longer used were dropped from the cache"))
    }
  }

  private func result(_ pass: EncodingPass, encoders: TonightsEncoders, folder: String) -> StageResult {
    let statistics = pass.statistics
    var result = StageResult()
    result.outputs = pass.outputs
    result.values = ["rows": "\(statistics.rows)"]
    for (role, encoder) in encoders.all {
      let description = encoder.description
      result.values["encoder.\(role.name)"] = encoder.fingerprint
      result.values["dimensions.\(role.name)"] = "\(encoder.dimensions)"
      result.values["model.\(role.name)"] = description.model
      result.values["architecture.\(role.name)"] = description.architecture
      result.values["precision.\(role.name)"] = description.precision
      if role.route != nil { result.values["when.\(role.name)"] = encoders.text?.route(role).name }
    }
    result.metrics = [
      "rows": Double(statistics.rows), "encoded": Double(statistics.encoded),
      "fromCache": Double(statistics.fromCache), "failed": Double(statistics.failed),
      "dropped": Double(statistics.dropped),
    ]
    for (role, counts) in statistics.byRole {
      result.metrics["encoded.\(role.name)"] = Double(counts.encoded)
      result.metrics["fromCache.\(role.name)"] = Double(counts.fromCache)
    }
    if let router = pass.router { result.metrics["withoutRoute"] = Double(router.withoutRoute) }
    result.summary =
      "\(statistics.rows) items; \(statistics.encoded) embeddings made, \(statistics.fromCache) from the cache"
    return result
  }
}
