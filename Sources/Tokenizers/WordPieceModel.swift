/// WordPiece: the longest vocabulary entry at the start of the word, then the longest continuation, and so on.
///
/// Wu et al., "Google's Neural Machine Translation System", 2016; greedy as in BERT.
struct WordPieceModel: Sendable {
  private let trie: ByteTrie
  private let continuation: ByteTrie.Node
  private let unknown: Int32
  private let maximumCharacters: Int

  init(_ field: JSONField, _ vocabulary: Vocabulary) throws(TokenizerError) {
    trie = vocabulary.trie
    let prefix = field["continuing_subword_prefix"]
    continuation = trie.walk(prefix.isNull ? Array("##".utf8) : Array(try prefix.string().utf8))
    let limit = field["max_input_chars_per_word"]
    maximumCharacters = limit.isNull ? 100 : try limit.integer(in: 0...1 << 30)
    let token = field["unk_token"].isNull ? "[UNK]" : try field["unk_token"].string()
    unknown = vocabulary.id(of: token)
    guard unknown >= 0 else { throw field["unk_token"].failure("the vocabulary has no token \"\(token)\"") }
  }

  /// Appends the ids of the word between `start` and `end`. O(bytes × longest token).
  func encode(_ bytes: Bytes, _ start: Int, _ end: Int, into ids: inout ContiguousArray<Int32>) {
    if end - start > maximumCharacters, characterCount(bytes, start, end) > maximumCharacters {
      ids.append(unknown)
      return
    }
    let first = ids.count
    var index = start
    while index < end {
      var node = index == start ? ByteTrie.root : continuation
      var id: Int32 = -1
      var tokenEnd = index
      var next = index
      while next < end, node != ByteTrie.none {
        node = trie.child(of: node, bytes[next])
        next += 1
        if node != ByteTrie.none, trie.id(at: node) >= 0 {
          id = trie.id(at: node)
          tokenEnd = next
        }
      }
      guard id >= 0 else {
        ids.removeLast(ids.count - first)
        ids.append(unknown)
        return
      }
      ids.append(id)
      index = tokenEnd
    }
  }

  private func characterCount(_ bytes: Bytes, _ start: Int, _ end: Int) -> Int {
    var count = 0
    for index in start..<end where bytes[index] & 0xC0 != 0x80 { count += 1 }
    return count
  }
}
