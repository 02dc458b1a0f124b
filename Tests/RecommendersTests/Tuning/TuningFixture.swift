import BehaviorAlignment
import NeuralNetworks
import Quantizers
import Recommenders
import TensorMath
import TestSupport

/// Random items, codebooks that were fitted to them, and the nearest codes.
struct CodedItems {
  let vectors: Matrix
  let codebooks: ResidualCodebooks
  let nearest: CodeMatrix

  init(
    items: Int = 30, dimensions: Int = 6, sizes: [Int] = [4, 3, 3], method: ResidualQuantizer.Method = .kMeans,
    seed: UInt64 = 1
  ) throws {
    var random = RandomSource(seed: seed)
    var vectors = clusteredMatrix(items, dimensions, centers: 5, using: &random)
    vectors.normalizeRows()
    try self.init(vectors, sizes: sizes, method: method)
  }

  init(_ vectors: Matrix, sizes: [Int], method: ResidualQuantizer.Method) throws {
    self.vectors = vectors
    codebooks = try ResidualQuantizer.train(
      vectors, parameters: ResidualQuantizer.Parameters(method: method, sizes: sizes, iterations: 8)
    ).quantizer.codebooks
    nearest = try ResidualQuantizer(codebooks: codebooks).encode(vectors).codes
  }

  /// What is served where nothing collides, or collisions stay.
  var tokens: ItemTokens {
    get throws {
      try ItemTokens(
        sizes: codebooks.sizes, codes: nearest.elements, isPresent: Array(repeating: true, count: nearest.count),
        generation: 3)
    }
  }

  /// A different code at the last level for some items, as a collision policy gives them.
  func tokens(moving items: [Int]) throws -> ItemTokens {
    var codes = nearest
    let last = codes.levels - 1
    for item in items { codes[item, last] = (codes[item, last] + 1) % UInt16(codebooks.sizes[last]) }
    return try ItemTokens(
      sizes: codebooks.sizes, codes: codes.elements, isPresent: Array(repeating: true, count: codes.count))
  }

  func assignment(
    on tape: Tape, temperature: Float = 0.3, estimator: ResidualAssignment.Estimator = .straightThrough,
    items: ContiguousArray<Int32>? = nil
  ) -> ResidualAssignment {
    let x = items.map { vectors.selecting($0) } ?? vectors
    return ResidualAssignment(
      tape.constant(x), prices: codebooks, centroids: codebooks.levels.map { tape.constant($0.centroids) },
      temperatures: codebooks.levels.map { _ in temperature }, estimator: estimator)
  }
}

/// A catalogue in which users stay in one group of items, and in which the nearest centroid tells an item's group most of
/// the time: groups overlap, k-means does not know of them, and behavior does.
struct TunableWorld {
  static let groups = 4, itemsPerGroup = 30
  let items: CodedItems
  let split: TrainingSplit
  let validation: [NextItemQuery]

  init(method: ResidualQuantizer.Method = .kMeans, noise: Float = 0.5) throws {
    let count = Self.groups * Self.itemsPerGroup
    var random = RandomSource(seed: 4)
    var vectors = normalMatrix(count, 8, using: &random)
    vectors.scale(by: noise)
    for item in 0..<count { vectors[item, item % Self.groups] += 1 }
    vectors.normalizeRows()
    items = try CodedItems(vectors, sizes: [4, 4, 4], method: method)
    let rows = (0..<300).map { _ in
      let group = Int.random(in: 0..<Self.groups, using: &random)
      return (0..<Int.random(in: 4...8, using: &random)).map { _ in
        group + Self.groups * Int.random(in: 0..<Self.itemsPerGroup, using: &random)
      }
    }
    split = try RecommendersTests.split(rows, itemCount: count, window: .leaveLast(1))
    validation = split.nextItemQueries(place: 1)
  }

  static var configuration: GeneratorConfiguration {
    var configuration = CircleFixture.configuration
    configuration.width = 16
    configuration.hidden = 32
    configuration.prefixTables = []
    return configuration
  }

  func generator(epochs: Int = 6, tokens: ItemTokens? = nil) throws -> Generator {
    try GeneratorTraining(Self.configuration, parameters: CircleFixture.parameters(epochs: epochs)).train(
      tokens ?? items.tokens, split: split
    ).generator
  }

  static func parameters(steps: Int = 100) -> CodeTuning.Parameters {
    var parameters = CodeTuning.Parameters()
    parameters.steps = steps
    parameters.positionsPerBatch = 256
    parameters.learningRate = 0.01
    parameters.warmup = 5
    parameters.usesDropout = false
    return parameters
  }

  func tune(
    _ parameters: CodeTuning.Parameters = parameters(), generator: Generator? = nil,
    isCancelled: () -> Bool = { false }, observe: (CodeTuning.Step) -> Void = { _ in }
  ) throws -> CodeTuning.Result {
    try CodeTuning(parameters: parameters).tune(
      generator ?? self.generator(), items.codebooks, representations: FixedRepresentations(items.vectors),
      split: split, isCancelled: isCancelled, observe: observe)
  }
}
