internal import ArgumentParser
internal import Foundation
internal import PipelineEngine
internal import Quantizers
internal import TableExport
internal import TensorMath

struct BenchQuantizers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantizers", abstract: "RQ-VAE against residual k-means over the vectors of an .npy file.")
  @Argument(help: "Vectors, n × d floats.", completion: .file(extensions: ["npy"])) var vectors: String
  @Option(help: "Levels.") var levels = 3
  @Option(help: "Centroids per level.") var size = 256
  @Option(help: "Seeds, counted from 1.") var seeds = 3
  @Option(help: "k-means iterations per level.") var iterations = 20
  @Option(help: "Epochs of the RQ-VAE, at most.") var epochs = 60
  @Option(help: "Length of the latent vectors; 0: the vectors themselves are quantized.") var latent = 128
  @Option(help: "Width of the hidden layer; 0 for none.") var hidden = 0
  @Option(help: "straight-through or rotation.") var estimator = "straight-through"
  @Option(help: "Threads; 0 is all cores.") var threads = 0

  func validate() throws {
    guard (1...64).contains(levels), (1...65_536).contains(size), (1...1000).contains(iterations) else {
      throw ValidationError("--levels is from 1 to 64, --size from 1 to 65536, --iterations from 1 to 1000")
    }
    guard (1...100).contains(seeds), (1...100_000).contains(epochs), (0...1024).contains(threads) else {
      throw ValidationError("--seeds is from 1 to 100, --epochs from 1 to 100000, --threads from 0 to 1024")
    }
    guard (0...4096).contains(latent), (0...65_536).contains(hidden), latent > 0 || hidden == 0 else {
      throw ValidationError("--latent is from 0 to 4096, --hidden from 0 to 65536, and 0 where --latent is 0")
    }
    guard QuantizationEstimator(rawValue: estimator) != nil else {
      throw ValidationError("--estimator is rotation or straight-through")
    }
  }

  func run() throws {
    RunThreads.set(threads)
    let x = try NPYReader(path: vectors).readAll()
    for seed in 1...seeds {
      let parameters = ResidualAutoencoder.Parameters(
        sizes: Array(repeating: size, count: levels), hidden: hidden > 0 ? [hidden] : [], latentDimensions: latent,
        estimator: QuantizationEstimator(rawValue: estimator) ?? .straightThrough, epochs: epochs, seed: UInt64(seed),
        sampleLimit: max(1, x.rows))
      for figures in try QuantizerComparison.run(x, parameters: parameters, iterations: iterations) {
        try Output.jsonLine(figures)
      }
    }
  }
}
