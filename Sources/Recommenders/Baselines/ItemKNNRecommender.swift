public import BehaviorAlignment
internal import RealModule
internal import TensorMath

/// Recommends what other users had beside the latest items of a history: item-to-item nearest neighbors by damped cosine
/// (Sarwar et al., 2001; Deshpande and Karypis, 2004), with histories that fade.
///
///     score(j) = Σ over steps back s of the history:  decayˢ · sim(iₛ, j),   s = 0 for the latest item
///     sim(i, j) = cᵢⱼ / ((nᵢ · nⱼ)^exponent + shrinkage)
///
/// where cᵢⱼ users have both items in their training window and nᵢ have i. An exponent of 0.5 is the cosine.
///
/// Fitting is linear in interactions, with the cap on items per user as its factor, and so is its memory: 8 bytes per
/// neighbor and 4 per (user, item) in each direction.
public struct ItemKNNRecommender: NextItemRecommender {
  public struct Parameters: Sendable, Equatable, Codable {
    /// Of the product of both items' users.
    public var exponent: Float = 0.35
    /// Added to the denominator: items that few users have are less sure.
    public var shrinkage: Float = 5
    /// What an item of the history counts beside the one behind it.
    public var decay: Float = 0.3
    /// The latest items of the history that count.
    public var historyLength = 20
    /// Kept per item.
    public var neighbors = 200
    /// The latest distinct items of each user that count in fitting.
    public var itemsPerUser = 200

    public init() {}
  }

  public let name = "ItemKNN"
  public let parameters: Parameters
  /// Where each item's neighbors begin.
  private let offsets: [Int]
  /// The most similar first.
  private let neighbors: ContiguousArray<UInt32>
  private let similarities: ContiguousArray<Float>

  /// Items per parallel task in fitting, queries in recommending.
  private static let chunkSize = 64

  /// Counts neighbors in the training window.
  /// - Parameter isCancelled: asked between blocks of items, from several threads.
  /// - Throws: ``RecommenderError/Code/invalidParameter`` and ``RecommenderError/Code/cancelled``.
  public init(
    _ split: TrainingSplit, parameters: Parameters = Parameters(), isCancelled: @Sendable () -> Bool = { false }
  ) throws(RecommenderError) {
    try parameters.validate()
    let sets = UserItemSets(split, itemsPerUser: parameters.itemsPerUser)
    let powers = ContiguousArray(
      (0..<split.history.itemCount).map { item in
        Float.pow(Float(sets.itemOffsets[item + 1] - sets.itemOffsets[item]), parameters.exponent)
      })
    let parts = Parallelism.mapChunks(of: split.history.itemCount, size: Self.chunkSize) { range in
      var part = NeighborLists()
      guard !isCancelled() else { return part }
      var counter = CooccurrenceCounter(parameters, powers)
      for item in range { part.append(counter.neighbors(of: item, in: sets)) }
      return part
    }
    guard !isCancelled() else { throw RecommenderError(.cancelled, "counting ItemKNN's neighbors was stopped") }
    self.parameters = parameters
    var offsets = [0], neighbors = ContiguousArray<UInt32>(), similarities = ContiguousArray<Float>()
    for part in parts {
      for count in part.counts { offsets.append(offsets[offsets.count - 1] + count) }
      neighbors += part.items
      similarities += part.similarities
    }
    (self.offsets, self.neighbors, self.similarities) = (offsets, neighbors, similarities)
  }

  /// An item's neighbors, the most similar first, ties by row.
  public func neighbors(of item: UInt32) -> [ScoredItem] {
    (offsets[Int(item)]..<offsets[Int(item) + 1]).map {
      ScoredItem(item: neighbors[$0], score: similarities[$0])
    }
  }

  /// Only items that are a neighbor of one in the history are recommended: none for an empty history.
  /// - Complexity: O(historyLength · neighbors) a query, on all threads.
  public func recommend(
    _ queries: ArraySlice<NextItemQuery>, count: Int, filter: RecommendationFilter
  ) -> [[ScoredItem]] {
    Parallelism.mapChunks(of: queries.count, size: Self.chunkSize) { range in
      var slots = ItemSlots()
      var best = BestItems(limit: count)
      return range.map { recommend(queries[queries.startIndex + $0], filter, &slots, &best) }
    }.flatMap { $0 }
  }

  private func recommend(
    _ query: NextItemQuery, _ filter: RecommendationFilter, _ slots: inout ItemSlots, _ best: inout BestItems
  ) -> [ScoredItem] {
    slots.removeAll()
    best.removeAll()
    var scores: ContiguousArray<Float> = []
    var weight: Float = 1
    for item in query.history.reversed().prefix(parameters.historyLength) where weight > 0 {
      for place in offsets[Int(item)]..<offsets[Int(item) + 1] {
        let number = slots.number(of: neighbors[place])
        if number == scores.count { scores.append(0) }
        scores[number] += weight * similarities[place]
      }
      weight *= parameters.decay
    }
    let history = filter.excludesHistory ? Set(query.history) : []
    for (number, score) in scores.enumerated() where filter.permits(slots.items[number], history: history) {
      best.add(BestItems.Entry(item: slots.items[number], score: score, support: 0))
    }
    return best.entries.map { ScoredItem(item: $0.item, score: $0.score) }
  }
}

extension ItemKNNRecommender.Parameters {
  func validate() throws(RecommenderError) {
    func check(_ condition: Bool, _ expectation: String) throws(RecommenderError) {
      if !condition { throw RecommenderError(.invalidParameter, "ItemKNN: expected \(expectation)") }
    }
    try check((0...1).contains(exponent), "an exponent from 0 to 1, found \(exponent)")
    try check(shrinkage >= 0 && shrinkage.isFinite, "a shrinkage of at least 0, found \(shrinkage)")
    try check((0...1).contains(decay), "a decay from 0 to 1, found \(decay)")
    try check((1...100_000).contains(historyLength), "a historyLength from 1 to 100,000, found \(historyLength)")
    try check((1...10_000).contains(neighbors), "1 to 10,000 neighbors, found \(neighbors)")
    try check((2...10_000).contains(itemsPerUser), "2 to 10,000 itemsPerUser, found \(itemsPerUser)")
  }
}

/// The neighbors of consecutive items, one behind the other.
private struct NeighborLists: Sendable {
  var counts: [Int] = []
  var items: ContiguousArray<UInt32> = []
  var similarities: ContiguousArray<Float> = []

  mutating func append(_ entries: ContiguousArray<BestItems.Entry>) {
    counts.append(entries.count)
    for entry in entries {
      items.append(entry.item)
      similarities.append(entry.score)
    }
  }
}

/// Counts the users that an item shares with others: scratch memory that a thread uses item by item.
private struct CooccurrenceCounter {
  private let shrinkage: Float
  /// nᵢ ^ exponent by item.
  private let powers: ContiguousArray<Float>
  private var slots = ItemSlots()
  private var counts: ContiguousArray<UInt32> = []
  private var best: BestItems

  init(_ parameters: ItemKNNRecommender.Parameters, _ powers: ContiguousArray<Float>) {
    shrinkage = parameters.shrinkage
    self.powers = powers
    best = BestItems(limit: parameters.neighbors)
  }

  mutating func neighbors(of item: Int, in sets: borrowing UserItemSets) -> ContiguousArray<BestItems.Entry> {
    slots.removeAll()
    best.removeAll()
    counts.removeAll(keepingCapacity: true)
    for member in sets.itemOffsets[item]..<sets.itemOffsets[item + 1] {
      let user = Int(sets.users[member])
      for place in sets.userOffsets[user]..<sets.userOffsets[user + 1] where sets.items[place] != UInt32(item) {
        let number = slots.number(of: sets.items[place])
        if number == counts.count { counts.append(1) } else { counts[number] += 1 }
      }
    }
    for (number, count) in counts.enumerated() {
      let neighbor = slots.items[number]
      let similarity = Float(count) / (powers[item] * powers[Int(neighbor)] + shrinkage)
      best.add(BestItems.Entry(item: neighbor, score: similarity, support: count))
    }
    return best.entries
  }
}
