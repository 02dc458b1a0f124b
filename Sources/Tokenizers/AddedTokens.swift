/// One entry of "added_tokens": a token that is found in the text before anything else happens to it.
struct AddedToken: Sendable {
  let content: String
  let singleWord: Bool
  let stripsLeft: Bool
  let stripsRight: Bool
  let isNormalized: Bool

  init(_ field: JSONField) throws(TokenizerError) {
    content = try field["content"].string()
    singleWord = try field["single_word"].bool(default: false)
    stripsLeft = try field["lstrip"].bool(default: false)
    stripsRight = try field["rstrip"].bool(default: false)
    let isSpecial = try field["special"].bool(default: false)
    isNormalized = try field["normalized"].bool(default: !isSpecial)
  }
}

/// A set of added tokens and where they stand in a text.
struct AddedTokenMatcher: Sendable {
  private var trie = ByteTrie()
  private var tokens: [Int32: AddedToken] = [:]
  /// The bytes that some token starts with.
  private var startsToken = ContiguousArray<Bool>(repeating: false, count: 256)

  var isEmpty: Bool { tokens.isEmpty }

  /// Adds a token under the bytes by which it is found.
  mutating func add(_ token: AddedToken, pattern: Bytes, id: Int32, place: JSONField) throws(TokenizerError) {
    guard let first = pattern.first else {
      throw place.failure("nothing is left of the added token \"\(token.content)\" after normalization")
    }
    guard trie.id(of: pattern) < 0 else {
      throw place.failure("the added token \"\(token.content)\" reads like another one after normalization")
    }
    guard trie.insert(pattern, id: id) else { throw place.failure("the added tokens are too long") }
    startsToken[Int(first)] = true
    tokens[id] = token
  }

  /// Cuts the text piece `piece` of `bytes` into tokens and what lies between them.
  ///
  /// The leftmost match wins, of several there the longest; a match that is rejected still hides what it covers.
  func split(_ bytes: Bytes, _ piece: Piece, into result: inout ContiguousArray<Piece>) {
    var settled = piece.start
    var index = piece.start
    while index < piece.end {
      guard startsToken[Int(bytes[index])], let match = longestMatch(bytes, index, piece.end) else {
        index += 1
        continue
      }
      append(match, index, bytes, piece, &settled, &result)
      index = match.end
    }
    result.append(settled, piece.end, of: piece)
  }

  private struct Match {
    let token: AddedToken
    let id: Int32
    let end: Int
  }

  private func longestMatch(_ bytes: Bytes, _ start: Int, _ end: Int) -> Match? {
    var node = ByteTrie.root
    var id: Int32 = -1
    var matchEnd = start
    for index in start..<end {
      node = trie.child(of: node, bytes[index])
      guard node != ByteTrie.none else { break }
      if trie.id(at: node) >= 0 {
        id = trie.id(at: node)
        matchEnd = index + 1
      }
    }
    return tokens[id].map { Match(token: $0, id: id, end: matchEnd) }
  }

  private func append(
    _ match: Match, _ start: Int, _ bytes: Bytes, _ piece: Piece, _ settled: inout Int,
    _ result: inout ContiguousArray<Piece>
  ) {
    var start = start
    var end = match.end
    if match.token.singleWord {
      let followsWord =
        start > piece.start && Self.isWord(bytes.scalar(before: start, start: piece.start))
      let precedesWord = end < piece.end && Self.isWord(bytes.scalar(at: end, end: piece.end))
      if followsWord || precedesWord { return }
    }
    if match.token.stripsLeft {
      while start > settled {
        let scalar = bytes.scalar(before: start, start: settled)
        guard ScalarClass.of(scalar.value).contains(.whitespace) else { break }
        start -= scalar.length
      }
      // What an earlier match has taken stays taken.
      start = max(start, settled)
    }
    if match.token.stripsRight {
      while end < piece.end {
        let scalar = bytes.scalar(at: end, end: piece.end)
        guard ScalarClass.of(scalar.value).contains(.whitespace) else { break }
        end += scalar.length
      }
    }
    result.append(settled, start, of: piece)
    result.append(Piece(start: 0, end: 0, id: match.id))
    settled = end
  }

  private static func isWord(_ scalar: DecodedScalar) -> Bool { ScalarClass.of(scalar.value).contains(.word) }
}
