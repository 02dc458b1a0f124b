import TensorMath
import Testing
import Tokenizers

@Suite("Tries and vocabularies behave like dictionaries")
struct VocabularyReferenceTests {
  /// Few different bytes, so that entries share beginnings.
  private func word(_ letters: [UInt8], upTo count: Int, using random: inout RandomSource) -> [UInt8] {
    (0..<Int.random(in: 0...count, using: &random)).map { _ in letters.randomElement(using: &random)! }
  }

  @Test(
    arguments: [
      ([0x61, 0x62], 12), ([0x00, 0x01, 0xFF], 8), (Array(0...255), 3), ([0x61], 300),
    ] as [([UInt8], Int)])
  func aTrieHoldsWhatADictionaryHolds(letters: [UInt8], longest: Int) {
    var random = RandomSource(seed: 21)
    var trie = ByteTrie()
    var reference: [[UInt8]: Int32] = [:]
    for id in 0..<Int32(3000) {
      let entry = word(letters, upTo: longest, using: &random)
      let isInserted = trie.insert(entry, id: id)
      #expect(isInserted)
      reference[entry] = id
    }
    for (entry, id) in reference { #expect(trie.id(of: entry) == id) }
    for _ in 0..<3000 {
      let probe = word(letters, upTo: longest + 1, using: &random)
      #expect(trie.id(of: probe) == reference[probe] ?? -1)
    }
  }

  @Test func walksEndExactlyWhereNoEntryGoesOn() {
    var random = RandomSource(seed: 22)
    var trie = ByteTrie()
    var beginnings: Set<[UInt8]> = [[]]
    for id in 0..<Int32(500) {
      let entry = word([1, 2, 3], upTo: 9, using: &random)
      _ = trie.insert(entry, id: id)
      for count in 0...entry.count { beginnings.insert(Array(entry.prefix(count))) }
    }
    for _ in 0..<5000 {
      let probe = word([1, 2, 3], upTo: 10, using: &random)
      #expect((trie.walk(probe) != ByteTrie.none) == beginnings.contains(probe))
    }
  }

  @Test func aWalkMayPauseAnywhere() {
    var trie = ByteTrie()
    let entry = Array("walkable".utf8)
    _ = trie.insert(entry, id: 5)
    for count in 0...entry.count {
      let middle = trie.walk(entry.prefix(count))
      #expect(trie.id(at: trie.walk(entry.dropFirst(count), from: middle)) == 5)
      #expect(trie.id(at: middle) == (count == entry.count ? 5 : -1))
    }
    #expect(trie.walk([]) == ByteTrie.root)
  }

  @Test func copiesOfATrieDoNotShareEntries() {
    var first = ByteTrie()
    _ = first.insert([1, 2], id: 1)
    var second = first
    _ = second.insert([1, 3], id: 2)
    #expect(first.id(of: [1, 3]) == -1)
    #expect(second.id(of: [1, 2]) == 1)
  }

  /// Tokens that differ in their normal form only are different tokens.
  private func randomVocabulary(_ count: Int, using random: inout RandomSource) -> [[UInt8]: Int32] {
    let scalars: [Unicode.Scalar] = ["a", "b", "\u{E9}", "e", "\u{301}", "漢", "😀", "\u{212B}", "\u{C5}"]
    var tokens: [[UInt8]: Int32] = [:]
    var id: Int32 = 1
    while tokens.count < count {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 1...5, using: &random) { text.append(scalars.randomElement(using: &random)!) }
      guard tokens[Array(String(text).utf8)] == nil else { continue }
      tokens[Array(String(text).utf8)] = id
      id += Int32.random(in: 1...4, using: &random)
    }
    return tokens
  }

  @Test(arguments: 0..<8)
  func aVocabularyWithGapsAnswersBothWays(seed: Int) throws {
    var random = RandomSource(seed: 30 + UInt64(seed))
    let reference = randomVocabulary(600, using: &random)
    let entries = reference.map { "\"\(String(decoding: $0.key, as: UTF8.self))\": \($0.value)" }
    let tokenizer = try tinyTokenizer(
      model: "{\"type\": \"BPE\", \"merges\": [], \"vocab\": {\(entries.joined(separator: ", "))}}")
    let largest = try #require(reference.values.max())
    #expect(tokenizer.vocabularySize == Int(largest) + 1)
    for (token, id) in reference {
      #expect(tokenizer.id(of: String(decoding: token, as: UTF8.self)) == id)
      #expect(tokenizer.token(id).map { Array($0.utf8) } == token)
    }
    let taken = Set(reference.values)
    for id in -2...largest + 2 where !taken.contains(id) { #expect(tokenizer.token(id) == nil) }
    for probe in randomVocabulary(600, using: &random).keys {
      #expect(tokenizer.id(of: String(decoding: probe, as: UTF8.self)) == reference[probe])
    }
  }

  @Test func idsGoUpToTheLimitAndNoFurther() throws {
    let limit = 1 << 22
    func tokenizer(_ id: String) throws -> Tokenizer {
      try tinyTokenizer(model: "{\"type\": \"BPE\", \"merges\": [], \"vocab\": {\"a\": \(id)}}")
    }
    #expect(try tokenizer("\(limit - 1)").vocabularySize == limit)
    for id in ["\(limit)", "-1", "9223372036854775807", "-9223372036854775808"] {
      #expect {
        try tokenizer(id)
      } throws: { error in
        (error as? TokenizerError)?.message.contains("the id \(id) of token \"a\" is not between 0") == true
      }
    }
    for id in ["9223372036854775808", "1.0", "1e3", "\"1\"", "null", "true", "[1]", "{}"] {
      #expect {
        try tokenizer(id)
      } throws: { error in
        (error as? TokenizerError)?.message.contains("the id of token \"a\" is not an integer") == true
      }
    }
  }
}
