package import Quantizers
package import TensorMath

/// The decisions of a batch's true next items under codes that change while the recommender's prefixes stay.
///
/// An item's path runs down the live prefixes as far as its codes do. A choice is one among the live children, as in
/// ``CodeTargets``; where the item's code is not among them, it is one among them and that code, which is what the choice
/// will be once the item is encoded anew, and behind it there is nothing more to choose, for nobody else is there. Other
/// codes take no part: the recommender has never been asked about them at that prefix, so that neither its −log p nor a
/// gradient from it means anything. Probabilities of codes are therefore renormalized over those that take part.
package struct TuningTargets {
  /// Those of one level.
  package struct Level {
    /// For each choice, which several decisions may share, its item's place among the batch's.
    package fileprivate(set) var items: ContiguousArray<Int32> = []
    /// `choices × size`: 0 for the codes that take part, and for others so little that nothing is left.
    package fileprivate(set) var mask: Matrix
    /// For each decision its choice.
    package fileprivate(set) var choices: ContiguousArray<Int32> = []
    /// For each decision the row of the decoder's output.
    package fileprivate(set) var rows: ContiguousArray<Int32> = []
    /// For each decision the code.
    package fileprivate(set) var codes: ContiguousArray<Int32> = []
  }

  package let decisions: Decisions
  package let layout: AttentionLayout
  package let levels: [Level]
  /// For each decision its item's place among the batch's.
  package let places: ContiguousArray<Int32>
  /// Items to predict.
  package let itemCount: Int

  /// - Parameters:
  ///   - batch: sequences.
  ///   - next: for each of its rows the item behind it; -1 for none to learn.
  ///   - items: of both.
  ///   - codes: of those items.
  package init(
    _ batch: SequenceBatch, next: ContiguousArray<Int32>, _ items: TuningItems, _ codes: CodeMatrix,
    _ vocabulary: GeneratorVocabulary
  ) {
    var paths = TuningPaths(codes, vocabulary)
    var (decisions, places) = (Decisions(levels: codes.levels), ContiguousArray<Int32>())
    var (segments, visible): ([AttentionLayout.Segment], ContiguousArray<Int32>) = ([], [])
    let targets = items.places(of: next)
    for (start, end) in zip(batch.offsets, batch.offsets.dropFirst()) {
      let first = decisions.count
      for row in start..<end where targets[row] >= 0 {
        let place = Int(targets[row]), own = codes.row(place)
        for (level, choice) in paths.choices(ofItemAt: place).enumerated() where choice >= 0 {
          paths.levels[level].rows.append(Int32(decisions.count))
          paths.levels[level].choices.append(choice)
          paths.levels[level].codes.append(Int32(own[own.startIndex + level]))
          decisions.append(stateRow: Int32(row), level: level, codes: own)
          visible.append(Int32(row - start + 1))
          places.append(Int32(place))
        }
      }
      if decisions.count > first { segments.append(.init(queries: first..<decisions.count, keys: start..<end)) }
    }
    layout = AttentionLayout(segments: segments, visibility: .prefix(visible))
    (self.decisions, self.places, levels) = (decisions, places, paths.levels)
    itemCount = targets.count { $0 >= 0 }
  }
}

/// Items' ways down the live prefixes, each made once.
private struct TuningPaths {
  private let codes: CodeMatrix
  private let vocabulary: GeneratorVocabulary
  private var known: [Int: [Int32]] = [:]
  var levels: [TuningTargets.Level]

  init(_ codes: CodeMatrix, _ vocabulary: GeneratorVocabulary) {
    (self.codes, self.vocabulary) = (codes, vocabulary)
    levels = vocabulary.tokens.sizes.map { TuningTargets.Level(mask: Matrix(rows: 0, columns: $0)) }
  }

  /// By level the number of the item's choice; -1 where there is none.
  mutating func choices(ofItemAt place: Int) -> [Int32] {
    if let choices = known[place] { return choices }
    var choices = [Int32](repeating: -1, count: levels.count)
    var prefix: Int? = 0
    for (level, code) in codes.row(place).enumerated() {
      guard let parent = prefix else { break }
      let children = vocabulary.trie.childCodes(of: parent, length: level)
      prefix = vocabulary.trie.child(of: parent, length: level, code: code)
      guard prefix == nil || level == 0 || children.count > 1 else { continue }
      choices[level] = addChoice(level, place, among: Array(children) + [code])
    }
    known[place] = choices
    return choices
  }

  private mutating func addChoice(_ level: Int, _ place: Int, among codes: [UInt16]) -> Int32 {
    let columns = levels[level].mask.columns
    var line = ContiguousArray<Float>(repeating: -1e9, count: columns)
    for code in codes { line[Int(code)] = 0 }
    // Taken out while it grows, so that it has one owner.
    var elements = levels[level].mask.elements
    levels[level].mask = Matrix(rows: 0, columns: columns)
    elements += line
    levels[level].mask = Matrix(rows: elements.count / columns, columns: columns, elements: elements)
    levels[level].items.append(Int32(place))
    return Int32(levels[level].items.count - 1)
  }
}
