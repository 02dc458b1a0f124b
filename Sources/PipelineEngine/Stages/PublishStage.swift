internal import Foundation
internal import ItemCatalog
internal import Quantizers
internal import SemanticIDStore
internal import TensorMath

/// Makes the resolved codes a generation and switches to it. Where they are what is served already, nothing happens.
struct PublishStage: Stage {
  let name = StageName.publish
  let codeVersion = StageCodeVersions.publish

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.publish?.stageInputs ?? [] }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    [
      StageInput(name: "semantic IDs", value: try context.manifest(.resolve).digest),
      StageInput(name: "catalog", value: try context.manifest(.catalog).digest),
    ]
  }

  func run(_ context: RunContext) throws -> StageResult {
    let (columns, digest) = try ResolveFiles(context).columns(try context.table())
    guard columns.count > 0 else {
      throw PipelineError(.invalidData, "no item could be encoded, so there is nothing to publish")
    }
    let codebooks = try QuantizeFiles(context).readCodebooks()
    var draft = GenerationDraft(items: columns, codebooks: CodebookConversion.stored(codebooks))
    let current = try context.currentGeneration()
    let facts = try GenerationFacts(context, contentDigest: digest, codebooks: codebooks)
    if let current, current.properties["contentDigest"] == facts.contentDigest {
      return result(current, summary: "generation \(current.generation) has these IDs already; nothing to publish")
    }
    draft.neighbors = try PublishedNeighbors(context).columns()
    draft.parent = current?.generation
    draft.createdAt = Date().formatted(.iso8601)
    draft.artifacts = facts.artifacts
    draft.properties = facts.properties
    draft.metrics = try facts.metrics(context)
    draft.metrics.merge(Self.headlines(columns, codebooks)) { $1 }
    if draft.artifacts[QuantizerFile.role] != nil {
      draft.metrics["relativeError"] = try Self.decodedError(context, parent: current, items: columns.count)
    }
    var options = SemanticIDStore.PublishOptions()
    options.keepGenerations = context.configuration.publish?.keepGenerations
    let observer = context.observer
    options.progress = { progress in
      observer.observe(
        .progress(
          .publish, step: progress.step.rawValue, completed: progress.completed, total: progress.total, unit: "items"))
      if progress.step != .collect { try Interruption.check() }
    }
    let manifest = try context.store().publish(draft, options: options)
    try ModelFolder.removeUnused(context)
    return result(manifest, summary: "generation \(manifest.generation): \(manifest.items) items")
  }

  /// The figures that a list of generations shows.
  static func headlines(_ columns: ItemColumns, _ codebooks: ResidualCodebooks) -> [String: Double] {
    let codes = CodeMatrix(count: columns.count, levels: columns.levels, elements: columns.codes)
    let metrics = CodeMetrics(codes, sizes: codebooks.sizes)
    let squares = columns.distances.reduce(0) { $0 + Double($1) * Double($1) }
    return [
      "collisionRate": metrics.buckets.collisionRate,
      "utilization": metrics.levels.reduce(0) { $0 + $1.utilization } / Double(max(1, metrics.levels.count)),
      // Representations have unit length, so the mean squared error is relative already.
      "relativeError": squares / Double(max(1, columns.count)),
    ]
  }

  /// Mean squared error of what an encoder's codes are decoded to. Of items that keep their codes the error is the
  /// parent's, since their vectors are not there tonight.
  private static func decodedError(_ context: RunContext, parent: GenerationManifest?, items: Int) throws -> Double {
    let metrics = try context.manifest(.quantize).metrics
    let tonight = metrics["meanSquaredError"] ?? 0
    guard try context.requireNight().carriesIDs, let before = parent?.metrics["relativeError"] else { return tonight }
    let share = min(1, (metrics["rows"] ?? 0) / Double(max(1, items)))
    return share * tonight + (1 - share) * before
  }

  /// Tells a generation from all others.
  static func digest(_ manifest: GenerationManifest) -> String {
    "\(manifest.generation)-\(manifest.properties["contentDigest"] ?? "")"
  }

  private func result(_ manifest: GenerationManifest, summary: String) -> StageResult {
    var result = StageResult()
    result.outputs = []
    result.digest = Self.digest(manifest)
    result.values = ["generation": "\(manifest.generation)"]
    result.metrics = ["items": Double(manifest.items), "semanticIDs": Double(manifest.semanticIDs)]
    result.summary = summary
    return result
  }
}

/// What a generation's manifest says about how it came about.
struct GenerationFacts {
  let contentDigest: String
  let artifacts: [String: String]
  let properties: [String: String]

  init(_ context: RunContext, contentDigest digest: String, codebooks: ResidualCodebooks) throws {
    var artifacts: [String: String] = [:]
    let encoders = try EncoderRecord.all(in: context.manifest(.encode).values)
    for encoder in encoders { artifacts["encoder.\(encoder.role.name)"] = encoder.fingerprint }
    for role in ["representation", RepresentStage.untrainedRole, RepresentStage.jointRole] {
      artifacts[role] = try context.manifest(.represent).values[role]
    }
    artifacts[TunedTexts.role] = context.finished[.align]?.values[TunedTexts.role]
    artifacts[BehaviorStage.role] = context.finished[.behavior]?.values[BehaviorStage.role]
    for role in [QuantizerFile.role, ItemSetFile.role] {
      artifacts[role] = try context.manifest(.quantize).values[role]
    }
    self.artifacts = artifacts
    var properties = ModelKeys(context.configuration).properties
    contentDigest = Self.contentDigest(digest, artifacts, codebooks, neighbors: properties["neighbors"])
    for encoder in encoders { properties["encoder.\(encoder.role.name)"] = encoder.summary }
    properties["pipeline"] = context.configuration.name
    properties["policy"] = context.configuration.resolve?.policy.rawValue
    properties["catalog"] = try context.manifest(.catalog).digest
    properties["runKey"] = try context.requireNight().runKey
    properties["contentDigest"] = contentDigest
    properties["run"] = "\(context.runNumber)"
    properties["version"] = Tessera.version
    self.properties = properties
  }

  /// A hash of all that a generation is made of.
  /// - Parameters:
  ///   - columns: a hash of its columns.
  ///   - neighbors: the settings of its VQ codes, if any.
  static func contentDigest(
    _ columns: String, _ artifacts: [String: String], _ codebooks: ResidualCodebooks, neighbors: String?
  ) -> String {
    var hasher = ContentHasher()
    hasher.updateField(columns)
    for role in artifacts.keys.sorted() { hasher.updateField(artifacts[role] ?? "") }
    for codebook in codebooks.levels {
      hasher.update(Checksum.of(codebook.centroids.elements))
      hasher.update(Checksum.of(codebook.prices ?? []))
    }
    if let neighbors { hasher.updateField(neighbors) }
    return hasher.finalize().hex
  }

  /// Figures of all stages so far, named by stage.
  func metrics(_ context: RunContext) throws -> [String: Double] {
    var metrics: [String: Double] = [:]
    for stage in [StageName.catalog, .encode, .represent, .quantize, .resolve] {
      for (name, value) in try context.manifest(stage).metrics where value.isFinite {
        metrics["\(stage.rawValue).\(name)"] = value
      }
    }
    if try context.requireNight().base != nil {
      let comparison = try context.baseComparison()
      metrics["night.added"] = Double(comparison.added)
      metrics["night.changed"] = Double(comparison.changed)
      metrics["night.removed"] = Double(comparison.removed)
    }
    return metrics
  }
}

/// The program.
public enum Tessera {
  public static let version = "0.2.0"
}
