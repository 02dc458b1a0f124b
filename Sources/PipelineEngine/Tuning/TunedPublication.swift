internal import BehaviorAlignment
internal import Foundation
internal import ItemCatalog
internal import NeuralNetworks
internal import Quantizers
internal import Recommenders
internal import SemanticIDStore
internal import TensorMath

/// Tuned codes as a generation, with the recommender that was trained on them.
struct TunedPublication {
  let context: RunContext
  let material: TuningMaterial
  let revision: CodeRevision
  let codebooks: ResidualCodebooks
  /// Of the aligner, tuned along with the codes; nil where it stays as it is, or for a pipeline without one.
  let representation: ParameterSet?
  let recommender: Generator
  let outcome: TuningOutcome

  /// Publishes. The recommender is in place before the generation is: whoever sees the new codes finds it. A later night
  /// takes the generation for its own, and changes none of its IDs.
  func publish() throws -> GenerationManifest {
    let columns = columns()
    var draft = GenerationDraft(items: columns, codebooks: CodebookConversion.stored(codebooks))
    let base = material.snapshot.manifest
    let neighbors = try neighbors(base)
    draft.neighbors = neighbors?.columns
    draft.parent = base.generation
    draft.createdAt = Date().formatted(.iso8601)
    draft.artifacts = try artifacts(base, neighbors)
    draft.properties = base.properties
    draft.properties["contentDigest"] = try contentDigest(columns, draft)
    draft.properties["tunedFrom"] = "\(base.generation)"
    draft.metrics = base.metrics.merging(headlines(columns)) { $1 }
    if let distance = neighbors?.nearestDistance { draft.metrics["quantize.nearestNeighborDistance"] = distance }
    draft.metrics["finetune.gain"] = outcome.evidence.gain
    draft.metrics["finetune.churn"] = outcome.evidence.churn
    let next = (try context.store().generations().map(\.generation).max() ?? 0) + 1
    try putRecommender(generation: next, digest: draft.properties["contentDigest"] ?? "")
    FaultInjection.reach("before tuned publish")
    var options = SemanticIDStore.PublishOptions()
    options.keepGenerations = context.configuration.publish?.keepGenerations
    let manifest: GenerationManifest
    do {
      manifest = try context.store().publish(draft, options: options)
    } catch {
      RecommenderShelf(context.workspace).remove(next)
      throw error
    }
    FaultInjection.reach("after tuned publish")
    if manifest.generation != next {
      try putRecommender(generation: manifest.generation, digest: draft.properties["contentDigest"] ?? "")
    }
    try ModelFolder.removeUnused(context)
    return manifest
  }

  /// The base generation's models, but for an aligner that was tuned: by it later nights represent new items, and find
  /// their neighbors in an item set of its vectors.
  private func artifacts(_ base: GenerationManifest, _ neighbors: TunedNeighbors?) throws -> [String: String] {
    var artifacts = base.artifacts
    if let itemSet = neighbors?.itemSet { artifacts[ItemSetFile.role] = itemSet }
    if let representation, let aligner = material.aligned?.aligner(representation) {
      try context.workspace.keepModel(aligner.fingerprint) { try aligner.write(to: $0) }
      artifacts["representation"] = aligner.fingerprint
    }
    return artifacts
  }

  private func headlines(_ columns: ItemColumns) -> [String: Double] {
    var metrics = PublishStage.headlines(columns, codebooks)
    if material.snapshot.manifest.artifacts[QuantizerFile.role] != nil {
      // Distances are between latent vectors there, and say nothing of what decoding loses.
      metrics["relativeError"] = nil
    } else {
      // What later nights' drift is measured against.
      metrics["quantize.trainingError"] = metrics["relativeError"]
    }
    return metrics
  }

  private func putRecommender(generation: UInt64, digest: String) throws {
    let recommender = try numbered(generation)
    try context.workspace.keepModel(recommender.fingerprint) { try recommender.write(to: $0) }
    let key = try TrainStage().fingerprint(context.configuration, publication: "\(generation)-\(digest)").digest
    try RecommenderShelf(context.workspace).put(
      .init(generation: generation, fingerprint: recommender.fingerprint, key: key))
  }

  /// The recommender with the generation's number in its codes: it was trained on them before they had one, and its file
  /// opens for no other.
  private func numbered(_ generation: UInt64) throws -> Generator {
    let codes = revision.tokens
    return try recommender.carried(
      to: ItemTokens(sizes: codes.sizes, codes: codes.codes, isPresent: codes.isPresent, generation: generation))
  }

  private func columns() -> ItemColumns {
    let former = material.snapshot.columns
    var (codes, suffixes, flags, distances) = (former.codes, former.suffixes, former.flags, former.distances)
    // Every item of a generation has codes, so the revision's rows are those of the generation.
    for row in 0..<former.count {
      let isSame =
        revision.suffixes[row] == suffixes[row]
        && revision.tokens.codes(ofItem: UInt32(row)) == codes[row * former.levels..<(row + 1) * former.levels]
      distances[row] = revision.resolved.distances[row]
      // All items were there when these codebooks were trained.
      flags[row].remove(.newer)
      guard !isSame else { continue }
      for level in 0..<former.levels { codes[row * former.levels + level] = revision.resolved.codes[row, level] }
      suffixes[row] = revision.suffixes[row]
      if revision.resolved.moved[row] { flags[row].insert(.moved) } else { flags[row].remove(.moved) }
    }
    return ItemColumns(
      levels: former.levels, ids: former.ids, codes: codes, suffixes: suffixes, flags: flags, distances: distances,
      contentHashes: former.contentHashes)
  }

  /// As the next night computes it for the same items.
  private func contentDigest(_ columns: ItemColumns, _ draft: GenerationDraft) throws -> String {
    let table = try context.table()
    let order = material.tableRows.indices.sorted { material.tableRows[$0] < material.tableRows[$1] }
    let digest = ResolveFiles.digest(
      columns.selecting(order), tableRows: ContiguousArray(order.map { material.tableRows[$0] }), of: table)
    return GenerationFacts.contentDigest(
      digest, draft.artifacts, codebooks, neighbors: draft.properties["neighbors"])
  }

  /// Nil where the base generation has none.
  private func neighbors(_ base: GenerationManifest) throws -> TunedNeighbors? {
    guard base.neighborsPerItem > 0 else { return nil }
    let ids = material.snapshot.columns.ids
    guard let representation, let quantize = context.configuration.quantize, let settings = quantize.neighbors else {
      return try TunedNeighbors(of: base, ids, context)
    }
    return try TunedNeighbors(
      material.representations.servedVectors(representation), ids, neighborsPerItem: base.neighborsPerItem,
      selection: .sample(limit: settings.itemSet, seed: quantize.seed), context)
  }
}

extension ItemColumns {
  /// Some rows, in the order given.
  fileprivate func selecting(_ order: [Int]) -> ItemColumns {
    var chosen = IdentifierColumn()
    for row in order { chosen.append(ids[row]) }
    return ItemColumns(
      levels: levels, ids: chosen,
      codes: ContiguousArray(order.flatMap { row in codes[row * levels..<(row + 1) * levels] }),
      suffixes: order.map { suffixes[$0] }, flags: order.map { flags[$0] }, distances: order.map { distances[$0] },
      contentHashes: order.map { contentHashes[$0] })
  }
}
