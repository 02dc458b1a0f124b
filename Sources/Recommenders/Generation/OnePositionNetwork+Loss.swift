package import NeuralNetworks
package import TensorMath

extension OnePositionNetwork {
  package func loss(
    of batch: TrainingSequences.Batch, _ sequences: TrainingSequences, _ vocabulary: GeneratorVocabulary,
    legality: CodeLegality, dense: DenseObjective?, in pass: ModelPass
  ) -> GeneratorLoss? {
    let (packed, next) = sequences.sequences(batch)
    return loss(packed, next: next, vocabulary, legality: legality, dense: dense, in: pass).map {
      GeneratorLoss(value: $0, items: next.count { $0 >= 0 })
    }
  }

  package func loss(
    of next: [UInt32], behind users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> GeneratorLoss? {
    let batch = SequenceBatch(users.map(\.items))
    var following = ContiguousArray<Int32>(repeating: -1, count: batch.rows)
    for (row, item) in zip(batch.lastRows, next) { following[Int(row)] = Int32(item) }
    return loss(batch, next: following, vocabulary, in: pass).map { GeneratorLoss(value: $0, items: next.count) }
  }

  /// The mean over next items of −log p(ID), the sum of the cross-entropies of its codes.
  /// - Parameters:
  ///   - next: for each row of the batch the item behind it; -1 for none to learn.
  ///   - legality: what each softmax runs over.
  ///   - dense: what a network with a dense head adds for it; nil for nothing.
  /// - Returns: `1 × 1`, in nats; nil where nothing is to learn.
  package func loss(
    _ batch: SequenceBatch, next: ContiguousArray<Int32>, _ vocabulary: GeneratorVocabulary,
    legality: CodeLegality = .constrained, dense: DenseObjective? = nil, in pass: ModelPass
  ) -> Variable? {
    let targets = TargetDecisions(batch, next: next, vocabulary, legality: legality)
    let states = states(batch, vocabulary, in: pass)
    let outputs = decoder(
      inputs(targets.decisions, states: states, in: pass),
      keysAndValues: decoder.keysAndValues(states, in: pass), layout: targets.layout, in: pass)
    let loss = targets.codes.loss(outputs, tables, vocabulary, in: pass)
    let rows = ContiguousArray(next.indices.lazy.filter { next[$0] >= 0 }.map { Int32($0) })
    guard let dense, let loss,
      let part = denseLoss(
        states.selectingRows(rows), targets: ContiguousArray(next.lazy.filter { $0 >= 0 }), vocabulary, dense, in: pass)
    else { return loss }
    return loss + dense.weight * part
  }
}
