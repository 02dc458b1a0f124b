public import BehaviorAlignment
public import NeuralNetworks
public import Quantizers
internal import TensorMath

/// Tunes codes and trains their recommender by turns.
///
/// A cycle tunes codebooks with the recommender fixed (``CodeTuning``), encodes all items anew by the serving rule and the
/// collision policy (``CodeRevision``), carries the recommender over (``Generator/carried(to:)``) and trains it on, codes
/// fixed. Before the first cycle the recommender is trained likewise, or from nothing where there is none. The control arm
/// makes the same steps of the recommender, begun anew at the same points, on codes that stay: what differs between the
/// arms is the codes alone.
public struct TuningSchedule: Sendable {
  public struct Parameters: Sendable, Equatable {
    public var cycles = 1
    /// The recommender's configuration.
    public var configuration = GeneratorConfiguration()
    /// Of the recommender before the first cycle; 0 epochs where it is given, and is not to be trained further.
    public var firstEpochs = 12
    /// Of the recommender in each cycle.
    public var epochs = 6
    /// Of both, but for the epochs.
    public var training = GeneratorTraining.Parameters()
    /// Of the codes in each cycle; the seed moves on with the cycles.
    public var tuning = CodeTuning.Parameters()
    /// Where representations moved, iterations of k-means on them that start from the tuned codebooks: centroids follow
    /// the recommender's loss, and vectors that moved far leave them behind. 0 for none.
    public var refitIterations = 10

    public init() {}
  }

  /// What goes into a run and comes out of it.
  public struct State: Sendable {
    /// Nil before the first training.
    public var generator: Generator?
    public var tokens: ItemTokens
    public var codebooks: ResidualCodebooks
    /// Of the source of representations; nil for its own.
    public var representation: ParameterSet?
    /// By row of the item table; nil for none.
    public var suffixes: ContiguousArray<UInt16>?

    public init(
      generator: Generator? = nil, tokens: ItemTokens, codebooks: ResidualCodebooks,
      representation: ParameterSet? = nil, suffixes: ContiguousArray<UInt16>? = nil
    ) {
      self.generator = generator
      self.tokens = tokens
      self.codebooks = codebooks
      self.representation = representation
      self.suffixes = suffixes
    }
  }

  public enum Progress: Sendable {
    /// Of the recommender; cycle 0 is before the first.
    case training(cycle: Int, GeneratorTraining.Progress)
    case tuning(cycle: Int, CodeTuning.Step)
    case revision(cycle: Int, CodeRevision)
    /// Why a file of a run that was stopped is of no use, and its part is made again.
    case discarded(String)
  }

  /// What a cycle did to the codes.
  public struct Cycle: Sendable {
    public var tuning: CodeTuning.Result
    public var revision: CodeRevision
    /// Of tuning and of encoding all items anew.
    public var seconds: Double
  }

  /// Which codes the recommender is trained on in each cycle.
  public enum Codes: Sendable {
    /// That are tuned through it.
    case tuned
    /// That stay: the control arm.
    case served
    /// That were tuned through another recommender of the same served codes, as far as those cycles go.
    case following([Cycle])
  }

  public struct Result: Sendable {
    public var state: State
    /// That tuned codes here; empty for codes that stay, or follow another run.
    public var cycles: [Cycle]
    /// Of each training of the recommender, in order.
    public var trainings: [GeneratorTraining.Result]
    /// Of the recommender.
    public var steps: Int
    /// Why it ended before all cycles were made; nil where it did not.
    public var stopReason: String?
  }

  private let parameters: Parameters

  public init(_ parameters: Parameters = Parameters()) throws(RecommenderError) {
    guard (0...1000).contains(parameters.cycles), (0...100_000).contains(parameters.firstEpochs) else {
      throw RecommenderError(
        .invalidParameter,
        "schedule: \(parameters.cycles) cycles behind \(parameters.firstEpochs) epochs, expected 0 to 1000 and 0 to "
          + "100,000")
    }
    self.parameters = parameters
    // So that no mistake shows only after hours.
    _ = try training(epochs: parameters.epochs, cycle: 0)
    _ = try CodeTuning(parameters: parameters.tuning)
  }

  /// - Parameters:
  ///   - state: what is served; tokens and codebooks of one generation.
  ///   - representations: a row per item of its table.
  ///   - split: only its training window is learned from, by both.
  ///   - validation: queries to choose the recommender's best epochs by.
  ///   - codes: that the recommender is trained on.
  ///   - resolve: the collision policy.
  ///   - adjust: what is done to tuned codebooks before items are encoded with them.
  ///   - checkpoints: a folder that keeps what is finished: a run that was stopped goes on there, bit for bit as if it had
  ///     not been. Parameters, codes and what a part begins with are checked, and files of others are made again;
  ///     representations, log and queries are not: give those of others another folder.
  /// - Throws: what ``GeneratorTraining`` and ``CodeTuning`` throw. A tuning that diverges ends the run behind the training
  ///   on what it kept.
  public func run(
    _ state: State, representations: any RepresentationSource, split: TrainingSplit,
    validation: [NextItemQuery] = [], codes: Codes = .tuned,
    resolve: (CodeRevision.Unresolved) throws -> ResolvedCodes = CodeRevision.keeping,
    adjust: (ResidualCodebooks) throws -> ResidualCodebooks = { $0 }, checkpoints folder: String? = nil,
    isCancelled: () -> Bool = { false }, observe: (Progress) -> Void = { _ in }
  ) throws -> Result {
    let kept = try TuningCheckpoints(folder)
    var result = Result(state: state, cycles: [], trainings: [], steps: 0)
    func train(_ cycle: Int, epochs: Int) throws {
      guard epochs > 0 else { return }
      let training = try training(epochs: epochs, cycle: cycle)
      let made = try kept.training(cycle, discarded: { observe(.discarded($0)) }) { checkpoint in
        try training.train(
          result.state.tokens, split: split, validation: validation, startingFrom: result.state.generator,
          checkpoint: checkpoint, isCancelled: isCancelled, observe: { observe(.training(cycle: cycle, $0)) })
      }
      result.state.generator = made.generator
      result.steps += made.steps
      result.trainings.append(made)
    }
    try train(0, epochs: state.generator == nil ? max(1, parameters.firstEpochs) : parameters.firstEpochs)
    for number in 1..<parameters.cycles + 1 where result.stopReason == nil {
      switch codes {
      case .tuned:
        let cycle = try tune(
          result.state, representations, split, number, resolve, adjust, kept, isCancelled: isCancelled, observe)
        result.cycles.append(cycle)
        result.stopReason = cycle.tuning.stopReason
        try result.state.take(cycle)
      case .following(let cycles):
        guard number <= cycles.count else { return result }
        try result.state.take(cycles[number - 1])
      case .served: break
      }
      try train(number, epochs: parameters.epochs)
    }
    return result
  }

  private func training(epochs: Int, cycle: Int) throws(RecommenderError) -> GeneratorTraining {
    var training = parameters.training
    training.epochs = epochs
    // Another order of batches than in the training before.
    training.seed = parameters.training.seed &+ 1000 &* UInt64(cycle)
    return try GeneratorTraining(parameters.configuration, parameters: training)
  }

  private func tune(
    _ state: State, _ representations: any RepresentationSource, _ split: TrainingSplit, _ number: Int,
    _ resolve: (CodeRevision.Unresolved) throws -> ResolvedCodes,
    _ adjust: (ResidualCodebooks) throws -> ResidualCodebooks, _ kept: TuningCheckpoints, isCancelled: () -> Bool,
    _ observe: (Progress) -> Void
  ) throws -> Cycle {
    guard let generator = state.generator else {
      throw RecommenderError(.invalidParameter, "schedule: codes are tuned through a recommender; train one first")
    }
    var parameters = parameters.tuning
    parameters.seed &+= UInt64(number - 1)
    let source = MovedRepresentations(representations, state.representation)
    let inputs = TunedCodesFile.Inputs(
      generator: generator, codebooks: state.codebooks, representation: source.parameters, parameters: parameters)
    let made = try kept.tuning(number, of: inputs, discarded: { observe(.discarded($0)) }) {
      let begin = ContinuousClock.now
      let tuned = try CodeTuning(parameters: parameters).tune(
        generator, state.codebooks, representations: source, split: split, isCancelled: isCancelled,
        observe: { observe(.tuning(cycle: number, $0)) })
      return TunedCodesFile(tuned, seconds: (ContinuousClock.now - begin) / .seconds(1))
    }
    let begin = ContinuousClock.now
    var tuned = made.result
    if let moved = tuned.representation, self.parameters.refitIterations > 0 {
      tuned.codebooks = try tuned.codebooks.refit(
        to: source.servedVectors(moved), of: state.tokens, iterations: self.parameters.refitIterations,
        seed: parameters.seed)
    }
    tuned.codebooks = try adjust(tuned.codebooks)
    let revision = try revision(state, tuned, source, resolve)
    observe(.revision(cycle: number, revision))
    return Cycle(
      tuning: tuned, revision: revision, seconds: made.seconds + (ContinuousClock.now - begin) / .seconds(1))
  }

  /// All items by the serving rule.
  private func revision(
    _ state: State, _ tuned: CodeTuning.Result, _ source: MovedRepresentations,
    _ resolve: (CodeRevision.Unresolved) throws -> ResolvedCodes
  ) throws -> CodeRevision {
    let former = source.servedVectors(nil)
    return try CodeRevision(
      from: state.tokens, codebooks: state.codebooks, to: tuned.codebooks, formerVectors: former,
      vectors: tuned.representation.map { source.servedVectors($0) } ?? former,
      trainingVectors: tuned.representation.map { source.allVectors($0) }, suffixes: state.suffixes,
      generation: state.tokens.generation, resolve: resolve)
  }
}

extension TuningSchedule.State {
  /// Goes over to the codes of a cycle, the recommender with them.
  fileprivate mutating func take(_ cycle: TuningSchedule.Cycle) throws {
    generator = try generator?.carried(to: cycle.revision.tokens)
    tokens = cycle.revision.tokens
    codebooks = cycle.tuning.codebooks
    representation = cycle.tuning.representation
    if suffixes != nil { suffixes = cycle.revision.suffixes }
  }
}

extension ResidualCodebooks {
  /// Trained on by k-means, as they were first trained: with prices where they have prices.
  /// - Parameters:
  ///   - vectors: a row per item.
  ///   - tokens: for which items have codes.
  fileprivate func refit(
    to vectors: Matrix, of tokens: ItemTokens, iterations: Int, seed: UInt64
  ) throws(QuantizerError) -> ResidualCodebooks {
    let method: ResidualQuantizer.Method = levels.contains { $0.prices != nil } ? .balanced : .kMeans
    return try ResidualQuantizer.train(
      vectors.selecting(tokens.codedItems),
      parameters: .init(method: method, sizes: sizes, iterations: iterations, seed: seed), startingFrom: self
    ).quantizer.codebooks
  }
}

/// A source whose parameters training has moved already.
private struct MovedRepresentations: RepresentationSource {
  private let source: any RepresentationSource
  let parameters: ParameterSet?

  init(_ source: any RepresentationSource, _ parameters: ParameterSet?) {
    self.source = source
    self.parameters = parameters ?? source.parameters
  }

  var itemCount: Int { source.itemCount }
  var dimensions: Int { source.dimensions }

  func vectors(_ items: ContiguousArray<Int32>, in pass: ModelPass) -> Variable { source.vectors(items, in: pass) }

  func servedVectors(_ parameters: ParameterSet?) -> Matrix { source.servedVectors(parameters ?? self.parameters) }
}
