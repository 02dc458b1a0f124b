package import NeuralNetworks
package import TensorMath

/// Scores codes by the one-position backbone: it runs once per user, and the keys and values that the decoder attends to
/// are made once per user and read by all beams.
package struct OnePositionScorer: CodeScorer {
  private let network: OnePositionNetwork
  private let vocabulary: GeneratorVocabulary
  private let pass: ModelPass
  private let batch: SequenceBatch
  private let states: Variable
  private let keysAndValues: Variable

  init(
    _ network: OnePositionNetwork, _ users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) {
    (self.network, self.vocabulary, self.pass) = (network, vocabulary, pass)
    batch = SequenceBatch(users.map(\.items))
    states = network.states(batch, vocabulary, in: pass)
    keysAndValues = network.decoder.keysAndValues(states, in: pass)
  }

  package var userStates: Variable { states.selectingRows(batch.lastRows) }

  package mutating func logits(of beams: [[Beam]], level: Int) -> Matrix {
    let (trie, tokens) = (vocabulary.trie, vocabulary.tokens)
    let lastRows = batch.lastRows, offsets = batch.offsets
    var decisions = Decisions(levels: tokens.levels)
    var segments: [AttentionLayout.Segment] = []
    for (user, held) in beams.enumerated() {
      let first = decisions.count
      for beam in held where trie.branches(at: Int(beam.prefix), length: level) {
        decisions.append(
          stateRow: lastRows[user], level: level,
          codes: tokens.codes(ofItem: trie.firstItem(of: Int(beam.prefix), length: level)))
      }
      if decisions.count > first {
        segments.append(.init(queries: first..<decisions.count, keys: offsets[user]..<offsets[user + 1]))
      }
    }
    guard decisions.count > 0 else { return Matrix(rows: 0, columns: tokens.sizes[level]) }
    let outputs = network.decoder(
      network.inputs(decisions, states: states, in: pass), keysAndValues: keysAndValues,
      layout: AttentionLayout(segments: segments), in: pass)
    return network.logits(outputs, level: level, in: pass).value
  }
}

extension OnePositionNetwork {
  package func scorer(
    _ users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> OnePositionScorer { OnePositionScorer(self, users, vocabulary, in: pass) }
}
