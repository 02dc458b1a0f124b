/// The keys of the section `finetune`.
extension PipelineSchema {
  static let finetune: [ConfigurationKey] = [
    ConfigurationKey(
      "cycles", .integer(1...100), "Times that codes are tuned and the recommender is trained on. Default: 1."),
    ConfigurationKey(
      "firstEpochs", .integer(1...10_000),
      "Begin both arms with recommenders trained for so long instead of the one that serves: those know items by their "
        + "codes, and not yet each by itself, so that their gradients say more about codes."),
    ConfigurationKey(
      "epochs", .integer(1...10_000),
      "Of the recommender in each cycle. Default: half of train.epochs; behind firstEpochs, what they leave of "
        + "train.epochs."),
    ConfigurationKey(
      "seeds", .integer(1...100),
      "Recommenders that both the served and the tuned codes are tried with; their spread is the noise that a gain must "
        + "exceed. Default: 2."),
    ConfigurationKey("steps", .integer(1...1_000_000), "Batches that codes are tuned on in each cycle. Default: 300."),
    ConfigurationKey("learningRate", .number(1e-7...1), "Of the centroids, at its peak. Default: 0.005."),
    ConfigurationKey(
      "temperature", .number(1e-4...100),
      "Of the choice of a code, in units of the mean squared distance to the nearest. Default: 0.1."),
    ConfigurationKey(
      "aligner", .boolean,
      "Whether the aligner is trained along with the codebooks; the generation that is published has it for its own. "
        + "Default: false."),
    ConfigurationKey(
      "alignerLearningRate", .number(1e-7...1), "Of the aligner's parameters, at its peak. Default: 0.0001."),
    ConfigurationKey(
      "refit", .integer(0...1000),
      "With 'aligner': iterations of k-means from the tuned centroids on the vectors as tuning leaves them. Default: 10."
    ),
    ConfigurationKey("weights", .section(finetuneWeights), "What each term of the loss counts for."),
    ConfigurationKey("gate", .section(finetuneGate), "What must hold for the tuned codes to be published."),
    ConfigurationKey("seed", .integer(0...Int.max), "Seed of the tuning. Default: the pipeline's."),
  ]

  private static let finetuneWeights: [ConfigurationKey] = [
    ConfigurationKey("recommender", .number(0...1000), "The recommender's loss, in nats per item. Default: 1."),
    ConfigurationKey("commitment", .number(0...1000), "Vectors to their centroids. Default: 0.25."),
    ConfigurationKey("reconstruction", .number(0...1000), "Centroids to their vectors. Default: 1."),
    ConfigurationKey("evenness", .number(0...1000), "Even use of a level's codes. Default: 0.05."),
    ConfigurationKey(
      "anchor", .number(0...1000), "The codes that are served now: the more, the fewer items move. Default: 0.1."),
    ConfigurationKey(
      "contrast", .number(0...1000),
      "With 'aligner': what the recommender knows of a user against the vector of the item that comes next, in contrast "
        + "with other items. Vectors then learn by it instead of by the recommender's loss. Default: 1."),
  ]

  private static let finetuneGate: [ConfigurationKey] = [
    ConfigurationKey(
      "minimumGain", .number(0...1000),
      "How far validation NDCG@10 must rise, in standard deviations of its noise. Default: 1."),
    ConfigurationKey("maximumChurn", .number(0...1), "Share of items whose ID may change. Default: 0.5."),
    ConfigurationKey(
      "maximumCollisionIncrease", .number(0...1), "By how much the share of colliding items may rise. Default: 0.01."),
    ConfigurationKey(
      "minimumUtilizationRatio", .number(0...1), "What must be left of each level's utilization. Default: 0.98."),
  ]
}
