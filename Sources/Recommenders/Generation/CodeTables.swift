package import NeuralNetworks
package import TensorMath

/// What either backbone of a ``Generator`` reads items by and writes codes with.
///
/// Parameters: `codes.<level>.*`, `prefixes.<length>.*`, `biases.<level>`; `outputs.<level>` where the logits have
/// vectors of their own, and `dense.*` where there is a dense head.
package struct CodeTables: Sendable {
  struct PrefixTable: Sendable {
    let length: Int
    let table: Embedding
  }

  /// By level.
  let codes: [Embedding]
  let prefixes: [PrefixTable]
  /// By level: what a code's logit is an inner product with.
  let outputs: [Parameter]
  let biases: [Parameter]
  private let dense: Linear?
  private let prefixDropout: Float
  private let hasPrefixOutputs: Bool

  init(
    _ scope: ParameterScope, _ configuration: GeneratorConfiguration, _ vocabulary: GeneratorVocabulary
  ) throws(NeuralNetworksError) {
    let width = configuration.width
    var (codes, outputs, biases, prefixes): ([Embedding], [Parameter], [Parameter], [PrefixTable]) = ([], [], [], [])
    for (level, size) in vocabulary.tokens.sizes.enumerated() {
      let table = try Embedding(scope["codes", level], count: size, width: width)
      codes.append(table)
      outputs.append(
        configuration.tiesTables
          ? table.weight
          : try scope["outputs"].parameter(
            "\(level)", rows: size, columns: width, initializer: .normal(deviation: 0.02)))
      biases.append(
        try scope["biases"].parameter("\(level)", rows: 1, columns: size, initializer: .zeros, decays: false))
    }
    for length in vocabulary.prefixLengths {
      prefixes.append(
        PrefixTable(
          length: length,
          table: try Embedding(
            scope["prefixes", length], count: vocabulary.trie.prefixCount(length: length), width: width,
            initializer: .zeros)))
    }
    prefixDropout = configuration.prefixDropout ?? 0
    hasPrefixOutputs = configuration.prefixOutputs ?? false
    dense = configuration.hasDenseHead ? try Linear(scope["dense"], inputs: width, outputs: width) : nil
    (self.codes, self.outputs, self.biases, self.prefixes) = (codes, outputs, biases, prefixes)
  }

  /// The sum of items' codes' and prefixes' vectors.
  /// - Parameters:
  ///   - items: rows of the item table, with codes; -1 for zeros.
  ///   - remembered: those whose prefixes' vectors are in the sum; nil for all.
  /// - Returns: `items × width`.
  func itemVectors(
    _ items: ContiguousArray<Int32>, prefixesOf remembered: ContiguousArray<Int32>? = nil,
    _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable {
    let sum = codeVectors(codes.indices.map { vocabulary.codes(items, level: $0) }, in: pass)
    return addingPrefixes(of: remembered ?? items, to: sum, vocabulary, in: pass)
  }

  /// Σ over levels of the vectors of codes.
  /// - Parameter rows: by level a code for each row, -1 for none.
  /// - Returns: `rows × width`.
  func codeVectors(_ rows: [ContiguousArray<Int32>], in pass: ModelPass) -> Variable {
    var sum = codes[0](rows[0], in: pass)
    for (level, table) in codes.enumerated().dropFirst() { sum = sum + table(rows[level], in: pass) }
    return sum
  }

  /// The items of histories whose prefixes' vectors are added: all of them, but in training, where others in each step are
  /// read by their codes alone. Whole items, as one that is new lacks the vectors of its prefixes all at once.
  /// - Parameter items: rows of the item table; -1 for none, which stays.
  package func remembered(_ items: ContiguousArray<Int32>, in pass: ModelPass) -> ContiguousArray<Int32> {
    guard pass.isTraining, prefixDropout > 0, !prefixes.isEmpty else { return items }
    return ContiguousArray(items.lazy.map { $0 < 0 || pass.random.nextUniform() < prefixDropout ? -1 : $0 })
  }

  /// - Parameter items: for each row the item whose prefixes' vectors are added; -1 for none.
  func addingPrefixes(
    of items: ContiguousArray<Int32>, to rows: Variable, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable {
    prefixes.reduce(rows) { $0 + $1.table(vocabulary.prefixes(items, length: $1.length), in: pass) }
  }

  /// - Parameters:
  ///   - rows: of a decoder's output.
  ///   - level: of the codes, counted from 0.
  ///   - prefixes: what was written before each of them, by number; -1 for codes that no item begins with.
  /// - Returns: `rows × codebook size`.
  func logits(
    _ rows: Variable, level: Int, behind prefixes: ContiguousArray<Int32>, _ vocabulary: GeneratorVocabulary,
    in pass: ModelPass
  ) -> Variable {
    let logits = codeLogits(rows, level: level, in: pass)
    guard let table = prefixOutputs(level: level) else { return logits }
    return logits.addingProducts(
      of: rows, with: pass[table], at: vocabulary.trie.choices(behind: prefixes, length: level))
  }

  /// What the codes say alone, whatever was written before.
  package func codeLogits(_ rows: Variable, level: Int, in pass: ModelPass) -> Variable {
    rows.linear(pass[outputs[level]], bias: pass[biases[level]])
  }

  /// The vectors of the prefixes that codes of a level lead to, where they take part in the choice.
  func prefixOutputs(level: Int) -> Parameter? {
    hasPrefixOutputs ? prefixes.first { $0.length == level + 1 }?.table.weight : nil
  }

  func denseQueries(_ states: Variable, in pass: ModelPass) -> Variable? { dense.map { $0(states, in: pass) } }
}

extension PrefixTrie {
  /// What there is to choose from behind prefixes: those that are one code longer. None behind a prefix of -1, nor where
  /// there is but one.
  /// - Parameter length: of the prefixes, below `levels`.
  func choices(behind prefixes: ContiguousArray<Int32>, length: Int) -> RowChoices {
    RowChoices(
      ranges: prefixes.map {
        $0 >= 0 && branches(at: Int($0), length: length) ? children(of: Int($0), length: length) : 0..<0
      },
      columns: lastCodes(length: length + 1))
  }
}
