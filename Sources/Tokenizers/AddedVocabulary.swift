/// The added tokens with their ids, and the two searches for them: in the raw text and in the normalized.
struct AddedVocabulary: Sendable {
  private var trie = ByteTrie()
  private var tokens: [Int32: AddedToken] = [:]
  private var raw = AddedTokenMatcher()
  private var normalized = AddedTokenMatcher()

  /// Reads "added_tokens". As in the reference library, a token that the model knows keeps the model's id, and the
  /// others are numbered on from the end, whatever ids the file states.
  init(_ field: JSONField, _ vocabulary: Vocabulary, _ normalizer: Normalizer?) throws(TokenizerError) {
    guard !field.isNull else { return }
    var next = Int32(vocabulary.tokenCount)
    var places: [Int32: JSONField] = [:]
    for entry in try field.fields() {
      let token = try AddedToken(entry)
      guard !token.content.isEmpty else { continue }
      let known = trie.id(of: token.content.utf8)
      var id = known >= 0 ? known : vocabulary.id(of: token.content)
      if id < 0 {
        id = next
        next += 1
        if let other = vocabulary.token(id) {
          throw entry.failure("the next free id, \(id), already belongs to \"\(other)\"; the vocabulary has gaps")
        }
      }
      guard trie.insert(token.content.utf8, id: id) else { throw entry.failure("the added tokens are too long") }
      tokens[id] = token
      places[id] = entry
    }
    for (id, token) in tokens.sorted(by: { $0.key < $1.key }) {
      try addPattern(token, id, normalizer, places[id] ?? field)
    }
  }

  private mutating func addPattern(
    _ token: AddedToken, _ id: Int32, _ normalizer: Normalizer?, _ place: JSONField
  ) throws(TokenizerError) {
    var pattern = NormalizedText(Bytes(token.content.utf8))
    guard token.isNormalized else {
      try raw.add(token, pattern: pattern.bytes, id: id, place: place)
      return
    }
    normalizer?.apply(to: &pattern)
    try normalized.add(token, pattern: pattern.bytes, id: id, place: place)
  }

  /// One more than the largest id.
  var size: Int { Int(tokens.keys.max() ?? -1) + 1 }

  func id(of token: String) -> Int32? {
    let id = trie.id(of: token.utf8)
    return id >= 0 ? id : nil
  }

  func token(_ id: Int32) -> String? { tokens[id]?.content }

  func splitRaw(_ list: inout PieceList) {
    if !raw.isEmpty { list.cut(raw.split) }
  }

  func splitNormalized(_ list: inout PieceList) {
    if !normalized.isEmpty { list.cut(normalized.split) }
  }
}
