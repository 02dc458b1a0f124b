internal import NeuralNetworks
internal import RealModule
internal import TensorMath

/// A prefix that a search holds.
package struct Beam: Sendable, Equatable {
  /// Its number among the prefixes of its length.
  package var prefix: Int32
  /// log p of its codes.
  package var score: Float
  /// How many draws led to it, where codes are drawn.
  package var draws = 1

  /// Better first; of equal scores the lower prefix.
  static func precedes(_ left: Beam, _ right: Beam) -> Bool {
    left.score > right.score || (left.score == right.score && left.prefix < right.prefix)
  }
}

/// Beam search over live prefixes for some users at once: no code is looked at that leads to no item.
///
/// The backbone runs once per user, and the keys and values that the decoder attends to are made once per user and read
/// by all beams. A prefix with one child costs nothing: its child has probability 1.
struct BeamSearch {
  let network: GeneratorNetwork
  let parameters: ParameterSet
  let vocabulary: GeneratorVocabulary
  /// Prefixes of each length that are kept per user, or draws.
  let width: Int
  /// Where codes are drawn rather than the best kept.
  var sampling: CodeSampling?

  /// - Parameters:
  ///   - histories: what is read of each user's items; may be empty.
  ///   - users: their numbers, which decide what is drawn.
  ///   - open: one per user.
  /// - Returns: for each user the best full prefixes, best first: as many as the width, or all open ones where there are
  ///   fewer. Where codes are drawn: what was drawn, each prefix once.
  /// - Complexity: per user and level O(width · (width of the network)² + live children of the beams).
  func search(_ histories: [[UInt32]], users: [Int], open: [OpenPrefixes]) -> (beams: [[Beam]], states: Variable) {
    let batch = SequenceBatch(histories)
    let pass = ModelPass(inferring: parameters)
    let states = network.states(batch, vocabulary, in: pass)
    let memory = Memory(
      states: states, keysAndValues: network.decoder.keysAndValues(states, in: pass), batch: batch, users: users,
      open: open)
    var beams = open.map { $0.isEmpty ? [] : [Beam(prefix: 0, score: 0, draws: width)] }
    for level in 0..<vocabulary.tokens.levels { beams = expand(beams, level: level, memory, in: pass) }
    return (beams, states.selectingRows(batch.lastRows))
  }

  /// What stays the same from level to level.
  private struct Memory {
    let states: Variable
    let keysAndValues: Variable
    let batch: SequenceBatch
    let users: [Int]
    let open: [OpenPrefixes]
  }

  private func expand(_ beams: [[Beam]], level: Int, _ memory: Memory, in pass: ModelPass) -> [[Beam]] {
    let (trie, tokens) = (vocabulary.trie, vocabulary.tokens)
    let lastRows = memory.batch.lastRows, offsets = memory.batch.offsets
    var decisions = Decisions(levels: tokens.levels)
    var segments: [AttentionLayout.Segment] = [], firstRows: [Int] = []
    for (user, held) in beams.enumerated() {
      let first = decisions.count
      firstRows.append(first)
      for beam in held where trie.children(of: Int(beam.prefix), length: level).count > 1 {
        decisions.append(
          stateRow: lastRows[user], level: level,
          codes: tokens.codes(ofItem: trie.firstItem(of: Int(beam.prefix), length: level)))
      }
      if decisions.count > first {
        segments.append(.init(queries: first..<decisions.count, keys: offsets[user]..<offsets[user + 1]))
      }
    }
    var logits = Matrix(rows: 0, columns: tokens.sizes[level])
    if decisions.count > 0 {
      let outputs = network.decoder(
        network.inputs(decisions, states: memory.states, in: pass), keysAndValues: memory.keysAndValues,
        layout: AttentionLayout(segments: segments), in: pass)
      logits = network.logits(outputs, level: level, in: pass).value
    }
    let (scores, rows, users, open) = (logits, firstRows, memory.users, memory.open)
    return Parallelism.mapChunks(of: beams.count, size: 1) { range in
      range.map { place in
        let expansion = Expansion(trie: vocabulary.trie, level: level, logits: scores, open: open[place])
        guard let sampling else { return expansion.best(of: beams[place], firstRow: rows[place], count: width) }
        var random = sampling.random(user: users[place], level: level)
        return expansion.drawn(from: beams[place], firstRow: rows[place], sampling, using: &random)
      }
    }.flatMap { $0 }
  }
}

/// One user's step from a level to the next.
private struct Expansion {
  let trie: PrefixTrie
  let level: Int
  let logits: Matrix
  let open: OpenPrefixes

  /// Calls `body` with each beam's children and their scores: the beam's own, plus log p among its live children.
  /// - Parameter firstRow: of the beams' logits. A beam with one child has none.
  private func forEachBeam(_ beams: [Beam], firstRow: Int, _ body: (Beam, Range<Int>, ArraySlice<Float>) -> Void) {
    var (row, scores) = (firstRow, [Float]())
    for beam in beams {
      let children = trie.children(of: Int(beam.prefix), length: level)
      scores.removeAll(keepingCapacity: true)
      if children.count > 1 {
        let offset = row * logits.columns
        row += 1
        for code in trie.childCodes(of: Int(beam.prefix), length: level) {
          scores.append(logits.elements[offset + Int(code)])
        }
        let top = scores.max() ?? 0
        let shift = beam.score - top - Float.log(scores.reduce(0) { $0 + Float.exp($1 - top) })
        for index in scores.indices { scores[index] += shift }
      } else {
        scores.append(beam.score)
      }
      body(beam, children, scores[...])
    }
  }

  func best(of beams: [Beam], firstRow: Int, count: Int) -> [Beam] {
    var best = BestBeams(capacity: count)
    forEachBeam(beams, firstRow: firstRow) { beam, children, scores in
      for (child, score) in zip(children, scores) {
        best.offer(Beam(prefix: Int32(child), score: score, draws: beam.draws)) {
          open.contains(child, length: level + 1)
        }
      }
    }
    return best.sorted
  }

  func drawn(
    from beams: [Beam], firstRow: Int, _ sampling: CodeSampling, using random: inout RandomSource
  ) -> [Beam] {
    var result: [Beam] = []
    forEachBeam(beams, firstRow: firstRow) { beam, children, scores in
      let options = zip(children, scores).filter { open.contains($0.0, length: level + 1) }
      let counts = sampling.draw(options.map { $0.1 - beam.score }, count: beam.draws, using: &random)
      for (option, draws) in zip(options, counts) where draws > 0 {
        result.append(Beam(prefix: Int32(option.0), score: option.1, draws: draws))
      }
    }
    return result.sorted(by: Beam.precedes)
  }
}

/// The best of the beams that were offered: a heap with the worst of them on top.
struct BestBeams {
  let capacity: Int
  private var heap: [Beam] = []

  init(capacity: Int) { self.capacity = capacity }

  var sorted: [Beam] { heap.sorted(by: Beam.precedes) }

  /// - Parameter isEligible: asked only about a beam that is good enough.
  mutating func offer(_ beam: Beam, isEligible: () -> Bool = { true }) {
    guard heap.count == capacity else {
      guard isEligible() else { return }
      heap.append(beam)
      return riseFromEnd()
    }
    guard capacity > 0, Beam.precedes(beam, heap[0]), isEligible() else { return }
    heap[0] = beam
    sinkFromTop()
  }

  private mutating func riseFromEnd() {
    var place = heap.count - 1
    while place > 0, Beam.precedes(heap[(place - 1) / 2], heap[place]) {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func sinkFromTop() {
    var place = 0
    while true {
      var worst = place
      for child in [2 * place + 1, 2 * place + 2]
      where child < heap.count && Beam.precedes(heap[worst], heap[child]) { worst = child }
      guard worst != place else { return }
      heap.swapAt(place, worst)
      place = worst
    }
  }
}
