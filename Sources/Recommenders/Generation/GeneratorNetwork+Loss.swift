package import NeuralNetworks
package import TensorMath

extension GeneratorNetwork {
  /// The mean over next items of −log p(ID), the sum of the cross-entropies of its codes; each softmax runs over the
  /// codes that lead to a live prefix, as in decoding.
  /// - Parameter next: for each row of the batch the item behind it; -1 for none to learn.
  /// - Returns: `1 × 1`, in nats; nil where nothing is to learn.
  package func loss(
    _ batch: SequenceBatch, next: ContiguousArray<Int32>, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable? {
    let targets = TargetDecisions(batch, next: next, vocabulary)
    let states = states(batch, vocabulary, in: pass)
    let outputs = decoder(
      inputs(targets.decisions, states: states, in: pass),
      keysAndValues: decoder.keysAndValues(states, in: pass), layout: targets.layout, in: pass)
    var total: Variable?
    for level in vocabulary.tokens.sizes.indices where !targets.rows[level].isEmpty {
      let logits = logits(outputs.selectingRows(targets.rows[level]), level: level, in: pass)
      let masked = logits + pass.tape.constant(targets.mask(level: level, vocabulary))
      let share = Float(targets.rows[level].count) / Float(targets.itemCount)
      let part = share * masked.softmaxCrossEntropy(targets: targets.targets[level])
      total = total.map { $0 + part } ?? part
    }
    return total
  }
}
