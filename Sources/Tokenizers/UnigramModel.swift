/// A unigram language model: the segmentation with the highest sum of scores, found by Viterbi.
///
/// Kudo, "Subword Regularization", 2018, equation 2.
struct UnigramModel: Sendable {
  /// What an unknown character costs beyond the lowest score.
  private static let unknownPenalty = 10.0

  private let trie: ByteTrie
  private let scores: ContiguousArray<Double>
  private let unknownScore: Double
  private let unknown: Int32
  /// The tokens `<0x00>` to `<0xFF>`, or -1; empty without byte fallback.
  private let byteTokens: ContiguousArray<Int32>

  /// Reads the `[["token", score], …]` list; a token's id is its position, of a repeated token the last.
  static func vocabulary(_ field: JSONField) throws(TokenizerError) -> Vocabulary {
    var vocabulary = Vocabulary()
    for (id, value) in try field.elements().enumerated() {
      guard case .array(let entry) = value, entry.count == 2, case .string(let token) = entry[0] else {
        throw field.failure("entry \(id) is not a token with its score")
      }
      try vocabulary.replace(token, id: id, place: field)
    }
    return vocabulary
  }

  init(_ field: JSONField, _ vocabulary: Vocabulary) throws(TokenizerError) {
    trie = vocabulary.trie
    var scores = ContiguousArray<Double>()
    for entry in try field["vocab"].fields() {
      let parts = try entry.fields()
      guard parts.count == 2 else { throw entry.failure("expected a token with its score") }
      scores.append(try parts[1].number())
    }
    self.scores = scores
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    guard !scores.isEmpty, !field["unk_id"].isNull else {
      throw field["unk_id"].failure("a Unigram model needs an unknown token")
    }
    unknown = Int32(try field["unk_id"].integer(in: 0...scores.count - 1))
    byteTokens = try field["byte_fallback"].bool(default: false) ? vocabulary.byteTokens : []
  }

  private struct Node {
    var score = 0.0
    /// Where the best last token starts; -1 while there is none.
    var start: Int32 = -1
    var id: Int32 = -1
  }

  private struct Token {
    var start: Int
    let end: Int
    let id: Int32
  }

  /// Appends the ids of the text between `start` and `end`. O(bytes × longest token).
  func encode(_ bytes: Bytes, _ start: Int, _ end: Int, into ids: inout ContiguousArray<Int32>) {
    for token in tokens(bestPath(bytes, start, end), end - start).reversed() {
      append(token, bytes, start, into: &ids)
    }
  }

  private func bestPath(_ bytes: Bytes, _ start: Int, _ end: Int) -> ContiguousArray<Node> {
    let count = end - start
    var best = ContiguousArray(repeating: Node(), count: count + 1)
    var from = 0
    while from < count {
      let score = best[from].score
      let width = bytes.scalar(at: start + from, end: end).length
      var node = ByteTrie.root
      var hasSingle = false
      var to = from
      while to < count {
        node = trie.child(of: node, bytes[start + to])
        if node == ByteTrie.none { break }
        to += 1
        let id = trie.id(at: node)
        guard id >= 0 else { continue }
        relax(&best[to], score + scores[Int(id)], from, id)
        if to - from == width { hasSingle = true }
      }
      if !hasSingle { relax(&best[from + width], score + unknownScore, from, unknown) }
      from += width
    }
    return best
  }

  @inline(__always)
  private func relax(_ node: inout Node, _ score: Double, _ start: Int, _ id: Int32) {
    if node.start < 0 || score > node.score { node = Node(score: score, start: Int32(start), id: id) }
  }

  /// The best path from the last token to the first, neighboring unknowns as one.
  private func tokens(_ best: ContiguousArray<Node>, _ count: Int) -> ContiguousArray<Token> {
    var result = ContiguousArray<Token>()
    var end = count
    while end > 0 {
      let node = best[end]
      // Every end on the path was reached from an earlier one.
      guard node.start >= 0 else { break }
      if node.id == unknown, let last = result.last, last.id == unknown {
        result[result.count - 1].start = Int(node.start)
      } else {
        result.append(Token(start: Int(node.start), end: end, id: node.id))
      }
      end = Int(node.start)
    }
    return result
  }

  /// Joined unknowns may spell a token after all, or fall back to their bytes.
  private func append(_ token: Token, _ bytes: Bytes, _ start: Int, into ids: inout ContiguousArray<Int32>) {
    guard token.id == unknown else {
      ids.append(token.id)
      return
    }
    let text = bytes[(start + token.start)..<(start + token.end)]
    let id = trie.id(of: text)
    if id >= 0 {
      ids.append(id)
    } else if !byteTokens.isEmpty, text.allSatisfy({ byteTokens[Int($0)] >= 0 }) {
      for byte in text { ids.append(byteTokens[Int(byte)]) }
    } else {
      ids.append(unknown)
    }
  }
}

extension Vocabulary {
  /// The ids of `<0x00>` to `<0xFF>`, -1 where there is none.
  var byteTokens: ContiguousArray<Int32> {
    ContiguousArray(
      (0..<256).map { byte in
        let digits = String(byte, radix: 16, uppercase: true)
        return id(of: "<0x" + (digits.utf8.count < 2 ? "0" : "") + digits + ">")
      })
  }
}
