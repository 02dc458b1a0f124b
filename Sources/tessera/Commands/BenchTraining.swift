internal import ArgumentParser
internal import NeuralNetworks
internal import PipelineEngine
internal import TensorMath

struct BenchTraining: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-recommender", abstract: "Trains an encoder-decoder on random tokens.")
  @Option(help: "Of products: f32, or f16 or bf16 where the processor multiplies those.")
  var precision = EncoderBenchmarkOptions.Precision.f32
  @Option(help: "Steps that are timed.") var steps = 8
  @Option(help: "Threads; 0 is all cores.") var threads = 0

  func validate() throws {
    guard (1...100_000).contains(steps), (0...1024).contains(threads) else {
      throw ValidationError("--steps is from 1 to 100000, --threads from 0 to 1024")
    }
  }

  func run() throws {
    RunThreads.set(threads)
    var result = try TrainingBenchmark.run(precision: precision.weights, steps: steps)
    result.product = "tessera \(Tessera.version)"
    try Output.jsonLine(result)
  }
}
