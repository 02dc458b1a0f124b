/// The keys of the section `train`.
extension PipelineSchema {
  static let train: [ConfigurationKey] = [
    ConfigurationKey(
      "window", .section(pairWindow),
      "What may be learned from; the rest is held out. Default: that of 'pairs', else { leaveLast: 2 }."),
    ConfigurationKey(
      "maxEventsPerUser", .integer(2...1_000_000), "Of each user, the latest so many events count. Default: 4096."),
    ConfigurationKey("width", .integer(8...4096), "Floats of an item's state. Default: 128."),
    ConfigurationKey("layers", .integer(1...48), "Layers over a user's items. Default: 2."),
    ConfigurationKey("heads", .integer(1...64), "Attention heads, a divisor of 'width'. Default: 4."),
    ConfigurationKey("hidden", .integer(8...65_536), "Floats in feed-forward parts. Default: 512."),
    ConfigurationKey("dropout", .number(0...0.9), "Dropped in training. Default: 0.4."),
    ConfigurationKey(
      "maximumHistory", .integer(1...4096), "Of a user's items, the latest so many are read. Default: 30."),
    ConfigurationKey(
      "prefixTables", .choice(["all", "none"]),
      "Whether prefixes of an item's codes have vectors of their own on the input side, beside those of its codes: "
        + "they remember items, and help items seen in training more than new ones. Default: all."),
    ConfigurationKey("epochs", .integer(1...10_000), "Passes over the log. Default: 12."),
    ConfigurationKey("positionsPerBatch", .integer(1...(1 << 20)), "Items read per step. Default: 1024."),
    ConfigurationKey("learningRate", .number(1e-7...1), "At its peak. Default: 0.002."),
    ConfigurationKey("warmup", .integer(0...1_000_000), "Steps to the peak. Default: 200."),
    ConfigurationKey("weightDecay", .number(0...10), "Of matrices and tables. Default: 0.05."),
    ConfigurationKey("seed", .integer(0...Int.max), "Seed of the training. Default: the pipeline's."),
    ConfigurationKey("beam", .integer(1...10_000), "IDs that are held per user in generation. Default: 50."),
    ConfigurationKey(
      "excludeHistory", .boolean, "Whether a user's earlier items are left out when measuring. Default: false."),
    ConfigurationKey(
      "baselines", .list(of: .choice(["popularity", "item-knn", "sasrec"]), count: 0...3),
      "What the recommender is measured beside. Default: [popularity, item-knn]; sasrec is trained, which takes time."),
    ConfigurationKey("sasrec", .section(sequentialModel), "The shape and training of that baseline."),
  ]
}
