import BehaviorAlignment
import NeuralNetworks
import Recommenders
import TensorMath

/// Codes of random items; some collide where there are few codes.
func randomTokens(
  items: Int, sizes: [Int], without: Set<Int> = [], generation: UInt64 = 0, seed: UInt64 = 1
) throws -> ItemTokens {
  var random = RandomSource(seed: seed)
  var codes = ContiguousArray<UInt16>()
  for item in 0..<items {
    for size in sizes { codes.append(without.contains(item) ? 0 : UInt16.random(in: 0..<UInt16(size), using: &random)) }
  }
  return try ItemTokens(
    sizes: sizes, codes: codes, isPresent: (0..<items).map { !without.contains($0) }, generation: generation)
}

/// A catalogue in which every item is followed by the next one, around a circle.
struct CircleFixture {
  static let items = 40
  let tokens: ItemTokens
  let split: TrainingSplit
  let validation: [NextItemQuery]

  init(generation: UInt64 = 3) throws {
    tokens = try randomTokens(items: Self.items, sizes: [6, 5, 4], generation: generation)
    var random = RandomSource(seed: 8)
    let rows = (0..<150).map { _ in
      let first = Int.random(in: 0..<Self.items, using: &random)
      return (0..<Int.random(in: 3...9, using: &random)).map { (first + $0) % Self.items }
    }
    split = try RecommendersTests.split(rows, itemCount: Self.items, window: .leaveLast(1))
    validation = split.nextItemQueries(place: 1)
  }

  static var configuration: GeneratorConfiguration {
    var configuration = GeneratorConfiguration()
    configuration.width = 32
    configuration.layers = 1
    configuration.heads = 2
    configuration.hidden = 64
    configuration.dropout = 0.1
    configuration.maximumHistory = 6
    return configuration
  }

  static func parameters(epochs: Int = 2) -> GeneratorTraining.Parameters {
    var parameters = GeneratorTraining.Parameters()
    parameters.epochs = epochs
    parameters.positionsPerBatch = 64
    parameters.learningRate = 5e-3
    parameters.warmup = 10
    return parameters
  }

  func train(
    _ parameters: GeneratorTraining.Parameters = parameters(),
    configuration: GeneratorConfiguration = Self.configuration, checkpoint: String? = nil,
    isCancelled: () -> Bool = { false }, observe: (GeneratorTraining.Progress) -> Void = { _ in }
  ) throws -> GeneratorTraining.Result {
    try GeneratorTraining(configuration, parameters: parameters).train(
      tokens, split: split, validation: validation, checkpoint: checkpoint, isCancelled: isCancelled, observe: observe)
  }
}

/// A network with random parameters, prefix tables included.
struct NetworkFixture {
  let configuration: GeneratorConfiguration
  let vocabulary: GeneratorVocabulary
  let network: OnePositionNetwork
  let parameters: ParameterSet

  init(
    _ tokens: ItemTokens, tables: [Int]? = nil, dropout: Float = 0, hasDenseHead: Bool = false,
    prefixDropout: Float? = nil, prefixOutputs: Bool? = nil
  ) throws {
    var configuration = GeneratorConfiguration()
    configuration.width = 8
    configuration.layers = 1
    configuration.heads = 2
    configuration.hidden = 12
    configuration.dropout = dropout
    configuration.maximumHistory = 5
    configuration.prefixTables = tables
    configuration.prefixDropout = prefixDropout
    configuration.prefixOutputs = prefixOutputs
    configuration.hasDenseHead = hasDenseHead
    self.configuration = configuration
    vocabulary = try GeneratorVocabulary(tokens, configuration)
    let scope = ParameterScope(initializingWith: RandomSource(seed: 2))
    network = try OnePositionNetwork(scope, configuration, vocabulary)
    var (parameters, random) = (try scope.finish(), RandomSource(seed: 3))
    for entry in parameters.entries {
      guard let parameter = parameters.parameter(named: entry.name) else { continue }
      for index in entry.value.elements.indices { parameters[parameter].elements[index] += 0.4 * random.nextNormal() }
    }
    self.parameters = parameters
  }

  init(
    _ configuration: GeneratorConfiguration, _ vocabulary: GeneratorVocabulary, _ network: OnePositionNetwork,
    _ parameters: ParameterSet
  ) {
    (self.configuration, self.vocabulary, self.network, self.parameters) =
      (configuration, vocabulary, network, parameters)
  }

  func generator(popularity: ContiguousArray<UInt32>? = nil) -> Generator {
    Generator(
      configuration, network, parameters, vocabulary,
      popularity: popularity ?? ContiguousArray(repeating: 0, count: vocabulary.tokens.itemCount))
  }

  /// log p of every code of an item behind a history, one decision at a time, from an unmasked product: the slow way.
  func logProbabilities(of item: UInt32, behind history: [UInt32]) -> [Float] {
    let tokens = vocabulary.tokens
    return (0..<tokens.levels).map { level in
      let pass = ModelPass(inferring: parameters)
      let states = network.states(SequenceBatch([history]), vocabulary, in: pass)
      var decisions = Decisions(levels: tokens.levels)
      decisions.append(stateRow: Int32(history.count), level: level, codes: tokens.codes(ofItem: item))
      let output = network.decoder(
        network.inputs(decisions, states: states, in: pass),
        keysAndValues: network.decoder.keysAndValues(states, in: pass),
        layout: AttentionLayout(segments: [.init(queries: 0..<1, keys: 0..<history.count + 1)]), in: pass)
      let prefix = vocabulary.trie.prefix(ofItem: item, length: level)
      let logits = network.logits(output, level: level, behind: [prefix], vocabulary, in: pass).value.elements
      // Codes that follow the true prefix in some item.
      let own = Array(tokens.codes(ofItem: item))
      var live: Set<Int> = []
      for other in 0..<UInt32(tokens.itemCount) where tokens.isPresent[Int(other)] {
        let codes = Array(tokens.codes(ofItem: other))
        if codes[..<level] == own[..<level] { live.insert(Int(codes[level])) }
      }
      let sum = live.reduce(0.0) { $0 + Double(logits[$1]).exponential }
      return Float(Double(logits[Int(own[level])]) - sum.logarithm)
    }
  }
}
