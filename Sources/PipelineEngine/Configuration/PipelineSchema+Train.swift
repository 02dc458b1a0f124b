internal import Recommenders

/// The keys of the section `train`.
extension PipelineSchema {
  static let train: [ConfigurationKey] = [
    ConfigurationKey(
      "window", .section(pairWindow),
      "What may be learned from; the rest is held out. Default: that of 'pairs', else { leaveLast: 2 }."),
    ConfigurationKey(
      "maxEventsPerUser", .integer(2...1_000_000), "Of each user, the latest so many events count. Default: 4096."),
    ConfigurationKey(
      "backbone", .choice(Array(backbones.keys).sorted()),
      "one-position reads each item as one position and learns at all positions at once; encoder-decoder reads and writes "
        + "code by code, as OneRec does, and costs several times as much per item. Default: one-position."),
    ConfigurationKey("width", .integer(8...4096), "Floats of an item's state. Default: 128."),
    ConfigurationKey(
      "layers", .integer(1...48), "Layers over a user's items; those of the encoder in an encoder-decoder. Default: 2."),
    ConfigurationKey("decoderLayers", .integer(1...48), "Layers of the decoder in an encoder-decoder. Default: 2."),
    ConfigurationKey("heads", .integer(1...64), "Attention heads, a divisor of 'width'. Default: 4."),
    ConfigurationKey("hidden", .integer(8...65_536), "Floats in feed-forward parts. Default: 512."),
    ConfigurationKey("dropout", .number(0...0.9), "Dropped in training. Default: 0.4."),
    ConfigurationKey(
      "maximumHistory", .integer(1...4096), "Of a user's items, the latest so many are read. Default: 30."),
    ConfigurationKey(
      "prefixTables", .choice(["all", "none"]),
      "Whether prefixes of an item's codes have vectors of their own on the input side, beside those of its codes: "
        + "they remember items, and help items seen in training more than new ones. Default: all."),
    ConfigurationKey(
      "prefixDropout", .number(0...0.9),
      "Of the items of a history, the part that is read by its codes alone in training, others in each step, as new items "
        + "are when recommending. Default: 0."),
    ConfigurationKey(
      "prefixOutputs", .boolean,
      "Whether a code is chosen also by the vector of the prefix that it leads to, so that what is remembered of an item "
        + "counts when items are written, and not only when they are read. What training never met gets the mean of those "
        + "beside it. Default: false."),
    ConfigurationKey(
      "tiesTables", .boolean,
      "Whether a code is chosen by its likeness to the vector that it is read as; false gives the choice vectors of its "
        + "own. Default: true."),
    ConfigurationKey(
      "experts", .section(experts),
      "Of an encoder-decoder: a sparse mixture of experts in each layer of the decoder. Default: none."),
    ConfigurationKey(
      "targetItems", .integer(1...256),
      "Of an encoder-decoder: items that it learns to write one behind another, a session. Default: 1."),
    ConfigurationKey(
      "cutsPerSequence", .integer(1...65_536),
      "Of an encoder-decoder: places in each user's sequence that an epoch draws to learn at. Default: 3."),
    ConfigurationKey(
      "sessions", .section(sessions),
      "Of an encoder-decoder: what it learns to write are the sessions of users, told apart by pauses, those that are good "
        + "enough. Default: the next items behind any place, which is also what a log without timestamps gets."),
    ConfigurationKey(
      "pathways", .section(pathways),
      "Of an encoder-decoder: what it reads of a user beside the latest 'maximumHistory' items, of which 20 are enough "
        + "then. Default: those items alone."),
    ConfigurationKey(
      "positive", .section(positive),
      "Which events are positive feedback: those that meet one of the criteria. Default: all events."),
    ConfigurationKey("epochs", .integer(1...10_000), "Passes over the log. Default: 12."),
    ConfigurationKey("positionsPerBatch", .integer(1...(1 << 20)), "Items read per step. Default: 1024."),
    ConfigurationKey("learningRate", .number(1e-7...1), "At its peak. Default: 0.002."),
    ConfigurationKey("warmup", .integer(0...1_000_000), "Steps to the peak. Default: 200."),
    ConfigurationKey("weightDecay", .number(0...10), "Of matrices and tables. Default: 0.05."),
    ConfigurationKey(
      "softmax", .choice(Array(softmaxes.keys).sorted()),
      "What a code is told from in training: from those that lead on to an item, as when recommending, or from all. "
        + "With live, the choice of an item is all that is learned; with all, IDs that are drawn without the trie exist more "
        + "often, which preference alignment measures. Default: live."),
    ConfigurationKey(
      "precision", .choice(["f32", "f16", "bf16"]),
      "How training's products round their factors: f16 is the fastest where the processor has it. Default: f32."),
    ConfigurationKey("seed", .integer(0...Int.max), "Seed of the training. Default: the pipeline's."),
    ConfigurationKey("beam", .integer(1...10_000), "IDs that are held per user in generation. Default: 50."),
    ConfigurationKey(
      "rerank", .number(0...100),
      "Trains a dense head beside the codes and weighs its score in the final order of what the beam found, in a row of "
        + "its own. Default: 0, no such head."),
    ConfigurationKey(
      "excludeHistory", .boolean, "Whether a user's earlier items are left out when measuring. Default: false."),
    ConfigurationKey(
      "baselines", .list(of: .choice(["popularity", "item-knn", "sasrec"]), count: 0...3),
      "What the recommender is measured beside. Default: [popularity, item-knn]; sasrec is trained, which takes time."),
    ConfigurationKey("sasrec", .section(sequentialModel), "The shape and training of that baseline."),
    ConfigurationKey(
      "sweep", .list(of: .section(sweepSize), count: 1...64),
      "The sizes that 'tessera train --sweep' trains. Default: a quarter, half, once and twice 'width' and 'hidden'."),
  ]

  /// By the word of a pipeline file.
  static let softmaxes: [String: CodeLegality] = ["live": .constrained, "all": .unconstrained]

  /// By the word of a pipeline file.
  static let backbones: [String: GeneratorConfiguration.Backbone] = [
    "one-position": .onePosition, "encoder-decoder": .encoderDecoder,
  ]

  private static let experts: [ConfigurationKey] = [
    ConfigurationKey("count", .integer(1...4096), required: true, "Experts of a layer."),
    ConfigurationKey("selected", .integer(1...4096), "Experts that each position goes through. Default: 2, or all."),
    ConfigurationKey("hidden", .integer(1...65_536), "Floats inside an expert. Default: train.hidden."),
  ]

  private static let sessions: [ConfigurationKey] = [
    ConfigurationKey(
      "gap", .duration, "A longer pause ends a session: 30m, 12h, 2d, or a number in the log's unit. Default: 30m."),
    ConfigurationKey("minimumItems", .integer(1...65_536), "Different items that a session needs. Default: 2."),
    ConfigurationKey("maximumItems", .integer(1...65_536), "Different items that it may have. Default: any number."),
    ConfigurationKey("minimumDuration", .duration, "From its first event to its last. Default: 0."),
    ConfigurationKey(
      "minimumPositives", .integer(0...65_536), "Events in it that are positive feedback: 'train.positive'. Default: 0."
    ),
  ]

  private static let pathways: [ConfigurationKey] = [
    ConfigurationKey(
      "traits", .boolean,
      "A position for the number of events, their mean distance in time and the share that is positive. Default: false."
    ),
    ConfigurationKey(
      "positive", .integer(1...4096),
      "So many of the latest items of positive feedback, 'train.positive', a position each. Default: none."),
    ConfigurationKey(
      "lifelong", .integer(1...65_536),
      "So many of the items before the latest ones, compressed to 'queries' positions. Default: none."),
    ConfigurationKey(
      "queries", .integer(1...4096), "Positions that the lifelong history is compressed to. Default: 16."),
  ]

  private static let positive: [ConfigurationKey] = [
    ConfigurationKey("minimumRating", .number(-1e6...1e6), "The event's rating is at least this."),
    ConfigurationKey("minimumWeight", .number(-1e6...1e6), "The event's weight is at least this."),
    ConfigurationKey("events", .list(of: .text, count: 1...64), "The event has one of these names, such as like."),
  ]

  private static let sweepSize: [ConfigurationKey] = [
    ConfigurationKey("width", .integer(8...4096), required: true, "As train.width."),
    ConfigurationKey("layers", .integer(1...48), "As train.layers, which is the default."),
    ConfigurationKey(
      "hidden", .integer(8...65_536), "As train.hidden. Default: as many times 'width' as there; experts likewise."),
  ]
}
