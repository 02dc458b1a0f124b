internal import TensorMath

/// Pairs of items that users met within a few steps of each other: the earlier is the trigger, and each meeting adds
/// `1 / distance` to the weight.
///
/// Work and memory are linear in interactions: 12 bytes per event of the training window, and per thread the
/// neighborhood of one item.
public struct NearbyMiner: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// The largest distance in a user's sequence.
    public var steps = 3
    /// Targets per trigger, the heaviest.
    public var neighbors = 100

    public init() {}
  }

  /// Items per parallel task.
  private static let chunkSize = 256

  private let parameters: Parameters

  public init(parameters: Parameters = Parameters()) throws(AlignmentError) {
    guard (1...50).contains(parameters.steps) else {
      throw AlignmentError(.invalidParameter, "nearby: expected 1 to 50 steps, found \(parameters.steps)")
    }
    guard (1...1000).contains(parameters.neighbors) else {
      throw AlignmentError(.invalidParameter, "nearby: expected 1 to 1000 neighbors, found \(parameters.neighbors)")
    }
    self.parameters = parameters
  }

  /// Mines a training window.
  /// - Parameter isCancelled: asked between blocks of items, from several threads.
  /// - Throws: ``AlignmentError/Code/cancelled``.
  public func mine(
    _ split: TrainingSplit, isCancelled: @Sendable () -> Bool = { false }
  ) throws(AlignmentError) -> MinedPairs {
    let occurrences = Occurrences(split)
    let itemCount = split.history.itemCount
    let parts = Parallelism.mapChunks(of: itemCount, size: Self.chunkSize) { range in
      var part = MinedPairs.Part()
      guard !isCancelled() else { return part }
      var neighborhood = NearbyNeighborhood(parameters)
      for item in range {
        neighborhood.collect(item, occurrences, split)
        part.add(neighborhood.candidates, neighborhood.best, trigger: UInt32(item), source: .nearby)
      }
      return part
    }
    guard !isCancelled() else { throw AlignmentError(.cancelled, "mining was stopped") }
    return MinedPairs(parts, source: .nearby, itemCount: itemCount)
  }
}

/// Where each item stands in the training window.
private struct Occurrences: Sendable {
  /// Where each item's places begin.
  private(set) var offsets: [Int]
  /// Ascending within an item; positions in the history's items, and the users whose rows they lie in.
  private(set) var positions: ContiguousArray<Int>
  private(set) var users: ContiguousArray<UInt32>

  init(_ split: TrainingSplit) {
    let history = split.history
    offsets = Array(repeating: 0, count: history.itemCount + 1)
    for user in 0..<history.userCount {
      for position in split.trainingRange(ofUser: user) { offsets[Int(history.items[position]) + 1] += 1 }
    }
    for item in 0..<history.itemCount { offsets[item + 1] += offsets[item] }
    positions = ContiguousArray(repeating: 0, count: split.summary.trainingEvents)
    users = ContiguousArray(repeating: 0, count: positions.count)
    var next = offsets
    for user in 0..<history.userCount {
      for position in split.trainingRange(ofUser: user) {
        let item = Int(history.items[position])
        positions[next[item]] = position
        users[next[item]] = UInt32(user)
        next[item] += 1
      }
    }
  }
}

/// What followed one item: scratch memory that a thread uses item by item.
private struct NearbyNeighborhood {
  private let steps: Int
  private var slots = ItemSlots()
  private var entries: ContiguousArray<Entry> = []
  private(set) var candidates = 0
  private(set) var best: BestItems

  private struct Entry {
    var weight: Float = 0
    var support: UInt32 = 0
    var lastUser = UInt32.max
  }

  init(_ parameters: NearbyMiner.Parameters) {
    steps = parameters.steps
    best = BestItems(limit: parameters.neighbors)
  }

  mutating func collect(_ item: Int, _ occurrences: Occurrences, _ split: TrainingSplit) {
    slots.removeAll()
    entries.removeAll(keepingCapacity: true)
    for index in occurrences.offsets[item]..<occurrences.offsets[item + 1] {
      let position = occurrences.positions[index], user = occurrences.users[index]
      let end = min(split.ends[Int(user)], position + steps + 1)
      for other in position + 1..<max(end, position + 1) {
        let target = split.history.items[other]
        guard Int(target) != item else { continue }
        let number = slots.number(of: target)
        if number == entries.count { entries.append(Entry()) }
        entries[number].weight += 1 / Float(other - position)
        if entries[number].lastUser != user { entries[number].support += 1 }
        entries[number].lastUser = user
      }
    }
    candidates = entries.count
    best.removeAll()
    for (number, entry) in entries.enumerated() {
      best.add(BestItems.Entry(item: slots.items[number], score: entry.weight, support: entry.support))
    }
  }
}
