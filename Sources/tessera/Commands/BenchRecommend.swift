internal import ArgumentParser
internal import PipelineEngine
internal import Recommenders

struct BenchRecommend: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recommend",
    abstract: "Generates semantic IDs by beam search, for users with made-up histories or those of a pipeline.")
  @Option(
    help: "Measure its served recommender on its held-out queries; what is made up otherwise is its own then.",
    completion: .file(extensions: ["yaml"]))
  var pipeline: String?
  @Option(help: "Items.") var items = 12_101
  @Option(help: "Codes of an ID.") var levels = 3
  @Option(help: "Codes of a level.") var size = 256
  @Option(help: "Items of each user's history.") var history = 20
  @Option(help: "IDs that are held per user, and asked for.") var beam = 50
  @Option(help: "Users.") var users = 1024
  @Option(help: "Width of the network.") var width = 128
  @Option(help: "Layers of the backbone.") var layers = 2
  @Option(help: "Attention heads.") var heads = 4
  @Option(help: "Width inside the feed-forward parts.") var hidden = 512
  @Option(help: "Of products: f32, or f16 or bf16 where the processor multiplies those.")
  var precision = EncoderBenchmarkOptions.Precision.f32
  @Option(help: "Write the weights for the peer.", completion: .file(extensions: ["safetensors"]))
  var weights: String?
  @Option(help: "Write the pipeline's codes and histories for the peer.", completion: .file(extensions: ["json"]))
  var data: String?
  @Option(help: "Threads; 0 is all cores.") var threads = 0

  func validate() throws {
    guard (1...10_000_000).contains(items), (1...8).contains(levels), (2...65_536).contains(size) else {
      throw ValidationError("--items is from 1 to 10000000, --levels from 1 to 8, --size from 2 to 65536")
    }
    // No more than half of what the first two codes and the last can tell apart.
    guard Double(items) * 2 <= Double(min(24, size)) * Double(size) * (levels > 2 ? Double(size) : 1) || levels == 1
    else {
      throw ValidationError("--items is \(items), too many for IDs of \(levels) codes of \(size)")
    }
    guard levels > 1 || items <= size else {
      throw ValidationError("--items is \(items), too many for IDs of one code of \(size)")
    }
    guard (0...1000).contains(history), (1...10_000).contains(beam), (1...10_000_000).contains(users) else {
      throw ValidationError("--history is from 0 to 1000, --beam from 1 to 10000, --users from 1 to 10000000")
    }
    guard data == nil || pipeline != nil else {
      throw ValidationError("--data is a pipeline's; name one by --pipeline, or leave --data out")
    }
    guard (0...1024).contains(threads) else { throw ValidationError("--threads is from 0 to 1024") }
  }

  func run() throws {
    RunThreads.set(threads)
    var result = try measured()
    result.product = "tessera \(Tessera.version)"
    try Output.jsonLine(result)
  }

  private func measured() throws -> GenerationBenchmark.Result {
    if let pipeline {
      let served = try ServedRecommender(Pipeline(PipelineConfiguration(contentsOf: pipeline)))
      return try served.benchmark(
        users: users, beam: beam, precision: precision.weights, weights: weights, input: data)
    }
    var shape = GenerationBenchmark.Shape()
    (shape.items, shape.levels, shape.size) = (items, levels, size)
    (shape.history, shape.beam, shape.users) = (history, beam, users)
    shape.configuration.width = width
    shape.configuration.layers = layers
    shape.configuration.heads = heads
    shape.configuration.hidden = hidden
    shape.configuration.maximumHistory = max(1, history)
    return try GenerationBenchmark.run(shape, precision: precision.weights, weights: weights)
  }
}
