/// Makes semantic IDs unique, or lets them be, by a collision policy.
///
/// The result depends on the inputs alone: not on threads, not on hashing. Who keeps a contested code is decided by
/// fixedness first (published IDs never move), then by cost, then by row.
public struct CollisionResolver: Sendable {
  public struct Parameters: Sendable, Equatable, Codable {
    public var policy = CollisionPolicy.suffix

    /// Items that suffixes can tell apart in one bucket, the one with suffix 0 included: 1 to 65,536. A consumer that
    /// gives the suffix a vocabulary of its own sets its size here.
    public var suffixCapacity = 65_536

    /// How far `relocate` may move an item: its new distance over its own centroid's. Nil lets an item take any
    /// free code of its prefix. An item that lies on its centroid never moves under a budget.
    public var distanceBudget: Float?

    /// The largest (items × free codes) of a prefix that is solved exactly. Beyond it each contested code goes to its
    /// cheapest item, and the others take, in row order, their nearest free code.
    public var exactEntries = 1 << 22

    public init() {}

    public init(policy: CollisionPolicy, suffixCapacity: Int = 65_536, distanceBudget: Float? = nil) {
      self.policy = policy
      self.suffixCapacity = suffixCapacity
      self.distanceBudget = distanceBudget
    }
  }

  public let parameters: Parameters

  /// - Throws: `invalidParameters` for a capacity outside 1...65,536 or a distance budget below 1.
  public init(_ parameters: Parameters) throws(QuantizerError) {
    guard (1...65_536).contains(parameters.suffixCapacity) else {
      throw QuantizerError(
        .invalidParameters,
        "a suffix capacity of \(parameters.suffixCapacity); a suffix is 16 bits, so 1 to 65,536 are possible")
    }
    if let budget = parameters.distanceBudget, !(budget >= 1 && budget.isFinite) {
      throw QuantizerError(
        .invalidParameters,
        "a distance budget of \(budget); it is a ratio of distances, 1 or more (leave it out for none)")
    }
    self.parameters = parameters
  }

  /// Resolves the codes of all items.
  ///
  /// - Parameters:
  ///   - codes: items × levels, in row order; fixed rows hold their published codes.
  ///   - distances: ‖residual after the last level‖ of every row.
  ///   - fixed: the rows that hold a published ID.
  ///   - lastLevel: distances to every centroid of the last level, which `relocate` asks for the rows of contested
  ///     prefixes only.
  /// - Throws: `capacityExceeded` when a bucket needs more suffixes than there are, `invalidParameters` when
  ///   `relocate` has no `lastLevel`.
  /// - Complexity: O(items × levels) and, for `relocate`, for each touched prefix of m items and K codes,
  ///   O(m·K + m²·min(K, m²)).
  public func resolve(
    codes: CodeMatrix, distances: ContiguousArray<Float>, fixed: FixedRows, lastLevel: LastLevelDistances? = nil
  ) throws(QuantizerError) -> ResolvedCodes {
    precondition(distances.count == codes.count, "\(distances.count) distances for \(codes.count) rows")
    precondition(fixed.isFixed.count == codes.count, "\(fixed.isFixed.count) fixed marks for \(codes.count) rows")
    precondition(codes.levels > 0, "a semantic ID has at least one code")
    var state = ResolutionState(codes: codes, distances: distances, fixed: fixed)
    let grouped = CodeBuckets(codes)
    if parameters.policy == .relocate {
      guard let lastLevel else {
        throw QuantizerError(
          .invalidParameters, "the relocate policy needs the distances to the last level's centroids")
      }
      state.relocate(
        PrefixRelocation(parameters: parameters, lastLevel: lastLevel).relocate(codes, grouped, distances, fixed))
    }
    let regrouped = state.moves.isEmpty ? grouped : CodeBuckets(state.codes)
    if parameters.policy != .keep {
      try state.assignSuffixes(regrouped, capacity: parameters.suffixCapacity, fixed: fixed)
    }
    return state.resolved(parameters.policy, before: grouped, after: regrouped, fixed: fixed)
  }
}

/// What changes while a policy is applied.
struct ResolutionState {
  var codes: CodeMatrix
  var suffixes: ContiguousArray<UInt16>
  var distances: ContiguousArray<Float>
  var moved: ContiguousArray<Bool>
  var fellBack: ContiguousArray<Bool>
  var moves: [CodeMove] = []
  var touchedPrefixes = 0
  var greedyPrefixes = 0

  init(codes: CodeMatrix, distances: ContiguousArray<Float>, fixed: FixedRows) {
    self.codes = codes
    self.distances = distances
    suffixes = ContiguousArray(repeating: 0, count: codes.count)
    for row in 0..<codes.count where fixed.isFixed[row] { suffixes[row] = fixed.suffixes[row] }
    moved = ContiguousArray(repeating: false, count: codes.count)
    fellBack = moved
  }

  mutating func relocate(_ outcome: PrefixRelocation.Outcome) {
    moves = outcome.moves.sorted { $0.row < $1.row }
    touchedPrefixes = outcome.touchedPrefixes
    greedyPrefixes = outcome.greedyPrefixes
    for move in moves {
      codes[move.row, codes.levels - 1] = move.to
      distances[move.row] = move.distanceAfter
      moved[move.row] = true
    }
    for row in outcome.fallbacks { fellBack[row] = true }
  }

  func resolved(
    _ policy: CollisionPolicy, before: CodeBuckets, after: CodeBuckets, fixed: FixedRows
  ) -> ResolvedCodes {
    let added = moves.map { Double($0.distanceAfter) - Double($0.distanceBefore) }
    let total = added.reduce(0, +)
    let report = CollisionReport(
      policy: policy, items: codes.count, fixedItems: fixed.isFixed.reduce(0) { $0 + ($1 ? 1 : 0) },
      before: BucketMetrics(before), after: BucketMetrics(after), touchedPrefixes: touchedPrefixes,
      greedyPrefixes: greedyPrefixes, movedItems: moves.count, totalDistanceAdded: total,
      meanDistanceAdded: moves.isEmpty ? 0 : total / Double(moves.count), largestDistanceAdded: added.max() ?? 0,
      fallbackItems: fellBack.reduce(0) { $0 + ($1 ? 1 : 0) },
      suffixedItems: suffixes.reduce(0) { $0 + ($1 > 0 ? 1 : 0) }, sharedIDItems: sharedIDItems(after))
    return ResolvedCodes(
      codes: codes, suffixes: suffixes, distances: distances, moved: moved, moves: moves, report: report)
  }

  /// Items whose codes and suffix another item has too.
  private func sharedIDItems(_ grouped: CodeBuckets) -> Int {
    var shared = 0
    for bucket in 0..<grouped.count where grouped.size(bucket) > 1 {
      let held = grouped.rows[grouped.range(bucket)].map { suffixes[Int($0)] }.sorted()
      for position in held.indices {
        let likeBefore = position > 0 && held[position - 1] == held[position]
        let likeAfter = position + 1 < held.count && held[position + 1] == held[position]
        if likeBefore || likeAfter { shared += 1 }
      }
    }
    return shared
  }
}
