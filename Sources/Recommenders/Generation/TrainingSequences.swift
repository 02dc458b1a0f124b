package import BehaviorAlignment
internal import TensorMath

/// Users' training items cut into windows, and the windows into batches without padding: windows that teach at every
/// position, or, for an encoder-decoder, some cuts a user that each teach what follows a history.
package struct TrainingSequences: Sendable {
  /// Some consecutive items of a user. The latest window ends with the user's last item, each one before it with the
  /// first item of the window behind it: every item is predicted once per epoch, behind as many others as possible of
  /// its window.
  fileprivate struct Window: Sendable {
    let range: Range<Int>
    /// Whether it begins where the user began: only then its first item is to be predicted from nothing.
    let isFirst: Bool
    /// Of a cut: how many of its last items are to be written; 0 for a window that teaches at every position.
    var targets = 0

    /// Of the items read, with one for the beginning.
    var rows: Int { targets > 0 ? range.count - targets + 1 : range.count }
  }

  /// How examples for an encoder-decoder are drawn.
  package struct Cuts: Sendable, Equatable {
    /// A user and epoch; all where a sequence has no more items.
    package let perSequence: Int
    /// Items to write behind each, fewer at a sequence's end.
    package let targetItems: Int

    package init(perSequence: Int, targetItems: Int) {
      self.perSequence = perSequence
      self.targetItems = targetItems
    }
  }

  private let cuts: Cuts?
  private let maximumHistory: Int
  /// Of each user that has items.
  private var users: [Range<Int>] = []
  private var items: ContiguousArray<UInt32> = []
  private var windows: [Window] = []
  /// Events by item.
  package let popularity: ContiguousArray<UInt32>

  /// Items without codes are left out.
  /// - Parameter cuts: nil for windows that teach at every position.
  package init(
    _ split: TrainingSplit, _ vocabulary: GeneratorVocabulary, maximumHistory: Int, cuts: Cuts? = nil
  ) {
    (self.cuts, self.maximumHistory) = (cuts, maximumHistory)
    var popularity = ContiguousArray<UInt32>(repeating: 0, count: vocabulary.tokens.itemCount)
    for user in 0..<split.history.userCount {
      let start = items.count
      for item in split.trainingItems(ofUser: user) where vocabulary.knows(item) {
        items.append(item)
        popularity[Int(item)] += 1
      }
      if items.count > start { users.append(start..<items.count) }
    }
    self.popularity = popularity
    if cuts == nil { windows = users.flatMap { windows(of: $0) } }
  }

  private func windows(of user: Range<Int>) -> [Window] {
    var (windows, end): ([Window], Int) = ([], user.upperBound)
    while end > user.lowerBound {
      let first = max(user.lowerBound, end - maximumHistory - 1)
      windows.append(Window(range: first..<end, isFirst: first == user.lowerBound))
      end = first == user.lowerBound ? first : first + 1
    }
    return windows
  }

  private func drawCuts(_ cuts: Cuts, using random: inout RandomSource) -> [Window] {
    users.flatMap { user in
      var places = Array(user)
      if places.count > cuts.perSequence {
        var drawn: Set<Int> = []
        while drawn.count < cuts.perSequence { drawn.insert(Int.random(in: user, using: &random)) }
        places = drawn.sorted()
      }
      return places.map { place in
        let end = min(user.upperBound, place + cuts.targetItems)
        let first = max(user.lowerBound, place - maximumHistory)
        return Window(range: first..<end, isFirst: first == user.lowerBound, targets: end - place)
      }
    }
  }

  var isEmpty: Bool { users.isEmpty }

  /// One step's windows.
  package struct Batch: Sendable {
    fileprivate let windows: [Window]
    /// Items that are read, and one for the beginning of each sequence.
    package let positions: Int
  }

  /// The batches of an epoch, which depend on the seed and the epoch alone: windows in random order, as many to a batch as
  /// fit into its positions, and at least one. Cuts are drawn anew for every epoch.
  package func batches(epoch: Int, seed: UInt64, positions: Int) -> [Batch] {
    var random = RandomSource(seed: seed, stream: UInt64(epoch))
    var batches: [Batch] = [], taken: [Window] = [], rows = 0
    func close() {
      guard !taken.isEmpty else { return }
      batches.append(Batch(windows: taken, positions: rows))
      taken.removeAll(keepingCapacity: true)
      rows = 0
    }
    let windows = cuts.map { drawCuts($0, using: &random) } ?? self.windows
    for window in windows.shuffled(using: &random) {
      if rows + window.rows > positions { close() }
      taken.append(window)
      rows += window.rows
    }
    close()
    return batches
  }

  /// A batch of cuts: what is read, and what is to be written behind it.
  package func examples(_ batch: Batch) -> (histories: [[UInt32]], targets: [[UInt32]]) {
    (
      batch.windows.map { Array(items[$0.range].dropLast($0.targets)) },
      batch.windows.map { Array(items[$0.range].suffix($0.targets)) }
    )
  }

  /// A batch's sequences, and for each of their rows the item behind it; -1 for none to learn.
  package func sequences(_ batch: Batch) -> (batch: SequenceBatch, next: ContiguousArray<Int32>) {
    var (result, next): (SequenceBatch, ContiguousArray<Int32>) = (SequenceBatch(), [])
    for window in batch.windows {
      result.append(items[window.range].dropLast())
      for (place, item) in items[window.range].enumerated() {
        next.append(place > 0 || window.isFirst ? Int32(item) : -1)
      }
    }
    return (result, next)
  }
}
