internal import NeuralNetworks
internal import TensorMath

extension Generator {
  /// This generator for other codes of the same items: what to train on from, not what to recommend with.
  ///
  /// What belongs to codes stays with the codes. A prefix's vector goes to the prefix that has exactly the same items,
  /// whatever its codes are now, since it is what was learned of those; below full length, else, to the prefix of the same
  /// codes, unless its items took it with them. All others begin at zeros, as in training: such an item is read by its
  /// codes.
  /// - Parameter tokens: of as many items and of the same codebook sizes.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` for others.
  /// - Complexity: O(items · levels + parameters).
  public func carried(to tokens: ItemTokens) throws -> Generator {
    let former = vocabulary.tokens
    guard tokens.sizes == former.sizes, tokens.itemCount == former.itemCount else {
      throw RecommenderError(
        .invalidParameter,
        "a generator of \(former.itemCount) items and codebooks of \(former.sizes) cannot go on with \(tokens.itemCount) "
          + "items and codebooks of \(tokens.sizes); train anew")
    }
    let vocabulary = try GeneratorVocabulary(tokens, configuration)
    let scope = ParameterScope(initializingWith: RandomSource(seed: 0))
    let network = try configuration.network(scope, vocabulary)
    var carried = try scope.finish()
    for entry in parameters.entries {
      guard let parameter = carried.parameter(named: entry.name) else { continue }
      if let length = vocabulary.prefixLengths.first(where: { entry.name == "prefixes.\($0).weight" }) {
        let rows = self.vocabulary.trie.rows(for: vocabulary.trie, length: length)
        carried[parameter] = entry.value.selecting(rows)
      } else {
        carried[parameter] = entry.value
      }
    }
    var result = Generator(configuration, network, carried, vocabulary, popularity: popularity)
    (result.beamWidth, result.sampling, result.denseWeight) = (beamWidth, sampling, denseWeight)
    return result
  }
}

extension PrefixTrie {
  /// For each prefix of another trie over the same items the one here whose vector it goes on with; -1 for none.
  fileprivate func rows(for other: PrefixTrie, length: Int) -> ContiguousArray<Int32> {
    var rows = ContiguousArray<Int32>(repeating: -1, count: other.prefixCount(length: length))
    var isTaken = [Bool](repeating: false, count: prefixCount(length: length))
    for prefix in rows.indices {
      let own = self.prefix(ofItem: other.firstItem(of: prefix, length: length), length: length)
      guard own >= 0,
        items(of: Int(own), length: length).count == other.items(of: prefix, length: length).count,
        other.items(of: prefix, length: length).allSatisfy({ self.prefix(ofItem: $0, length: length) == own })
      else { continue }
      rows[prefix] = own
      isTaken[Int(own)] = true
    }
    guard length < levels else { return rows }
    for prefix in rows.indices where rows[prefix] < 0 {
      guard let own = self.prefix(ofCodes: other.codes(of: prefix, length: length)), !isTaken[own] else { continue }
      rows[prefix] = Int32(own)
    }
    return rows
  }

  /// The codes of a prefix.
  private func codes(of prefix: Int, length: Int) -> [UInt16] {
    let item = firstItem(of: prefix, length: length)
    return (1...length).map { lastCode(of: Int(self.prefix(ofItem: item, length: $0)), length: $0) }
  }
}
