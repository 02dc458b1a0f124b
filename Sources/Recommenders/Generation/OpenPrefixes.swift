/// Which prefixes lead to an item that an answer may hold. A search that keeps to them loses no place to an item that is
/// filtered out behind it.
package struct OpenPrefixes: Sendable {
  private let trie: PrefixTrie
  private let filter: RecommendationFilter
  /// By length less 1, and prefix: items below it that the filter lets through; nil where it lets all through.
  private let counts: [ContiguousArray<Int32>]?
  /// Items that one user is not to be given, and how many of them are below a prefix, by length less 1.
  private var excluded: Set<UInt32> = []
  private var excludedCounts: [[Int: Int32]] = []

  /// - Complexity: O(items · levels) for a filter with lists, O(1) otherwise.
  package init(_ trie: PrefixTrie, _ filter: RecommendationFilter) {
    self.trie = trie
    self.filter = filter
    guard !filter.denied.isEmpty || filter.allowed != nil else {
      counts = nil
      return
    }
    counts = (1...trie.levels).map { length in
      ContiguousArray(
        (0..<trie.prefixCount(length: length)).lazy.map { prefix in
          Int32(trie.items(of: prefix, length: length).count { filter.permits($0, history: []) })
        })
    }
  }

  /// The same for a user with that history.
  package func excluding(_ history: some Sequence<UInt32>, _ vocabulary: GeneratorVocabulary) -> OpenPrefixes {
    filter.excludesHistory ? removing(history, vocabulary) : self
  }

  /// The same without those items, whatever the filter says of a history.
  package func removing(_ items: some Sequence<UInt32>, _ vocabulary: GeneratorVocabulary) -> OpenPrefixes {
    var result = self
    if result.excludedCounts.isEmpty { result.excludedCounts = Array(repeating: [:], count: trie.levels) }
    for item in items where vocabulary.knows(item) && filter.permits(item, history: []) {
      guard result.excluded.insert(item).inserted else { continue }
      for length in 1...trie.levels {
        result.excludedCounts[length - 1][Int(trie.prefix(ofItem: item, length: length)), default: 0] += 1
      }
    }
    return result
  }

  /// - Parameter length: of `prefix`, at least 1.
  package func contains(_ prefix: Int, length: Int) -> Bool {
    let all = counts.map { $0[length - 1][prefix] } ?? 1
    guard all > 0, !excluded.isEmpty, let left = excludedCounts[length - 1][prefix] else { return all > 0 }
    return (counts == nil ? Int32(trie.items(of: prefix, length: length).count) : all) > left
  }

  /// Whether nothing is open at all.
  package var isEmpty: Bool { !trie.children(of: 0, length: 0).contains { contains($0, length: 1) } }

  package func allows(_ item: UInt32) -> Bool { filter.permits(item, history: []) && !excluded.contains(item) }
}
