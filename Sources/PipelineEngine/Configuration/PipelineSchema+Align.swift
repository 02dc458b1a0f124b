/// The keys of the section `align`.
extension PipelineSchema {
  static let align: [ConfigurationKey] = [
    ConfigurationKey(
      "fusion", .choice(["queries", "perceptron"]),
      "How an item's modalities become one vector: by query tokens that attend to them, or by one hidden layer. "
        + "Default: queries."),
    ConfigurationKey("width", .integer(8...1024), "Floats per token. Default: 64."),
    ConfigurationKey("tokensPerModality", .integer(1...64), "Tokens that a modality becomes. Default: 4."),
    ConfigurationKey("queries", .integer(1...64), "Query tokens. Default: 4."),
    ConfigurationKey("layers", .integer(1...24), "Layers of the query tokens. Default: 2."),
    ConfigurationKey("heads", .integer(1...64), "Attention heads, a divisor of 'width'. Default: 4."),
    ConfigurationKey("dropout", .number(0...0.9), "Dropped in training. Default: 0.2."),
    ConfigurationKey("steps", .integer(1...10_000_000), "Batches to train on at most. Default: 2000."),
    ConfigurationKey("batch", .integer(2...65_536), "Pairs per batch. Default: 1024."),
    ConfigurationKey("learningRate", .number(1e-7...1), "At its peak. Default: 0.001."),
    ConfigurationKey("temperature", .number(0.002...10), "What cosines are divided by. Default: 0.07."),
    ConfigurationKey(
      "modalityDropout", .number(0...0.9),
      "How often an item's modality counts as missing in training, for items that have one. Default: 0.15."),
    ConfigurationKey(
      "frequencyCorrection", .number(0...1),
      "How far a target's frequency is taken out of its score in training. Default: 0.5."),
    ConfigurationKey(
      "patience", .integer(1...1000), "Measurements without a gain before training stops. Default: 4."),
    ConfigurationKey(
      "validationShare", .number(0.001...0.5), "Mined pairs that decide when to stop, and train nothing. Default: 0.05."
    ),
    ConfigurationKey(
      "itemLimit", .integer(1_000...100_000_000),
      "Items whose vectors are held in memory for training; of more, those in most pairs. Default: 500000."),
    ConfigurationKey(
      "content", .number(0...100),
      "The length of untrained content beside the aligned vector, whose length is 1: new items, which training did not "
        + "move, are found more often, known ones less. Default: 0, none."),
    ConfigurationKey(
      "components", .section(components),
      "Principal components that a modality's vectors are reduced to before training. With fewer of them less is "
        + "remembered of single items, and more holds for new ones."),
    ConfigurationKey(
      "text", .section(tunedText),
      "What of the text encoder learns with the aligner. Its tuned weights are kept beside the aligner, and all texts are "
        + "encoded with them."),
    ConfigurationKey(
      "encoderRate", .number(1e-9...1), "Learning rate of the text encoder, where it learns. Default: 0.00002."),
    ConfigurationKey(
      "precision", .choice(["f32", "f16", "bf16"]),
      "How training's products round their factors: f16 is the fastest where the processor has it. Default: f32."),
    ConfigurationKey("seed", .integer(0...Int.max), "Seed of the training. Default: the pipeline's."),
  ]
  private static let tunedText: [ConfigurationKey] = [
    ConfigurationKey(
      "trainable", .text,
      "head: none of it, only its projection in the aligner; last:2: its last two layers, or as many as the number says; "
        + "all: all of it. Only for one pretrained encoder of the BERT family. Default: head.")
  ]
  private static let components: [ConfigurationKey] = [
    ConfigurationKey("text", .integer(1...65_536), "Of texts. Default: all dimensions."),
    ConfigurationKey("image", .integer(1...65_536), "Of images. Default: 64."),
  ]
}
