package import NeuralNetworks
package import TensorMath

extension EncoderDecoderNetwork {
  package func loss(
    of batch: TrainingSequences.Batch, _ sequences: TrainingSequences, _ vocabulary: GeneratorVocabulary,
    legality: CodeLegality, dense: DenseObjective?, in pass: ModelPass
  ) -> GeneratorLoss? {
    let (users, targets) = sequences.examples(batch)
    return loss(users, targets: targets, vocabulary, legality: legality, dense: dense, in: pass).map {
      GeneratorLoss(value: $0, items: targets.reduce(0) { $0 + $1.count })
    }
  }

  package func loss(
    of next: [UInt32], behind users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> GeneratorLoss? {
    loss(users, targets: next.map { [$0] }, vocabulary, in: pass).map {
      GeneratorLoss(value: $0, items: next.count)
    }
  }

  /// The mean over items to write of −log p(ID), given the history and the items written before it: L_NTP of 2502.18965,
  /// section 3.2, over the number of items.
  /// - Parameters:
  ///   - users: whose histories may be empty.
  ///   - targets: behind each history, at most ``targetItems`` items, with codes.
  ///   - legality: what each softmax runs over.
  ///   - dense: what a network with a dense head adds for it, for the first item of each; nil for nothing.
  /// - Returns: `1 × 1`, in nats; nil where nothing is to learn.
  package func loss(
    _ users: [UserContext], targets: [[UInt32]], _ vocabulary: GeneratorVocabulary,
    legality: CodeLegality = .constrained, dense: DenseObjective? = nil, in pass: ModelPass
  ) -> Variable? {
    guard targets.contains(where: { !$0.isEmpty }) else { return nil }
    let tokens = HistoryTokens(users, vocabulary, pathways)
    let states = states(tokens, vocabulary, in: pass)
    let sessions = TargetSessions(targets, behind: tokens, vocabulary, legality)
    let outputs = outputs(
      sessions.tokens, layout: AttentionLayout(selfAttentionOver: sessions.offsets, isCausal: true),
      memory: TransformerBlock.Memory(states, layout: AttentionLayout(segments: sessions.memorySegments)), in: pass)
    let loss = sessions.codes.loss(outputs, tables, vocabulary, in: pass)
    let taught = targets.indices.filter { !targets[$0].isEmpty }, lastRows = tokens.lastRows
    guard let dense, let loss,
      let part = denseLoss(
        states.selectingRows(ContiguousArray(taught.map { lastRows[$0] })),
        targets: ContiguousArray(taught.map { Int32(targets[$0][0]) }), vocabulary, dense, in: pass)
    else { return loss }
    return loss + dense.weight * part
  }
}

/// What the decoder reads of items to write, and what is right behind its rows.
private struct TargetSessions {
  private(set) var tokens: TargetTokens
  /// Where sequences begin, and behind the last the number of rows.
  private(set) var offsets = [0]
  /// Which rows see which of the histories'.
  private(set) var memorySegments: [AttentionLayout.Segment] = []
  private(set) var codes: CodeTargets

  init(
    _ targets: [[UInt32]], behind histories: HistoryTokens, _ vocabulary: GeneratorVocabulary, _ legality: CodeLegality
  ) {
    let levels = vocabulary.tokens.levels
    tokens = TargetTokens(levels: levels)
    codes = CodeTargets(levels: levels, legality: legality)
    for (place, items) in targets.enumerated() {
      guard let last = items.last else { continue }
      let first = tokens.count
      // Behind the last code nothing is written.
      tokens.append(
        session: Array(items.dropLast()), prefix: vocabulary.tokens.codes(ofItem: last).dropLast(), vocabulary)
      for (index, item) in items.enumerated() {
        codes.appendItem(item, vocabulary) { level in first + index * (levels + 1) + level }
      }
      memorySegments.append(
        .init(queries: first..<tokens.count, keys: histories.offsets[place]..<histories.offsets[place + 1]))
      offsets.append(tokens.count)
    }
  }
}
