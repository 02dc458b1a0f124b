internal import ItemEncoders

/// Every key of a pipeline file. One description serves the parser, `Schemas/pipeline.schema.json` and the help.
public enum PipelineSchema {
  /// Sections that the design has and this version does not run: an error rather than silence.
  public static let root = ConfigurationShape.section([
    ConfigurationKey("name", .identifier, required: true, "Names the pipeline and its default workspace."),
    ConfigurationKey(
      "workspace", .text,
      "Folder for all that runs write, relative to this file. Default: runs/<name> in the current folder."),
    ConfigurationKey("threads", .integer(0...1024), "Threads to use; 0, the default, is all cores."),
    ConfigurationKey(
      "compute", .choice(["auto", "float32", "bfloat16"]),
      "Arithmetic of matrix products. The built-in encoders compute in float32 whatever this says. Default: auto."),
    ConfigurationKey("seed", .integer(0...Int.max), "Seed of every random step that has none of its own. Default: 1."),
    ConfigurationKey("keepRuns", .integer(1...100_000), "Run folders to keep. Default: 30."),
    ConfigurationKey("catalog", .section(catalog), required: true, "What items there are."),
    ConfigurationKey("encode", .section(encode), "How items become embeddings, one encoder per modality."),
    ConfigurationKey("pairs", .section(pairs), "Which pairs of items behavior ties. Needs 'catalog.interactions'."),
    ConfigurationKey(
      "align", .section(align), "How representations learn from the pairs. Without it they are not trained."),
    ConfigurationKey(
      "behavior", .section(behavior),
      "Vectors that items get from who is used with whom, joined with what they are. Needs 'pairs' for its window."),
    ConfigurationKey("represent", .section(represent), "How an item's embeddings become one vector."),
    ConfigurationKey("quantize", .section(quantize), "How vectors become codes."),
    ConfigurationKey("resolve", .section(resolve), "What happens to items that share a semantic ID."),
    ConfigurationKey("publish", .section(publish), "How generations are kept in the store."),
    ConfigurationKey("export", .list(of: .section(export), count: 1...16), "Tables to write from the new generation."),
    ConfigurationKey(
      "finetune", .section(finetune),
      "How 'tessera finetune' moves the codes by the recommender's gradients, and what a change must prove."),
    ConfigurationKey(
      "train", .section(train), "A recommender that reads the published semantic IDs, and how it is measured."),
    ConfigurationKey(
      "preference", .section(preference),
      "How 'tessera train --stage preference' aligns the recommender with a reward that is learned from the log."),
    ConfigurationKey("report", .section(report), "The run's HTML and JSON report."),
  ])

  private static let catalog: [ConfigurationKey] = [
    ConfigurationKey(
      "items", .either([.text, .list(of: .text, count: 1...1000)]), required: true,
      "Item files (.jsonl, .csv, .tsv, also .gz), paths or globs, relative to this file."),
    ConfigurationKey(
      "interactions", .either([.text, .section(interactions)]), "The behavior log, a path or a section."),
    ConfigurationKey(
      "imageFolder", .text, "Folder that image paths are relative to. Default: each item file's folder."),
    ConfigurationKey(
      "imageRoot", .text, "Folder that image paths may not leave. Default: the one they are relative to."),
    ConfigurationKey(
      "maxRejectedFraction", .number(0...1), "The run fails where more of the records than this are bad. Default: 0.01."
    ),
    ConfigurationKey("limits", .section(limits), "Bounds on what is read, against damaged and hostile files."),
  ]

  private static let interactions: [ConfigurationKey] = [
    ConfigurationKey(
      "path", .either([.text, .list(of: .text, count: 1...1000)]), required: true,
      "Interaction files (.csv, .tsv, .jsonl, also .gz)."),
    ConfigurationKey(
      "minimumRating", .number(-1e9...1e9), "Interactions rated below this are left out. Default: none."),
  ]

  private static let limits: [ConfigurationKey] = [
    ConfigurationKey("recordBytes", .integer(1_024...(256 << 20)), "Longest line of an item file."),
    ConfigurationKey("imageBytes", .integer(1_024...(1 << 30)), "Largest image file."),
    ConfigurationKey("imagePixels", .integer(1_024...(1 << 30)), "Largest image, width times height."),
  ]

  private static let encode: [ConfigurationKey] = [
    ConfigurationKey(
      "text",
      .either([.section(text), .list(of: .section(textRule), count: 1...EncoderRole.maximumRoutes)]),
      "The encoder of titles and texts, or a list of rules of which the first that matches names it. Absent: text is "
        + "not used."),
    ConfigurationKey("image", .section(image), "The encoder of images. Absent: images are not used."),
    ConfigurationKey("cache", .section(cache), "The embedding cache, which spares re-encoding what did not change."),
  ]

  private static let text: [ConfigurationKey] =
    encoder + [
      ConfigurationKey("dimensions", .integer(8...4096), "Length of a built-in text embedding. Default: 384."),
      ConfigurationKey(
        "template", .text,
        "What the encoder reads, as in \"{title}. {text} {attributes.brand}\". Default: the text, or the title where "
          + "the text is empty."),
      ConfigurationKey(
        "prefix", .text, "Put before every text that a pretrained model reads, such as \"passage: \" for E5."),
    ]

  private static let textRule: [ConfigurationKey] =
    [
      ConfigurationKey(
        "when", .section(condition),
        "Which items the rule takes. The last rule may do without and takes the rest; where it has one too, the items "
          + "that no rule takes have no text vector and are counted.")
    ] + text

  private static let condition: [ConfigurationKey] = {
    let name = ConfigurationShape.choice(Script.ofTexts.map(\.rawValue))
    return [
      ConfigurationKey(
        "script", .either([name, .list(of: name, count: 1...Script.ofTexts.count)]), required: true,
        "The script, or scripts, of most letters of what the rule's encoder would read.")
    ]
  }()

  private static let image: [ConfigurationKey] = encoder

  /// An encoder is built in, a folder with weights, or another program.
  private static let encoder: [ConfigurationKey] = [
    ConfigurationKey(
      "model", .text,
      "builtin, which needs no weights, or the folder of a pretrained model (tessera models fetch). Default: builtin."),
    ConfigurationKey(
      "precision", .choice(["f32", "f16", "bf16"]),
      "Of a pretrained model's products. f16 is faster where the processor multiplies halves (AVX-512 FP16), and more "
        + "exact than bf16 (AVX-512 BF16) by three bits; where the processor lacks it, f32 is used and the run says so. "
        + "Default: f32."),
    ConfigurationKey(
      "command", .list(of: .text, count: 1...256),
      "A program that speaks the worker protocol, and its arguments, run in the pipeline file's folder."),
    ConfigurationKey(
      "version", .text, "Of the program; change it when its vectors change and its model's name does not."),
    ConfigurationKey("timeout", .integer(1...86_400), "Seconds that the program may take for an answer. Default: 120."),
  ]

  private static let cache: [ConfigurationKey] = [
    ConfigurationKey(
      "keepNights", .integer(1...10_000),
      "Runs after which embeddings of unused encoders, and of items that are gone, are dropped. Default: 14."),
    ConfigurationKey("maxMegabytes", .integer(16...(1 << 24)), "Largest size of the cache. Default: 65536."),
  ]

  private static let represent: [ConfigurationKey] = [
    ConfigurationKey("dimensions", .integer(1...4096), "Length of the vector that is quantized. Default: 128."),
    ConfigurationKey("weights", .section(weights), "Each modality's share of the vector."),
    ConfigurationKey("sampleLimit", .integer(256...10_000_000), "Items that the model is fitted on. Default: 100000."),
  ]

  private static let weights: [ConfigurationKey] = [
    ConfigurationKey("text", .number(0.001...1_000), "The share of the text. Default: 1."),
    ConfigurationKey("image", .number(0.001...1_000), "The share of the image. Default: 0.5."),
  ]

  private static let quantize: [ConfigurationKey] = [
    ConfigurationKey(
      "method", .choice(["residual-kmeans", "balanced", "balanced-greedy", "rq-vae"]),
      "The quantizer. Default: residual-kmeans."),
    ConfigurationKey(
      "sizes", .list(of: .integer(2...65_536), count: 1...16), "Centroids of each level. Default: [256, 256, 256, 256]."
    ),
    ConfigurationKey("seed", .integer(0...Int.max), "Seed of the k-means. Default: the pipeline's."),
    ConfigurationKey("iterations", .integer(1...1_000), "k-means iterations per level. Default: 20."),
    ConfigurationKey(
      "sampleLimit", .integer(256...10_000_000), "Items that codebooks are trained on. Default: 262144."),
    ConfigurationKey(
      "refit", .choice(["never", "on-drift", "always"]),
      "Whether a later night trains the codebooks again, from the old centroids. Default: never."),
    ConfigurationKey(
      "driftThreshold", .number(1...1_000),
      "With on-drift: refit where the new items' mean squared error exceeds the training error by this factor. "
        + "Default: 1.25."),
    ConfigurationKey("autoencoder", .section(autoencoder), "With rq-vae: the encoder and decoder, and their training."),
    ConfigurationKey(
      "neighbors", .section(neighbors), "VQ codes: each item's nearest items of a set. Absent: there are none."),
  ]

  private static let resolve: [ConfigurationKey] = [
    ConfigurationKey(
      "policy", .choice(["keep", "suffix", "relocate"]),
      "keep lets items share an ID, suffix numbers them, relocate moves all but one to the nearest free code of the "
        + "last level and numbers those that find none. Default: relocate."),
    ConfigurationKey(
      "distanceBudget", .number(1...1_000_000),
      "With relocate: how far an item may move, as a factor of the distance to its own centroid. "
        + "Default: any free code of its prefix will do."),
    ConfigurationKey(
      "suffixCapacity", .integer(1...65_536),
      "Items that suffixes can tell apart in one bucket; more are an error. Default: 65536."),
  ]

  private static let publish: [ConfigurationKey] = [
    ConfigurationKey(
      "keepGenerations", .integer(1...10_000), "Generations kept for rollback and comparison. Default: 7.")
  ]

  private static let export: [ConfigurationKey] = [
    ConfigurationKey("format", .choice(["parquet", "csv", "jsonl", "npy"]), required: true, "The table's format."),
    ConfigurationKey(
      "path", .text, required: true,
      "The file (for npy a folder), relative to the workspace."),
  ]

  private static let report: [ConfigurationKey] = [
    ConfigurationKey("buckets", .integer(0...200), "Colliding buckets to show. Default: 20.")
  ]
}
