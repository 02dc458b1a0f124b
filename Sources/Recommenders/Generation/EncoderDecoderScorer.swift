package import NeuralNetworks
package import TensorMath

/// Scores codes by the encoder-decoder: the encoder runs once per user, what the decoder sees of it is made once per user
/// and read by all beams, and of the decoder's own rows the keys and values are kept, those of a prefix for all that go on
/// from it.
///
/// A prefix with one child does not run. Its row is made up for together with the next one that does.
package struct EncoderDecoderScorer: CodeScorer {
  private let network: EncoderDecoderNetwork
  private let vocabulary: GeneratorVocabulary
  private let pass: ModelPass
  private let history: HistoryTokens
  package let userStates: Matrix
  private let memories: [Variable]
  /// By layer: keys and values.
  private var caches: [Variable?] = []
  /// By user and prefix, of the length that was scored last: its rows in the caches, of which some at the end may lack.
  private var rows: [[Int32: Range<Int>]]
  /// By user: the items written before the one that is being written.
  private var sessions: [[UInt32]]
  private var cachedRows = 0

  init(
    _ network: EncoderDecoderNetwork, _ users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) {
    (self.network, self.vocabulary, self.pass) = (network, vocabulary, pass)
    history = HistoryTokens(users, vocabulary, network.pathways)
    let states = network.states(history, vocabulary, in: pass)
    userStates = states.value.selectingRows(history.lastRows.lazy.map { Int($0) })
    memories = network.memories(states, in: pass)
    rows = Array(repeating: [:], count: users.count)
    sessions = Array(repeating: [], count: users.count)
  }

  package mutating func childLogits(of beams: [[Beam]], level: Int) -> ContiguousArray<Float> {
    let logits = logits(of: beams, level: level), trie = vocabulary.trie
    var (children, row): (ContiguousArray<Float>, Int) = ([], 0)
    for beam in beams.joined() where trie.branches(at: Int(beam.prefix), length: level) {
      for code in trie.childCodes(of: Int(beam.prefix), length: level) {
        children.append(logits.elements[row * logits.columns + Int(code)])
      }
      row += 1
    }
    return children
  }

  /// - Parameter beams: as in ``childLogits(of:level:)``.
  /// - Returns: the logits of all codes behind beams that have more than one child, in order; the others have no row.
  package mutating func logits(of beams: [[Beam]], level: Int) -> Matrix {
    var plan = Plan(levels: vocabulary.tokens.levels, cachedRows: cachedRows)
    var planned = [[Int32: Range<Int>]](repeating: [:], count: beams.count), unchanged = planned
    for (user, held) in beams.enumerated() {
      let first = plan.tokens.count
      for beam in held {
        let parent = level == 0 ? 0 : vocabulary.trie.parent(of: Int(beam.prefix), length: level)
        let past = rows[user][parent] ?? 0..<0
        unchanged[user][beam.prefix] = past
        planned[user][beam.prefix] = append(beam, level: level, user: user, past: past, to: &plan)
      }
      if plan.tokens.count > first {
        plan.memorySegments.append(
          .init(queries: first..<plan.tokens.count, keys: history.offsets[user]..<history.offsets[user + 1]))
      }
    }
    guard plan.tokens.count > 0 else {
      rows = unchanged
      return Matrix(rows: 0, columns: vocabulary.tokens.sizes[level])
    }
    (rows, cachedRows) = (planned, plan.cacheRows.count)
    let outputs = network.outputs(plan.tokens, caches: &caches, memories: memories, step: plan.step, in: pass)
    let written = beams.joined().map(\.prefix).filter { vocabulary.trie.branches(at: Int($0), length: level) }
    return network.logits(
      outputs.selectingRows(plan.lastRows), level: level, behind: ContiguousArray(written), vocabulary, in: pass
    ).value
  }

  /// - Parameter past: the rows of the caches that the beam's parent has.
  /// - Returns: those that the beam will have.
  private func append(
    _ beam: Beam, level: Int, user: Int, past: Range<Int>, to plan: inout Plan
  ) -> Range<Int> {
    guard vocabulary.trie.branches(at: Int(beam.prefix), length: level) else { return plan.keep(past) }
    let item = vocabulary.trie.firstItem(of: Int(beam.prefix), length: level)
    let first = plan.tokens.count
    plan.tokens.append(
      session: sessions[user], prefix: vocabulary.tokens.codes(ofItem: item).prefix(level), from: past.count,
      vocabulary)
    return plan.goOn(past, with: first..<plan.tokens.count)
  }

  /// Goes on to the next item of each user's session.
  /// - Parameter items: by user: the one that was written, of those that the beams led to; nil for a user that is done.
  package mutating func accept(_ items: [UInt32?]) {
    let length = vocabulary.tokens.levels - 1
    for (user, item) in items.enumerated() {
      guard let item else {
        rows[user] = [:]
        continue
      }
      rows[user] = [0: rows[user][vocabulary.trie.prefix(ofItem: item, length: length)] ?? 0..<0]
      sessions[user].append(item)
    }
  }

  /// One run of the decoder.
  private struct Plan {
    var tokens: TargetTokens
    let cachedRows: Int
    /// As ``TransformerBlock/DecodingStep/cacheRows``.
    var cacheRows: ContiguousArray<Int32> = []
    var memorySegments: [AttentionLayout.Segment] = []
    private var segments: [AttentionLayout.Segment] = []
    private var visible: ContiguousArray<Int32> = []
    /// Of the beams that run: what their next code's logits are made of.
    private(set) var lastRows: ContiguousArray<Int32> = []

    init(levels: Int, cachedRows: Int) {
      tokens = TargetTokens(levels: levels)
      self.cachedRows = cachedRows
    }

    mutating func keep(_ past: Range<Int>) -> Range<Int> {
      let start = cacheRows.count
      cacheRows += past.lazy.map { Int32($0) }
      return start..<cacheRows.count
    }

    mutating func goOn(_ past: Range<Int>, with new: Range<Int>) -> Range<Int> {
      let start = keep(past).lowerBound
      for (place, row) in new.enumerated() {
        cacheRows.append(Int32(cachedRows + row))
        visible.append(Int32(past.count + place + 1))
      }
      segments.append(.init(queries: new, keys: start..<cacheRows.count))
      lastRows.append(Int32(new.upperBound - 1))
      return start..<cacheRows.count
    }

    var step: TransformerBlock.DecodingStep {
      TransformerBlock.DecodingStep(
        cacheRows: cacheRows, layout: AttentionLayout(segments: segments, visibility: .prefix(visible)),
        memoryLayout: AttentionLayout(segments: memorySegments))
    }
  }
}

/// The encoder-decoder made ready to recommend: its operations run on all threads themselves.
package struct EncoderDecoderReader: HistoryReader {
  fileprivate let network: EncoderDecoderNetwork
  fileprivate let vocabulary: GeneratorVocabulary
  fileprivate let parameters: ParameterSet
  fileprivate let precision: WeightPrecision

  package var blockUsers: Int { Generator.blockUsers }
  package var keepsToOneThread: Bool { false }

  package func scorer(_ users: [UserContext], reusing former: EncoderDecoderScorer?) -> EncoderDecoderScorer {
    network.scorer(users, vocabulary, in: ModelPass(inferring: parameters, precision: precision))
  }
}

extension EncoderDecoderNetwork {
  package func reader(
    _ vocabulary: GeneratorVocabulary, _ parameters: ParameterSet, precision: WeightPrecision
  ) -> EncoderDecoderReader {
    EncoderDecoderReader(network: self, vocabulary: vocabulary, parameters: parameters, precision: precision)
  }

  package func scorer(
    _ users: [UserContext], _ vocabulary: GeneratorVocabulary, in pass: ModelPass
  ) -> EncoderDecoderScorer { EncoderDecoderScorer(self, users, vocabulary, in: pass) }
}
