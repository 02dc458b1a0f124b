package import ItemCatalog

/// Turns items into counted features: words and their light stems, pairs of neighboring words, and character n-grams
/// within words (as in fastText: Bojanowski et al., "Enriching Word Vectors with Subword Information", 2017).
package struct TextFeatureExtractor {
  package private(set) var counter = FeatureCounter()
  private var scanner: WordScanner
  private var wordHashes: ContiguousArray<UInt64> = []
  private let template: TextTemplate
  private let titleWeight: Int32

  /// Lengths of character n-grams, the marks at a word's two ends included.
  private static let shortestGram = 3, longestGram = 5
  private static let wordBegin: UInt32 = 2, wordEnd: UInt32 = 3

  package init(parameters: BuiltinTextEncoder.Parameters) {
    scanner = WordScanner(maximumWords: parameters.maximumWords)
    template = parameters.template
    titleWeight = Int32(clamping: parameters.titleWeight)
  }

  /// Replaces the counted features by those of `item`; returns false where its text has no word.
  package mutating func extract(_ item: Item) -> Bool {
    counter.removeAll()
    let text = template(item)
    count(text, weight: 1)
    guard !counter.features.isEmpty else { return false }
    if titleWeight > 0, !text.hasPrefix(item.title) { count(item.title, weight: titleWeight) }
    return true
  }

  private mutating func count(_ text: String, weight: Int32) {
    scanner.scan(text)
    wordHashes.removeAll(keepingCapacity: true)
    for word in scanner.ends.indices {
      let range = scanner.range(ofWord: word)
      countWord(range, weight: weight)
      if range.count > 1 { countGrams(range, weight: weight) }
    }
    guard wordHashes.count > 1 else { return }
    for word in 1..<wordHashes.count {
      let pair = wordHashes[word - 1] &* 0x9E37_79B9_7F4A_7C15 &+ wordHashes[word]
      counter.add(FeatureHash.mixed(pair), .wordPair, count: weight)
    }
  }

  private mutating func countWord(_ range: Range<Int>, weight: Int32) {
    let hash = wordHash(scanner.scalars[range])
    wordHashes.append(hash)
    counter.add(hash, .word, count: weight)
    guard scanner.scalars[range.lowerBound] > 0x5FF else { return }
    let word = ArraySlice(scanner.scalars[range])
    let stem = ArabicAffixes.stem(word)
    if stem.count < word.count { counter.add(wordHash(stem), .word, count: weight) }
  }

  private func wordHash(_ scalars: some Sequence<UInt32>) -> UInt64 {
    FeatureHash.mixed(scalars.reduce(FeatureHash.basis) { FeatureHash.appending($1, to: $0) })
  }

  private mutating func countGrams(_ range: Range<Int>, weight: Int32) {
    let length = range.count + 2
    for start in 0...(length - Self.shortestGram) {
      var hash = FeatureHash.basis &+ 1
      for offset in 0..<min(Self.longestGram, length - start) {
        let position = start + offset
        let scalar =
          position == 0
          ? Self.wordBegin : position == length - 1 ? Self.wordEnd : scanner.scalars[range.lowerBound + position - 1]
        hash = FeatureHash.appending(scalar, to: hash)
        if offset + 1 >= Self.shortestGram { counter.add(FeatureHash.mixed(hash), .characters, count: weight) }
      }
    }
  }
}
