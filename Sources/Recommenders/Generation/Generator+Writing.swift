public import BehaviorAlignment
internal import NeuralNetworks
internal import TensorMath

extension Generator {
  /// log p of sessions behind histories, the sum over all their codes; of single items where a session has one. Items of
  /// one ID have its probability undivided: add the log of an item's share for ``recommend(_:count:filter:)``'s score.
  /// - Parameters:
  ///   - sessions: by history; items with codes, at most ``GeneratorConfiguration/targetItems`` of them.
  ///   - histories: of which the latest items with codes are read.
  /// - Returns: by history, in nats.
  /// - Throws: ``RecommenderError/Code/unknown`` for an item without codes, and
  ///   ``RecommenderError/Code/invalidParameter`` for a session that is empty, or longer than was learned.
  public func logProbabilities(
    of sessions: [[[UInt32]]], behind histories: [[UInt32]], legality: CodeLegality = .constrained
  ) throws(RecommenderError) -> [[Float]] {
    precondition(sessions.count == histories.count, "sessions for each history")
    for session in sessions.joined() {
      guard (1...configuration.targetItems).contains(session.count) else {
        throw RecommenderError(
          .invalidParameter,
          "a session of \(session.count) items, and the generator writes 1 to \(configuration.targetItems)")
      }
      if let item = session.first(where: { !vocabulary.knows($0) }) {
        throw RecommenderError(.unknown, "item \(item) has no codes, so it has no probability")
      }
    }
    var result: [[Float]] = []
    for start in stride(from: 0, to: histories.count, by: Self.blockUsers) {
      let range = start..<min(start + Self.blockUsers, histories.count)
      let written = range.flatMap { history in
        sessions[history].map { WrittenIDs(history: history - start, items: $0, vocabulary) }
      }
      var found = logProbabilities(
        of: written, behind: histories[range].map { readable($0) }, legality: legality)[...]
      for history in range {
        result.append(Array(found.prefix(sessions[history].count)))
        found = found.dropFirst(sessions[history].count)
      }
    }
    return result
  }

  /// The same for what is ready to be read.
  func logProbabilities(
    of written: [WrittenIDs], behind users: [UserContext], legality: CodeLegality
  ) -> ContiguousArray<Float> {
    network.logProbabilities(
      of: written, behind: users, legality: legality, vocabulary, in: ModelPass(inferring: parameters)
    ).value.elements
  }

  /// - Parameter history: of which nothing is known but the items.
  func readable(_ history: [UInt32]) -> UserContext {
    vocabulary.context(of: UserEvents(items: ContiguousArray(history)), ContextReader(configuration))
  }

  /// The share of IDs that exist among those that are drawn code by code from all codes: what 2506.13695 calls legality,
  /// and what beam search among live prefixes makes 1 whatever the model has learned.
  /// - Parameter draws: per query.
  /// - Returns: 1 for no query.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for sampling out of range.
  /// - Complexity: per query one run of the backbone, and of the decoder over `levels` codes of all that is drawn.
  public func legality(
    on queries: ArraySlice<NextItemQuery>, draws: Int, sampling: CodeSampling = CodeSampling()
  ) throws(RecommenderError) -> Double {
    try sampling.validate()
    var (legal, all) = (0, 0)
    for start in stride(from: queries.startIndex, to: queries.endIndex, by: Self.blockUsers) {
      let block = queries[start..<min(start + Self.blockUsers, queries.endIndex)]
      let drawn = network.drawIDs(
        draws, behind: readable(block), users: block.map(\.user), sampling, vocabulary,
        in: ModelPass(inferring: parameters))
      for id in drawn.joined() {
        all += id.draws
        if vocabulary.trie.prefix(ofCodes: id.codes) != nil { legal += id.draws }
      }
    }
    return all > 0 ? Double(legal) / Double(all) : 1
  }
}
