internal import BehaviorAlignment
package import NeuralNetworks
internal import TensorMath

/// One alignment, epoch by epoch.
struct PreferenceRun {
  typealias Measurement = PreferenceOptimization.Measurement

  let parameters: PreferenceOptimization.Parameters
  private let network: any GeneratorNetwork
  let reward: RewardModel
  let judge: RewardModel?
  private let sequences: TrainingSequences
  private let dense: DenseObjective?
  /// What every user with training events would be asked now.
  private let users: [NextItemQuery]
  private let validation: [NextItemQuery]

  /// That the run began with.
  let start: Generator
  var state: TrainingState
  var monitor: TrainingMonitor
  private var snapshot: Generator
  /// The last that the guards let pass.
  var good: (generator: Generator, epoch: Int)
  /// Epochs done.
  var epoch = 0
  var preferenceSteps = 0
  var measurements: [Measurement] = []
  private(set) var stopReason: String?

  private var training: GeneratorTraining.Parameters { parameters.training }

  init(
    _ parameters: PreferenceOptimization.Parameters, _ generator: Generator, _ reward: RewardModel,
    _ judge: RewardModel?, _ split: TrainingSplit, _ validation: [NextItemQuery]
  ) throws {
    let (training, vocabulary) = (parameters.training, generator.vocabulary)
    (self.parameters, self.reward, self.judge) = (parameters, reward, judge)
    (start, snapshot, good, network) = (generator, generator, (generator, 0), generator.network)
    let configuration = generator.configuration
    let cuts =
      configuration.backbone == .encoderDecoder
      ? TrainingSequences.Cuts(training, configuration) : nil
    let sequences = TrainingSequences(
      split, vocabulary, maximumHistory: configuration.maximumHistory, cuts: cuts, pathways: configuration.pathways)
    try sequences.requireSomething()
    self.sequences = sequences
    dense =
      configuration.hasDenseHead && training.denseWeight > 0
      ? DenseObjective(
        weight: training.denseWeight, negatives: training.denseNegatives, vocabulary, popularity: sequences.popularity)
      : nil
    let longest = max(configuration.queryHistory, reward.configuration.maximumHistory)
    users = (0..<split.history.userCount).compactMap { user in
      if configuration.pathways != nil {
        let events = split.trainingEvents(ofUser: user)
        return events.items.isEmpty ? nil : NextItemQuery(user: user, after: events)
      }
      let items = split.trainingItems(ofUser: user).suffix(longest)
      return items.isEmpty ? nil : NextItemQuery(user: user, history: ContiguousArray(items), target: 0)
    }
    self.validation = validation.thinned(to: training.validationQueries)
    monitor = TrainingMonitor(training.divergence)
    let steps = (0..<training.epochs).reduce(0) { sum, epoch in
      sum + sequences.batches(epoch: epoch, seed: training.seed, positions: training.positionsPerBatch).count
    }
    state = TrainingState(
      generator.parameters,
      optimizer: AdamW(
        AdamW.Parameters(beta1: training.beta1, beta2: training.beta2, weightDecay: training.weightDecay)),
      schedule: .warmupCosine(
        peak: training.learningRate, warmupSteps: training.warmup, steps: steps, floor: training.learningRate / 50),
      maximumNorm: training.clip, random: RandomSource(seed: training.seed))
  }

  var isFinished: Bool { epoch >= training.epochs || stopReason != nil }

  /// Measures the generator as it came, unless a run that this one goes on with did.
  mutating func begin(_ observe: (PreferenceOptimization.Progress) -> Void) throws {
    guard measurements.isEmpty else { return }
    let measurement = try measure(good.generator)
    measurements.append(measurement)
    observe(.epoch(measurement))
    if let legality = measurement.legality, legality < parameters.guards.minimumLegality {
      stopReason = parameters.guards.stopReason(measurement, before: measurement)
    }
  }

  /// Sums over an epoch.
  private struct Tally {
    var (loss, items) = (0.0, 0)
    var (preference, preferenceSteps) = (0.0, 0)
    var (format, formatSteps) = (0.0, 0)
  }

  mutating func makeEpoch(_ isCancelled: () -> Bool, _ observe: (PreferenceOptimization.Progress) -> Void) throws {
    snapshot = good.generator.with(state.parameters)
    var tally = Tally()
    for batch in sequences.batches(epoch: epoch, seed: training.seed, positions: training.positionsPerBatch) {
      guard !isCancelled() else { throw RecommenderError(.cancelled, "aligning the generator was stopped") }
      do {
        if let event = try makeStep(batch, &tally) { observe(.step(event)) }
      } catch let error as NeuralNetworksError where error.code == .divergedTraining {
        stopReason = "\(error.message); the generator of epoch \(good.epoch) is kept"
        return
      }
    }
    epoch += 1
    let candidate = good.generator.with(state.parameters)
    var measurement = try measure(candidate)
    measurement.loss = tally.loss / Double(max(1, tally.items))
    if tally.preferenceSteps > 0 { measurement.preferenceLoss = tally.preference / Double(tally.preferenceSteps) }
    if tally.formatSteps > 0 { measurement.formatLoss = tally.format / Double(tally.formatSteps) }
    measurements.append(measurement)
    observe(.epoch(measurement))
    if let reason = parameters.guards.stopReason(measurement, before: measurements[0]) {
      stopReason = "\(reason); the generator of epoch \(good.epoch) is kept"
    } else {
      good = (candidate, epoch)
    }
  }

  private mutating func makeStep(
    _ batch: TrainingSequences.Batch, _ tally: inout Tally
  ) throws -> TrainingEvent? {
    let start = ContinuousClock.now
    let pass = ModelPass(training: state.parameters, precision: training.precision, using: &state.random)
    guard
      let found = network.loss(
        of: batch, sequences, snapshot.vocabulary, legality: training.legality, dense: dense, in: pass)
    else { return nil }
    let (loss, loads) = (found.value.scalar, ExpertLoad.sum(pass.expertLoads))
    try monitor.observe(step: state.step + 1, loss: loss)
    var gradients = pass.backward(from: found.value)
    tally.loss += Double(loss) * Double(found.items)
    tally.items += found.items
    // Two draws whatever they say, so that a share decides about nothing but itself.
    let (isDue, seed) = (Double(state.random.nextUniform()) < parameters.share, state.random.next())
    if isDue, let preference = try preferenceGradients(seed, &tally) { gradients.add(preference) }
    let update = try state.update(with: gradients)
    state.parameters.balance(loads, rate: training.expertBalanceRate)
    let seconds = max((ContinuousClock.now - start) / .seconds(1), 1e-9)
    return TrainingEvent(
      step: state.step, loss: loss, learningRate: update.learningRate, gradientNorm: update.gradientNorm,
      tokensPerSecond: Double(found.items * snapshot.vocabulary.tokens.levels) / seconds,
      expertImbalance: loads.map(\.imbalance).max())
  }

  /// - Throws: ``NeuralNetworksError`` with code `divergedTraining` for a loss that is no number.
  private mutating func preferenceGradients(_ seed: UInt64, _ tally: inout Tally) throws -> ParameterGradients? {
    var random = RandomSource(seed: seed)
    let queries =
      users.count <= parameters.users ? users : Array(users.shuffled(using: &random).prefix(parameters.users))
    let objective = PreferenceObjective(parameters: parameters, snapshot: snapshot, reward: reward)
    let pass = ModelPass(
      state.parameters, on: Tape(precision: training.precision), random: RandomSource(seed: random.next()),
      isTraining: false)
    let loss = try objective.loss(queries, seed: random.next(), network, in: pass)
    var total: Variable?
    if let preference = loss.preference {
      tally.preference += Double(preference.scalar)
      tally.preferenceSteps += 1
      total = parameters.weight * preference
    }
    if let format = loss.format, let weight = parameters.format?.weight {
      tally.format += Double(format.scalar)
      tally.formatSteps += 1
      total = total.map { $0 + weight * format } ?? weight * format
    }
    guard let total else { return nil }
    guard total.scalar.isFinite else {
      throw NeuralNetworksError(
        .divergedTraining, "the preference loss of step \(state.step + 1) is \(total.scalar); lower the learning rate")
    }
    preferenceSteps += 1
    return pass.backward(from: total)
  }

  private func measure(_ generator: Generator) throws -> Measurement {
    var measurement = Measurement(epoch: epoch, step: state.step, preferenceSteps: preferenceSteps)
    guard !validation.isEmpty else { return measurement }
    var candidate = generator
    candidate.beamWidth = training.validationBeam
    (candidate.sampling, candidate.denseWeight) = (nil, 0)
    let answers = try candidate.recommend(validation[...], count: 10, filter: RecommendationFilter())
    let places = zip(validation, answers).map { query, answer in
      answer.firstIndex { $0.item == query.target }.map { $0 + 1 }
    }
    let metrics = RankingMetrics(places: places, cutoffs: [10])[10]
    (measurement.ndcg, measurement.recall) = (metrics?.ndcg, metrics?.recall)
    let items = answers.map { $0.map(\.item) }, histories = validation.map { Array($0.history) }
    func mean(_ model: RewardModel) throws -> Double {
      let rewards = try model.rewards(of: items, behind: histories).joined()
      return rewards.reduce(0) { $0 + Double($1) } / Double(max(1, rewards.count))
    }
    measurement.reward = try mean(reward)
    measurement.judgeReward = try judge.map(mean)
    if parameters.sessionItems > 1 { try measureSessions(candidate, &measurement) }
    if let limit = parameters.exposure {
      let recommended = items.joined()
      measurement.exposure =
        Double(recommended.count { limit.items.contains($0) }) / Double(max(1, recommended.count))
    }
    if parameters.legalityQueries > 0 {
      var sampling = CodeSampling()
      sampling.seed = training.seed
      measurement.legality = try generator.legality(
        on: validation.prefix(parameters.legalityQueries), draws: parameters.legalityDraws, sampling: sampling)
    }
    return measurement
  }

  private func measureSessions(_ generator: Generator, _ measurement: inout Measurement) throws {
    let sessions = try generator.generateSessions(
      validation[...], items: parameters.sessionItems, filter: RecommendationFilter())
    // Where nothing could be written there is nothing to score.
    let written = zip(sessions, validation).filter { !$0.0.isEmpty }
    func mean(_ model: RewardModel) throws -> Double {
      let scores = try model.scores(
        of: written.map { [$0.0.map(\.item)] }, behind: written.map { Array($0.1.history) }
      ).joined()
      return scores.reduce(0) { $0 + Double($1.reward) } / Double(max(1, scores.count))
    }
    measurement.sessionReward = try mean(reward)
    measurement.sessionJudgeReward = try judge.map(mean)
  }

  var result: PreferenceOptimization.Result {
    PreferenceOptimization.Result(
      generator: good.generator, measurements: measurements, epoch: good.epoch, steps: state.step,
      stopReason: stopReason)
  }
}

extension Generator {
  /// The same generator with other parameters.
  package func with(_ parameters: ParameterSet) -> Generator {
    var result = Generator(configuration, network, parameters, vocabulary, popularity: popularity)
    (result.beamWidth, result.sampling, result.denseWeight) = (beamWidth, sampling, denseWeight)
    return result
  }
}
