internal import TensorMath

/// Item-to-item pairs by Swing: two items are close when pairs of users who share little else share them (Yang et al.,
/// "Large Scale Product Graph Construction for Recommendation in E-commerce", 2020).
///
///     s(i, j) = Σ over pairs {u, v} of users who have i and j:  w_u · w_v / (α + |I_u ∩ I_v|),  w_u = |I_u|^(-1/2)
///
/// The sum takes each pair of users once. `I_u` are a user's distinct items of the training window: the latest
/// `itemsPerUser` of them in the intersection, all of them in the weight, so that the cap does not make the busiest
/// users as telling as others. `U_i` is drawn down to `usersPerItem`, so `s(i, j)` may differ from `s(j, i)`.
///
/// One item costs the sum over its neighbors of the square of the users that they share: the intersections of all
/// pairs of its users are counted together, through the items that the users share, rather than pair by pair. With both
/// caps that is bounded, so the whole is linear in interactions. Memory beyond ``UserItemSets`` is a few hundred
/// kilobytes per thread and the result.
public struct SwingMiner: Sendable {
  public struct Parameters: Sendable, Equatable {
    /// α: the larger, the less it counts against two users that they share other items.
    public var alpha: Float = 5
    /// Targets per trigger.
    public var neighbors = 20
    /// The latest of each user that count.
    public var itemsPerUser = 30
    /// Drawn of each item's users where there are more.
    public var usersPerItem = 150
    /// Of that draw.
    public var seed: UInt64 = 1

    public init() {}

    func validate() throws(AlignmentError) {
      func check(_ condition: Bool, _ expectation: String) throws(AlignmentError) {
        if !condition { throw AlignmentError(.invalidParameter, "swing: expected \(expectation)") }
      }
      try check(alpha >= 0 && alpha.isFinite, "an alpha of at least 0, found \(alpha)")
      try check((1...1000).contains(neighbors), "1 to 1000 neighbors, found \(neighbors)")
      try check((2...10_000).contains(itemsPerUser), "2 to 10000 itemsPerUser, found \(itemsPerUser)")
      try check((2...4096).contains(usersPerItem), "2 to 4096 usersPerItem, found \(usersPerItem)")
    }
  }

  /// Items per parallel task.
  private static let chunkSize = 64

  private let parameters: Parameters

  public init(parameters: Parameters = Parameters()) throws(AlignmentError) {
    try parameters.validate()
    self.parameters = parameters
  }

  /// Mines a training window.
  /// - Parameter isCancelled: asked between blocks of items, from several threads.
  /// - Throws: ``AlignmentError/Code/cancelled``.
  public func mine(
    _ split: TrainingSplit, isCancelled: @Sendable () -> Bool = { false }
  ) throws(AlignmentError) -> MinedPairs {
    let sets = UserItemSets(split, itemsPerUser: parameters.itemsPerUser)
    let weights = ContiguousArray(sets.distinctCounts.lazy.map { $0 > 0 ? 1 / Float($0).squareRoot() : 0 })
    let itemCount = split.history.itemCount
    let parts = Parallelism.mapChunks(of: itemCount, size: Self.chunkSize) { range in
      var part = MinedPairs.Part()
      guard !isCancelled() else { return part }
      var neighborhood = SwingNeighborhood(parameters)
      for item in range {
        neighborhood.collect(item, sets, weights)
        part.usersBeyondCap += neighborhood.usersBeyondCap
        part.add(neighborhood.candidates, neighborhood.best, trigger: UInt32(item), source: .swing)
      }
      return part
    }
    guard !isCancelled() else { throw AlignmentError(.cancelled, "mining was stopped") }
    var mined = MinedPairs(parts, source: .swing, itemCount: itemCount)
    mined.itemsBeyondCap = sets.beyondCap
    return mined
  }
}

/// What a miner found, with exact numbers of what its caps left out.
public struct MinedPairs: Sendable {
  public var table: PairTable
  public let source: PairSource
  /// Pairs that were scored; those of them that the miner's own limit drops are not in the table.
  public internal(set) var candidates = 0
  /// (user, item)s that a cap on items per user left out.
  public internal(set) var itemsBeyondCap = 0
  /// (item, user)s that a cap on users per item left out.
  public internal(set) var usersBeyondCap = 0

  /// Of one block of triggers.
  struct Part: Sendable {
    var pairs: [PairTable.Pair] = []
    var candidates = 0
    var usersBeyondCap = 0

    mutating func add(_ count: Int, _ best: BestItems, trigger: UInt32, source: PairSource) {
      candidates += count
      pairs.append(contentsOf: best.pairs(trigger: trigger, source: source))
    }
  }

  init(_ parts: [Part], source: PairSource, itemCount: Int) {
    table = PairTable(itemCount: itemCount, parts.lazy.flatMap(\.pairs))
    self.source = source
    candidates = parts.reduce(0) { $0 + $1.candidates }
    usersBeyondCap = parts.reduce(0) { $0 + $1.usersBeyondCap }
  }

  /// Candidates kept and dropped by the miner's own limit: on similarity, or on targets per trigger.
  public var limit: FilterCount {
    FilterCount(
      filter: source == .userToItem ? .similarity : .neighbors, source: source, kept: table.count,
      dropped: candidates - table.count)
  }
}
