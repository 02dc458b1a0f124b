import Foundation
import NeuralNetworks
import Recommenders
import TensorMath

/// A tiny encoder-decoder with random parameters.
struct EncoderDecoderFixture {
  let configuration: GeneratorConfiguration
  let vocabulary: GeneratorVocabulary
  let network: EncoderDecoderNetwork
  let parameters: ParameterSet

  static let experts = MixtureOfExperts.Configuration(count: 4, selected: 2, hidden: 6)

  init(_ tokens: ItemTokens, _ change: (inout GeneratorConfiguration) -> Void = { _ in }) throws {
    var configuration = GeneratorConfiguration()
    configuration.backbone = .encoderDecoder
    configuration.width = 8
    configuration.layers = 1
    configuration.decoderLayers = 2
    configuration.heads = 2
    configuration.hidden = 12
    configuration.dropout = 0
    configuration.maximumHistory = 5
    configuration.experts = Self.experts
    change(&configuration)
    self.configuration = configuration
    vocabulary = try GeneratorVocabulary(tokens, configuration)
    let scope = ParameterScope(initializingWith: RandomSource(seed: 2))
    network = try EncoderDecoderNetwork(scope, configuration, vocabulary)
    var (parameters, random) = (try scope.finish(), RandomSource(seed: 3))
    for entry in parameters.entries {
      guard let parameter = parameters.parameter(named: entry.name) else { continue }
      for index in entry.value.elements.indices { parameters[parameter].elements[index] += 0.4 * random.nextNormal() }
    }
    self.parameters = parameters
  }

  func generator() -> Generator {
    Generator(
      configuration, network, parameters, vocabulary,
      popularity: ContiguousArray(repeating: 0, count: vocabulary.tokens.itemCount))
  }

  var reference: ReferenceEncoderDecoder {
    ReferenceEncoderDecoder(
      configuration: configuration, tokens: vocabulary.tokens,
      values: Dictionary(uniqueKeysWithValues: parameters.entries.map { ($0.name, $0.value) }))
  }
}

/// The encoder-decoder in plain loops and double precision: one user at a time, one row at a time, nothing packed, nothing
/// kept.
struct ReferenceEncoderDecoder {
  typealias Row = [Double]

  let configuration: GeneratorConfiguration
  let tokens: ItemTokens
  let values: [String: Matrix]

  private func row(_ name: String, _ index: Int = 0) -> Row { values[name]!.row(index).map(Double.init) }

  private func sum(_ left: Row, _ right: Row) -> Row { zip(left, right).map(+) }

  private func product(_ left: some Sequence<Double>, _ right: some Sequence<Double>) -> Double {
    zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private func norm(_ x: Row, _ name: String) -> Row {
    let scale = 1 / (product(x, x) / Double(x.count) + 1e-6).squareRoot()
    return zip(x, row(name + ".weight")).map { $0 * $1 * scale }
  }

  private func linear(_ x: Row, _ name: String) -> Row {
    let weight = values[name + ".weight"]!
    let result = (0..<weight.rows).map { product(x, row(name + ".weight", $0)) }
    return values[name + ".bias"] == nil ? result : sum(result, row(name + ".bias"))
  }

  private func softmax(_ scores: Row) -> Row {
    let exponentials = scores.map { exp($0 - scores.max()!) }
    return exponentials.map { $0 / exponentials.reduce(0, +) }
  }

  /// What one query sees.
  private func attend(_ query: Row, _ keys: [Row], _ values: [Row]) -> Row {
    let size = query.count / configuration.heads
    return (0..<configuration.heads).flatMap { head -> Row in
      let range = head * size..<(head + 1) * size
      let shares = softmax(keys.map { product(query[range], $0[range]) / Double(size).squareRoot() })
      return range.map { column in zip(shares, values).reduce(0) { $0 + $1.0 * $1.1[column] } }
    }
  }

  private func forward(_ x: Row, _ name: String) -> Row {
    guard values[name + ".router.weight"] != nil, let experts = configuration.experts else {
      let inner = linear(x, name + ".up").map { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }
      return linear(inner, name + ".down")
    }
    let scores = softmax(linear(x, name + ".router"))
    let ranked = sum(scores, row(name + ".balance"))
    let chosen = ranked.indices.sorted { ranked[$0] > ranked[$1] }.prefix(experts.selected)
    return chosen.reduce(Row(repeating: 0, count: x.count)) { total, expert in
      let part = "\(name).experts.\(expert)"
      let gate = linear(x, part + ".gate").map { $0 / (1 + exp(-$0)) }
      let inner = zip(gate, linear(x, part + ".up")).map(*)
      return sum(total, linear(inner, part + ".down").map { scores[expert] * $0 })
    }
  }

  private func block(_ rows: [Row], _ name: String, isCausal: Bool, memory: [Row]? = nil) -> [Row] {
    let width = configuration.width
    let all = rows.map { linear(norm($0, name + ".selfNorm"), name + ".selfAttention.qkv") }
    return rows.indices.map { index in
      let seen = isCausal ? Array(all.prefix(index + 1)) : all
      let found = attend(
        Row(all[index][..<width]), seen.map { Row($0[width..<2 * width]) }, seen.map { Row($0[(2 * width)...]) })
      var state = sum(rows[index], linear(found, name + ".selfAttention.output"))
      if let memory {
        let both = memory.map { linear($0, name + ".crossAttention.keyValue") }
        let query = linear(norm(state, name + ".crossNorm"), name + ".crossAttention.query")
        let remembered = attend(query, both.map { Row($0[..<width]) }, both.map { Row($0[width...]) })
        state = sum(state, linear(remembered, name + ".crossAttention.output"))
      }
      return sum(state, forward(norm(state, name + ".feedForwardNorm"), name + ".feedForward"))
    }
  }

  private func codes(_ item: UInt32) -> [Int] { tokens.codes(ofItem: item).map(Int.init) }

  /// The number of an item's prefix among those that exist, in the order of their codes.
  private func prefix(_ item: UInt32, _ length: Int) -> Int {
    let all = Set(
      (0..<UInt32(tokens.itemCount)).filter { tokens.isPresent[Int($0)] }.map { Array(codes($0).prefix(length)) })
    return all.sorted { $0.lexicographicallyPrecedes($1) }.firstIndex(of: Array(codes(item).prefix(length)))!
  }

  private func prefixVectors(_ item: UInt32) -> Row {
    (configuration.prefixTables ?? Array(2...tokens.levels)).reduce(Row(repeating: 0, count: configuration.width)) {
      sum($0, row("prefixes.\($1).weight", prefix(item, $1)))
    }
  }

  private func itemVector(_ item: UInt32) -> Row {
    codes(item).enumerated().reduce(prefixVectors(item)) { sum($0, row("codes.\($1.offset).weight", $1.element)) }
  }

  private func layerNorm(_ x: Row, _ name: String) -> Row {
    let mean = x.reduce(0, +) / Double(x.count), centered = x.map { $0 - mean }
    let scale = 1 / (product(centered, centered) / Double(x.count) + 1e-5).squareRoot()
    return sum(zip(centered, row(name + ".weight")).map { $0 * $1 * scale }, row(name + ".bias"))
  }

  /// What learned queries make of the older items, in the order of the queries.
  private func compressed(_ older: [UInt32], _ pathways: UserPathways) -> [Row] {
    let name = "pathways.lifelong", width = configuration.width
    let both = older.enumerated().map { index, item in
      let step = Int(log2(Double(older.count - index)))
      let input = layerNorm(sum(itemVector(item), row(name + ".steps.weight", step)), name + ".inputNorm")
      return linear(input, name + ".crossAttention.keyValue")
    }
    return (0..<pathways.lifelongQueries).map { index in
      let start = row(name + ".queries", index)
      let query = linear(layerNorm(start, name + ".crossNorm"), name + ".crossAttention.query")
      let found = attend(query, both.map { Row($0[..<width]) }, both.map { Row($0[width...]) })
      let state = sum(start, linear(found, name + ".crossAttention.output"))
      return layerNorm(
        sum(state, forward(layerNorm(state, name + ".feedForwardNorm"), name + ".feedForward")), name + ".outputNorm")
    }
  }

  /// The rows before the beginning.
  private func pathwayRows(_ user: UserContext, _ pathways: UserPathways) -> [Row] {
    func marked(_ vector: Row, _ kind: Int) -> Row {
      sum(norm(vector, "encoder.inputNorm"), row("pathways.kinds.weight", kind))
    }
    var rows: [Row] = []
    if let traits = user.traits {
      let vector = traits.steps.enumerated().reduce(Row(repeating: 0, count: configuration.width)) {
        sum($0, row("pathways.traits.\($1.offset).weight", Int($1.element)))
      }
      rows.append(marked(vector, 1))
    }
    if !user.older.isEmpty { rows += compressed(user.older, pathways).map { marked($0, 3) } }
    for (index, item) in user.positives.enumerated() {
      rows.append(
        sum(
          marked(itemVector(item), 2),
          row("pathways.positivePlaces.weight", user.positives.count - 1 - index)))
    }
    return rows
  }

  private func encode(_ user: UserContext) -> [Row] {
    var (rows, latest): ([Row], [Row]) = ([], [norm(row("encoder.begin"), "encoder.inputNorm")])
    for (index, item) in user.items.enumerated() {
      for (level, code) in codes(item).enumerated() {
        var vector = row("codes.\(level).weight", code)
        if level == tokens.levels - 1 { vector = sum(vector, prefixVectors(item)) }
        latest.append(
          sum(
            sum(norm(vector, "encoder.inputNorm"), row("encoder.places.weight", user.items.count - 1 - index)),
            row("encoder.levels.weight", level)))
      }
    }
    if let pathways = configuration.pathways {
      rows = pathwayRows(user, pathways)
      latest = latest.map { sum($0, row("pathways.kinds.weight", 0)) }
    }
    rows += latest
    for layer in 0..<configuration.layers { rows = block(rows, "encoder.blocks.\(layer)", isCausal: false) }
    return rows.map { norm($0, "encoder.outputNorm") }
  }

  /// The unmasked logits behind every row that the decoder reads of some items, by item and level.
  func logits(of items: [UInt32], behind history: [UInt32]) -> [[Row]] {
    logits(of: items, behind: UserContext(items: history))
  }

  func logits(of items: [UInt32], behind user: UserContext) -> [[Row]] {
    var rows: [Row] = []
    for (place, item) in items.enumerated() {
      for (kind, code) in ([-1] + codes(item)).enumerated() {
        let vector = kind == 0 ? Row(repeating: 0, count: configuration.width) : row("codes.\(kind - 1).weight", code)
        let input = sum(sum(vector, row("decoder.kinds.weight", kind)), row("decoder.places.weight", place))
        rows.append(norm(input, "decoder.inputNorm"))
      }
    }
    let memory = encode(user)
    for layer in 0..<configuration.decoderLayers {
      rows = block(rows, "decoder.blocks.\(layer)", isCausal: true, memory: memory)
    }
    rows = rows.map { norm($0, "decoder.outputNorm") }
    return items.indices.map { place in
      (0..<tokens.levels).map { level in
        let table = configuration.tiesTables ? "codes.\(level).weight" : "outputs.\(level)"
        let state = rows[place * (tokens.levels + 1) + level]
        return (0..<tokens.sizes[level]).map {
          product(state, row(table, $0)) + Double(values["biases.\(level)"]!.elements[$0])
        }
      }
    }
  }

  /// log p of the codes of items that follow one another, by item and level, among the codes that lead to an item.
  func logProbabilities(of items: [UInt32], behind history: [UInt32]) -> [[Double]] {
    logProbabilities(of: items, behind: UserContext(items: history))
  }

  func logProbabilities(of items: [UInt32], behind user: UserContext) -> [[Double]] {
    zip(items, logits(of: items, behind: user)).map { item, logits in
      let own = codes(item)
      return (0..<tokens.levels).map { level in
        let live = Set(
          (0..<UInt32(tokens.itemCount)).filter { tokens.isPresent[Int($0)] }.map { codes($0) }
            .filter { $0[..<level] == own[..<level] }.map { $0[level] })
        return logits[level][own[level]] - log(live.reduce(0) { $0 + exp(logits[level][$1]) })
      }
    }
  }
}
