package import BehaviorAlignment
internal import NeuralNetworks
internal import Synchronization
internal import TensorMath

/// What a search found for some users.
struct FoundBeams {
  /// Of each user.
  let beams: [[Beam]]
  /// What each user's search kept to.
  let open: [OpenPrefixes]
  /// What has seen each user's history, one row a user.
  let states: Matrix
}

extension Generator {
  /// What is read of each user.
  package func readable(_ queries: ArraySlice<NextItemQuery>) -> [UserContext] {
    let reader = ContextReader(configuration)
    return queries.map { query in
      vocabulary.context(
        of: UserEvents(items: query.history, times: query.times, positives: query.positives), reader)
    }
  }

  /// Searches behind each query's history, a block of them at a time, on all threads.
  /// - Parameter body: what is made of a block, on the thread that searched.
  /// - Returns: by block, in the queries' order.
  func found<Result: Sendable>(
    by search: BeamSearch, behind queries: ArraySlice<NextItemQuery>, _ filter: RecommendationFilter,
    _ body: @Sendable (FoundBeams) -> Result
  ) -> [Result] {
    let reader = readers.reader(precision) { network.reader(vocabulary, parameters, precision: precision) }
    return found(by: search, reader, behind: queries, OpenPrefixes(vocabulary.trie, filter), body)
  }

  private func found<Result: Sendable>(
    by search: BeamSearch, _ reader: some HistoryReader, behind queries: ArraySlice<NextItemQuery>,
    _ openToAll: OpenPrefixes, _ body: @Sendable (FoundBeams) -> Result
  ) -> [Result] {
    let block: @Sendable (Range<Int>) -> ArraySlice<NextItemQuery> = { users in
      queries[queries.startIndex + users.lowerBound..<queries.startIndex + users.upperBound]
    }
    func run() -> [Result] {
      reader.forEachBlock(of: queries.count, { readable(block($0)) }) { users, scorer in
        let open = block(users).map { openToAll.excluding($0.history, vocabulary) }
        let beams = search.search(&scorer, users: block(users).map(\.user), open: open)
        return body(FoundBeams(beams: beams, open: open, states: scorer.userStates))
      }
    }
    // Giving memory back takes longer than the answer to a few.
    return queries.count > reader.blockUsers ? FreedMemory.keeping(during: run) : run()
  }
}

/// A generator's network made ready to recommend, by precision: made when it is first asked for, since packing the weights
/// takes longer than an answer, and shared by copies of the generator, whose parameters are the same.
final class ReaderCache: Sendable {
  private let readers = Mutex<[WeightPrecision: any HistoryReader]>([:])

  func reader(_ precision: WeightPrecision, make: () -> any HistoryReader) -> any HistoryReader {
    readers.withLock { readers in
      if let reader = readers[precision] { return reader }
      let reader = make()
      readers[precision] = reader
      return reader
    }
  }
}
