package import NeuralNetworks
package import TensorMath

/// Scores codes by the one-position backbone: it runs once per user, and the keys and values that the decoder attends to
/// are made and packed once per user and read by all beams. Of the codes, those alone are scored that lead on.
package struct OnePositionScorer: CodeScorer {
  private let reader: OnePositionReader
  let scratch: OnePositionScratch
  package private(set) var userStates: Matrix

  /// Rows that go through the decoder together: enough for whole tiles of the products, and few enough for what is made
  /// of them to stay in the cache.
  private static let rowsPerRun = 96

  init(_ reader: OnePositionReader, _ users: [UserContext], _ scratch: OnePositionScratch) {
    (self.reader, self.scratch) = (reader, scratch)
    let batch = SequenceBatch(users.map(\.items)), width = reader.width
    var last = Matrix(rows: users.count, columns: width)
    unsafe reader.readStates(batch, scratch) { states in
      for (user, row) in batch.lastRows.enumerated() {
        for column in 0..<width { unsafe last[user, column] = states[Int(row) * width + column] }
      }
      let both = unsafe scratch.keysAndValues.reserve(batch.rows * 2 * width)
      unsafe reader.decoder.keyValue.apply(states, rows: batch.rows, into: both)
      unsafe scratch.decoder.memory.remember(both, offsets: batch.offsets)
    }
    userStates = last
  }

  package mutating func childLogits(of beams: [[Beam]], level: Int) -> ContiguousArray<Float> {
    let trie = reader.vocabulary.trie
    let branching = beams.map { held in
      held.map { Int($0.prefix) }.filter { trie.branches(at: $0, length: level) }
    }
    let count = branching.joined().reduce(0) { $0 + trie.children(of: $1, length: level).count }
    return unsafe ContiguousArray(unsafeUninitializedCapacity: count) { target, initialized in
      initialized = count
      guard var place = target.baseAddress, count > 0 else { return }
      var run = Run()
      for (user, prefixes) in branching.enumerated() where !prefixes.isEmpty {
        run.append(prefixes, user: user)
        if run.prefixes.count >= Self.rowsPerRun { unsafe place += write(run.take(), level: level, into: place) }
      }
      if !run.prefixes.isEmpty { unsafe place += write(run, level: level, into: place) }
    }
  }

  /// Some users' prefixes.
  private struct Run {
    var prefixes: [Int] = []
    var segments: [(rows: Range<Int>, sequence: Int)] = []

    mutating func append(_ more: some Collection<Int>, user: Int) {
      segments.append((prefixes.count..<prefixes.count + more.count, user))
      prefixes += more
    }

    mutating func take() -> Run {
      defer { self = Run() }
      return self
    }
  }

  /// - Returns: how many logits were written.
  private func write(_ run: Run, level: Int, into target: UnsafeMutablePointer<Float>) -> Int {
    let trie = reader.vocabulary.trie, rows = run.prefixes.count
    let x = unsafe scratch.decoder.inputs.reserve(rows * reader.width)
    for (segment, user) in run.segments {
      unsafe writeInputs(run.prefixes[segment], user: user, level: level, into: x + segment.lowerBound * reader.width)
    }
    let outputs = unsafe reader.decoder.apply(x, rows: rows, segments: run.segments, scratch.decoder)
    let children = run.prefixes.map {
      (codes: trie.childCodes(of: $0, length: level), numbers: trie.children(of: $0, length: level))
    }
    unsafe reader.outputs[level].apply(
      outputs, width: reader.width, children: children, scratch.logits, into: target)
    return children.reduce(0) { $0 + $1.codes.count }
  }

  /// The user's state, the level's vector and those of the codes chosen already, for each prefix.
  private func writeInputs(
    _ prefixes: ArraySlice<Int>, user: Int, level: Int, into x: UnsafeMutablePointer<Float>
  ) {
    let (vocabulary, width) = (reader.vocabulary, reader.width)
    unsafe userStates.withRow(user) { state in
      unsafe reader.levels.withRow(level) { own in
        for (row, prefix) in prefixes.enumerated() {
          let target = unsafe x + row * width
          unsafe sumVectors(state, own, into: target, count: width)
          let item = vocabulary.trie.firstItem(of: prefix, length: level)
          for (before, code) in vocabulary.tokens.codes(ofItem: item).prefix(level).enumerated() {
            unsafe reader.codes[before].withRow(Int(code)) { unsafe addVector($0, to: target, count: width) }
          }
        }
      }
    }
  }
}

extension OnePositionNetwork {
  package func reader(
    _ vocabulary: GeneratorVocabulary, _ parameters: ParameterSet, precision: WeightPrecision
  ) -> OnePositionReader { OnePositionReader(self, vocabulary, parameters, precision) }
}
