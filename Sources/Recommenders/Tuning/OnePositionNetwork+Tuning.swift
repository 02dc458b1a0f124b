package import NeuralNetworks
package import Quantizers
package import TensorMath

extension OnePositionNetwork {
  /// The loss of a batch with items' codes as an assignment makes them, so that it has gradients with respect to
  /// codebooks and representations on both sides.
  ///
  /// - As what was read, an item is Σ_l a_l E_l, with E_l the level's table, plus its prefixes' vectors; those stay, for
  ///   they remember items, and an item keeps its own until it is encoded anew.
  /// - As what comes next, it costs Σ_l a_l · −log q_l, with q_l the decoder's softmax over what takes part in the choice
  ///   (``TuningTargets``), and its codes before level l are Σ_{j<l} a_j E_j to the decoder.
  ///
  /// With the straight-through estimator, the value is that of ``loss(_:next:_:dense:in:)`` on the codes that the items
  /// would be served with, bit for bit where those are the vocabulary's. A dense head takes no part.
  /// - Parameters:
  ///   - assignment: of `items`, on the tape of `pass`.
  ///   - codes: what the items would be served with.
  ///   - pass: of the network's parameters, which get gradients only where they are trainable.
  /// - Returns: `1 × 1`, in nats per item; nil where nothing is to predict.
  package func loss(
    _ batch: SequenceBatch, next: ContiguousArray<Int32>, _ items: TuningItems, _ assignment: ResidualAssignment,
    codes: CodeMatrix, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable? {
    let targets = TuningTargets(batch, next: next, items, codes, vocabulary)
    let vectors = tables.codes.enumerated().map { level, table in
      assignment.rows(of: pass[table.weight], level: level, codes: codes.column32(level))
    }
    let sums = vectors.dropFirst().reduce(vectors[0]) { $0 + $1 }
    let read = tables.addingPrefixes(
      of: batch.items, to: sums.selectingRows(items.places(of: batch.items)), vocabulary, in: pass)
    let states = states(batch, itemVectors: read, in: pass)
    let inputs = inputs(targets.decisions, states: states, in: pass) { level, before in
      vectors[level].selectingRows(
        ContiguousArray(before.indices.lazy.map { before[$0] < 0 ? -1 : targets.places[$0] }))
    }
    let outputs = decoder(
      inputs, keysAndValues: decoder.keysAndValues(states, in: pass), layout: targets.layout, in: pass)
    return targets.loss(outputs, tables, assignment, in: pass)
  }
}

extension TuningTargets {
  /// As ``CodeTargets`` sums it.
  fileprivate func loss(
    _ outputs: Variable, _ tables: CodeTables, _ assignment: ResidualAssignment, in pass: ModelPass
  ) -> Variable? {
    var total: Variable?
    for (index, level) in levels.enumerated() where !level.rows.isEmpty {
      let logits = tables.codeLogits(outputs.selectingRows(level.rows), level: index, in: pass)
      let masked = logits + pass.tape.constant(level.mask.selecting(level.choices))
      let scores = assignment.levels[index].logits.selectingRows(level.items) + pass.tape.constant(level.mask)
      let cost = masked.choiceCrossEntropy(
        scores.softmaxRows().selectingRows(level.choices),
        choices: assignment.estimator == .straightThrough ? level.codes : nil)
      let part = Float(level.rows.count) / Float(itemCount) * cost
      total = total.map { $0 + part } ?? part
    }
    return total
  }
}

extension CodeMatrix {
  /// The codes of all items at one level, as rows of a table.
  fileprivate func column32(_ level: Int) -> ContiguousArray<Int32> {
    ContiguousArray(column(level).lazy.map { Int32($0) })
  }
}
