/// The keys of the section `behavior`.
extension PipelineSchema {
  static let behavior: [ConfigurationKey] =
    [
      ConfigurationKey(
        "model", .choice(["sasrec", "two-tower"]),
        "What learns the vectors: a transformer on users' sequences, or the two-tower model of pairs.userToItem. "
          + "Default: sasrec.")
    ] + sequentialModel + twoTowerModel + [
      ConfigurationKey(
        "weight", .number(0.01...100),
        "The length of behavior vectors beside the content's, whose length is 1. Default: 0.7."),
      ConfigurationKey(
        "dimensions", .integer(1...65_536), "Floats per joined representation. Default: represent.dimensions."),
    ]

  /// Of a model of users' sequences.
  static let sequentialModel: [ConfigurationKey] =
    itemModel + [
      ConfigurationKey("layers", .integer(0...64), "Transformer layers. Default: 2."),
      ConfigurationKey("heads", .integer(1...64), "Attention heads, a divisor of 'width'. Default: 2."),
    ]

  /// Of a two-tower model, beside ``itemModel``.
  static let twoTowerModel: [ConfigurationKey] = [
    ConfigurationKey(
      "pooling", .choice(["attention", "mean"]),
      "How the two-tower model makes one vector of what a user met. Default: attention."),
    ConfigurationKey(
      "negatives", .integer(0...65_536),
      "Items drawn uniformly per step of a two-tower model, beside the other events' items. Default: 1024."),
    ConfigurationKey(
      "temperature", .number(0.002...10), "What cosines are divided by in a two-tower model's loss. Default: 0.07."),
    ConfigurationKey(
      "frequencyCorrection", .number(0...1),
      "How far a two-tower model's loss corrects for items that are often negatives. Default: 1."),
  ]

  /// Of any model of item IDs.
  static let itemModel: [ConfigurationKey] = [
    ConfigurationKey("width", .integer(8...1024), "Floats per item vector. Default: 128."),
    ConfigurationKey("hidden", .integer(8...8192), "Floats in the feed-forward part. Default: 'width'."),
    ConfigurationKey("dropout", .number(0...0.9), "Dropped in training. Default: 0.5."),
    ConfigurationKey("maximumHistory", .integer(1...4096), "Items that the model looks back on. Default: 50."),
    ConfigurationKey("epochs", .integer(1...10_000), "Passes over the log at most. Default: 12."),
    ConfigurationKey("learningRate", .number(1e-7...1), "At its peak. Default: 0.001."),
    ConfigurationKey("positionsPerBatch", .integer(1...(1 << 20)), "Events per step. Default: 1024."),
    ConfigurationKey(
      "patience", .integer(1...1000), "Epochs without a gain on held-out events before training stops. Default: 3."),
    ConfigurationKey(
      "itemLimit", .integer(1...10_000_000),
      "Items that the model knows, the most frequent; 4 kB of memory for each. Default: 100000."),
    ConfigurationKey(
      "precision", .choice(["f32", "f16", "bf16"]),
      "How training's products round their factors: f16 is the fastest where the processor has it. Default: f32."),
    ConfigurationKey("seed", .integer(0...Int.max), "Seed of the training. Default: the pipeline's."),
  ]
}
