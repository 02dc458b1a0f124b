internal import NeuralNetworks
package import TensorMath

/// What the softmax over a next code runs over.
public enum CodeLegality: String, Sendable, Equatable, Codable {
  /// The codes that lead to an item, as in beam search: every ID that is written exists. What has learned so tells which
  /// item is next, not which IDs exist: what is drawn from all codes then is hardly ever an item.
  case constrained
  /// All codes of the level: an ID may be written that no item has.
  case unconstrained
}

/// The right codes of items that a decoder is to write, level by level.
///
/// A choice between one code is none, since its probability is 1: it is left out, except at the first level.
package struct CodeTargets {
  /// By level: the rows of the decoder's output that choose its codes.
  package private(set) var rows: [ContiguousArray<Int32>]
  /// By level: the right codes.
  package private(set) var targets: [ContiguousArray<Int32>]
  /// By level: the prefix before each choice, by number; -1 for codes that no item begins with.
  package private(set) var prefixes: [ContiguousArray<Int32>]
  /// By level: the sequence that each choice is of; its item, counted from 0, where none was named.
  package private(set) var owners: [ContiguousArray<Int32>]
  /// Items to predict.
  package private(set) var itemCount = 0
  private let legality: CodeLegality

  package init(levels: Int, legality: CodeLegality = .constrained) {
    rows = Array(repeating: [], count: levels)
    (targets, prefixes, owners) = (rows, rows, rows)
    self.legality = legality
  }

  /// - Parameter row: the output's row that chooses the code of a level; asked for each level that has a choice.
  mutating func appendItem(
    _ item: UInt32, owner: Int? = nil, _ vocabulary: GeneratorVocabulary, row: (Int) -> Int
  ) {
    let codes = vocabulary.tokens.codes(ofItem: item)
    guard legality == .constrained else { return appendCodes(codes, owner: owner, vocabulary, row: row) }
    defer { itemCount += 1 }
    for level in rows.indices {
      let prefix = vocabulary.trie.prefix(ofItem: item, length: level)
      guard level == 0 || vocabulary.trie.branches(at: Int(prefix), length: level) else { continue }
      rows[level].append(Int32(row(level)))
      targets[level].append(Int32(codes[codes.startIndex + level]))
      prefixes[level].append(prefix)
      owners[level].append(Int32(owner ?? itemCount))
    }
  }

  /// Codes among all, whether an item has them or not.
  mutating func appendCodes(
    _ codes: some Collection<UInt16>, owner: Int? = nil, _ vocabulary: GeneratorVocabulary, row: (Int) -> Int
  ) {
    precondition(legality == .unconstrained, "codes that no item may have")
    for (level, code) in codes.enumerated() {
      rows[level].append(Int32(row(level)))
      targets[level].append(Int32(code))
      prefixes[level].append(vocabulary.trie.number(ofCodes: codes.prefix(level)))
      owners[level].append(Int32(owner ?? itemCount))
    }
    itemCount += 1
  }

  /// log p of each sequence, the sum of those of its codes.
  /// - Parameters:
  ///   - count: of sequences.
  ///   - outputs: of a decoder.
  /// - Returns: `count × 1`, in nats; 0 for a sequence without a choice.
  func logProbabilities(
    of count: Int, _ outputs: Variable, _ tables: CodeTables, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable {
    var total = pass.tape.constant(Matrix(rows: count, columns: 1))
    for level in rows.indices where !rows[level].isEmpty {
      var logits = self.logits(outputs, level: level, tables, vocabulary, in: pass)
      if legality == .constrained { logits = logits + pass.tape.constant(mask(level: level, vocabulary)) }
      total = total + logits.logProbabilities(of: targets[level]).scatteringRows(to: owners[level], of: count)
    }
    return total
  }

  private func logits(
    _ outputs: Variable, level: Int, _ tables: CodeTables, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable {
    tables.logits(
      outputs.selectingRows(rows[level]), level: level, behind: prefixes[level], vocabulary, in: pass)
  }

  /// What is added to the logits of a level: 0 for the codes that lead to a live prefix, and for the others so little
  /// that nothing is left of their probability.
  package func mask(level: Int, _ vocabulary: GeneratorVocabulary) -> Matrix {
    let columns = vocabulary.tokens.sizes[level]
    var mask = ContiguousArray<Float>(repeating: -1e9, count: prefixes[level].count * columns)
    for (row, prefix) in prefixes[level].enumerated() {
      for code in vocabulary.trie.childCodes(of: Int(prefix), length: level) { mask[row * columns + Int(code)] = 0 }
    }
    return Matrix(rows: prefixes[level].count, columns: columns, elements: mask)
  }

  /// The mean over items of −log p(ID), the sum of the cross-entropies of its codes.
  /// - Parameter outputs: of a decoder.
  /// - Returns: `1 × 1`, in nats; nil without an item.
  func loss(
    _ outputs: Variable, _ tables: CodeTables, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable? {
    var total: Variable?
    for level in rows.indices where !rows[level].isEmpty {
      let logits = logits(outputs, level: level, tables, vocabulary, in: pass)
      let open = legality == .constrained ? logits + pass.tape.constant(mask(level: level, vocabulary)) : logits
      let share = Float(rows[level].count) / Float(itemCount)
      let part = share * open.softmaxCrossEntropy(targets: targets[level])
      total = total.map { $0 + part } ?? part
    }
    return total
  }
}
