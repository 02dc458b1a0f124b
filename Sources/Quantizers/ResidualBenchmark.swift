internal import Glibc
public import TensorMath

/// `tessera bench residual-kmeans`: times training and encoding, with the figures that FAISS's side prints.
public struct ResidualBenchmark: Sendable, Codable {
  public let peer: String
  public let rows: Int
  public let dimensions: Int
  public let levels: Int
  public let size: Int
  public let iterations: Int
  public let fitSeconds: Double
  public let encodeSeconds: Double

  /// Mean of `‖x − decode(encode(x))‖²`.
  public let meanSquaredError: Double

  /// Processor time of all threads, which other programs disturb less than the clock.
  public let processorSeconds: Double

  /// Largest resident size of the process so far, in bytes.
  public let peakBytes: Int
  public let threads: Int
  public let computePath: String

  enum CodingKeys: String, CodingKey {
    case peer, levels, size, iterations, threads
    case rows = "n"
    case dimensions = "d"
    case fitSeconds = "fit_s"
    case encodeSeconds = "encode_s"
    case meanSquaredError = "mse"
    case processorSeconds = "cpu_s"
    case peakBytes = "peak_bytes"
    case computePath = "compute"
  }

  /// Trains on all rows of `x` and encodes them. Iterations do not end early unless no assignment changes.
  public static func run(
    _ x: Matrix, levels: Int = 3, size: Int = 1024, iterations: Int = 20, seed: UInt64 = 1,
    method: ResidualQuantizer.Method = .kMeans
  ) throws(QuantizerError) -> ResidualBenchmark {
    let parameters = ResidualQuantizer.Parameters(
      method: method, sizes: Array(repeating: size, count: max(0, levels)), iterations: iterations, seed: seed,
      sampleLimit: max(1, x.rows))
    let clock = ContinuousClock()
    let processorStart = resourceUsage().processorSeconds
    let start = clock.now
    let trained = try ResidualQuantizer.train(x, parameters: parameters)
    let fitted = clock.now
    let encoding = try trained.quantizer.encode(x)
    let encoded = clock.now
    let usage = resourceUsage()
    return ResidualBenchmark(
      peer: "tessera", rows: x.rows, dimensions: x.columns, levels: levels, size: size, iterations: iterations,
      fitSeconds: (fitted - start) / .seconds(1), encodeSeconds: (encoded - fitted) / .seconds(1),
      meanSquaredError: encoding.meanSquaredError, processorSeconds: usage.processorSeconds - processorStart,
      peakBytes: usage.peakBytes, threads: Parallelism.threadCount, computePath: trained.quantizer.computePath)
  }
}

private func resourceUsage() -> (processorSeconds: Double, peakBytes: Int) {
  var usage = rusage()
  _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
  return (seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss * 1024)
}
