package import BehaviorAlignment
internal import TensorMath

/// Users' training items cut into windows, and the windows into batches without padding.
package struct TrainingSequences: Sendable {
  /// Some consecutive items of a user. The latest window ends with the user's last item, each one before it with the
  /// first item of the window behind it: every item is predicted once per epoch, behind as many others as possible of
  /// its window.
  fileprivate struct Window: Sendable {
    let range: Range<Int>
    /// Whether it begins where the user began: only then its first item is to be predicted from nothing.
    let isFirst: Bool

    /// With one for the beginning, and none for the last item.
    var rows: Int { range.count }
  }

  private var items: ContiguousArray<UInt32> = []
  private var windows: [Window] = []
  /// Events by item.
  let popularity: ContiguousArray<UInt32>

  /// Items without codes are left out.
  package init(_ split: TrainingSplit, _ vocabulary: GeneratorVocabulary, maximumHistory: Int) {
    var popularity = ContiguousArray<UInt32>(repeating: 0, count: vocabulary.tokens.itemCount)
    for user in 0..<split.history.userCount {
      let start = items.count
      for item in split.trainingItems(ofUser: user) where vocabulary.knows(item) {
        items.append(item)
        popularity[Int(item)] += 1
      }
      var end = items.count
      while end > start {
        let first = max(start, end - maximumHistory - 1)
        windows.append(Window(range: first..<end, isFirst: first == start))
        end = first == start ? start : first + 1
      }
    }
    self.popularity = popularity
  }

  var isEmpty: Bool { windows.isEmpty }

  /// One step's windows.
  package struct Batch: Sendable {
    fileprivate let windows: [Window]
    /// Rows of its sequences.
    package let positions: Int
  }

  /// The batches of an epoch, which depend on the seed and the epoch alone: windows in random order, as many to a batch as
  /// fit into its positions, and at least one.
  package func batches(epoch: Int, seed: UInt64, positions: Int) -> [Batch] {
    var random = RandomSource(seed: seed, stream: UInt64(epoch))
    var batches: [Batch] = [], taken: [Window] = [], rows = 0
    func close() {
      guard !taken.isEmpty else { return }
      batches.append(Batch(windows: taken, positions: rows))
      taken.removeAll(keepingCapacity: true)
      rows = 0
    }
    for window in windows.shuffled(using: &random) {
      if rows + window.rows > positions { close() }
      taken.append(window)
      rows += window.rows
    }
    close()
    return batches
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
