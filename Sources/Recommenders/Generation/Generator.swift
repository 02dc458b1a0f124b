public import BehaviorAlignment
package import NeuralNetworks
internal import RealModule
internal import TensorMath

/// Recommends by writing: the next item's semantic ID, code by code, behind the items of a history.
///
/// The model is that of TIGER (Rajput et al., 2023) in its aim and a cheaper one in its shape: one position per item, and
/// a small decoder of codes that attends to them. Items are found by beam search among the IDs that exist, so that an
/// answer never names another. Made by ``GeneratorTraining``.
///
/// **Bucket credit.** Where several items share an ID, the ID's probability is shared among them as (n + 1) / Σ (n + 1),
/// with n an item's events in training: an item's score is log p(ID) + log of its share.
public struct Generator: NextItemRecommender {
  public let configuration: GeneratorConfiguration
  /// A checksum, in hexadecimal, over everything that an answer depends on.
  public let fingerprint: String
  /// Prefixes of each length that are held per user, at least as many as items are asked for.
  public var beamWidth = 50

  let network: GeneratorNetwork
  let parameters: ParameterSet
  package let vocabulary: GeneratorVocabulary
  /// Events of each item in training.
  let popularity: ContiguousArray<UInt32>
  /// log of each item's share in its bucket.
  private let logShares: ContiguousArray<Float>

  public var name: String { "Generator" }

  /// Numbers in all parameters.
  public var parameterCount: Int { parameters.elementCount }

  package init(
    _ configuration: GeneratorConfiguration, _ network: GeneratorNetwork, _ parameters: ParameterSet,
    _ vocabulary: GeneratorVocabulary, popularity: ContiguousArray<UInt32>
  ) {
    self.configuration = configuration
    self.network = network
    self.parameters = parameters
    self.vocabulary = vocabulary
    self.popularity = popularity
    logShares = Self.logShares(vocabulary.trie, popularity)
    fingerprint = Self.fingerprint(configuration, parameters, vocabulary.tokens, popularity)
  }

  private static func logShares(
    _ trie: PrefixTrie, _ popularity: ContiguousArray<UInt32>
  ) -> ContiguousArray<Float> {
    var shares = ContiguousArray<Float>(repeating: 0, count: popularity.count)
    for bucket in 0..<trie.prefixCount(length: trie.levels) {
      let items = trie.items(of: bucket, length: trie.levels)
      guard items.count > 1 else { continue }
      let total = items.reduce(0.0) { $0 + Double(popularity[Int($1)]) + 1 }
      for item in items { shares[Int(item)] = Float(Double.log((Double(popularity[Int(item)]) + 1) / total)) }
    }
    return shares
  }

  /// Users that go through the network at once.
  private static let blockUsers = 64

  /// The best items for each query by beam search; ``beamWidth`` IDs are looked at, or `count` where that is more.
  ///
  /// Of a history, the latest ``GeneratorConfiguration/maximumHistory`` items that have codes are read. An empty history,
  /// or one without such items, is answered from the learned state before the first item. The filter is part of the
  /// search: prefixes without an item that it lets through are not followed, so an answer has `count` items wherever as
  /// many have codes and pass.
  /// - Complexity: per query one run of the backbone over its history and of the decoder over at most
  ///   1 + (levels − 1) · `beamWidth` rows.
  public func recommend(
    _ queries: ArraySlice<NextItemQuery>, count: Int, filter: RecommendationFilter
  ) throws -> [[ScoredItem]] {
    guard count > 0 else { return queries.map { _ in [] } }
    let open = OpenPrefixes(vocabulary.trie, filter)
    let search = BeamSearch(
      network: network, parameters: parameters, vocabulary: vocabulary, width: max(beamWidth, count))
    var answers: [[ScoredItem]] = []
    answers.reserveCapacity(queries.count)
    for start in stride(from: queries.startIndex, to: queries.endIndex, by: Self.blockUsers) {
      let block = queries[start..<min(start + Self.blockUsers, queries.endIndex)]
      let openToEach = block.map { open.excluding($0.history, vocabulary) }
      let beams = search.search(
        block.map { vocabulary.readable($0.history, maximum: configuration.maximumHistory) }, open: openToEach)
      for (beams, open) in zip(beams, openToEach) { answers.append(items(of: beams, open, count: count)) }
    }
    return answers
  }

  private func items(of beams: [Beam], _ open: OpenPrefixes, count: Int) -> [ScoredItem] {
    var found: [ScoredItem] = []
    for beam in beams {
      for item in vocabulary.trie.items(of: Int(beam.prefix), length: vocabulary.tokens.levels)
      where open.allows(item) {
        found.append(ScoredItem(item: item, score: beam.score + logShares[Int(item)]))
      }
    }
    found.sort { $0.score > $1.score || ($0.score == $1.score && $0.item < $1.item) }
    return Array(found.prefix(count))
  }
}
