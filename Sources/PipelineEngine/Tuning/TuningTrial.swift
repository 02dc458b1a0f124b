internal import BehaviorAlignment
internal import Quantizers
internal import RealModule
internal import Recommenders
internal import SemanticIDStore
internal import TensorMath

/// Tuned codes against served ones, with several recommenders and as many steps of each.
struct TuningTrial {
  private let material: TuningMaterial
  private let train: PipelineConfiguration.Train
  private let settings: PipelineConfiguration.Finetune
  private let resolver: CollisionResolver
  private let observer: any RunObserver
  private let queries: (validation: [NextItemQuery], test: [NextItemQuery])
  /// See ``FineTuning/run(worsening:)``.
  var worsening = 0.0

  private var cycles: [TuningSchedule.Cycle] = []
  private(set) var codebooks: ResidualCodebooks?
  /// Of the first seed, on the tuned codes.
  private(set) var recommender: Generator?
  /// The served codes' and the tuned ones' arm, by seed.
  private var arms: (served: [Generator], tuned: [Generator]) = ([], [])
  private var steps = 0
  private var (tuning, training) = (Duration.zero, Duration.zero)

  init(
    _ material: TuningMaterial, _ train: PipelineConfiguration.Train, _ settings: PipelineConfiguration.Finetune,
    _ resolver: CollisionResolver, observer: any RunObserver
  ) throws(PipelineError) {
    self.material = material
    self.train = train
    self.settings = settings
    self.resolver = resolver
    self.observer = observer
    queries = material.data.queries(maximumHistory: train.shape.maximumHistory)
    guard !queries.validation.isEmpty else {
      throw PipelineError(
        .invalidData, "the window of 'train' holds nothing out to judge codes by; set train.window to { leaveLast: 2 }")
    }
  }

  /// All items encoded anew, against what is served; nil before the trial ran.
  var revision: CodeRevision? { cycles.last?.revision }

  private var epochs: Int { settings.epochs ?? max(1, train.training.epochs / 2) }

  mutating func run(from served: Generator) throws {
    for seed in 0..<settings.seeds {
      let base = try seed == 0 ? served : self.base(seed)
      // The codes are tuned through the first recommender; the others follow.
      var (control, tuned) = (base, base)
      for cycle in 1...settings.cycles {
        if seed == 0 { try tune(tuned, cycle) }
        guard cycle <= cycles.count else { break }
        tuned = try trained(try tuned.carried(to: cycles[cycle - 1].revision.tokens), seed, cycle, "tuned codes")
        control = try trained(control, seed, cycle, "served codes")
      }
      arms.served.append(control)
      arms.tuned.append(tuned)
      if seed == 0 { recommender = tuned }
    }
  }

  /// A recommender of the served codes that begins from nothing.
  private mutating func base(_ seed: Int) throws -> Generator {
    var parameters = train.training
    parameters.seed &+= UInt64(seed)
    return try made(parameters, on: nil, tokens: material.data.tokens, "training seed \(seed + 1)").generator
  }

  private mutating func trained(_ start: Generator, _ seed: Int, _ cycle: Int, _ name: String) throws -> Generator {
    var parameters = train.training
    parameters.epochs = epochs
    // Another order of batches than before.
    parameters.seed &+= UInt64(seed) &+ 1000 &* UInt64(cycle)
    let result = try made(
      parameters, on: start, tokens: start.vocabulary.tokens, "seed \(seed + 1), cycle \(cycle), \(name)")
    if seed == 0, name == "served codes" { steps += result.steps }
    return result.generator
  }

  private mutating func made(
    _ parameters: GeneratorTraining.Parameters, on start: Generator?, tokens: ItemTokens, _ step: String
  ) throws -> GeneratorTraining.Result {
    let begin = ContinuousClock.now
    defer { training += ContinuousClock.now - begin }
    let interruption = Interruption.current
    return try GeneratorTraining(train.shape, parameters: parameters).train(
      tokens, split: material.data.split, validation: queries.validation, startingFrom: start,
      isCancelled: { interruption.isRequested },
      observe: { progress in
        guard case .epoch(let epoch) = progress else { return }
        report(step, epoch.epoch, parameters.epochs, "epochs")
      })
  }

  private mutating func tune(_ generator: Generator, _ cycle: Int) throws {
    let begin = ContinuousClock.now
    defer { tuning += ContinuousClock.now - begin }
    var parameters = settings.tuning
    parameters.seed &+= UInt64(cycle - 1)
    let interruption = Interruption.current
    let former = codebooks ?? material.codebooks
    var result = try CodeTuning(parameters: parameters).tune(
      generator, former, representations: FixedRepresentations(material.vectors), split: material.data.split,
      isCancelled: { interruption.isRequested },
      observe: { report("tuning codes, cycle \(cycle)", $0.step, parameters.steps, "steps") })
    if worsening > 0 { result.codebooks = try result.codebooks.disturbed(by: Float(worsening), seed: parameters.seed) }
    let tokens = cycles.last?.revision.tokens ?? material.data.tokens
    let suffixes = cycles.last?.revision.suffixes ?? ContiguousArray(material.snapshot.columns.suffixes)
    let revision = try CodeRevision(
      from: tokens, codebooks: former, to: result.codebooks, formerVectors: material.vectors, vectors: material.vectors,
      suffixes: suffixes, generation: tokens.generation, resolve: CodeRevision.applying(resolver))
    codebooks = result.codebooks
    cycles.append(TuningSchedule.Cycle(tuning: result, revision: revision))
  }

  private func report(_ step: String, _ completed: Int, _ total: Int, _ unit: String) {
    observer.observe(.progress(.train, step: step, completed: completed, total: total, unit: unit))
  }

  // MARK: Judging

  func outcome() throws -> TuningOutcome {
    guard let last = cycles.last else { throw PipelineError(.internalFault, "a trial is judged before it ran") }
    let served = try arms.served.map { try ndcgs($0, material.data) }
    let tuned = try arms.tuned.map { try ndcgs($0, data(of: $0)) }
    let before = CodeMetrics(material.snapshot.codes, sizes: material.data.tokens.sizes)
    let evidence = TuningGate.Evidence(
      servedNDCG: served.map(mean), tunedNDCG: tuned.map(mean),
      standardError: TuningGate.standardError(served: average(served), tuned: average(tuned)),
      churn: totalChurn(last.revision), servedCollisionRate: before.buckets.collisionRate,
      tunedCollisionRate: last.revision.after.buckets.collisionRate,
      servedUtilization: before.levels.map(\.utilization),
      tunedUtilization: last.revision.after.levels.map(\.utilization)
    )
    return TuningOutcome(
      base: material.snapshot.manifest.generation, published: nil, reasons: [], evidence: evidence,
      cycles: cycles.map(TuningOutcome.Cycle.init), served: try arm(arms.served), tuned: try arm(arms.tuned),
      servedEntropy: before.levels.map(\.entropy), trainingSteps: steps, tuningSeconds: tuning.seconds,
      trainingSeconds: training.seconds, peakMemory: peakMemory())
  }

  private func data(of generator: Generator) -> RecommenderData {
    var data = material.data
    data.tokens = generator.vocabulary.tokens
    return data
  }

  /// NDCG@10 of every validation query.
  private func ndcgs(_ generator: Generator, _ data: RecommenderData) throws -> [Double] {
    var result: [Double] = []
    let filter = RecommendationFilter(excludesHistory: train.excludesHistory)
    let byBeam = train.rows(of: generator)[0]
    for start in stride(from: 0, to: queries.validation.count, by: 1024) {
      try Interruption.check()
      let block = queries.validation[start..<min(start + 1024, queries.validation.count)]
      for (query, answer) in zip(block, try byBeam.recommend(block, count: 10, filter: filter)) {
        let place = answer.firstIndex { $0.item == query.target }
        result.append(place.map { 1 / Double.log2(Double($0) + 2) } ?? 0)
      }
      report("judging", result.count, queries.validation.count, "users")
    }
    return result
  }

  private func arm(_ generators: [Generator]) throws -> TuningOutcome.Arm? {
    var settings = train
    settings.baselines = []
    let results = try generators.compactMap { generator in
      try RecommenderComparison(data(of: generator), settings).measure([train.rows(of: generator)[0]]).first
    }
    let table = try results.isEmpty ? nil : EvaluationTable(results)
    guard let accuracy = table?.rows.first?.accuracy(at: 10) else { return nil }
    return TuningOutcome.Arm(
      recall: accuracy.recall.mean, recallDeviation: accuracy.recall.deviation, ndcg: accuracy.ndcg.mean,
      ndcgDeviation: accuracy.ndcg.deviation)
  }

  /// Of all cycles together, against what is served.
  private func totalChurn(_ revision: CodeRevision) -> Double {
    let columns = material.snapshot.columns
    let levels = columns.levels
    let changed = (0..<columns.count).count { row in
      revision.tokens.codes(ofItem: UInt32(row)) != columns.codes[row * levels..<(row + 1) * levels]
        || revision.suffixes[row] != columns.suffixes[row]
    }
    return Double(changed) / Double(max(1, columns.count))
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

  /// By query, over the seeds.
  private func average(_ runs: [[Double]]) -> [Double] {
    guard let first = runs.first else { return [] }
    return first.indices.map { index in runs.reduce(0) { $0 + $1[index] } / Double(runs.count) }
  }
}

extension TuningOutcome.Cycle {
  init(_ cycle: TuningSchedule.Cycle) {
    self.init(
      lossBefore: cycle.tuning.lossBefore, lossAfter: cycle.tuning.lossAfter, churn: cycle.revision.churn.rate,
      collisionRate: cycle.revision.after.buckets.collisionRate, entropy: cycle.revision.after.levels.map(\.entropy),
      agreement: cycle.revision.trainingAgreement.identical, steps: cycle.tuning.steps.count,
      stopReason: cycle.tuning.stopReason)
  }
}

extension ResidualCodebooks {
  /// Centroids moved at random, by a share of their root mean square.
  fileprivate func disturbed(by share: Float, seed: UInt64) throws -> ResidualCodebooks {
    var random = RandomSource(seed: seed, stream: 23)
    return try ResidualCodebooks(
      levels: levels.map { level in
        let squares = level.centroids.elements.reduce(Float(0)) { $0 + $1 * $1 }
        let scale = share * (squares / Float(max(1, level.centroids.elements.count))).squareRoot()
        var moved = level.centroids
        for index in moved.elements.indices { moved.elements[index] += scale * random.nextNormal() }
        return Codebook(centroids: moved, prices: level.prices)
      })
  }
}
