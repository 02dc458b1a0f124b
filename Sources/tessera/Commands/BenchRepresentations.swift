internal import ArgumentParser
internal import PipelineEngine

struct BenchRepresentations: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "representations",
    abstract: "Recall of held-out pairs by representation, for known and for new items, over seeds.",
    discussion: """
      The pipeline must have been run up to encode, and have the sections pairs, align and represent. One JSON line per \
      representation, protocol and seed.
      """)
  @OptionGroup var file: PipelineArgument
  @Option(help: "Seeds, counted from 1.") var seeds = 3
  @Option(help: "Share of the items that the cold protocol takes for new; 0 leaves it out.") var coldShare = 0.1
  @Option(
    parsing: .upToNextOption,
    help: "Lengths of untrained content beside the aligned vector; the pipeline's, or 0.5, where none is given.")
  var contentWeights: [Float] = []
  @Flag(help: "Quantize the representations too, and measure the codes.") var codes = false
  @Option(help: "Threads; 0 is all cores.") var threads = 0

  func validate() throws {
    guard (1...100).contains(seeds), (0...0.9).contains(coldShare), (0...1024).contains(threads) else {
      throw ValidationError("--seeds is from 1 to 100, --cold-share from 0 to 0.9, --threads from 0 to 1024")
    }
    guard contentWeights.allSatisfy({ $0 > 0 && $0 <= 100 }) else {
      throw ValidationError("--content-weights are above 0 and at most 100")
    }
  }

  func run() throws {
    RunThreads.set(threads)
    Interruption.watchSignals()
    let interruption = Interruption.current
    let study = try RepresentationStudy(try file.load(), contentWeights: contentWeights)
    for seed in 1...seeds {
      try study.run(
        seed: UInt64(seed), coldShare: coldShare, measuresCodes: codes, isCancelled: { interruption.isRequested },
        report: { try Output.jsonLine($0) }, reportCodes: { try Output.jsonLine($0) })
    }
  }
}
