internal import BehaviorAlignment
internal import Quantizers
internal import Recommenders
internal import SemanticIDStore
internal import TensorMath

/// Tuned codes against served ones, with several recommenders and as many steps of each.
struct TuningTrial {
  private let material: TuningMaterial
  private let train: PipelineConfiguration.Train
  private let settings: PipelineConfiguration.Finetune
  private let resolver: CollisionResolver
  private let work: UnfinishedWork
  private let observer: any RunObserver
  private let queries: (validation: [NextItemQuery], test: [NextItemQuery])
  /// See ``FineTuning/run(worsening:)``.
  private let worsening: Double

  private var cycles: [TuningSchedule.Cycle] = []
  /// Of the first seed: the tuned codebooks, and the recommender on their codes.
  private(set) var tuned: TuningSchedule.State?
  /// The served codes' and the tuned ones' arm, by seed.
  private var arms: (served: [Generator], tuned: [Generator]) = ([], [])
  private var steps = 0
  /// Of this run and of those that were stopped before it.
  private var seconds = 0.0

  /// - Parameter work: keeps what is finished; of this material and these settings.
  init(
    _ material: TuningMaterial, _ train: PipelineConfiguration.Train, _ settings: PipelineConfiguration.Finetune,
    _ resolver: CollisionResolver, worsening: Double, work: UnfinishedWork, observer: any RunObserver
  ) throws(PipelineError) {
    self.material = material
    self.worsening = worsening
    self.work = work
    self.train = train
    self.settings = settings
    self.resolver = resolver
    self.observer = observer
    queries = material.data.queries(maximumHistory: train.shape.queryHistory)
    guard !queries.validation.isEmpty else {
      throw PipelineError(
        .invalidData, "the window of 'train' holds nothing out to judge codes by; set train.window to { leaveLast: 2 }")
    }
  }

  /// All items encoded anew, against what is served; nil before the trial ran.
  var revision: CodeRevision? { cycles.last?.revision }

  private var epochs: Int {
    settings.epochs ?? max(1, settings.firstEpochs.map { train.training.epochs - $0 } ?? train.training.epochs / 2)
  }

  mutating func run(from served: Generator) throws {
    let begin = ContinuousClock.now
    var spent: Double { (ContinuousClock.now - begin).seconds }
    // Where it is stopped too; nothing but the account of the time hangs on it.
    defer { try? work.keep(seconds: spent) }
    for seed in 0..<settings.seeds {
      let base = try seed == 0 && settings.firstEpochs == nil ? served : self.base(seed)
      // The codes are tuned through the first recommender; the others follow.
      let tuned = try run(base, seed, .tuned, codes: seed == 0 ? .tuned : .following(cycles))
      if seed == 0 {
        cycles = tuned.cycles
        self.tuned = tuned.state
      }
      let control = try run(base, seed, .served, codes: .served)
      if seed == 0 { steps = control.steps }
      arms.served += [control.state.generator].compactMap { $0 }
      arms.tuned += [tuned.state.generator].compactMap { $0 }
    }
    seconds = work.formerSeconds + spent
  }

  /// What trains recommenders; by it a run that was stopped finds what it finished.
  private enum Arm: String {
    /// Of the served codes, from nothing.
    case base
    case served
    case tuned
  }

  /// A recommender of the served codes that begins from nothing.
  private func base(_ seed: Int) throws -> Generator? {
    try run(nil, seed, .base, codes: .served, cycles: 0).state.generator
  }

  /// - Parameter cycles: nil for the settings', or as many as tuned codes before a tuning that diverged ended them.
  private func run(
    _ start: Generator?, _ seed: Int, _ arm: Arm, codes: TuningSchedule.Codes, cycles: Int? = nil
  ) throws -> TuningSchedule.Result {
    var parameters = TuningSchedule.Parameters()
    parameters.cycles = cycles ?? (self.cycles.isEmpty ? settings.cycles : self.cycles.count)
    parameters.configuration = train.shape
    parameters.firstEpochs = start == nil ? settings.firstEpochs ?? train.training.epochs : 0
    parameters.epochs = epochs
    parameters.training = train.training
    parameters.training.seed &+= UInt64(seed)
    parameters.tuning = settings.tuning
    parameters.refitIterations = settings.refitIterations
    let state = TuningSchedule.State(
      generator: start, tokens: material.data.tokens, codebooks: material.codebooks,
      suffixes: ContiguousArray(material.snapshot.columns.suffixes))
    let interruption = Interruption.current
    return try TuningSchedule(parameters).run(
      state, representations: material.representations, split: material.data.split,
      validation: queries.validation, codes: codes, resolve: CodeRevision.applying(resolver),
      adjust: { worsening > 0 ? try $0.disturbed(by: Float(worsening), seed: settings.tuning.seed) : $0 },
      checkpoints: work.part("seed-\(seed)-\(arm.rawValue)"), isCancelled: { interruption.isRequested },
      observe: { report($0, seed, "\(arm.rawValue) codes", firstEpochs: parameters.firstEpochs) })
  }

  private func report(_ progress: TuningSchedule.Progress, _ seed: Int, _ name: String, firstEpochs: Int) {
    switch progress {
    case .training(let cycle, .epoch(let epoch)):
      let step = cycle == 0 ? "training seed \(seed + 1)" : "seed \(seed + 1), cycle \(cycle), \(name)"
      report(step, epoch.epoch, cycle == 0 ? firstEpochs : epochs, "epochs")
    case .tuning(let cycle, let step):
      report("tuning codes, cycle \(cycle)", step.step, settings.tuning.steps, "steps")
    case .discarded(let reason): observer.observe(.warning(reason))
    case .training, .revision: break
    }
  }

  private func report(_ step: String, _ completed: Int, _ total: Int, _ unit: String) {
    observer.observe(.progress(.train, step: step, completed: completed, total: total, unit: unit))
  }

  // MARK: Judging

  func outcome() throws -> TuningOutcome {
    guard let last = cycles.last else { throw PipelineError(.internalFault, "a trial is judged before it ran") }
    let servedNDCG = try arms.served.map { try ndcgs($0, material.data) }
    let tunedNDCG = try arms.tuned.map { try ndcgs($0, data(of: $0)) }
    let before = CodeMetrics(material.snapshot.codes, sizes: material.data.tokens.sizes)
    let tuningSeconds = cycles.reduce(0) { $0 + $1.seconds }
    let evidence = TuningGate.Evidence(
      servedNDCG: servedNDCG.map(mean), tunedNDCG: tunedNDCG.map(mean),
      standardError: TuningGate.standardError(served: average(servedNDCG), tuned: average(tunedNDCG)),
      churn: totalChurn(last.revision), servedCollisionRate: before.buckets.collisionRate,
      tunedCollisionRate: last.revision.after.buckets.collisionRate,
      servedUtilization: before.levels.map(\.utilization),
      tunedUtilization: last.revision.after.levels.map(\.utilization)
    )
    return TuningOutcome(
      base: material.snapshot.manifest.generation, published: nil, reasons: [], evidence: evidence,
      cycles: cycles.map(TuningOutcome.Cycle.init), served: try arm(arms.served), tuned: try arm(arms.tuned),
      servedEntropy: before.levels.map(\.entropy), trainingSteps: steps, tuningSeconds: tuningSeconds,
      trainingSeconds: max(0, seconds - tuningSeconds), peakMemory: peakMemory(),
      vectorShift: tuned?.representation.map { material.shift(to: $0) })
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
        result.append(place.map { 1 / RankingMetrics.discount(place: $0 + 1) } ?? 0)
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
