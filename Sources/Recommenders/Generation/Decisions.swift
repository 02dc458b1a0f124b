internal import TensorMath

/// Choices of a next code, each behind a position and a prefix.
package struct Decisions {
  /// The row of the state that each starts from.
  private(set) var stateRows: ContiguousArray<Int32> = []
  /// The place of the code that is to be chosen, from 0.
  private(set) var levels: ContiguousArray<Int32> = []
  /// By level but the last: the codes chosen already; -1 for a decision at that level or before it.
  private(set) var codesBefore: [ContiguousArray<Int32>]

  package init(levels: Int) { codesBefore = Array(repeating: [], count: levels - 1) }

  var count: Int { stateRows.count }

  /// - Parameters:
  ///   - level: of the code to choose.
  ///   - codes: of any item that has the prefix.
  package mutating func append(stateRow: Int32, level: Int, codes: ArraySlice<UInt16>) {
    stateRows.append(stateRow)
    levels.append(Int32(level))
    for before in codesBefore.indices {
      codesBefore[before].append(before < level ? Int32(codes[codes.startIndex + before]) : -1)
    }
  }
}

/// The decisions of a batch's true next items: what training teaches.
///
/// A decision between one code is none, since its probability is 1: it is left out, except at the first level.
package struct TargetDecisions {
  private(set) var decisions: Decisions
  private(set) var layout: AttentionLayout
  /// By level: the decisions, by number.
  private(set) var rows: [ContiguousArray<Int32>]
  /// By level: the right codes.
  private(set) var targets: [ContiguousArray<Int32>]
  /// By level: the prefix before each decision, by number.
  private(set) var prefixes: [ContiguousArray<Int32>]
  /// Items to predict.
  private(set) var itemCount = 0

  /// - Parameters:
  ///   - batch: sequences.
  ///   - next: for each of its rows the item behind it; -1 for none to learn.
  package init(_ batch: SequenceBatch, next: ContiguousArray<Int32>, _ vocabulary: GeneratorVocabulary) {
    let (tokens, trie) = (vocabulary.tokens, vocabulary.trie)
    decisions = Decisions(levels: tokens.levels)
    rows = Array(repeating: [], count: tokens.levels)
    (targets, prefixes) = (rows, rows)
    var (segments, visible): ([AttentionLayout.Segment], ContiguousArray<Int32>) = ([], [])
    layout = AttentionLayout(segments: [])
    for (start, end) in zip(batch.offsets, batch.offsets.dropFirst()) {
      let first = decisions.count
      for row in start..<end where next[row] >= 0 {
        let item = UInt32(next[row]), codes = tokens.codes(ofItem: item)
        itemCount += 1
        for level in 0..<tokens.levels {
          let prefix = trie.prefix(ofItem: item, length: level)
          guard level == 0 || trie.children(of: Int(prefix), length: level).count > 1 else { continue }
          rows[level].append(Int32(decisions.count))
          targets[level].append(Int32(codes[codes.startIndex + level]))
          prefixes[level].append(prefix)
          decisions.append(stateRow: Int32(row), level: level, codes: codes)
          visible.append(Int32(row - start + 1))
        }
      }
      if decisions.count > first { segments.append(.init(queries: first..<decisions.count, keys: start..<end)) }
    }
    layout = AttentionLayout(segments: segments, visibility: .prefix(visible))
  }

  /// What is added to the logits of a level: 0 for the codes that lead to a live prefix, and for the others so little
  /// that nothing is left of their probability.
  func mask(level: Int, _ vocabulary: GeneratorVocabulary) -> Matrix {
    let columns = vocabulary.tokens.sizes[level]
    var mask = ContiguousArray<Float>(repeating: -1e9, count: prefixes[level].count * columns)
    for (row, prefix) in prefixes[level].enumerated() {
      for code in vocabulary.trie.childCodes(of: Int(prefix), length: level) { mask[row * columns + Int(code)] = 0 }
    }
    return Matrix(rows: prefixes[level].count, columns: columns, elements: mask)
  }
}
