package import NeuralNetworks
package import TensorMath

extension OnePositionNetwork {
  /// The states of histories, and what the decoder attends to of them.
  package struct Reading {
    let batch: SequenceBatch
    let states: Variable
    let keysAndValues: Variable
  }

  package func reading(
    _ users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Reading {
    let batch = SequenceBatch(users.map(\.items))
    let states = states(batch, vocabulary, in: pass)
    return Reading(batch: batch, states: states, keysAndValues: decoder.keysAndValues(states, in: pass))
  }

  package func outputs(
    _ sequences: [WrittenSequence], behind reading: Reading, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable {
    let lastRows = reading.batch.lastRows, offsets = reading.batch.offsets
    var decisions = Decisions(levels: vocabulary.tokens.levels)
    var segments: [AttentionLayout.Segment] = []
    for sequence in sequences {
      precondition(sequence.session.isEmpty, "a one-position network writes one item")
      let first = decisions.count
      for choice in sequence.choices {
        decisions.append(stateRow: lastRows[sequence.history], level: choice.level, codes: sequence.codes[...])
      }
      if decisions.count > first {
        segments.append(
          .init(queries: first..<decisions.count, keys: offsets[sequence.history]..<offsets[sequence.history + 1]))
      }
    }
    return decoder(
      inputs(decisions, states: reading.states, in: pass), keysAndValues: reading.keysAndValues,
      layout: AttentionLayout(segments: segments), in: pass)
  }
}
