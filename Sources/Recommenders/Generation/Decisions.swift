package import TensorMath

/// Choices of a next code, each behind a position and a prefix.
package struct Decisions {
  /// The row of the state that each starts from.
  package private(set) var stateRows: ContiguousArray<Int32> = []
  /// The place of the code that is to be chosen, from 0.
  package private(set) var levels: ContiguousArray<Int32> = []
  /// By level but the last: the codes chosen already; -1 for a decision at that level or before it.
  package private(set) var codesBefore: [ContiguousArray<Int32>]

  package init(levels: Int) { codesBefore = Array(repeating: [], count: levels - 1) }

  package var count: Int { stateRows.count }

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
package struct TargetDecisions {
  package let decisions: Decisions
  package let layout: AttentionLayout
  /// What is right in them.
  package let codes: CodeTargets

  /// - Parameters:
  ///   - batch: sequences.
  ///   - next: for each of its rows the item behind it; -1 for none to learn.
  ///   - legality: what the probabilities run over.
  package init(
    _ batch: SequenceBatch, next: ContiguousArray<Int32>, _ vocabulary: GeneratorVocabulary,
    legality: CodeLegality = .constrained
  ) {
    let tokens = vocabulary.tokens
    var decisions = Decisions(levels: tokens.levels)
    var codes = CodeTargets(levels: tokens.levels, legality: legality)
    var (segments, visible): ([AttentionLayout.Segment], ContiguousArray<Int32>) = ([], [])
    for (start, end) in zip(batch.offsets, batch.offsets.dropFirst()) {
      let first = decisions.count
      for row in start..<end where next[row] >= 0 {
        let item = UInt32(next[row])
        codes.appendItem(item, vocabulary) { level in
          decisions.append(stateRow: Int32(row), level: level, codes: tokens.codes(ofItem: item))
          visible.append(Int32(row - start + 1))
          return decisions.count - 1
        }
      }
      if decisions.count > first { segments.append(.init(queries: first..<decisions.count, keys: start..<end)) }
    }
    layout = AttentionLayout(segments: segments, visibility: .prefix(visible))
    (self.decisions, self.codes) = (decisions, codes)
  }
}
