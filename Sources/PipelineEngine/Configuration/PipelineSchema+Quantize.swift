extension PipelineSchema {
  static let autoencoder: [ConfigurationKey] = [
    ConfigurationKey(
      "hidden", .list(of: .integer(1...65_536), count: 0...8),
      "Widths of the encoder's hidden layers; the decoder mirrors them. Default: [], a linear encoder."),
    ConfigurationKey(
      "latentDimensions", .integer(0...4096),
      "Length of what the encoder makes of a vector, which is quantized; 0: no encoder, the vector itself. Default: 128."
    ),
    ConfigurationKey(
      "estimator", .choice(["straight-through", "rotation"]),
      "How gradients pass the choice of codes: unchanged, or by the rotation trick. Default: straight-through."),
    ConfigurationKey(
      "commitment", .number(0...100), "Weight of the term that keeps vectors near their centroids. Default: 0.25."),
    ConfigurationKey(
      "centroidDecay", .number(0...0.9999),
      "Centroids are running means of what chose them: the share that a batch leaves standing. Default: 0.95."),
    ConfigurationKey(
      "pairWeight", .number(0...1_000),
      "Weight of the term that brings the quantized vectors of two items together that behavior ties. Needs 'pairs'. "
        + "Default: 0, none."),
    ConfigurationKey("epochs", .integer(1...100_000), "Passes over the training items, at most. Default: 60."),
    ConfigurationKey(
      "settlingEpochs", .integer(0...10_000),
      "Passes at the end with the encoder fixed: centroids and decoder are fitted to it. Default: 10."),
    ConfigurationKey(
      "patience", .integer(1...100_000), "Epochs without a lower held-out error before training stops. Default: 10."),
    ConfigurationKey("batchSize", .integer(1...1_000_000), "Items of a training step. Default: 256."),
    ConfigurationKey("learningRate", .number(1e-8...1), "Highest learning rate of AdamW. Default: 0.001."),
    ConfigurationKey("weightDecay", .number(0...10), "Weight decay of AdamW. Default: 0.01."),
    ConfigurationKey(
      "heldOutShare", .number(0...0.5), "Share of the items on which the best epoch is chosen. Default: 0.05."),
  ]

  static let neighbors: [ConfigurationKey] = [
    ConfigurationKey(
      "count", .integer(1...1024), "Nearest items per item, the item itself left out. Default: 25."),
    ConfigurationKey(
      "itemSet", .integer(2...10_000_000),
      "Items that can be neighbors: all, or where there are more this many, drawn by the seed. Default: 50000."),
  ]
}
