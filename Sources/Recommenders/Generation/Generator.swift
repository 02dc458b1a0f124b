public import BehaviorAlignment
package import NeuralNetworks
internal import RealModule
public import TensorMath

/// Recommends by writing: the next item's semantic ID, code by code, behind the items of a history.
///
/// The model is that of TIGER (Rajput et al., 2023) in its aim. In its shape it is a cheaper one, with one position per
/// item and a small decoder of codes that attends to them, or OneRec's encoder-decoder:
/// ``GeneratorConfiguration/Backbone``. Items are found by beam search among the IDs that exist, so that an answer never
/// names another. Made by ``GeneratorTraining``.
///
/// **Bucket credit.** Where several items share an ID, the ID's probability is shared among them as (n + 1) / Σ (n + 1),
/// with n an item's events in training: an item's score is log p(ID) + log of its share.
public struct Generator: NextItemRecommender {
  public let configuration: GeneratorConfiguration
  /// A checksum, in hexadecimal, over everything that an answer depends on.
  public let fingerprint: String
  /// Prefixes of each length that are held per user, at least as many as items are asked for.
  public var beamWidth = 50
  /// Draws codes where it is not nil, ``beamWidth`` IDs per query, the same for the same seed and user; an answer then
  /// holds the distinct items drawn, best first, which may be fewer than asked for.
  public var sampling: CodeSampling?
  /// What the dense head's score counts for in the order of what was generated: score = log p(item) + weight · ⟨query,
  /// item vector⟩. 0 for generation alone; 2 did well on Amazon Beauty. Such answers belong in rows of their own: at
  /// small catalogues the head alone does as well.
  public var denseWeight: Float = 0

  /// How products round their factors while it recommends; of no part in the ``fingerprint``.
  public var precision = WeightPrecision.single

  package let network: any GeneratorNetwork
  package let parameters: ParameterSet
  package let vocabulary: GeneratorVocabulary
  /// Events of each item in training.
  let popularity: ContiguousArray<UInt32>
  /// log of each item's share in its bucket.
  private let logShares: ContiguousArray<Float>
  /// The network made ready to recommend, when it first does.
  let readers = ReaderCache()

  public var name: String { denseWeight == 0 ? "Generator" : "Generator, reranked" }

  /// Numbers in all parameters.
  public var parameterCount: Int { parameters.elementCount }

  package init(
    _ configuration: GeneratorConfiguration, _ network: any GeneratorNetwork, _ parameters: ParameterSet,
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
  static let blockUsers = 64

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
    guard denseWeight == 0 || configuration.hasDenseHead else {
      throw RecommenderError(
        .invalidParameter, "denseWeight is \(denseWeight), and the generator has no dense head; train one that has")
    }
    try sampling?.validate()
    let search = BeamSearch(vocabulary: vocabulary, width: max(beamWidth, count), sampling: sampling)
    let blocks = found(by: search, behind: queries, filter) { found in
      let scored = zip(found.beams, found.open).map { items(of: $0, $1) }
      return ScoredBlock(
        items: denseWeight == 0 ? scored.map { Self.best($0, count: count) } : scored, states: found.states)
    }
    guard denseWeight != 0 else { return blocks.flatMap(\.items) }
    return blocks.flatMap { block in
      addingDenseScores(to: block.items, block.states).map { Self.best($0, count: count) }
    }
  }

  private struct ScoredBlock: Sendable {
    let items: [[ScoredItem]]
    let states: Matrix
  }

  /// The open items of full prefixes.
  func items(of beams: [Beam], _ open: OpenPrefixes) -> [ScoredItem] {
    var result: [ScoredItem] = []
    result.reserveCapacity(beams.count)
    for beam in beams {
      for item in vocabulary.trie.items(of: Int(beam.prefix), length: vocabulary.tokens.levels)
      where open.allows(item) {
        result.append(ScoredItem(item: item, score: beam.score + logShares[Int(item)]))
      }
    }
    return result
  }

  /// - Parameter states: what has seen each user's history, one row a user.
  private func addingDenseScores(to answers: [[ScoredItem]], _ states: Matrix) -> [[ScoredItem]] {
    let pass = ModelPass(inferring: parameters)
    guard let queries = network.denseQueries(pass.tape.constant(states), in: pass)?.value else { return answers }
    var answers = answers
    for (user, answer) in answers.enumerated() {
      let vectors = network.itemVectors(
        ContiguousArray(answer.map { Int32($0.item) }), vocabulary, in: pass
      ).value
      let products = matrixProduct(vectors, queries.rows(user..<user + 1), transposingRight: true)
      for place in answer.indices { answers[user][place].score += denseWeight * products.elements[place] }
    }
    return answers
  }

  static func best(_ items: [ScoredItem], count: Int) -> [ScoredItem] {
    Array(items.sorted { $0.score > $1.score || ($0.score == $1.score && $0.item < $1.item) }.prefix(count))
  }
}
