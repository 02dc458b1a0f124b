internal import BehaviorAlignment
internal import ItemCatalog
internal import Quantizers
internal import TensorMath

/// `tessera bench representations`: how well each way to represent a pipeline's items finds what users met next, for items
/// that training knew and for items that nobody had met, and what codes keep of it.
///
/// Pairs, aligner, behavior vectors and codebooks are fitted on the training window alone, for every seed anew. New items
/// are a share of the items, drawn by the seed, whose events are all taken out before anything is fitted.
public struct RepresentationStudy {
  /// One representation's recall under one protocol and seed.
  public struct Figures: Sendable, Equatable, Codable {
    public var seed: UInt64
    /// `warm`, `cold`, or `cold, among cold`, where new items are looked for among new ones alone: what training moved
    /// is out of their way there.
    public var items: String
    public var representation: String
    /// Of the untrained content beside the aligned vector; nil where it is not joined.
    public var contentWeight: Float?
    public var pairs: Int
    public var recallAt10: Double
    public var recallAt50: Double
    public var meanReciprocalRank: Double
  }

  /// What codes of one representation are like.
  public struct CodeFigures: Sendable, Equatable, Codable {
    public var seed: UInt64
    public var representation: String
    /// As in ``Figures``.
    public var contentWeight: Float?
    public var quantizer: String
    /// Shares of held-out pairs that share the first code, the first two, and so on.
    public var sharedPrefix: [Double]
    public var collisionRate: Double
    /// In nats, by level.
    public var entropy: [Double]
    /// Of the vectors' variance, the share that the codes lose.
    public var reconstruction: Double
  }

  private let configuration: PipelineConfiguration
  private let modalities: [ModalityBatch]
  private let ids: [String]
  private let history: InteractionHistory
  private let settings: (pairs: PipelineConfiguration.Pairs, align: PipelineConfiguration.Align)
  private let contentWeights: [Float]

  /// Held-out pairs that representations are compared on.
  private static let comparedPairs = 20_000

  /// Loads what the `encode` stage left, and the log.
  /// - Parameter contentWeights: lengths of untrained content beside the aligned vector to measure; empty for the
  ///   pipeline's `align.content`, or one half where it has none.
  public init(
    _ pipeline: Pipeline, contentWeights: [Float] = [], observer: any RunObserver = SilentObserver()
  ) throws {
    configuration = pipeline.configuration
    guard let pairs = configuration.pairs, let align = configuration.align, configuration.represent != nil else {
      throw PipelineError(.usage, "the study needs the sections pairs, align and represent in the pipeline")
    }
    settings = (pairs, align)
    self.contentWeights = contentWeights.isEmpty ? [align.joinsContent ? align.content : 0.5] : contentWeights
    let context = RunContext(configuration: configuration, observer: observer)
    guard let encoded = StageManifest.read(context.workspace.stageManifest(.encode)) else {
      throw PipelineError(.inputMissing, "nothing is encoded yet; run 'tessera run --until encode' first")
    }
    context.finished[.encode] = encoded
    let embeddings = try EmbeddingReader(context)
    let rows = try ColumnFileReader<UInt32>(
      path: EncodeFiles.rows(context.workspace.stage(.encode)), columns: 1, rows: embeddings.rows
    ).read(0..<embeddings.rows)
    var parts: [[ModalityBatch]] = []
    try embeddings.forEachBlock { batches, _ in parts.append(batches) }
    modalities = (parts.first ?? []).indices.map { modality in ModalityBatch(joining: parts.map { $0[modality] }) }
    let table = try context.table()
    ids = try rows.map { try table.id(at: Int($0)) }
    var identifiers = IdentifierTable()
    for id in ids { _ = identifiers.insert(id) }
    history = try BehaviorLog.history(
      try BehaviorLog.log(configuration.catalog, rejectedTo: nil), items: identifiers,
      maximumEventsPerUser: pairs.maximumEventsPerUser)
  }

  /// What was fitted for one seed and protocol.
  private struct Fitted {
    var aligner: Aligner
    var untrained: RepresentationModel
    var behavior: BehaviorVectors
    /// The aligned vector joined with others.
    var joined: [Joined]
  }

  private struct Joined {
    var name: String
    var contentWeight: Float?
    var joinsBehavior: Bool
    var representation: JoinedRepresentation
  }

  /// - Parameters:
  ///   - coldShare: of the items with events, those that the cold protocol takes for new; 0 leaves it out.
  ///   - measuresCodes: whether codes of the warm protocol's representations are made, which takes longest.
  ///   - report: told of every figure as soon as it is there.
  public func run(
    seed: UInt64, coldShare: Double, measuresCodes: Bool, isCancelled: @escaping @Sendable () -> Bool = { false },
    report: (Figures) throws -> Void, reportCodes: (CodeFigures) throws -> Void
  ) throws {
    let warm = try TrainingSplit(history, window: settings.pairs.window)
    let heldOut = warm.heldOutPairs().thinned(to: Self.comparedPairs)
    let fitted = try fit(warm, seed: seed, isCancelled)
    for figures in recalls(fitted, heldOut, seed: seed, items: "warm") { try report(figures) }
    if measuresCodes {
      for figures in try codes(fitted, heldOut, seed: seed) { try reportCodes(figures) }
    }
    guard coldShare > 0 else { return }
    let isNew = newItems(warm, share: coldShare, seed: seed)
    let rest = try TrainingSplit(try history.removing(isNew), window: settings.pairs.window)
    let leading = history.pairs(leadingTo: isNew).thinned(to: Self.comparedPairs)
    let cold = try fit(rest, seed: seed, isCancelled)
    for figures in recalls(cold, leading, seed: seed, items: "cold") { try report(figures) }
    for figures in recalls(cold, leading, seed: seed, items: "cold, among cold", among: isNew) { try report(figures) }
  }

  private func newItems(_ split: TrainingSplit, share: Double, seed: UInt64) -> [Bool] {
    var random = RandomSource(seed: seed, stream: 17)
    let met = ItemVocabulary(split).rows.shuffled(using: &random)
    var isNew = [Bool](repeating: false, count: ids.count)
    for row in met.prefix(Int(Double(met.count) * share)) { isNew[Int(row)] = true }
    return isNew
  }

  private func fit(_ split: TrainingSplit, seed: UInt64, _ isCancelled: @escaping @Sendable () -> Bool) throws -> Fitted
  {
    guard let represent = configuration.represent else {
      throw PipelineError(.internalFault, "a study without represent")
    }
    var mining = settings.pairs
    mining.userToItem?.training.seed = seed
    let pairs = try PairMining(settings: mining, isCancelled: isCancelled).mine(split)
    let shape = settings.align.shape(for: modalities, dimensions: represent.dimensions)
    var training = settings.align.training
    training.seed = seed
    let (mined, validation) = pairs.splittingValidation(share: settings.align.validationShare, seed: seed)
    let aligner = try AlignerTraining(shape, parameters: training).train(
      modalities, pairs: mined, validation: validation, isCancelled: isCancelled
    ).aligner
    let behaviorSettings = configuration.behavior ?? PipelineConfiguration.Behavior(CheckedSection(), seed: seed)
    let behavior = try behaviorSettings.train(split, seed: seed, isCancelled: isCancelled).vectors(ids: ids)
    var parameters = RepresentationModel.Parameters()
    parameters.dimensions = represent.dimensions
    parameters.seed = seed
    let untrained = try RepresentationModel.fit(modalities, parameters: parameters)
    return Fitted(
      aligner: aligner, untrained: untrained, behavior: behavior,
      joined: try joined(aligner, untrained, behavior, behaviorSettings, dimensions: represent.dimensions, seed: seed))
  }

  /// The aligned vector joined with item IDs, with untrained content of every weight, and with both.
  private func joined(
    _ aligner: Aligner, _ untrained: RepresentationModel, _ behavior: BehaviorVectors,
    _ settings: PipelineConfiguration.Behavior, dimensions: Int, seed: UInt64
  ) throws -> [Joined] {
    let all = modalities + [behavior.batch(of: ids)]
    func join(_ name: String, contentWeight: Float?, joinsBehavior: Bool) throws -> Joined {
      var fitting = try JoinedRepresentation.Fitting(
        content: aligner, untrained: contentWeight == nil ? nil : untrained, untrainedWeight: contentWeight ?? 1,
        dimensions: joinsBehavior ? settings.dimensions ?? dimensions : dimensions, weight: settings.weight, seed: seed)
      fitting.add(joinsBehavior ? all : modalities)
      return Joined(
        name: name, contentWeight: contentWeight, joinsBehavior: joinsBehavior, representation: try fitting.finish())
    }
    var result = [try join("aligned + item IDs", contentWeight: nil, joinsBehavior: true)]
    for weight in contentWeights {
      result.append(try join("aligned + content", contentWeight: weight, joinsBehavior: false))
      result.append(try join("aligned + item IDs + content", contentWeight: weight, joinsBehavior: true))
    }
    return result
  }

  /// Vectors of all items under a name.
  private struct Named {
    var name: String
    var contentWeight: Float?
    var vectors: Matrix
  }

  private func joinedVectors(_ fitted: Fitted) -> [Named] {
    let behavior = fitted.behavior.batch(of: ids)
    return fitted.joined.map { joined in
      let vectors = joined.representation.represent(joined.joinsBehavior ? modalities + [behavior] : modalities)
      return Named(name: joined.name, contentWeight: joined.contentWeight, vectors: vectors)
    }
  }

  private func recalls(
    _ fitted: Fitted, _ pairs: HeldOutPairs, seed: UInt64, items: String, among candidates: [Bool]? = nil
  ) -> [Figures] {
    func figures(_ name: String, _ contentWeight: Float?, _ recall: PairRecall) -> Figures {
      Figures(
        seed: seed, items: items, representation: name, contentWeight: contentWeight, pairs: recall.pairs,
        recallAt10: recall.recall[10] ?? 0, recallAt50: recall.recall[50] ?? 0,
        meanReciprocalRank: recall.meanReciprocalRank)
    }
    let comparison = RepresentationComparison(
      modalities, untrained: fitted.untrained, aligner: fitted.aligner, pairs: pairs, among: candidates)
    let behavior = Named(name: "item IDs", vectors: fitted.behavior.batch(of: ids).vectors)
    return comparison.rows.map { figures($0.name, nil, $0.recall) }
      + ([behavior] + joinedVectors(fitted)).map {
        figures($0.name, $0.contentWeight, PairRecall.measure($0.vectors, pairs, among: candidates))
      }
  }

  private func codes(_ fitted: Fitted, _ pairs: HeldOutPairs, seed: UInt64) throws -> [CodeFigures] {
    let sizes = configuration.quantize?.sizes ?? [256, 256, 256]
    let representations =
      [
        Named(name: "joined", vectors: fitted.untrained.represent(modalities)),
        Named(name: "aligned", vectors: fitted.aligner.represent(modalities)),
      ] + joinedVectors(fitted)
    return try representations.flatMap { named in
      var results: [CodeFigures] = []
      for method in [ResidualQuantizer.Method.kMeans, .balanced] {
        let quantizer = try ResidualQuantizer.train(
          named.vectors, parameters: ResidualQuantizer.Parameters(method: method, sizes: sizes, seed: seed)
        ).quantizer
        results.append(try figures(quantizer, method.rawValue, named, pairs, seed))
      }
      let autoencoder = try ResidualAutoencoder.train(
        named.vectors, parameters: ResidualAutoencoder.Parameters(sizes: sizes, seed: seed)
      ).quantizer
      results.append(try figures(autoencoder, "rq-vae", named, pairs, seed))
      return results
    }
  }

  private func figures(
    _ quantizer: some Quantizer, _ method: String, _ named: Named, _ pairs: HeldOutPairs, _ seed: UInt64
  ) throws -> CodeFigures {
    let encoding = try quantizer.encode(named.vectors)
    let metrics = CodeMetrics(encoding.codes, sizes: configuration.quantize?.sizes ?? [256, 256, 256])
    var centered = named.vectors
    centered.subtractFromRows(centered.columnMeans())
    let variance = centered.rowSquaredNorms().reduce(0.0) { $0 + Double($1) } / Double(max(1, centered.rows))
    let rows = (0..<pairs.count).map { RowPair(Int(pairs.triggers[$0]), Int(pairs.targets[$0])) }
    return CodeFigures(
      seed: seed, representation: named.name, contentWeight: named.contentWeight, quantizer: method,
      sharedPrefix: NeighborAgreement(encoding.codes, pairs: rows).sharedPrefix,
      collisionRate: metrics.buckets.collisionRate, entropy: metrics.levels.map(\.entropy),
      reconstruction: variance > 0 ? encoding.meanSquaredError / variance : 0)
  }
}
