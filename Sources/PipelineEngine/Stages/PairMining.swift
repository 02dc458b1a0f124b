internal import BehaviorAlignment

/// The miners that a pipeline names, over one training window.
struct PairMining {
  let settings: PipelineConfiguration.Pairs
  /// By item of the window, where pairs are filtered by them.
  var categories: [UInt32]?
  let isCancelled: @Sendable () -> Bool

  /// - Parameter observe: told of every source before it is mined, its place among how many, and of what it gave.
  /// - Returns: the filtered pairs of all sources; may be empty.
  func mine(
    _ split: TrainingSplit, willMine: (PairSource, Int, Int) -> Void = { _, _, _ in },
    didMine: (MinedPairs, FilteredPairs, Double) -> Void = { _, _, _ in }
  ) throws -> PairTable {
    var filters = settings.filters
    if let categories { filters.categories = categories }
    var miners: [(PairSource, () throws -> MinedPairs)] = []
    if let parameters = settings.swing {
      miners.append((.swing, { try SwingMiner(parameters: parameters).mine(split, isCancelled: isCancelled) }))
    }
    if let parameters = settings.nearby {
      miners.append((.nearby, { try NearbyMiner(parameters: parameters).mine(split, isCancelled: isCancelled) }))
    }
    let popularity = split.itemUserCounts()
    var tables: [PairTable] = []
    for (index, (source, mine)) in miners.enumerated() {
      willMine(source, index, miners.count)
      let start = ContinuousClock.now
      let mined = try mine()
      let filtered = try filters.apply(to: mined.table, popularity: popularity)
      didMine(mined, filtered, start.duration(to: .now).seconds)
      tables.append(filtered.table)
    }
    return PairTable.merging(tables)
  }
}
