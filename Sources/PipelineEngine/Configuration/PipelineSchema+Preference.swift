/// The keys of the section `preference`.
extension PipelineSchema {
  static let preference: [ConfigurationKey] = [
    ConfigurationKey(
      "method", .choice(["ipa", "ecpo"]),
      "How rewards become a loss: by the best and the worst of what beam search finds, or by all of it. Default: ecpo."),
    ConfigurationKey(
      "ratings", .list(of: .number(-1e6...1e6), count: 1...8),
      "What a reward model foretells: for each number, whether a rating is that or more. Without it, or in a log without "
        + "ratings, whether an item is met at all."),
    ConfigurationKey("rewardEpochs", .integer(1...10_000), "Passes of each reward model over its half. Default: 6."),
    ConfigurationKey("epochs", .integer(1...10_000), "Passes over the log. Default: 3."),
    ConfigurationKey("learningRate", .number(1e-7...1), "At its peak. Default: 0.0002."),
    ConfigurationKey("share", .number(0.0001...1), "Of the steps that align as well. Default: 0.1."),
    ConfigurationKey("users", .integer(1...65_536), "Of such a step. Default: 32."),
    ConfigurationKey("weight", .number(0...1000), "Of the preference loss beside that of next items. Default: 1."),
    ConfigurationKey(
      "sessionItems", .integer(1...256),
      "Items of a candidate: 1 for the next item, more for sessions, up to train.targetItems. Default: 1."),
    ConfigurationKey(
      "softmax", .choice(Array(softmaxes.keys).sorted()),
      "What the probabilities of candidates are among: the codes that lead on to an item, or all. Default: that of 'train'."
    ),
    ConfigurationKey("candidates", .integer(2...65_536), "IDs per user that are compared. Default: 64."),
    ConfigurationKey(
      "formatWeight", .number(0...1000),
      "Of the loss that rewards drawn IDs for being live; 0 for none. Default: 0."),
    ConfigurationKey(
      "exposure", .section(preferenceExposure),
      "Cuts the reward of the most popular items where they are too much of what is recommended. Default: nothing is cut."
    ),
    ConfigurationKey("guards", .section(preferenceGuards), "When alignment does not begin, or ends."),
    ConfigurationKey("seed", .integer(0...Int.max), "Default: the pipeline's."),
  ]

  private static let preferenceExposure: [ConfigurationKey] = [
    ConfigurationKey(
      "popular", .number(0.0001...1), required: true,
      "Of the items with events in the training window, the part that is the most popular; with those as popular as the "
        + "last of them."),
    ConfigurationKey(
      "share", .number(0...1), required: true,
      "Of what is recommended in a step, so much may be these items before anything is cut."),
    ConfigurationKey("factor", .number(0.01...0.99), "What their reward is multiplied by then. Default: 0.5."),
  ]

  private static let preferenceGuards: [ConfigurationKey] = [
    ConfigurationKey(
      "minimumRewardAUC", .number(0...1), "Of the reward model and its judge, on held-out events. Default: 0.6."),
    ConfigurationKey(
      "ndcgTolerance", .number(0...1), "The share of validation NDCG@10 that may be lost. Default: 0.05."),
    ConfigurationKey("legalityTolerance", .number(0...1), "By how much legality may fall. Default: 0.1."),
  ]
}
