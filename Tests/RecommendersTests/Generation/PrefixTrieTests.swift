import Recommenders
import TensorMath
import Testing

@Suite struct PrefixTrieTests {
  /// Prefixes of each length in order, with the items below them, found the slow way.
  private func bruteForce(_ tokens: ItemTokens, length: Int) -> [(codes: [UInt16], items: [UInt32])] {
    var found: [[UInt16]: [UInt32]] = [:]
    for item in 0..<UInt32(tokens.itemCount) where tokens.isPresent[Int(item)] {
      found[Array(tokens.codes(ofItem: item).prefix(length)), default: []].append(item)
    }
    return found.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
  }

  @Test(arguments: [[4], [3, 2], [8, 8, 8], [2, 2, 2, 2], [300, 1, 5]])
  func prefixesAreThoseOfABruteForceSearch(_ sizes: [Int]) throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      let tokens = try randomTokens(items: 60, sizes: sizes, without: [3, 17, 59], seed: seed)
      let trie = PrefixTrie(tokens)
      for length in 0...sizes.count {
        let expected = bruteForce(tokens, length: length)
        #expect(trie.prefixCount(length: length) == expected.count)
        for (number, prefix) in expected.enumerated() {
          #expect(trie.items(of: number, length: length).sorted() == prefix.items)
          #expect(prefix.items.contains(trie.firstItem(of: number, length: length)))
          if length > 0 { #expect(trie.lastCode(of: number, length: length) == prefix.codes.last) }
          for item in prefix.items { #expect(trie.prefix(ofItem: item, length: length) == number) }
        }
      }
    }
  }

  @Test func childrenExtendTheirPrefixByOneCode() throws {
    let tokens = try randomTokens(items: 200, sizes: [6, 5, 7])
    let trie = PrefixTrie(tokens)
    for length in 0..<3 {
      let (own, next) = (bruteForce(tokens, length: length), bruteForce(tokens, length: length + 1))
      for (number, prefix) in own.enumerated() {
        let children = next.indices.filter { Array(next[$0].codes.dropLast()) == prefix.codes }
        #expect(Array(trie.children(of: number, length: length)) == children)
        #expect(Array(trie.childCodes(of: number, length: length)) == children.map { next[$0].codes[length] })
      }
    }
  }

  @Test func itemsOfOneIDShareABucketInTheirOrder() throws {
    let tokens = try ItemTokens(
      sizes: [3, 3], codes: [2, 1, 0, 0, 2, 1, 2, 1], isPresent: [true, true, true, true])
    let trie = PrefixTrie(tokens)
    #expect(trie.prefixCount(length: 2) == 2)
    #expect(Array(trie.items(of: 1, length: 2)) == [0, 2, 3])
  }

  @Test func anItemWithoutCodesHasNoPrefix() throws {
    let tokens = try randomTokens(items: 5, sizes: [2, 2], without: [0, 4])
    let trie = PrefixTrie(tokens)
    #expect(trie.prefix(ofItem: 0, length: 1) == -1)
    #expect(trie.prefix(ofItem: 4, length: 2) == -1)
    #expect(trie.items(of: 0, length: 0).sorted() == [1, 2, 3])
  }
}
