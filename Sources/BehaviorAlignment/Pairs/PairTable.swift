/// Where a pair of items comes from.
public enum PairSource: UInt8, Sendable, CaseIterable {
  /// Many pairs of users who share little else share the two items.
  case swing = 0
  /// By item-ID embeddings the most similar of what a user had met before the target.
  case userToItem = 1
  /// Met within a few steps of each other.
  case nearby = 2

  /// As it is written in files and figures.
  public var name: String {
    switch self {
    case .swing: "swing"
    case .userToItem: "userToItem"
    case .nearby: "nearby"
    }
  }
}

/// Pairs of items that behavior ties: columns of one length, ordered by source, then trigger, then target. A pair
/// stands at most once per source, and no item is paired with itself.
///
/// Memory: 17 bytes per pair.
public struct PairTable: Sendable, Equatable {
  /// Rows of the item table that the pairs refer to.
  public private(set) var itemCount: Int
  /// Rows of the item table: what stands for the query side of the contrast. Likewise the targets.
  public private(set) var triggers: ContiguousArray<UInt32> = []
  public private(set) var targets: ContiguousArray<UInt32> = []
  public private(set) var sources: ContiguousArray<PairSource> = []
  /// Positive and finite; comparable within a source only.
  public private(set) var weights: ContiguousArray<Float> = []
  /// Users that the pair rests on, at least 1.
  public private(set) var supports: ContiguousArray<UInt32> = []

  public init(itemCount: Int) { self.itemCount = itemCount }

  /// One pair.
  public struct Pair: Sendable, Equatable {
    public var trigger: UInt32
    public var target: UInt32
    public var source: PairSource
    public var weight: Float
    public var support: UInt32

    public init(trigger: UInt32, target: UInt32, source: PairSource, weight: Float, support: UInt32) {
      self.trigger = trigger
      self.target = target
      self.source = source
      self.weight = weight
      self.support = support
    }

    fileprivate func precedes(_ other: Pair) -> Bool {
      (source.rawValue, trigger, target) < (other.source.rawValue, other.trigger, other.target)
    }
  }

  /// Takes pairs in any order.
  /// - Precondition: what the type promises of them holds.
  /// - Complexity: O(n) for pairs that come in order, else O(n log n).
  public init(itemCount: Int, _ pairs: some Sequence<Pair>) {
    self.itemCount = itemCount
    for pair in pairs { append(pair) }
    guard count > 1, (1..<count).contains(where: { !self[$0 - 1].precedes(self[$0]) }) else { return }
    self = selecting((0..<count).sorted { self[$0].precedes(self[$1]) })
    for row in 1..<count { precondition(self[row - 1].precedes(self[row]), "pair \(self[row]) stands twice") }
  }

  /// Pairs.
  public var count: Int { triggers.count }
  public var isEmpty: Bool { triggers.isEmpty }

  public subscript(row: Int) -> Pair {
    Pair(
      trigger: triggers[row], target: targets[row], source: sources[row], weight: weights[row], support: supports[row])
  }

  private mutating func append(_ pair: Pair) {
    precondition(Int(pair.trigger) < itemCount && Int(pair.target) < itemCount, "\(pair) of \(itemCount) items")
    precondition(pair.trigger != pair.target && pair.support > 0, "\(pair) is none")
    precondition(pair.weight > 0 && pair.weight.isFinite, "the weight of \(pair) is positive")
    triggers.append(pair.trigger)
    targets.append(pair.target)
    sources.append(pair.source)
    weights.append(pair.weight)
    supports.append(pair.support)
  }

  /// The rows of one source.
  /// - Complexity: O(log n).
  public func rows(of source: PairSource) -> Range<Int> {
    let start = firstRow { $0.rawValue >= source.rawValue }
    return start..<firstRow { $0.rawValue > source.rawValue }
  }

  private func firstRow(where matches: (PairSource) -> Bool) -> Int {
    var low = 0, high = count
    while low < high {
      let middle = (low + high) / 2
      if matches(sources[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Sources that have a pair, in order.
  public var presentSources: [PairSource] { PairSource.allCases.filter { !rows(of: $0).isEmpty } }

  /// Some of the rows, ascending.
  func selecting(_ rows: [Int]) -> PairTable {
    var result = PairTable(itemCount: itemCount)
    result.reserve(rows.count)
    for row in rows { result.append(self[row]) }
    return result
  }

  private mutating func reserve(_ capacity: Int) {
    triggers.reserveCapacity(capacity)
    targets.reserveCapacity(capacity)
    sources.reserveCapacity(capacity)
    weights.reserveCapacity(capacity)
    supports.reserveCapacity(capacity)
  }

  /// All pairs of several tables, of which no two have a source in common.
  public static func merging(_ tables: [PairTable]) -> PairTable {
    guard let first = tables.first else { return PairTable(itemCount: 0) }
    var result = PairTable(itemCount: first.itemCount)
    result.reserve(tables.reduce(0) { $0 + $1.count })
    for source in PairSource.allCases {
      let holders = tables.filter { !$0.rows(of: source).isEmpty }
      precondition(holders.count <= 1, "two tables hold \(source.name) pairs")
      for table in holders {
        precondition(table.itemCount == first.itemCount, "tables of different catalogues")
        for row in table.rows(of: source) { result.append(table[row]) }
      }
    }
    return result
  }
}
