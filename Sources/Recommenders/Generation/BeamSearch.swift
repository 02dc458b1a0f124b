internal import NeuralNetworks
internal import RealModule
internal import TensorMath

/// A prefix that a search holds.
package struct Beam: Sendable, Equatable {
  /// Its number among the prefixes of its length.
  package var prefix: Int32
  /// log p of its codes.
  package var score: Float

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
  /// Prefixes of each length that are kept per user.
  let width: Int

  /// - Parameters:
  ///   - histories: what is read of each user's items; may be empty.
  ///   - open: one per user.
  /// - Returns: for each user the best full prefixes, best first: as many as the width, or all open ones where there are
  ///   fewer.
  /// - Complexity: per user and level O(width · (width of the network)² + live children of the beams).
  func search(_ histories: [[UInt32]], open: [OpenPrefixes]) -> [[Beam]] {
    let batch = SequenceBatch(histories)
    let pass = ModelPass(inferring: parameters)
    let states = network.states(batch, vocabulary, in: pass)
    let memory = Memory(
      states: states, keysAndValues: network.decoder.keysAndValues(states, in: pass), batch: batch, open: open)
    var beams = histories.map { _ in [Beam(prefix: 0, score: 0)] }
    for level in 0..<vocabulary.tokens.levels { beams = expand(beams, level: level, memory, in: pass) }
    return beams
  }

  /// What stays the same from level to level.
  private struct Memory {
    let states: Variable
    let keysAndValues: Variable
    let batch: SequenceBatch
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
    let (scores, rows, open) = (logits, firstRows, memory.open)
    return Parallelism.mapChunks(of: beams.count, size: 1) { users in
      users.map { best(of: beams[$0], level: level, scores, firstRow: rows[$0], open: open[$0]) }
    }.flatMap { $0 }
  }

  /// One user's best children.
  private func best(
    of beams: [Beam], level: Int, _ logits: Matrix, firstRow: Int, open: OpenPrefixes
  ) -> [Beam] {
    let trie = vocabulary.trie
    var (best, row) = (BestBeams(capacity: width), firstRow)
    for beam in beams {
      let children = trie.children(of: Int(beam.prefix), length: level)
      guard children.count > 1 else {
        best.offer(Beam(prefix: Int32(children.lowerBound), score: beam.score)) {
          open.contains(children.lowerBound, length: level + 1)
        }
        continue
      }
      let codes = trie.childCodes(of: Int(beam.prefix), length: level)
      let offset = row * logits.columns
      row += 1
      var top = -Float.infinity, sum: Float = 0
      for code in codes { top = max(top, logits.elements[offset + Int(code)]) }
      for code in codes { sum += Float.exp(logits.elements[offset + Int(code)] - top) }
      let shift = beam.score - top - Float.log(sum)
      for (child, code) in zip(children, codes) {
        let score = logits.elements[offset + Int(code)] + shift
        best.offer(Beam(prefix: Int32(child), score: score)) { open.contains(child, length: level + 1) }
      }
    }
    return best.sorted
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
