package import NeuralNetworks
package import TensorMath

/// What was written, or could have been, behind a history: items one behind another, and an ID that need not be any
/// item's.
package struct WrittenIDs: Sendable, Equatable {
  /// By number; those behind one history follow one another.
  package var history: Int
  /// Items before the last ID.
  package var session: [UInt32]
  /// The last ID.
  package var codes: ContiguousArray<UInt16>

  package init(history: Int, session: [UInt32] = [], codes: ContiguousArray<UInt16>) {
    (self.history, self.session, self.codes) = (history, session, codes)
  }

  /// - Parameter items: one or more, with codes.
  package init(history: Int, items: [UInt32], _ vocabulary: GeneratorVocabulary) {
    precondition(!items.isEmpty, "something is written")
    self.init(
      history: history, session: Array(items.dropLast()),
      codes: ContiguousArray(vocabulary.tokens.codes(ofItem: items[items.count - 1])))
  }
}

extension GeneratorNetwork {
  /// log p of what was written behind histories, with gradients where the pass records: π(o | u), the product over all
  /// its codes. Items that share an ID share its probability, undivided.
  /// - Parameters:
  ///   - written: with legal IDs where `legality` is constrained.
  ///   - users: whose histories may be empty.
  /// - Returns: `written.count × 1`, in nats.
  /// - Complexity: one run of the backbone over the histories, and of the decoder over all codes.
  package func logProbabilities(
    of written: [WrittenIDs], behind users: [UserContext], legality: CodeLegality, _ vocabulary: GeneratorVocabulary,
    in pass: ModelPass
  ) -> Variable {
    var targets = CodeTargets(levels: vocabulary.tokens.levels, legality: legality)
    var (sequences, rows): ([WrittenSequence], Int) = ([], 0)
    for (owner, ids) in written.enumerated() {
      var choices: [WrittenSequence.Choice] = []
      func choose(_ item: Int, _ level: Int) -> Int {
        choices.append(.init(item: item, level: level))
        rows += 1
        return rows - 1
      }
      for (place, item) in ids.session.enumerated() {
        targets.appendItem(item, owner: owner, vocabulary) { choose(place, $0) }
      }
      let last = ids.session.count
      switch legality {
      case .unconstrained: targets.appendCodes(ids.codes, owner: owner, vocabulary) { choose(last, $0) }
      case .constrained:
        guard let prefix = vocabulary.trie.prefix(ofCodes: ids.codes) else {
          preconditionFailure("no item has the ID \(Array(ids.codes)): it has no probability among those that exist")
        }
        targets.appendItem(
          vocabulary.trie.firstItem(of: prefix, length: vocabulary.tokens.levels), owner: owner, vocabulary
        ) { choose(last, $0) }
      }
      // Behind the last code nothing is written.
      sequences.append(
        WrittenSequence(
          history: ids.history, session: ids.session, codes: ContiguousArray(ids.codes.dropLast()), choices: choices))
    }
    guard rows > 0 else { return pass.tape.constant(Matrix(rows: written.count, columns: 1)) }
    let outputs = outputs(
      sequences, behind: reading(users, vocabulary, in: pass), vocabulary, in: pass)
    return targets.logProbabilities(of: written.count, outputs, tables, vocabulary, in: pass)
  }

  /// Draws IDs code by code among all codes, whether items have them or not.
  /// - Parameters:
  ///   - count: of draws per history.
  ///   - users: by history, which decide what is drawn.
  /// - Returns: by history, what was drawn, each ID once, in the order of codes.
  package func drawIDs(
    _ count: Int, behind contexts: [UserContext], users: [Int], _ sampling: CodeSampling,
    _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> [[DrawnID]] {
    let reading = reading(contexts, vocabulary, in: pass)
    var drawn = contexts.map { _ in [DrawnID(codes: [], draws: count)] }
    for level in 0..<vocabulary.tokens.levels {
      let sequences = drawn.enumerated().flatMap { history, ids in
        ids.map {
          WrittenSequence(history: history, codes: $0.codes, choices: [.init(item: 0, level: level)])
        }
      }
      guard !sequences.isEmpty else { break }
      let outputs = outputs(sequences, behind: reading, vocabulary, in: pass)
      let prefixes = ContiguousArray(sequences.lazy.map { vocabulary.trie.number(ofCodes: $0.codes) })
      let logits = logits(outputs, level: level, behind: prefixes, vocabulary, in: pass).value
      var row = 0
      for history in drawn.indices {
        var random = sampling.random(user: users[history], level: level)
        var next: [DrawnID] = []
        for id in drawn[history] {
          let draws = sampling.draw(Array(logits.row(row)), count: id.draws, using: &random)
          row += 1
          for (code, draws) in draws.enumerated() where draws > 0 {
            next.append(DrawnID(codes: id.codes + [UInt16(code)], draws: draws))
          }
        }
        drawn[history] = next
      }
    }
    return drawn
  }
}

/// An ID that was drawn.
package struct DrawnID: Sendable, Equatable {
  package var codes: ContiguousArray<UInt16>
  /// How often.
  package var draws: Int
}
