internal import BehaviorAlignment

/// The miners that a pipeline names, over one training window.
struct PairMining {
  let settings: PipelineConfiguration.Pairs
  /// By item of the window, where pairs are filtered by them.
  var categories: [UInt32]?
  /// Where the model behind user-to-item pairs is kept while it is trained; nil for nowhere.
  var checkpoint: String?
  let isCancelled: @Sendable () -> Bool

  /// What mining tells of itself on its way.
  struct Observer {
    /// A source, its place among how many.
    var willMine: (PairSource, Int, Int) -> Void = { _, _, _ in }
    /// Epochs of the model behind user-to-item pairs, of how many.
    var didLearn: (Int, Int) -> Void = { _, _ in }
    var didTrain: (TwoTowerTraining.Result) -> Void = { _ in }
    /// What a source gave, what filters left of it, and seconds.
    var didMine: (MinedPairs, FilteredPairs, Double) -> Void = { _, _, _ in }
  }

  /// - Returns: the filtered pairs of all sources; may be empty.
  func mine(_ split: TrainingSplit, observer: Observer = Observer()) throws -> PairTable {
    var filters = settings.filters
    if let categories { filters.categories = categories }
    let miners = miners(split, observer)
    let popularity = split.itemUserCounts()
    var tables: [PairTable] = []
    for (index, (source, mine)) in miners.enumerated() {
      observer.willMine(source, index, miners.count)
      let start = ContinuousClock.now
      let mined = try mine()
      let filtered = try filters.apply(to: mined.table, popularity: popularity)
      observer.didMine(mined, filtered, start.duration(to: .now).seconds)
      tables.append(filtered.table)
    }
    return PairTable.merging(tables)
  }

  private func miners(_ split: TrainingSplit, _ observer: Observer) -> [(PairSource, () throws -> MinedPairs)] {
    var miners: [(PairSource, () throws -> MinedPairs)] = []
    if let parameters = settings.swing {
      miners.append((.swing, { try SwingMiner(parameters: parameters).mine(split, isCancelled: isCancelled) }))
    }
    if let userToItem = settings.userToItem {
      miners.append((.userToItem, { try mine(split, userToItem, observer) }))
    }
    if let parameters = settings.nearby {
      miners.append((.nearby, { try NearbyMiner(parameters: parameters).mine(split, isCancelled: isCancelled) }))
    }
    return miners
  }

  private func mine(
    _ split: TrainingSplit, _ settings: PipelineConfiguration.Pairs.UserToItem, _ observer: Observer
  ) throws -> MinedPairs {
    let miner = try UserToItemMiner(parameters: settings.mining)
    let trained = try TwoTowerTraining(settings.shape, parameters: settings.training).train(
      split, checkpoint: checkpoint, isCancelled: isCancelled,
      observe: { observer.didLearn($0.epoch, settings.training.epochs) })
    observer.didTrain(trained)
    return try miner.mine(split, embeddings: trained.model.rowVectors, isCancelled: isCancelled)
  }
}
