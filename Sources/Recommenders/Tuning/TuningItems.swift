package import Quantizers

/// The items of a batch, each once: read, to be predicted, or both.
package struct TuningItems {
  /// Rows of the item table.
  package private(set) var items: ContiguousArray<Int32> = []
  private var places: [Int32: Int32] = [:]

  /// - Parameters:
  ///   - batch: sequences.
  ///   - next: for each of its rows the item behind it; -1 for none.
  package init(_ batch: SequenceBatch, next: ContiguousArray<Int32>) {
    for item in batch.items { add(item) }
    for item in next { add(item) }
  }

  private mutating func add(_ item: Int32) {
    guard item >= 0, places[item] == nil else { return }
    places[item] = Int32(items.count)
    items.append(item)
  }

  /// Where items are among them; -1 for an item of -1.
  package func places(of items: ContiguousArray<Int32>) -> ContiguousArray<Int32> {
    ContiguousArray(items.lazy.map { $0 < 0 ? -1 : places[$0] ?? -1 })
  }
}

/// What items are served with, and what their nearest codes were when that was decided.
///
/// The two differ where a collision policy moved an item, and nearest codes alone would forget that. So an item counts
/// as served with its ID as long as its nearest codes are what they were, for the policy would move it again; once they
/// change, it counts as having its nearest codes.
package struct ServedCodes: Sendable {
  private let served: CodeMatrix
  private let nearest: CodeMatrix

  /// - Parameters:
  ///   - tokens: what is served.
  ///   - nearest: of all items, by the serving rule; rows of items without codes do not matter.
  package init(_ tokens: ItemTokens, nearest: CodeMatrix) {
    precondition(nearest.count == tokens.itemCount && nearest.levels == tokens.levels, "codes of other items")
    served = CodeMatrix(count: tokens.itemCount, levels: tokens.levels, elements: tokens.codes)
    self.nearest = nearest
  }

  /// The served codes of some items.
  package func codes(of items: ContiguousArray<Int32>) -> CodeMatrix { served.selecting(items) }

  /// What some items would be served with, were these their nearest codes.
  /// - Parameter now: of the items, in their order.
  package func codes(of items: ContiguousArray<Int32>, nearest now: CodeMatrix) -> CodeMatrix {
    var result = now
    for (row, item) in items.enumerated() where now.row(row) == nearest.row(Int(item)) {
      for level in 0..<now.levels { result[row, level] = served[Int(item), level] }
    }
    return result
  }
}
