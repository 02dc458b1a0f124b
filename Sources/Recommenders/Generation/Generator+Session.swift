public import BehaviorAlignment
internal import NeuralNetworks

// A session is written item by item behind the same history: the items before one are read by the decoder, as in training
// with targetItems above 1 (2502.18965, section 3.2).
extension Generator {
  /// A session for one user; see ``generateSessions(_:items:filter:)``.
  public func generateSession(
    history: [UInt32], items: Int, filter: RecommendationFilter = RecommendationFilter()
  ) throws(RecommenderError) -> [ScoredItem] {
    let query = NextItemQuery(user: 0, history: ContiguousArray(history), target: 0)
    return try generateSessions([query], items: items, filter: filter)[0]
  }

  /// For each query some items that follow one another, none twice: beam search finds the best next item, ``beamWidth`` IDs
  /// looked at, and the search for the one behind it goes on from there. Neither sampling nor the dense head takes part.
  /// - Parameter items: at most ``GeneratorConfiguration/targetItems``.
  /// - Returns: the items in order, with log p of each given those before it, fewer where no more pass the filter. Where
  ///   an ID was written once, its other items may still follow.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for more items than the network learned to write one behind
  ///   another.
  /// - Complexity: per query one run of the encoder, and `items` times the decoder's of
  ///   ``recommend(_:count:filter:)``.
  public func generateSessions(
    _ queries: ArraySlice<NextItemQuery>, items count: Int, filter: RecommendationFilter
  ) throws(RecommenderError) -> [[ScoredItem]] {
    guard let network = network as? EncoderDecoderNetwork, (0...network.targetItems).contains(count) else {
      throw RecommenderError(
        .invalidParameter,
        "a session of \(count) items, and the generator learned to write \(configuration.targetItems) behind one "
          + "another; ask for at most those, or train an encoder-decoder with targetItems \(max(1, count))")
    }
    let open = OpenPrefixes(vocabulary.trie, filter)
    var sessions: [[ScoredItem]] = []
    for start in stride(from: queries.startIndex, to: queries.endIndex, by: Self.blockUsers) {
      let block = queries[start..<min(start + Self.blockUsers, queries.endIndex)]
      sessions += write(
        count, behind: readable(block), users: block.map(\.user),
        open: block.map { open.excluding($0.history, vocabulary) }, network)
    }
    return sessions
  }

  private func write(
    _ count: Int, behind contexts: [UserContext], users: [Int], open: [OpenPrefixes], _ network: EncoderDecoderNetwork
  ) -> [[ScoredItem]] {
    var (sessions, open) = ([[ScoredItem]](repeating: [], count: contexts.count), open)
    let search = BeamSearch(vocabulary: vocabulary, width: max(1, beamWidth))
    var scorer = network.scorer(contexts, vocabulary, in: ModelPass(inferring: parameters, precision: precision))
    for _ in 0..<count {
      let beams = search.search(&scorer, users: users, open: open)
      let best = zip(beams, open).map { Self.best(items(of: $0, $1), count: 1).first }
      for (user, scored) in best.enumerated() {
        guard let scored else { continue }
        sessions[user].append(scored)
        open[user] = open[user].removing(CollectionOfOne(scored.item), vocabulary)
      }
      scorer.accept(best.map { $0?.item })
    }
    return sessions
  }
}
