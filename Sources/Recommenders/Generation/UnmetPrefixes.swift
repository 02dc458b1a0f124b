package import NeuralNetworks
internal import TensorMath

extension CodeTables {
  /// Gives prefixes that training never met the mean of the vectors of those beside them that it met, where such vectors
  /// take part in the choice of codes.
  ///
  /// Training moves a prefix that it never met only away from what is right, each time that another one behind the same
  /// codes is: a new item, which nothing leads to, would never be written. With the mean it is to those beside it as its
  /// codes say. What training itself goes on with is better left alone.
  /// - Parameter popularity: events of each item in training.
  /// - Complexity: O(items · levels + prefixes · width).
  package func givingMeans(
    toPrefixesUnmetIn popularity: ContiguousArray<UInt32>, _ trie: PrefixTrie, _ parameters: ParameterSet
  ) -> ParameterSet {
    var filled = parameters
    for level in 0..<trie.levels {
      guard let table = prefixOutputs(level: level) else { continue }
      let isMet = trie.isMet(length: level + 1, popularity)
      for parent in 0..<trie.prefixCount(length: level) {
        filled[table].giveMean(
          ofRowsWhere: { isMet[$0] }, toOthersIn: trie.children(of: parent, length: level))
      }
    }
    return filled
  }
}

extension PrefixTrie {
  /// For each prefix of a length whether any item below it has an event.
  fileprivate func isMet(length: Int, _ popularity: ContiguousArray<UInt32>) -> [Bool] {
    (0..<prefixCount(length: length)).map { prefix in
      items(of: prefix, length: length).contains { popularity[Int($0)] > 0 }
    }
  }
}

extension Matrix {
  /// Leaves all as they are where no row in the range is one of them.
  fileprivate mutating func giveMean(ofRowsWhere isOne: (Int) -> Bool, toOthersIn range: Range<Int>) {
    let (ones, others) = (range.filter(isOne), range.filter { !isOne($0) })
    guard !ones.isEmpty, !others.isEmpty else { return }
    for column in 0..<columns {
      let mean = ones.reduce(0) { $0 + self[$1, column] } / Float(ones.count)
      for row in others { self[row, column] = mean }
    }
  }
}
