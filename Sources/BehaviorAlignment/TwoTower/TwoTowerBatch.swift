/// What a step of a two-tower model learns from: histories, the item that came behind each, and items to tell it from.
package struct TwoTowerBatch: Sendable, Equatable {
  /// Numbers of items, the earliest first, one history behind the other.
  package var histories: ContiguousArray<Int32> = []
  /// Where histories begin, and behind the last the number of items.
  package var offsets = [0]
  /// First the target of each history, then items that were drawn uniformly.
  package var candidates: ContiguousArray<Int32> = []
  /// For each candidate −log of how often a batch is expected to hold its item: what takes its frequency out of the
  /// sampled softmax (Yi et al., 2019, equation 4, with the mixture of Yang et al., 2020, equation 5).
  package var corrections: ContiguousArray<Float> = []
  /// For each history the places of candidates that its user met in the training window: none of them is known not to be
  /// for the user, and the target's repetitions are among them.
  package var hidden: [[Int32]] = []

  package init() {}

  /// Histories.
  package var count: Int { offsets.count - 1 }
}

/// Where items stand among the candidates of a batch.
struct CandidatePlaces {
  /// The last place of each item, −1 for none, and of each place the one before it with the same item.
  private var last: ContiguousArray<Int32>
  private var before: ContiguousArray<Int32>

  init(_ candidates: ContiguousArray<Int32>, itemCount: Int) {
    last = ContiguousArray(repeating: -1, count: itemCount)
    before = ContiguousArray(repeating: -1, count: candidates.count)
    for (place, item) in candidates.enumerated() {
      before[place] = last[Int(item)]
      last[Int(item)] = Int32(place)
    }
  }

  /// All places of some items, which differ.
  func places(of items: some Sequence<Int32>) -> [Int32] {
    var places: [Int32] = []
    for item in items {
      var place = last[Int(item)]
      while place >= 0 {
        places.append(place)
        place = before[Int(place)]
      }
    }
    return places
  }
}
