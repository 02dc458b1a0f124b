internal import ArgumentParser
internal import Foundation
internal import PipelineEngine
internal import Quantizers
internal import SemanticIDStore
internal import TableExport
internal import TensorMath

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Runs the product's side of a benchmark and prints one JSON line.",
    subcommands: [
      BenchResidualKMeans.self, BenchQuantizers.self, BenchStore.self, BenchProducts.self, BenchNight.self,
      BenchEncodeText.self, BenchEncodeImage.self, BenchPairs.self, BenchAlign.self, BenchRepresentations.self,
      BenchTraining.self, BenchRecommend.self, BenchRanker.self,
    ])
}

struct BenchResidualKMeans: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "residual-kmeans", abstract: "Residual k-means over the vectors of an .npy file.")
  @Argument(help: "Vectors, n × d floats.", completion: .file(extensions: ["npy"])) var vectors: String
  @Option(help: "Levels.") var levels = 3
  @Option(help: "Centroids per level.") var size = 1024
  @Option(help: "Iterations per level.") var iterations = 20
  @Option(help: "Threads; 0 is all cores.") var threads = 0

  private struct Figures: Encodable {
    var product = "tessera \(Tessera.version)"
    var n: Int, d: Int, levels: Int, size: Int, iterations: Int
    var fit_s: Double, encode_s: Double, mse: Double
  }

  func validate() throws {
    guard (1...64).contains(levels), (1...65_536).contains(size), (1...1000).contains(iterations) else {
      throw ValidationError("--levels is from 1 to 64, --size from 1 to 65536, --iterations from 1 to 1000")
    }
    guard (0...1024).contains(threads) else { throw ValidationError("--threads is from 0 to 1024") }
  }

  func run() throws {
    RunThreads.set(threads)
    let x = try NPYReader(path: vectors).readAll()
    let parameters = ResidualQuantizer.Parameters(
      sizes: Array(repeating: size, count: levels), iterations: iterations, seed: 1, sampleLimit: max(1, x.rows))
    let clock = ContinuousClock()
    let start = clock.now
    let training = try ResidualQuantizer.train(x, parameters: parameters)
    let fitted = clock.now
    let encoding = try training.quantizer.encode(x)
    let encoded = clock.now
    try Output.jsonLine(
      Figures(
        n: x.rows, d: x.columns, levels: levels, size: size, iterations: iterations,
        fit_s: (fitted - start).inSeconds, encode_s: (encoded - fitted).inSeconds, mse: encoding.meanSquaredError))
  }
}

struct BenchStore: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store", abstract: "Publishes items with three codes both ways, then reads at random.")
  @Option(help: "Items.") var items = 1_000_000

  func validate() throws {
    guard (1...100_000_000).contains(items) else { throw ValidationError("--items is from 1 to 100000000") }
  }

  func run() throws { try Output.jsonLine(try StoreBenchmark.run(items: items)) }
}

struct BenchProducts: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gemm", abstract: "The best matrix-product rate that this program reaches.")

  private struct Figures: Encodable {
    var product = "tessera \(Tessera.version)"
    var gflop_per_s: [String: Double]
  }

  func run() throws {
    var best = 0.0
    for (m, n, k) in [(2048, 2048, 2048), (4096, 1536, 384), (4096, 384, 1536), (4096, 4096, 4096)] {
      var random = RandomSource(seed: 1)
      let a = Matrix(rows: m, columns: k, elements: ContiguousArray((0..<m * k).map { _ in random.nextUniform() }))
      let b = Matrix(rows: n, columns: k, elements: ContiguousArray((0..<n * k).map { _ in random.nextUniform() }))
      _ = matrixProduct(a, b, transposingRight: true)
      let start = ContinuousClock.now
      for _ in 0..<5 { _ = matrixProduct(a, b, transposingRight: true) }
      let seconds = start.duration(to: .now).inSeconds
      best = max(best, 5 * 2 * Double(m) * Double(n) * Double(k) / seconds / 1e9)
    }
    try Output.jsonLine(Figures(gflop_per_s: ["float32": (best * 10).rounded() / 10]))
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
