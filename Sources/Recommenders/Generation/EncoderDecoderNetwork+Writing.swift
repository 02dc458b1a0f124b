package import NeuralNetworks
package import TensorMath

extension EncoderDecoderNetwork {
  /// The encoder's states of histories.
  package struct Reading {
    let history: HistoryTokens
    let states: Variable
  }

  package func reading(
    _ users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Reading {
    let history = HistoryTokens(users, vocabulary, pathways)
    return Reading(history: history, states: states(history, vocabulary, in: pass))
  }

  package func outputs(
    _ sequences: [WrittenSequence], behind reading: Reading, _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> Variable {
    let levels = vocabulary.tokens.levels, histories = reading.history.offsets
    var tokens = TargetTokens(levels: levels)
    var (offsets, segments): ([Int], [AttentionLayout.Segment]) = ([0], [])
    var rows: ContiguousArray<Int32> = []
    for sequence in sequences where !sequence.choices.isEmpty {
      let first = tokens.count
      tokens.append(session: sequence.session, prefix: sequence.codes[...], vocabulary)
      for choice in sequence.choices { rows.append(Int32(first + choice.item * (levels + 1) + choice.level)) }
      segments.append(
        .init(
          queries: first..<tokens.count, keys: histories[sequence.history]..<histories[sequence.history + 1]))
      offsets.append(tokens.count)
    }
    let outputs = outputs(
      tokens, layout: AttentionLayout(selfAttentionOver: offsets, isCausal: true),
      memory: .init(reading.states, layout: AttentionLayout(segments: segments)), in: pass)
    return outputs.selectingRows(rows)
  }
}
