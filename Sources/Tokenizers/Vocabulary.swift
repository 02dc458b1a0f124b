/// Tokens and their ids, both ways.
struct Vocabulary: Sendable {
  /// Ids stay below this, so that a damaged file cannot ask for gigabytes.
  static let maximumSize = 1 << 22

  private(set) var trie = ByteTrie()
  private var tokens: ContiguousArray<String?> = []
  /// How many entries there are, a repeated token counted again: where added tokens are numbered on from.
  private(set) var tokenCount = 0

  init() {}

  /// One more than the largest id.
  var size: Int { tokens.count }

  /// The id of a token, or -1. O(bytes of the token).
  func id(of token: String) -> Int32 { trie.id(of: token.utf8) }

  func token(_ id: Int32) -> String? {
    id >= 0 && Int(id) < tokens.count ? tokens[Int(id)] : nil
  }

  /// Adds a token that has no id yet, with an id that has no token yet. `place` names it in complaints.
  mutating func add(_ token: String, id: Int, place: @autoclosure () -> JSONField) throws(TokenizerError) {
    guard id >= 0, id < Self.maximumSize else {
      throw place().failure("the id \(id) of token \"\(token)\" is not between 0 and \(Self.maximumSize - 1)")
    }
    if id < tokens.count, let other = tokens[id] {
      throw place().failure("tokens \"\(other)\" and \"\(token)\" share the id \(id)")
    }
    guard trie.id(of: token.utf8) < 0 else { throw place().failure("token \"\(token)\" appears twice") }
    tokenCount += 1
    try put(token, id: id, place: place())
  }

  /// Adds a token, or gives it the newer id: a Unigram vocabulary may repeat a token.
  mutating func replace(_ token: String, id: Int, place: @autoclosure () -> JSONField) throws(TokenizerError) {
    guard id < Self.maximumSize else { throw place().failure("more than \(Self.maximumSize) tokens") }
    tokenCount += 1
    try put(token, id: id, place: place())
  }

  private mutating func put(_ token: String, id: Int, place: @autoclosure () -> JSONField) throws(TokenizerError) {
    guard trie.insert(token.utf8, id: Int32(id)) else {
      throw place().failure("the tokens together are longer than \(ByteTrie.maximumNodes) bytes")
    }
    if id >= tokens.count { tokens += repeatElement(nil, count: id + 1 - tokens.count) }
    tokens[id] = token
  }

  /// The vocabulary of a `{"token": id}` object.
  static func read(_ field: JSONField) throws(TokenizerError) -> Vocabulary {
    var vocabulary = Vocabulary()
    for member in try field.members() {
      guard case .integer(let id) = member.value else {
        throw field.failure("the id of token \"\(member.key)\" is not an integer")
      }
      try vocabulary.add(member.key, id: id, place: field)
    }
    return vocabulary
  }
}
