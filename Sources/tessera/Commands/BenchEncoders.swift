internal import ArgumentParser
internal import ItemEncoders
internal import PipelineEngine
internal import TableExport
internal import TensorMath

/// What both encoder benchmarks take.
struct EncoderBenchmarkOptions: ParsableArguments {
  enum Precision: String, ExpressibleByArgument, CaseIterable {
    case f32, f16, bf16

    var weights: WeightPrecision { WeightPrecision(rawValue: rawValue) ?? .single }
  }

  @Option(help: "Of the products.") var precision = Precision.f32
  @Option(help: "Inputs at most.") var limit = 2000
  @Option(help: "Threads; 0 is all cores.") var threads = 0
  @Option(help: "Write the vectors as .npy.", completion: .file(extensions: ["npy"])) var out: String?

  func validate() throws {
    guard limit > 0, (0...1024).contains(threads) else {
      throw ValidationError("--limit is at least 1, --threads is from 0 to 1024")
    }
  }

  func finish(_ run: (result: EncoderBenchmark.Result, vectors: Matrix)) throws {
    if let out { try writeNPY(run.vectors, to: out) }
    try Output.jsonLine(run.result)
  }
}

struct BenchEncodeText: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode-text", abstract: "Texts of a JSON Lines file through a pretrained model.")
  @Argument(help: "The model's folder.", completion: .directory) var model: String
  @Argument(help: "Items, whose text is encoded.", completion: .file(extensions: ["jsonl"])) var items: String
  @OptionGroup var options: EncoderBenchmarkOptions

  func run() throws {
    RunThreads.set(options.threads)
    try options.finish(
      EncoderBenchmark.text(
        folder: model, items: items, limit: options.limit, precision: options.precision.weights))
  }
}

struct BenchEncodeImage: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode-image", abstract: "JPEG and PNG files of a folder through a pretrained model.")
  @Argument(help: "The model's folder.", completion: .directory) var model: String
  @Argument(help: "The folder of images.", completion: .directory) var images: String
  @OptionGroup var options: EncoderBenchmarkOptions

  func run() throws {
    RunThreads.set(options.threads)
    try options.finish(
      EncoderBenchmark.images(
        folder: model, images: images, limit: options.limit, precision: options.precision.weights))
  }
}
