internal import RealModule
internal import TensorMath

/// A prefix that a search holds.
package struct Beam: Sendable, Equatable {
  /// Its number among the prefixes of its length.
  package var prefix: Int32
  /// log p of its codes.
  package var score: Float
  /// How many draws led to it, where codes are drawn.
  package var draws: Int

  package init(prefix: Int32, score: Float, draws: Int = 1) {
    self.prefix = prefix
    self.score = score
    self.draws = draws
  }

  /// Better first; of equal scores the lower prefix.
  package static func precedes(_ left: Beam, _ right: Beam) -> Bool {
    left.score > right.score || (left.score == right.score && left.prefix < right.prefix)
  }
}

/// Beam search over live prefixes for some users at once: no code is looked at that leads to no item. A prefix with one
/// child costs nothing: its child has probability 1.
struct BeamSearch {
  let vocabulary: GeneratorVocabulary
  /// Prefixes of each length that are kept per user, or draws.
  let width: Int
  /// Where codes are drawn rather than the best kept.
  var sampling: CodeSampling?

  /// - Parameters:
  ///   - scorer: that has read each user's items.
  ///   - users: their numbers, which decide what is drawn.
  ///   - open: one per user.
  /// - Returns: for each user the best full prefixes, best first: as many as the width, or all open ones where there are
  ///   fewer. Where codes are drawn: what was drawn, each prefix once.
  /// - Complexity: per user and level O(width · (width of the network)² + live children of the beams).
  func search(_ scorer: inout some CodeScorer, users: [Int], open: [OpenPrefixes]) -> [[Beam]] {
    var beams = open.map { $0.isEmpty ? [] : [Beam(prefix: 0, score: 0, draws: width)] }
    for level in 0..<vocabulary.tokens.levels {
      beams = expand(beams, level: level, scorer.logits(of: beams, level: level), users: users, open: open)
    }
    return beams
  }

  private func expand(
    _ beams: [[Beam]], level: Int, _ logits: Matrix, users: [Int], open: [OpenPrefixes]
  ) -> [[Beam]] {
    var rows: [Int] = [], next = 0
    for held in beams {
      rows.append(next)
      next += held.count { vocabulary.trie.branches(at: Int($0.prefix), length: level) }
    }
    let firstRows = rows
    return Parallelism.mapChunks(of: beams.count, size: 1) { range in
      range.map { place in
        let expansion = Expansion(trie: vocabulary.trie, level: level, logits: logits, open: open[place])
        guard let sampling else { return expansion.best(of: beams[place], firstRow: firstRows[place], count: width) }
        var random = sampling.random(user: users[place], level: level)
        return expansion.drawn(from: beams[place], firstRow: firstRows[place], sampling, using: &random)
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
package struct BestBeams {
  package let capacity: Int
  private var heap: [Beam] = []

  package init(capacity: Int) { self.capacity = capacity }

  package var sorted: [Beam] { heap.sorted(by: Beam.precedes) }

  /// - Parameter isEligible: asked only about a beam that is good enough.
  package mutating func offer(_ beam: Beam, isEligible: () -> Bool = { true }) {
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
