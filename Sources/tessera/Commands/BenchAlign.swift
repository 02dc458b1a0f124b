internal import ArgumentParser
internal import BehaviorAlignment
internal import PipelineEngine

struct BenchAlign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "align", abstract: "Trains an aligner on random vectors and pairs.")
  @Option(help: "Items.") var items = 20_000
  @Option(help: "Floats of each modality's vectors.") var dimensions: [Int] = [384, 1280]
  @Option(help: "queries or perceptron.") var fusion = "queries"
  @Option(help: "Pairs per step.") var batch = 1024
  @Option(help: "Steps that are timed.") var steps = 20
  @Option(help: "Of products: f32, or f16 or bf16 where the processor multiplies those.") var precision = "f32"
  @Option(help: "Threads; 0 is all cores.") var threads = 0

  func validate() throws {
    guard (100...10_000_000).contains(items), (2...65_536).contains(batch), (1...100_000).contains(steps),
      (0...1024).contains(threads)
    else {
      throw ValidationError(
        "--items is from 100 to 10000000, --batch from 2 to 65536, --steps from 1 to 100000, --threads from 0 to 1024")
    }
    guard (1...8).contains(dimensions.count), dimensions.allSatisfy({ (1...65_536).contains($0) }) else {
      throw ValidationError("--dimensions is one to eight numbers from 1 to 65536")
    }
    guard AlignerBenchmark.isKnown(fusion: fusion, precision: precision) else {
      throw ValidationError("--fusion is queries or perceptron, --precision f32, f16 or bf16")
    }
  }

  func run() throws {
    RunThreads.set(threads)
    var result = try AlignerBenchmark.run(
      items: items, dimensions: dimensions, fusion: fusion, batch: batch, steps: steps, precision: precision)
    result.product = "tessera \(Tessera.version)"
    try Output.jsonLine(result)
  }
}
