internal import BehaviorAlignment
internal import TensorMath

/// What a generator reads and writes: items' codes and the prefixes that live among them.
package struct GeneratorVocabulary: Sendable {
  package let tokens: ItemTokens
  package let trie: PrefixTrie
  /// Lengths of the prefixes that have vectors.
  let prefixLengths: [Int]

  package init(_ tokens: ItemTokens, _ configuration: GeneratorConfiguration) throws(RecommenderError) {
    try configuration.validate(levels: tokens.levels)
    self.tokens = tokens
    trie = PrefixTrie(tokens)
    prefixLengths = configuration.prefixLengths(levels: tokens.levels)
  }

  /// Whether an item has codes; a row beyond the table has none.
  package func knows(_ item: UInt32) -> Bool { Int(item) < tokens.itemCount && tokens.isPresent[Int(item)] }

  /// The latest items of a history that have codes; the others say nothing to a generator.
  package func readable(_ history: some BidirectionalCollection<UInt32>, maximum: Int) -> [UInt32] {
    var latest: [UInt32] = []
    for item in history.reversed() where knows(item) {
      latest.append(item)
      if latest.count == maximum { break }
    }
    return latest.reversed()
  }

  /// What a network reads of a user's events; those on items without codes say nothing to it.
  func context(of events: UserEvents, _ reader: ContextReader) -> UserContext {
    guard reader.pathways != nil else {
      return UserContext(items: readable(events.items, maximum: reader.maximumHistory))
    }
    let known = events.items.indices.filter { knows(events.items[$0]) }
    return reader.context(
      known.map { events.items[$0] }, times: events.times.isEmpty ? [] : known.map { events.times[$0] },
      positives: events.positives.isEmpty ? [] : known.map { events.positives[$0] })
  }

  /// The rows of a level's table for items; -1 for an item of -1.
  func codes(_ items: ContiguousArray<Int32>, level: Int) -> ContiguousArray<Int32> {
    ContiguousArray(items.lazy.map { $0 < 0 ? -1 : Int32(tokens.codes[Int($0) * tokens.levels + level]) })
  }

  /// The numbers of items' prefixes; -1 for an item of -1.
  func prefixes(_ items: ContiguousArray<Int32>, length: Int) -> ContiguousArray<Int32> {
    ContiguousArray(items.lazy.map { $0 < 0 ? -1 : trie.prefix(ofItem: UInt32($0), length: length) })
  }
}

/// Histories packed one behind the other, each behind a row that stands for its beginning.
package struct SequenceBatch {
  /// Of each row; -1 for a beginning.
  package private(set) var items: ContiguousArray<Int32> = []
  /// Of each row in its sequence, from 0 for the beginning.
  package private(set) var places: ContiguousArray<Int32> = []
  /// Where sequences begin, and behind the last the number of rows.
  package private(set) var offsets: [Int] = [0]

  package init() {}

  package init(_ histories: some Sequence<[UInt32]>) { for history in histories { append(history) } }

  mutating func append(_ history: some Sequence<UInt32>) {
    items.append(-1)
    for item in history { items.append(Int32(item)) }
    for place in 0..<items.count - offsets[offsets.count - 1] { places.append(Int32(place)) }
    offsets.append(items.count)
  }

  package var rows: Int { items.count }

  /// The last row of each sequence: what has seen all of it.
  package var lastRows: ContiguousArray<Int32> { ContiguousArray(offsets.dropFirst().map { Int32($0 - 1) }) }

  var layout: AttentionLayout { AttentionLayout(selfAttentionOver: offsets, isCausal: true) }
}
