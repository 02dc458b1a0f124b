/// Token sequences laid one behind the other, without padding.
package struct TextTokens: Sendable {
  package private(set) var ids: ContiguousArray<Int32> = []
  /// Where each sequence starts, and at last where the last one ends.
  package private(set) var offsets: [Int] = [0]

  package init() {}

  package init(_ sequences: some Sequence<[Int32]>) {
    for sequence in sequences { append(sequence) }
  }

  package var count: Int { offsets.count - 1 }

  package mutating func append(_ sequence: some Collection<Int32>) {
    ids.append(contentsOf: sequence)
    offsets.append(ids.count)
  }

  package func range(_ sequence: Int) -> Range<Int> { offsets[sequence]..<offsets[sequence + 1] }
}
