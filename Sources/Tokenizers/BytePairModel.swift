/// Byte-pair encoding: starting from characters, the pair that was learned first is merged, again and again.
///
/// Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016, algorithm 1.
struct BytePairModel: Sendable {
  private let trie: ByteTrie
  private let merges: MergeTable
  /// -1 without an unknown token.
  private let unknown: Int32
  private let continuation: ByteTrie.Node
  private let suffix: Bytes
  private let fusesUnknowns: Bool
  private let ignoresMerges: Bool
  /// What a character's bytes fall back to; empty without byte fallback.
  private let byteTokens: ContiguousArray<Int32>
  private let prefix: Bytes

  init(_ field: JSONField, _ vocabulary: Vocabulary) throws(TokenizerError) {
    trie = vocabulary.trie
    if !field["dropout"].isNull, try field["dropout"].number() != 0 {
      throw field["dropout"].failure("dropout makes ids random; set it to null")
    }
    prefix = try Self.affix(field["continuing_subword_prefix"])
    suffix = try Self.affix(field["end_of_word_suffix"])
    continuation = trie.walk(prefix)
    fusesUnknowns = try field["fuse_unk"].bool(default: false)
    ignoresMerges = try field["ignore_merges"].bool(default: false)
    byteTokens = try field["byte_fallback"].bool(default: false) ? vocabulary.byteTokens : []
    if field["unk_token"].isNull {
      unknown = -1
    } else {
      let token = try field["unk_token"].string()
      unknown = vocabulary.id(of: token)
      guard unknown >= 0 else { throw field["unk_token"].failure("the vocabulary has no token \"\(token)\"") }
    }
    merges = try MergeTable(field["merges"], vocabulary, prefixLength: prefix.count)
  }

  private static func affix(_ field: JSONField) throws(TokenizerError) -> Bytes {
    field.isNull ? [] : Bytes(try field.string().utf8)
  }

  /// Appends the ids of the word between `start` and `end`. O(n log n) in its characters.
  func encode(_ bytes: Bytes, _ start: Int, _ end: Int, into ids: inout ContiguousArray<Int32>) {
    guard end > start else { return }
    if ignoresMerges {
      let id = trie.id(of: bytes[start..<end])
      if id >= 0 {
        ids.append(id)
        return
      }
    }
    merges.merge(symbols(bytes, start, end), into: &ids)
  }

  /// The ids of the word's characters.
  private func symbols(_ bytes: Bytes, _ start: Int, _ end: Int) -> ContiguousArray<Int32> {
    var result = ContiguousArray<Int32>()
    result.reserveCapacity(end - start)
    var hasUnknown = false
    var index = start
    while index < end {
      let next = index + bytes.scalar(at: index, end: end).length
      let id = characterID(bytes, index, next, isFirst: index == start, isLast: next == end)
      if id >= 0 {
        if hasUnknown { result.append(unknown) }
        hasUnknown = false
        result.append(id)
      } else if !appendFallback(bytes, index, next, isFirst: index == start, isLast: next == end, &result),
        unknown >= 0
      {
        if hasUnknown, !fusesUnknowns { result.append(unknown) }
        hasUnknown = true
      }
      index = next
    }
    if hasUnknown { result.append(unknown) }
    return result
  }

  private func characterID(_ bytes: Bytes, _ start: Int, _ end: Int, isFirst: Bool, isLast: Bool) -> Int32 {
    var node = isFirst ? ByteTrie.root : continuation
    var index = start
    while index < end, node != ByteTrie.none {
      node = trie.child(of: node, bytes[index])
      index += 1
    }
    if isLast, node != ByteTrie.none { node = trie.walk(suffix, from: node) }
    return node == ByteTrie.none ? -1 : trie.id(at: node)
  }

  /// Appends a token for each byte of the character, its prefix and suffix included, if all have one.
  private func appendFallback(
    _ bytes: Bytes, _ start: Int, _ end: Int, isFirst: Bool, isLast: Bool, _ result: inout ContiguousArray<Int32>
  ) -> Bool {
    guard !byteTokens.isEmpty else { return false }
    let text = (isFirst ? [] : prefix) + bytes[start..<end] + (isLast ? suffix : [])
    guard text.allSatisfy({ byteTokens[Int($0)] >= 0 }) else { return false }
    for byte in text { result.append(byteTokens[Int(byte)]) }
    return true
  }
}
