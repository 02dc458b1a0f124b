internal import TensorMath

/// The known items of histories, one history behind the other; those without a known item are left out.
struct PackedHistories {
  /// Numbers of items.
  private(set) var items: ContiguousArray<Int32> = []
  /// Where histories begin, and behind the last the number of items.
  private(set) var offsets = [0]
  /// Of each packed history its place among those given.
  private(set) var places: [Int] = []
  /// Of histories given.
  private let count: Int

  /// - Parameter maximum: of each history, the latest known items up to that many.
  init(_ histories: some Collection<ContiguousArray<UInt32>>, _ vocabulary: ItemVocabulary, maximum: Int) {
    count = histories.count
    for (place, history) in histories.enumerated() {
      let known = vocabulary.numbers(of: history).suffix(maximum)
      guard !known.isEmpty else { continue }
      items += known
      offsets.append(items.count)
      places.append(place)
    }
  }

  /// Rows that belong to the packed histories at the places of all that were given; zeros for the others.
  func spreading(_ rows: Matrix) -> Matrix {
    var result = Matrix(rows: count, columns: rows.columns)
    for (row, place) in places.enumerated() {
      result.elements.replaceSubrange(place * rows.columns..<(place + 1) * rows.columns, with: rows.row(row))
    }
    return result
  }
}
