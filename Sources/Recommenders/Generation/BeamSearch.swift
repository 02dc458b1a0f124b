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
      let logits = scorer.childLogits(of: beams, level: level)
      var first = 0
      for (place, user) in users.enumerated() {
        let expansion = Expansion(
          trie: vocabulary.trie, level: level, logits: logits, firstLogit: first, open: open[place])
        first += expansion.logitCount(beams[place])
        if let sampling {
          var random = sampling.random(user: user, level: level)
          beams[place] = expansion.drawn(from: beams[place], sampling, using: &random)
        } else {
          beams[place] = expansion.best(of: beams[place], count: width)
        }
      }
    }
    return beams
  }
}

/// One user's step from a level to the next.
private struct Expansion {
  let trie: PrefixTrie
  let level: Int
  /// As ``CodeScorer/childLogits(of:level:)`` gives them, and where this user's begin.
  let logits: ContiguousArray<Float>
  let firstLogit: Int
  let open: OpenPrefixes

  /// Logits of these beams.
  func logitCount(_ beams: [Beam]) -> Int {
    beams.reduce(0) { sum, beam in
      let children = trie.children(of: Int(beam.prefix), length: level).count
      return children > 1 ? sum + children : sum
    }
  }

  /// Calls `body` with each beam's children and where their logits are: a child's score is its logit plus the shift, the
  /// beam's own score plus log p among its live children. An only child has no logit, and the beam's score.
  private func forEachBeam(_ beams: [Beam], _ body: (Beam, Range<Int>, _ logits: Range<Int>, _ shift: Float) -> Void) {
    var next = firstLogit
    for beam in beams {
      let children = trie.children(of: Int(beam.prefix), length: level)
      guard children.count > 1 else {
        body(beam, children, next..<next, beam.score)
        continue
      }
      let own = next..<next + children.count
      next = own.upperBound
      body(beam, children, own, beam.score - logits.logSumExp(own))
    }
  }

  func best(of beams: [Beam], count: Int) -> [Beam] {
    var best = BestBeams(capacity: count)
    forEachBeam(beams) { beam, children, own, shift in
      for (place, child) in children.enumerated() {
        let score = own.isEmpty ? shift : logits[own.lowerBound + place] + shift
        // Most are worse than all that are held.
        guard score >= best.bar else { continue }
        best.offer(Beam(prefix: Int32(child), score: score, draws: beam.draws)) {
          open.contains(child, length: level + 1)
        }
      }
    }
    return best.sorted
  }

  func drawn(from beams: [Beam], _ sampling: CodeSampling, using random: inout RandomSource) -> [Beam] {
    var result: [Beam] = []
    forEachBeam(beams) { beam, children, own, shift in
      let scores = own.isEmpty ? [shift] : logits[own].map { $0 + shift }
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
  /// What a beam that is offered scores at least, or it is not among the best.
  private(set) var bar = -Float.infinity

  package init(capacity: Int) {
    self.capacity = capacity
    heap.reserveCapacity(capacity)
  }

  package var sorted: [Beam] { heap.sorted(by: Beam.precedes) }

  /// - Parameter isEligible: asked only about a beam that is good enough.
  package mutating func offer(_ beam: Beam, isEligible: () -> Bool = { true }) {
    guard heap.count == capacity else {
      guard isEligible() else { return }
      heap.append(beam)
      riseFromEnd()
      if heap.count == capacity { bar = heap[0].score }
      return
    }
    guard capacity > 0, Beam.precedes(beam, heap[0]), isEligible() else { return }
    heap[0] = beam
    sinkFromTop()
    bar = heap[0].score
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
