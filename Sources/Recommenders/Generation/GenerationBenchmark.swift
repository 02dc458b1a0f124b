package import BehaviorAlignment
internal import NeuralNetworks
package import TensorMath

/// `tessera bench recommend`: the product's side of `tools/benchmarks/peer_beam.py`. Codes, histories and weights are made
/// up, by the same rules on both sides, or a pipeline's: only the speed counts.
package enum GenerationBenchmark {
  package struct Shape: Sendable {
    package var items = 12_101
    package var levels = 3
    /// Codes of a level.
    package var size = 256
    /// Items that each user has met.
    package var history = 20
    /// IDs that are held per user, and asked for.
    package var beam = 50
    package var users = 1024
    package var configuration = GeneratorConfiguration()

    package init() {}
  }

  /// Figures under the peer's JSON keys.
  package struct Result: Sendable, Encodable {
    package var product = ""
    package var precision: String
    package var items: Int
    /// Items that are read of a user, in the mean.
    package var history: Double
    package var beam: Int
    package var users: Int
    package var parameters: Int
    package var usersPerSecond: Double
    /// The mean over users of the best ID's log p: the peer has the same for the same weights.
    package var bestScore: Double
    /// Answers that are no item's ID.
    package var illegalIDs: Int

    enum CodingKeys: String, CodingKey {
      case product, precision, items, history, beam, users, parameters
      case usersPerSecond = "users_per_s"
      case bestScore = "best_score"
      case illegalIDs = "illegal_ids"
    }
  }

  /// - Parameters:
  ///   - precision: of the factors of products.
  ///   - weights: where the generator is written for the peer to read; nil for nowhere.
  package static func run(_ shape: Shape, precision: WeightPrecision, weights: String? = nil) throws -> Result {
    let tokens = try tokens(shape)
    let generator = try generator(shape, tokens)
    if let weights { try generator.write(to: weights) }
    return try measure(generator, queries(shape), beam: shape.beam, precision: precision)
  }

  /// How fast a generator answers queries, whatever else it is asked for.
  /// - Parameter beam: IDs that are held per user, and asked for.
  package static func measure(
    _ generator: Generator, _ queries: [NextItemQuery], beam: Int, precision: WeightPrecision
  ) throws -> Result {
    var generator = generator
    (generator.beamWidth, generator.precision) = (beam, precision)
    (generator.sampling, generator.denseWeight) = (nil, 0)
    let read = generator.readable(queries[...]).reduce(0) { $0 + $1.items.count }
    // Threads and memory are new to the first.
    _ = try generator.recommend(queries.prefix(Generator.blockUsers), count: beam, filter: RecommendationFilter())
    let start = ContinuousClock.now
    let answers = try generator.recommend(queries[...], count: beam, filter: RecommendationFilter())
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let best = answers.compactMap { $0.first.map { Double($0.score) } }
    return Result(
      precision: PackedMatrix.effective(precision).rawValue, items: generator.vocabulary.tokens.itemCount,
      history: Double(read) / Double(max(1, queries.count)), beam: beam, users: queries.count,
      parameters: generator.parameterCount, usersPerSecond: Double(queries.count) / max(seconds, 1e-9),
      bestScore: best.reduce(0, +) / Double(max(1, best.count)),
      illegalIDs: answers.reduce(0) { $0 + $1.count { !generator.vocabulary.knows($0.item) } })
  }

  /// Different codes for all items. Each first code is followed by 24 others at most: as in codes of real items, some
  /// prefixes are shared and most of what could follow is not there.
  package static func tokens(_ shape: Shape) throws(RecommenderError) -> ItemTokens {
    let size = UInt64(shape.size)
    var (codes, seen): (ContiguousArray<UInt16>, Set<[UInt16]>) = ([], [])
    for item in 0..<UInt64(shape.items) {
      var own = (0..<UInt64(shape.levels)).map { UInt16(mixed(item * UInt64(shape.levels) + $0 + 1) % size) }
      if shape.levels > 1 {
        let draw = mixed(item * UInt64(shape.levels) + 2) % min(24, size)
        own[1] = UInt16((UInt64(own[0]) * 31 + draw) % size)
      }
      while !seen.insert(own).inserted { own[shape.levels - 1] = UInt16((UInt64(own[shape.levels - 1]) + 1) % size) }
      codes += own
    }
    return try ItemTokens(
      sizes: Array(repeating: shape.size, count: shape.levels), codes: codes,
      isPresent: Array(repeating: true, count: shape.items))
  }

  private static func queries(_ shape: Shape) -> [NextItemQuery] {
    (0..<shape.users).map { user in
      let history = (0..<shape.history).map { place in
        UInt32(mixed(UInt64(user) << 20 + UInt64(place) + 77) % UInt64(shape.items))
      }
      return NextItemQuery(user: user, history: ContiguousArray(history), target: 0)
    }
  }

  private static func generator(_ shape: Shape, _ tokens: ItemTokens) throws -> Generator {
    let vocabulary = try GeneratorVocabulary(tokens, shape.configuration)
    let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
    let network = try shape.configuration.network(scope, vocabulary)
    return Generator(
      shape.configuration, network, try scope.finish(), vocabulary,
      popularity: ContiguousArray(repeating: 0, count: shape.items))
  }

  /// SplitMix64's finalizer.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
