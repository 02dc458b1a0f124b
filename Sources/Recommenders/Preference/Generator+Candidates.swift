package import BehaviorAlignment
internal import NeuralNetworks
internal import TensorMath

/// What a generator may recommend: a session that a reward model scores.
package struct PreferenceCandidate: Sendable, Equatable {
  /// One for the next item, more for a session.
  package var items: [UInt32]
  /// How often it was drawn; 1 in beam search.
  package var draws: Int

  package init(_ items: [UInt32], draws: Int = 1) {
    self.items = items
    self.draws = draws
  }
}

extension Generator {
  /// Sessions for each query: beam search for the best first items, or draws, one item an ID; each is then continued by
  /// the best that follow it.
  ///
  /// Of the items that share an ID, the one with the largest share stands for it, since the policy cannot tell them apart.
  /// - Parameters:
  ///   - count: IDs per query, or draws.
  ///   - length: items of a session.
  /// - Returns: by query, different IDs, best first.
  package func candidates(
    for queries: [NextItemQuery], count: Int, length: Int, sampling: CodeSampling?, filter: RecommendationFilter
  ) -> [[PreferenceCandidate]] {
    let search = BeamSearch(vocabulary: vocabulary, width: count, sampling: sampling)
    let first = found(by: search, behind: queries[...], filter) { found in
      zip(found.beams, found.open).map { beams, open in
        beams.sorted(by: Beam.precedes).compactMap { beam -> PreferenceCandidate? in
          Self.best(items(of: [beam], open), count: 1).first.map {
            PreferenceCandidate([$0.item], draws: sampling == nil ? 1 : beam.draws)
          }
        }
      }
    }.flatMap { $0 }
    guard length > 1, let network = network as? EncoderDecoderNetwork else { return first }
    let open = OpenPrefixes(vocabulary.trie, filter)
    return zip(first, zip(queries, readable(queries[...]))).map { candidates, user in
      continued(
        candidates, behind: user.1, open.excluding(user.0.history, vocabulary), length: length, network)
    }
  }

  /// Prefixes that are held in the search for what follows.
  private static let continuationBeam = 4

  /// One user's candidates, each with the best items that follow.
  private func continued(
    _ candidates: [PreferenceCandidate], behind user: UserContext, _ open: OpenPrefixes, length: Int,
    _ network: EncoderDecoderNetwork
  ) -> [PreferenceCandidate] {
    guard !candidates.isEmpty else { return [] }
    var result = candidates
    var openToEach = candidates.map { open.removing($0.items, vocabulary) }
    let search = BeamSearch(vocabulary: vocabulary, width: Self.continuationBeam)
    var scorer = network.scorer(
      candidates.map { _ in user }, vocabulary, in: ModelPass(inferring: parameters))
    scorer.accept(candidates.map { $0.items[0] })
    for _ in 1..<length {
      let beams = search.search(&scorer, users: candidates.map { _ in 0 }, open: openToEach)
      let best = zip(beams, openToEach).map { Self.best(items(of: $0, $1), count: 1).first?.item }
      for (place, item) in best.enumerated() {
        guard let item else { continue }
        result[place].items.append(item)
        openToEach[place] = openToEach[place].removing(CollectionOfOne(item), vocabulary)
      }
      scorer.accept(best)
    }
    return result
  }
}
