package import TensorMath

/// A network made ready to recommend: it reads what is known of some users at a time, to write behind them.
package protocol HistoryReader: Sendable {
  associatedtype Scorer: CodeScorer

  /// Users that are read at once.
  var blockUsers: Int { get }

  /// Whether a block is worked on by the calling thread alone, so that several blocks take a thread each.
  var keepsToOneThread: Bool { get }

  /// - Parameters:
  ///   - users: whose histories may be empty.
  ///   - former: a scorer that is no longer used, for its memory.
  func scorer(_ users: [UserContext], reusing former: Scorer?) -> Scorer
}

/// Scores the next codes of prefixes behind the histories of some users.
package protocol CodeScorer {
  /// What has seen each user's history: one row a user.
  var userStates: Matrix { get }

  /// Called level by level, from 0.
  /// - Parameter beams: by user: those held, of length `level`, whose parents were held before.
  /// - Returns: of beams that have more than one child, in order, the logits of their live children, ascending by code,
  ///   one beam's behind the other's.
  mutating func childLogits(of beams: [[Beam]], level: Int) -> ContiguousArray<Float>
}

extension HistoryReader {
  /// Reads and writes for users block by block, on all threads.
  /// - Parameter body: makes of a block's users, each once, what is returned for them; any number of blocks at a time.
  /// - Returns: by block.
  func forEachBlock<Result: Sendable>(
    of count: Int, _ contexts: @Sendable (Range<Int>) -> [UserContext],
    _ body: @Sendable (Range<Int>, inout Scorer) -> Result
  ) -> [Result] {
    let blocks = (count + blockUsers - 1) / blockUsers
    @Sendable func run(_ range: Range<Int>) -> [Result] {
      var former: Scorer?
      return range.map { block in
        let users = block * blockUsers..<min(count, (block + 1) * blockUsers)
        var scorer = scorer(contexts(users), reusing: former.take())
        defer { former = scorer }
        return body(users, &scorer)
      }
    }
    guard keepsToOneThread else { return run(0..<blocks) }
    // Blocks in a row share their memory, as far as there are enough of them for all threads.
    return Parallelism.mapChunks(of: blocks, size: max(1, min(8, blocks / 32)), run).flatMap { $0 }
  }
}
